"""People and attackers before a legacy system that locks, with the real guard and the real submissions between them.

Time is made up: whoever arrives does so at a moment, the legacy system answers some seconds later, and events happen in
the order of their moments. What the legacy system has counted is the oracle, never what the guard says.
"""

import hmac
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush
from itertools import count

from tests.support.any_guard import AnyGuard, later

from idferry.ports.sign_ins import (
    Booking,
    CheckResult,
    Crowded,
    Follower,
    Leader,
    NonceReused,
    Settlement,
)
from idferry.rules.lockout import LegacyLockout
from idferry.rules.password import Password
from idferry.rules.submission import Submission, b2c_submission, password_mark
from idferry.rules.verdict import Match, Mismatch, NoAnswer, Silence
from idferry.stores.submissions import RunningSubmissions

ABORT_S = 10.0
RIGHT = "the right password"


@dataclass
class LegacySystem:
    """Locks a name after so many failures within a window, and counts whatever reaches it."""

    lockout: LegacyLockout | None = None
    failures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[float, str]] = field(default_factory=list)
    worst: int = 0

    def check(self, name: str, password: str, at_s: float) -> bool:
        """Whether the password is right; a right one ends the count."""
        self.calls.append((at_s, name))
        if password == RIGHT:
            self.failures[name].clear()
            return True
        failed = self.failures[name]
        failed.append(at_s)
        if self.lockout:
            begin = at_s - self.lockout.window.total_seconds()
            self.worst = max(self.worst, len(failed) - bisect_left(failed, begin))
        return False

    @property
    def has_locked(self) -> bool:
        """Whether anybody was ever locked."""
        return self.lockout is not None and self.worst >= self.lockout.threshold


@dataclass
class Stage:
    """Everything together. `takes`: how many seconds the legacy system needs, for each call."""

    guard: AnyGuard
    legacy: LegacySystem = field(default_factory=LegacySystem)
    takes: Callable[[], float] = lambda: 0.2
    calls_at_once_max: int = 1_000_000
    submissions: RunningSubmissions = field(default_factory=RunningSubmissions)
    said: list[CheckResult | None] = field(default_factory=list)
    under_way: int = 0
    events: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)

    def at(self, at_s: float, event: Callable[[float], None]) -> None:
        """Let something happen at a moment."""
        heappush(self.events, (at_s, next(self.numbers), event))

    def play(self) -> None:
        """Everything in its order."""
        while self.events:
            at_s, _, event = heappop(self.events)
            event(at_s)

    def arrive(self, at_s: float, name: str, password: str, address: str, *, ident: str = "") -> "Said":
        """Somebody presses the button at this moment."""
        said = Said()
        mark = password_mark(Password(password), person=name, keyed=_keyed)
        submission = b2c_submission(correlation_id=ident, person=name, mark=mark, at=later(at_s))
        self.at(at_s, lambda now: self._begin(now, submission, password, address, said))
        return said

    def submit(self, at_s: float, submission: Submission, password: str, address: str = "") -> "Said":
        """The same with a submission of one's own, such as a retry."""
        said = Said()
        self.at(at_s, lambda now: self._begin(now, submission, password, address, said))
        return said

    def _begin(self, now: float, submission: Submission, password: str, address: str, said: "Said") -> None:
        joined = self.submissions.join(submission, at=later(now))
        match joined:
            case NonceReused():
                said.conflict = True
            case Crowded():
                said.hear(NoAnswer(Silence.QUEUE_FULL, reached=False))
            case Follower(result):
                result.add_done_callback(lambda done: said.hear(done.result()))
            case Leader():
                self._lead(now, submission, password, address, said)

    def _lead(self, now: float, submission: Submission, password: str, address: str, said: "Said") -> None:
        def settle(at_s: float, settlement: Settlement | None, result: CheckResult) -> None:
            if settlement:
                self.guard.settle(booked.ticket, settlement, at=later(at_s))
            self.submissions.settle(submission, result, at=later(at_s))
            said.hear(result)

        booked = self.guard.book(name_key=submission.person, address=address, at=later(now))
        if booked.booking is not Booking.BOOKED:
            settle(now, None, booked.booking)
            return
        if self.under_way >= self.calls_at_once_max:
            settle(now, Settlement.NEVER_SENT, NoAnswer(Silence.QUEUE_FULL, reached=False))
            return
        self.under_way += 1
        takes = self.takes()

        def answered(at_s: float) -> None:
            self.under_way -= 1
            # The legacy system counts when it answers, also where nobody waits any more.
            right = self.legacy.check(submission.person, password, at_s)
            if takes <= ABORT_S:
                settle(at_s, *((Settlement.MATCHED, Match()) if right else (Settlement.FAILED, Mismatch())))

        def aborted(at_s: float) -> None:
            settle(at_s, Settlement.ABORTED, NoAnswer(Silence.TIMED_OUT, reached=True))

        self.at(now + takes, answered)
        if takes > ABORT_S:
            self.at(now + ABORT_S, aborted)


@dataclass
class Said:
    """What one press of the button came to; None until it is known."""

    result: CheckResult | None = None
    conflict: bool = False

    def hear(self, result: CheckResult) -> None:
        self.result = result


def _keyed(text: bytes) -> bytes:
    return hmac.digest(b"a key of this test", text, "sha256")


def most_within(moments: list[float], window: timedelta) -> int:
    """The most of these, which are in order, within any such window."""
    seconds, most, first = window.total_seconds(), 0, 0
    for last, moment in enumerate(moments):
        while moment - moments[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
