"""Which submissions are being checked at this moment, and what came of the last ones. In memory only.

It must not know passwords: `rules.submission` gives it 32 bits of a keyed digest, and they go with the submission.
"""

import threading
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from idferry.ports.sign_ins import CheckResult, Crowded, Follower, Joined, Leader, NonceReused
from idferry.rules.attempts import Booking
from idferry.rules.submission import LATE_MATCH_KEPT, Submission, is_remembered, is_wrong_again
from idferry.rules.verdict import Match, NoAnswer, Silence, Verdict

REMEMBERED_MAX = 20_000
"""Verdicts and nonces each; a verdict costs somebody an attempt, so that nobody fills this at will."""
RUNNING_MAX = 2_000
"""More than threads that serve and calls that outlive them; what leads beyond it is told to try again."""
FOLLOWERS_OF_ONE_MAX = 8
"""More than the retries of any front and an impatient finger; each one keeps a thread that somebody else could use."""
FOLLOWERS_MAX = 64
RUNNING_FOR_MAX = timedelta(seconds=60)
"""Longer than any verifier may take: whoever leads a submission for so long has died."""

Value = TypeVar("Value")

_DIED = NoAnswer(Silence.TIMED_OUT, reached=True)


@dataclass(slots=True)
class _Check:
    """One check that is under way since `begun`, and how many wait for it, from however many pages."""

    of_password: Hashable
    begun: datetime
    result: "Future[CheckResult]" = field(default_factory=Future)
    followers: int = 0


class RunningSubmissions:
    """The port Submissions; any number of threads may use it. `followers_max`: how many may wait for all checks together."""

    def __init__(self, *, followers_max: int = FOLLOWERS_MAX) -> None:
        self._lock = threading.Lock()
        self._followers_left = followers_max
        self._running: dict[Hashable, _Check] = {}
        self._of_passwords: dict[Hashable, _Check] = {}
        self._verdicts = _Remembered[Verdict]()
        self._nonces = _Remembered[tuple[str, int]]()

    def join(self, submission: Submission, *, at: datetime) -> Joined:
        """Take part in a submission. Whoever leads one must settle it."""
        key = _key(submission)
        with self._lock:
            self._forget(at)
            if self._is_nonce_of_another(submission, at=at):
                return NonceReused()
            verdict = self._verdicts.get(key) or self._verdicts.get(_password(submission))
            if verdict is not None:
                return Follower(_done(verdict))
            check = self._running.get(key) or self._of_passwords.get(_typed(submission))
            if check is not None:
                return self._follow(check)
            if len(self._running) >= RUNNING_MAX:
                return Crowded()
            check = _Check(_typed(submission), at)
            self._running[key] = self._of_passwords[check.of_password] = check
            return Leader()

    def settle(
        self, submission: Submission, result: CheckResult, *, at: datetime, late: bool = False
    ) -> None:
        """What came of it: everybody who waits hears it, and verdicts are remembered. The first settlement counts."""
        with self._lock:
            check = self._taken_out(_key(submission))
            if check is None:
                return
            if not isinstance(result, Booking):
                self._remember(submission, result, at=at, late=late)
        check.result.set_result(result)

    def _follow(self, check: _Check) -> Follower | Crowded:
        if check.followers >= FOLLOWERS_OF_ONE_MAX or not self._followers_left:
            return Crowded()
        check.followers += 1
        self._followers_left -= 1
        return Follower(check.result)

    def _taken_out(self, key: Hashable) -> _Check | None:
        """A check that is over: those who waited for it make room for others."""
        check = self._running.pop(key, None)
        if check is not None:
            del self._of_passwords[check.of_password]
            self._followers_left += check.followers
        return check

    def _remember(self, submission: Submission, verdict: Verdict, *, at: datetime, late: bool) -> None:
        if is_remembered(verdict):
            self._verdicts.put(_key(submission), verdict, submission.remembered_until)
        if is_wrong_again(verdict):
            self._verdicts.put(_password(submission), verdict, submission.remembered_until)
        if late and isinstance(verdict, Match):
            self._verdicts.put(_password(submission), verdict, at + LATE_MATCH_KEPT)

    def _is_nonce_of_another(self, submission: Submission, *, at: datetime) -> bool:
        if not submission.nonce:
            return False
        whose = (submission.person, submission.mark)
        first = self._nonces.get(submission.nonce)
        if first is None and submission.remembered_until > at:
            self._nonces.put(submission.nonce, whose, submission.remembered_until)
        return first not in (None, whose)

    def _forget(self, at: datetime) -> None:
        self._verdicts.forget(at)
        self._nonces.forget(at)
        # Insertion is in order of time, so that the oldest stand first.
        while self._running:
            key, check = next(iter(self._running.items()))
            if at - check.begun <= RUNNING_FOR_MAX:
                return
            self._taken_out(key)
            check.result.set_result(_DIED)


class _Remembered(Generic[Value]):
    """Values with an end; beyond REMEMBERED_MAX the oldest makes room. Ends of values that are gone are swept out."""

    def __init__(self) -> None:
        self._values: dict[Hashable, tuple[Value, datetime]] = {}
        self._ends: list[tuple[datetime, int, Hashable]] = []
        self._numbers = count()  # two ends at the same moment are told apart, and keys are never compared

    def get(self, key: Hashable) -> Value | None:
        found = self._values.get(key)
        return found[0] if found else None

    def put(self, key: Hashable, value: Value, until: datetime) -> None:
        self._values.pop(key, None)  # it becomes the youngest
        self._values[key] = (value, until)
        heappush(self._ends, (until, next(self._numbers), key))
        if len(self._values) > REMEMBERED_MAX:
            del self._values[next(iter(self._values))]
        if len(self._ends) > 2 * REMEMBERED_MAX:
            self._ends = [(until, next(self._numbers), key) for key, (_, until) in self._values.items()]
            heapify(self._ends)

    def forget(self, at: datetime) -> None:
        while self._ends and self._ends[0][0] <= at:
            until, _, key = heappop(self._ends)
            if key in self._values and self._values[key][1] == until:
                del self._values[key]


def _key(submission: Submission) -> Hashable:
    return (submission.front, submission.ident, submission.person, submission.mark)


def _password(submission: Submission) -> Hashable:
    return (submission.person, submission.mark)


def _typed(submission: Submission) -> Hashable:
    return (submission.front, submission.person, submission.mark)


def _done(result: CheckResult) -> "Future[CheckResult]":
    done: Future[CheckResult] = Future()
    done.set_result(result)
    return done
