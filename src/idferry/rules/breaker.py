"""When a legacy system that does not answer is left alone, and how hard it is worked at all.

What somebody types may provoke an answer that nobody understands: an error for a very long password, say. Such answers
alone never shut the door for everybody else. A witness is asked then, a question of our own about nobody: only where
that gets no proper answer either, the system is out. One that cannot be reached, or is silent, is out without that.

Frozen values: every step gives the next state, and time is handed in as seconds. Nothing here calls or waits.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import assert_never

from idferry.rules.verdict import NoAnswer, Silence, Verdict

SILENCES_TO_OPEN = 5
ODDITIES_TO_DOUBT = 5
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
    ODD = auto()
    """It has answered, in a way that may be due to what was asked."""
    OVERLOADED = auto()
    NOTHING = auto()


def sign_of(verdict: Verdict) -> Sign:
    """An answer of any kind is a sign of health; a hash that we cannot check says nothing about anybody."""
    if not isinstance(verdict, NoAnswer):
        return Sign.WELL
    match verdict.silence:
        case Silence.UNREACHABLE:
            return Sign.ODD if verdict.reached else Sign.ILL
        case Silence.UNEXPECTED:
            return Sign.ODD
        case Silence.TIMED_OUT:
            return Sign.ILL
        case Silence.THROTTLED:
            return Sign.OVERLOADED
        case Silence.BREAKER_OPEN | Silence.QUEUE_FULL | Silence.UNSUPPORTED | Silence.NOT_CONFIGURED:
            return Sign.NOTHING
        case other:
            assert_never(other)


@dataclass(frozen=True, slots=True)
class Breaker:
    """`silences` and `oddities` in a row so far; open until `open_until_s`, for the `openings`-th time in a row.

    `probing`: one asks. `doubted`: a witness is to be asked; `witnessing`: it is.
    """

    silences: int = 0
    oddities: int = 0
    open_until_s: float | None = None
    openings: int = 0
    probing: bool = False
    doubted: bool = False
    witnessing: bool = False

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
                is_over = entry is Entry.PROBE or before.open_until_s is None
                return Breaker(witnessing=self.witnessing) if is_over else before
            case Sign.NOTHING:
                return before
            case Sign.ODD:
                return _odder(self, entry)
            case Sign.ILL | Sign.OVERLOADED:
                return _worse(before, entry, sign, now_s)
            case other:
                assert_never(other)

    def sending_witness(self) -> "tuple[bool, Breaker]":
        """Whether the witness is to be asked now, by whoever asks; what it hears is told to `witnessed`."""
        if not self.doubted or self.witnessing:
            return False, self
        return True, replace(self, doubted=False, witnessing=True)

    def witnessed(self, sign: Sign, now_s: float) -> "Breaker":
        """What the witness has heard: the odd answers were due to what was asked, or the system is out."""
        before = replace(self, witnessing=False, probing=False)
        match sign:
            case Sign.WELL:
                return Breaker()
            case Sign.NOTHING:  # it was never asked: the next odd answer sends another one
                return replace(before, oddities=ODDITIES_TO_DOUBT - 1)
            case Sign.ODD | Sign.ILL | Sign.OVERLOADED:
                return _opened(before, now_s)
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
    return _opened(replace(breaker, silences=silences), now_s)


def _odder(breaker: Breaker, entry: Entry) -> Breaker:
    """A probe goes on until the witness has spoken: an odd answer closes nothing and opens nothing."""
    if breaker.open_until_s is not None and entry is not Entry.PROBE:
        return breaker
    oddities = breaker.oddities + 1
    is_enough = oddities >= ODDITIES_TO_DOUBT or entry is Entry.PROBE
    return replace(breaker, oddities=oddities, doubted=is_enough and not breaker.witnessing)


def _opened(breaker: Breaker, now_s: float) -> Breaker:
    seconds = min(OPEN_SECONDS_MIN * 2**breaker.openings, OPEN_SECONDS_MAX)
    return replace(
        breaker,
        oddities=0,
        open_until_s=now_s + seconds,
        openings=min(breaker.openings + 1, OPENINGS_COUNTED_MAX),
        probing=False,
        doubted=False,
    )
