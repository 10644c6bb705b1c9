"""When the next call to Microsoft Graph may leave, for all threads that send: one gate for all applications.

What is believed and who is held back is decided in `traffic`; here threads ask for it and wait by the Clock. Nothing
here sends anything, and no lock is held while anybody waits.
"""

import threading
from concurrent.futures import Future
from math import inf

from idferry.errors import Stopped
from idferry.graph.costs import FREE, Cost
from idferry.graph.machine import Machine, Pauses
from idferry.graph.traffic import NotSent, Ticket, Traffic, Verdict, Wait
from idferry.rules.quota import HeldBy, Pace

# Then whoever waits for an allowance looks again: what is believed may have changed.
PACING_SECONDS_MAX = 10.0
# A shorter wait may be too short for a sum of fractions to change: nobody would ever go on.
PACING_SECONDS_MIN = 0.001
# Then whoever waits for somebody else's answer, or for the tenant, looks again, though nobody told.
ANSWER_SECONDS_MAX = 60.0


class Gate:
    """Lets calls pass. Each `enter` is followed by one `report`, whatever happens to the call."""

    def __init__(self, machine: Machine, traffic: Traffic) -> None:
        self._clock = machine.clock
        self._traffic = traffic
        self._lock = threading.Lock()
        self._heard: Future[None] | None = None

    def enter(
        self, cost: Cost, *, pauses: Pauses, only: int | None = None, leave_by_s: float = inf
    ) -> Ticket:
        """Wait until a call of this cost may leave, by any application or by this `only` one.

        `leave_by_s`: a moment of the clock's `elapsed`; a call that cannot leave before it never does.

        Raises:
            Stopped: the pauses were closed, or it is too late.
        """
        while True:
            pauses.check()
            with self._lock:
                left_s = leave_by_s - self._clock.elapsed()
                if left_s <= 0:
                    raise _too_late()
                found = self._traffic.enter(cost, now_s=self._clock.elapsed(), only=only)
                if isinstance(found, Ticket):
                    return found
                if found.seconds is not None and found.seconds > left_s and not found.listens:
                    raise _too_late()  # whoever waits would keep a thread from those who are in time
                heard = self._next_report() if found.listens else None
            pauses.rest(min(rest_seconds(found), left_s), unless=heard)

    def is_open(self, ticket: Ticket) -> bool:
        """Whether the call may still leave. If not, report that it did not and enter again."""
        return self._traffic.is_open(ticket, now_s=self._clock.elapsed())

    def report(self, ticket: Ticket, verdict: Verdict, *, spent: Cost = FREE) -> None:
        """Say how the call went that this ticket let pass, and what of its cost was accepted."""
        with self._lock:
            self._traffic.report(ticket, verdict, spent=spent, now_s=self._clock.elapsed())
            heard, self._heard = self._heard, None
        if heard:
            heard.set_result(None)

    def give_back(self, ticket: Ticket) -> None:
        """The call did not leave."""
        self.report(ticket, NotSent())

    def pace(self, cost: Cost | None = None) -> Pace:
        """How fast people may be created from now on; or changed, where a call for one of them has this cost."""
        with self._lock:
            return self._traffic.pace(self._clock.elapsed(), cost=cost)

    def _next_report(self) -> "Future[None]":
        """Done when some call is reported; to be taken under the lock, so that no report is missed."""
        if self._heard is None:
            self._heard = Future()
        return self._heard


def rest_seconds(wait: Wait) -> float:
    """How long whoever waits rests at most before looking again; where the wait `listens`, an answer ends it too."""
    if wait.seconds is None:
        return ANSWER_SECONDS_MAX
    longest_s = ANSWER_SECONDS_MAX if wait.held_by is HeldBy.TENANT else PACING_SECONDS_MAX
    return max(min(wait.seconds, longest_s), PACING_SECONDS_MIN)


def _too_late() -> Stopped:
    return Stopped("the call could not leave before its deadline")
