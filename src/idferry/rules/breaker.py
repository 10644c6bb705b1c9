"""When a legacy system that does not answer is left alone, and how hard it is worked at all.

Frozen values: every step gives the next state, and time is handed in as seconds. Nothing here calls or waits.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import assert_never

from idferry.rules.verdict import NoAnswer, Silence, Verdict

SILENCES_TO_OPEN = 5
OPEN_SECONDS_MIN = 10.0
OPEN_SECONDS_MAX = 60.0
OPENINGS_COUNTED_MAX = 10  # far beyond those that still lengthen the wait
RATE_PERIOD_SECONDS = 1.0


class Entry(Enum):
    """Whether a call may be made."""

    PASS = auto()
    PROBE = auto()
    """The one call that finds out whether the system answers again."""
    REFUSED = auto()


class Sign(Enum):
    """What a verdict says about the health of the system that gave it."""

    WELL = auto()
    ILL = auto()
    OVERLOADED = auto()
    NOTHING = auto()


def sign_of(verdict: Verdict) -> Sign:
    """An answer of any kind is a sign of health; a hash that we cannot check says nothing about anybody."""
    if not isinstance(verdict, NoAnswer):
        return Sign.WELL
    match verdict.silence:
        case Silence.UNREACHABLE | Silence.TIMED_OUT | Silence.UNEXPECTED:
            return Sign.ILL
        case Silence.THROTTLED:
            return Sign.OVERLOADED
        case Silence.BREAKER_OPEN | Silence.QUEUE_FULL | Silence.UNSUPPORTED | Silence.NOT_CONFIGURED:
            return Sign.NOTHING
        case other:
            assert_never(other)


@dataclass(frozen=True, slots=True)
class Breaker:
    """`silences` in a row so far; open until `open_until_s`, for the `openings`-th time in a row; `probing`: one asks."""

    silences: int = 0
    open_until_s: float | None = None
    openings: int = 0
    probing: bool = False

    def is_out(self, now_s: float) -> bool:
        """Whether a call that came now would be refused."""
        return self.enter(now_s)[0] is Entry.REFUSED

    def enter(self, now_s: float) -> "tuple[Entry, Breaker]":
        """Whether a call may be made now. A PROBE is told to `heard` or `withdrawn`, or nobody gets in any more."""
        if self.open_until_s is None:
            return Entry.PASS, self
        if self.probing or now_s < self.open_until_s:
            return Entry.REFUSED, self
        return Entry.PROBE, replace(self, probing=True)

    def withdrawn(self, entry: Entry) -> "Breaker":
        """The call was not made after all."""
        return replace(self, probing=False) if entry is Entry.PROBE else self

    def heard(self, entry: Entry, sign: Sign, now_s: float) -> "Breaker":
        """After a call that was let in as `entry`."""
        before = self.withdrawn(entry)
        match sign:
            case Sign.WELL:
                # Calls from before the opening come back late and prove only that it was slow.
                return Breaker() if entry is Entry.PROBE or before.open_until_s is None else before
            case Sign.NOTHING:
                return before
            case Sign.ILL | Sign.OVERLOADED:
                return _worse(before, entry, sign, now_s)
            case other:
                assert_never(other)


@dataclass(frozen=True, slots=True)
class CallRate:
    """At most `calls_max` calls in any second, wherever the second begins; 0: no limit. `left_s`: the last that left."""

    calls_max: int
    left_s: tuple[float, ...] = ()

    def wait_s(self, now_s: float) -> float:
        """How long the next call has to wait."""
        if not self.calls_max or len(self.left_s) < self.calls_max:
            return 0.0
        return max(0.0, self.left_s[0] + RATE_PERIOD_SECONDS - now_s)

    def leaving(self, at_s: float) -> "CallRate":
        """One leaves, or will leave, at this moment; moments are told in order."""
        if not self.calls_max:
            return self
        return replace(self, left_s=(*self.left_s, at_s)[-self.calls_max :])


def _worse(breaker: Breaker, entry: Entry, sign: Sign, now_s: float) -> Breaker:
    if breaker.open_until_s is not None and entry is not Entry.PROBE:
        return breaker
    silences = breaker.silences + 1
    if entry is Entry.PASS and sign is Sign.ILL and silences < SILENCES_TO_OPEN:
        return replace(breaker, silences=silences)
    seconds = min(OPEN_SECONDS_MIN * 2**breaker.openings, OPEN_SECONDS_MAX)
    return Breaker(silences, now_s + seconds, min(breaker.openings + 1, OPENINGS_COUNTED_MAX))
