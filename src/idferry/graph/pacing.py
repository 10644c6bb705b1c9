"""When the next call to Microsoft Graph may leave: one gate for all senders of an application.

A tenant that answers 429 holds back every sender, not only the one that heard it, because calls made meanwhile still
count (https://learn.microsoft.com/graph/throttling). While the directory fails, one call at a time tries whether it
is back. Nothing here sends anything, and no quota is known here.
"""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from idferry.graph.machine import WAIT_SLICE_SECONDS, Machine

# Between two looks at what the directory shows late.
LOOK_AGAIN_SECONDS_FIRST = 1.0
LOOK_AGAIN_SECONDS_MAX = 15.0
BACKOFF_SECONDS_FIRST = 1.0
BACKOFF_SECONDS_MAX = 30.0
# The longest allowance that is documented spans 300 s; a longer wait is believed up to an hour.
RETRY_AFTER_SECONDS_MAX = 3600.0


@dataclass(frozen=True, slots=True)
class Passed:
    """The directory answered at least one call as it should."""


@dataclass(frozen=True, slots=True)
class Stumbled:
    """The directory failed, or did not answer. `retry_after_s`: how long it asked to be left alone."""

    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The tenant said 429. `some_passed`: other calls of the same batch went through."""

    retry_after_s: float | None = None
    some_passed: bool = False


Verdict = Passed | Stumbled | HeldBack


def retry_after_seconds(text: str | None, *, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for: an integer, a decimal or an HTTP date; None if it is neither.

    None as well for a moment that has passed: one of the two clocks is wrong, and calling at once helps nobody.
    Decimals were seen inside batches: https://github.com/microsoftgraph/microsoft-graph-docs/issues/3877
    """
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, now=now)
    return min(seconds, RETRY_AFTER_SECONDS_MAX) if seconds > 0 else None


def backoff_seconds(failures_in_a_row: int, *, jitter: float) -> float:
    """How long to wait after so many failures: doubling, and between a half and the whole of it by `jitter` (0..1)."""
    whole = min(BACKOFF_SECONDS_FIRST * 2.0 ** min(failures_in_a_row - 1, 30), BACKOFF_SECONDS_MAX)
    return whole * (0.5 + jitter / 2)


def _seconds_until(text: str, *, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(text)
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError, TypeError):
        return float("nan")


class Gate:
    """Lets calls pass. Each `enter` is followed by one `report`, whatever happens to the call."""

    def __init__(self, machine: Machine) -> None:
        self._clock = machine.clock
        self._pauses = machine.pauses
        self._jitter = machine.jitter
        self._state = threading.Condition()
        self._opens_at_s = self._clock.elapsed()
        self._failures_in_a_row = 0
        self._under_way = 0
        self._entered = 0
        self._changed_at_entry = 0

    def enter(self) -> int:
        """Wait until a call may leave; the ticket to report with. Raises Stopped when closed."""
        while True:
            self._pauses.check()
            with self._state:
                wait_s = self._opens_at_s - self._clock.elapsed()
                if wait_s <= 0 and not (self._failures_in_a_row and self._under_way):
                    self._under_way += 1
                    self._entered += 1
                    return self._entered
                if wait_s <= 0:
                    # Somebody else is trying whether the directory is back; his report wakes us.
                    self._state.wait(WAIT_SLICE_SECONDS)
                    continue
            self._pauses.rest(wait_s)

    def report(self, ticket: int, verdict: Verdict) -> None:
        """Say how the call went that this ticket let pass."""
        with self._state:
            self._under_way -= 1
            match verdict:
                case Passed():
                    self._failures_in_a_row = 0
                case Stumbled(retry_after_s):
                    self._hold(ticket, retry_after_s)
                case HeldBack(retry_after_s, some_passed):
                    if some_passed:
                        self._failures_in_a_row = 0
                    self._hold(ticket, retry_after_s)
                    if retry_after_s is not None:
                        self._failures_in_a_row = 0
            self._state.notify_all()

    def waiting_seconds(self) -> float:
        """How long nobody may pass from now; 0 when the gate is open."""
        return max(self._opens_at_s - self._clock.elapsed(), 0.0)

    def _hold(self, ticket: int, retry_after_s: float | None) -> None:
        # Calls that were already under way when the first failure was heard tell nothing new.
        if ticket > self._changed_at_entry:
            self._failures_in_a_row += 1
            self._changed_at_entry = self._entered
        wait_s = retry_after_s
        if wait_s is None:
            wait_s = backoff_seconds(max(self._failures_in_a_row, 1), jitter=self._jitter())
        self._opens_at_s = max(self._opens_at_s, self._clock.elapsed() + wait_s)
