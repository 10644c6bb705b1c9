"""How often one name may be tried, and what follows from it for the legacy system's own lock.

Pure: moments are handed in, as seconds since 1970. A *lane* is one count of guesses: so many are free, then each one
locks for twice as long as the one before. Three lanes protect a name: each address has one of its own, all addresses
together share one, and each address from which the person has signed in before has one that the others cannot use up.
What the lanes let through in the worst case is computed here, not estimated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from math import ceil, inf

import msgspec

FORWARDED_COUNTED_MAX = 2_000
"""More than any legacy lock lets through; counting ends here."""
_DOUBLINGS_MAX = 40


@dataclass(frozen=True, slots=True)
class LegacyLockout:
    """A legacy system locks somebody after `threshold` wrong passwords within `window`."""

    threshold: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Lane:
    """`attempts` are free; then a lock of `lock_s`, doubling up to `lock_s_max`, follows each. Durations in seconds.

    After `silence_s` beyond the end of a lock the free attempts are back: who is locked out cannot but be silent, so
    the lock itself is no silence. After `stop` attempts without a success nothing goes through until `rest_s` have
    passed since the last.
    """

    attempts: int = 5
    lock_s: float = 1.0
    lock_s_max: float = 900.0
    silence_s: float = 900.0
    stop: int = 100
    rest_s: float = 86_400.0

    def __post_init__(self) -> None:
        assert self.attempts >= 1  # noqa: S101  settings are checked where they are read
        assert self.stop >= 1  # noqa: S101  as above
        assert 0 < self.lock_s <= self.lock_s_max  # noqa: S101  as above
        assert self.rest_s >= self.lock_s_max + self.silence_s  # noqa: S101  a rest outlives every lock

    def lock_after(self, level: int) -> float:
        """How long the attempt that reached this level locks."""
        if level < self.attempts:
            return 0.0
        return min(self.lock_s * 2.0 ** min(level - self.attempts, _DOUBLINGS_MAX), self.lock_s_max)

    def opens_at(self, state: "LaneState") -> float:
        """When the next attempt may go through; in the past, or -inf, when it may now."""
        if state.streak >= self.stop:
            return state.last_at + self.rest_s
        lock = self.lock_after(state.level)
        return state.last_at + lock if lock else -inf

    def fresh(self, state: "LaneState", at: float) -> "LaneState":
        """The same lane at this moment: what silence and rest have ended is forgotten.

        A clock that was set back must not lock anybody for as long as it was wrong: an attempt of the future counts
        as one of now.
        """
        last_at = min(state.last_at, at)
        if at >= last_at + self.rest_s:
            return EMPTY
        is_silent = at >= last_at + self.lock_after(state.level) + self.silence_s
        return LaneState(0 if is_silent else state.level, state.streak, state.forgiven, last_at)


class LaneState(msgspec.Struct, frozen=True, gc=False):
    """What a lane remembers. `level`: attempts of this series; `streak`: attempts since the last success or rest.

    `forgiven`: attempts that were sent and yet given back, because nobody knows what became of them.
    """

    level: int = 0
    streak: int = 0
    forgiven: int = 0
    last_at: float = -inf

    def booked(self, at: float) -> "LaneState":
        """One more attempt."""
        return LaneState(self.level + 1, self.streak + 1, self.forgiven, at)

    def unsent(self) -> "LaneState":
        """One attempt less: it never left."""
        return LaneState(max(self.level - 1, 0), max(self.streak - 1, 0), self.forgiven, self.last_at)

    def aborted(self, forgiven_max: int) -> "LaneState":
        """One attempt less although it left, as long as there is something to forgive."""
        if self.forgiven >= forgiven_max:
            return self
        return LaneState(max(self.level - 1, 0), max(self.streak - 1, 0), self.forgiven + 1, self.last_at)


EMPTY = LaneState()


@dataclass(frozen=True, slots=True)
class Schedule:
    """The lanes of a name.

    `address`: of one address without an earlier success; `anywhere`: of all of these together; `known`: of each of
    the `known_addresses` at most from which the person signed in before. `forgiven`: how many attempts per lane are
    given back that were sent and never answered; without a bound a legacy system that hangs could be filled with
    guesses that nobody counts.
    """

    address: Lane = field(default_factory=lambda: Lane(stop=50))
    anywhere: Lane = field(default_factory=lambda: Lane(attempts=30, lock_s=60.0))
    known: Lane = field(default_factory=lambda: Lane(stop=50))
    known_addresses: int = 3
    forgiven: int = 3


def most_forwarded(schedule: Schedule, window: timedelta, *, addresses: int | None = None) -> int:
    """The most guesses at one name that can go through within any such window, both of its ends included.

    `addresses`: how many an attacker has, beside those that the person is known by; None: any number. A success ends
    the count, here as in legacy systems.
    """
    seconds = window.total_seconds()
    strangers = _lane_forwards(schedule.anywhere, schedule.forgiven, seconds)
    if addresses is not None:
        strangers = min(strangers, addresses * _lane_forwards(schedule.address, schedule.forgiven, seconds))
    known = schedule.known_addresses * _lane_forwards(schedule.known, schedule.forgiven, seconds)
    return strangers + known


def fits(schedule: Schedule, lockout: LegacyLockout, *, under_way: timedelta) -> bool:
    """Whether guesses through us can never lock anybody in the legacy system.

    `under_way`: how long an attempt may be on its way. Guesses booked over so much more than the window may arrive
    within it.
    """
    return most_forwarded(schedule, lockout.window + under_way) < lockout.threshold


def schedule_that_fits(lockout: LegacyLockout, *, under_way: timedelta) -> Schedule | None:
    """The most patient schedule we know whose guesses never lock anybody in the legacy system; None: there is none."""
    seconds = (lockout.window + under_way).total_seconds()
    for strangers_min in (10, 5, 3, 1):
        for extras in _EXTRAS:
            found = _largest(lockout, extras, seconds)
            if found and found.anywhere.attempts >= strangers_min:
                return found
    return _stopped_early(lockout, seconds)


# Known addresses, free attempts of each, and forgiven ones: the most generous first.
_EXTRAS = ((3, 3, 3), (2, 3, 2), (2, 2, 1), (1, 2, 1), (1, 1, 1), (1, 1, 0), (0, 1, 0))
_ANYWHERE_MAX = 30
_ADDRESS_MAX = 5
_LOCK_S_MAX = 900.0


def _largest(lockout: LegacyLockout, extras: tuple[int, int, int], seconds: float) -> Schedule | None:
    """The schedule with these extras and the most free attempts from anywhere that the legacy lock leaves room for."""
    known_addresses, known_attempts, forgiven = extras
    known = _patient_lane(known_attempts, seconds)
    spent = known_addresses * _lane_forwards(known, forgiven, seconds)
    for attempts in range(_ANYWHERE_MAX, 0, -1):
        anywhere = _patient_lane(attempts, seconds)
        if spent + _lane_forwards(anywhere, forgiven, seconds) < lockout.threshold:
            return Schedule(_address_lane(anywhere), anywhere, known, known_addresses, forgiven)
    return None


def _patient_lane(attempts: int, seconds: float) -> Lane:
    """Free attempts, then one each quarter of an hour; they come back after a silence longer than the legacy window.

    A shorter silence would let them come back twice within it, and so leave room for half as many.
    """
    silence_s = max(_LOCK_S_MAX, float(ceil(seconds) + 1))
    rest_s = max(86_400.0, silence_s + _LOCK_S_MAX)
    return Lane(attempts=attempts, lock_s=_LOCK_S_MAX, silence_s=silence_s, rest_s=rest_s)


def _address_lane(anywhere: Lane) -> Lane:
    """One address gets less than all together, so that one attacker leaves something to everybody else."""
    attempts = min(_ADDRESS_MAX, max(1, anywhere.attempts - 2))
    return replace(anywhere, attempts=attempts, lock_s=_LOCK_S_MAX, stop=max(1, anywhere.stop // 2))


def _stopped_early(lockout: LegacyLockout, seconds: float) -> Schedule | None:
    """Where even one attempt each 15 minutes is too often: so many, and then none until the window has passed."""
    if lockout.threshold < 2:  # a system that locks after the first wrong password takes none of ours
        return None
    room = lockout.threshold - 1
    known_addresses = 1 if room >= _STOP_WITH_KNOWN_MIN else 0
    rest_s = max(86_400.0, 2 * seconds)
    stop = room - known_addresses
    anywhere = Lane(attempts=min(_ADDRESS_MAX, stop), lock_s=60.0, stop=stop, rest_s=rest_s)
    known = Lane(attempts=1, lock_s=_LOCK_S_MAX, stop=1, rest_s=rest_s)
    return Schedule(_address_lane(anywhere), anywhere, known, known_addresses, forgiven=0)


_STOP_WITH_KNOWN_MIN = 4


@cache
def _lane_forwards(lane: Lane, forgiven: int, seconds: float) -> int:
    """The most that one lane lets through within so many seconds, those included that are forgiven once per rest."""
    counted = sum(1 for _ in _within(_earliest(lane), seconds))
    return counted + forgiven * (1 + int(seconds // lane.rest_s))


def _within(moments: Iterator[float], seconds: float) -> Iterator[float]:
    for number, moment in enumerate(moments):
        if moment > seconds or number >= FORWARDED_COUNTED_MAX:
            return
        yield moment


def _earliest(lane: Lane) -> Iterator[float]:
    """For 1, 2, 3 ... attempts: the seconds after which so many can have gone through, whoever waits how long between.

    Waiting can pay, because silence brings the free attempts back. So the earliest moment of `n` attempts is the
    least over where the last rest ended, and within it over where the last silence did.
    """
    in_streak = _in_streak(lane)
    begins = [0.0]  # of a streak, after so many attempts
    while True:
        done = len(begins)
        shares = range(1, min(done, lane.stop) + 1)
        yield min(begins[done - share] + in_streak[share] for share in shares)
        begins.append(min(begins[done - share] + in_streak[share] + lane.rest_s for share in shares))


def _in_streak(lane: Lane) -> list[float]:
    """For 0 ... `stop` attempts without a rest between them: the seconds from the first to the last of them."""
    most = min(lane.stop, FORWARDED_COUNTED_MAX)
    series = [0.0, 0.0]  # for so many attempts without a silence
    while len(series) <= most:
        series.append(series[-1] + lane.lock_after(len(series) - 1))
    begins = [0.0]  # of a series, after so many attempts
    moments = [0.0]
    for done in range(1, most + 1):
        shares = range(1, done + 1)
        moments.append(min(begins[done - share] + series[share] for share in shares))
        silent = (
            begins[done - share] + series[share] + lane.lock_after(share) + lane.silence_s for share in shares
        )
        begins.append(min(silent))
    return moments
