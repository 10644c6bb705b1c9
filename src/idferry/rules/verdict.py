"""What a verifier says about one password: the five answers that every flow tells apart.

An outage is never "wrong password", and a code that does not prove the password is never a match. Nothing here holds a
password, and no answer carries text of the legacy system.
"""

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """What the legacy system demanded beside a right password."""

    NONE = "none"
    MUST_CHANGE = "must_change"
    SECOND_FACTOR = "second_factor"


@dataclass(frozen=True, slots=True)
class Match:
    """The password is right."""

    condition: Condition = Condition.NONE


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The password is wrong, or nothing proves that it is right."""


@dataclass(frozen=True, slots=True)
class NoSuchUser:
    """The legacy system knows nobody of this name."""


@dataclass(frozen=True, slots=True)
class Barred:
    """Disabled, closed or locked there. `proven`: the legacy system said so after it had seen that the password is right."""

    proven: bool


class Silence(StrEnum):
    """Why there is no answer."""

    UNREACHABLE = "unreachable"
    """No connection, or none that can be trusted."""
    TIMED_OUT = "timed_out"
    THROTTLED = "throttled"
    """The legacy system refuses calls for a while."""
    BREAKER_OPEN = "breaker_open"
    QUEUE_FULL = "queue_full"
    UNEXPECTED = "unexpected"
    """An answer that its documentation does not explain."""
    UNSUPPORTED = "unsupported"
    """A hash or a setting that we cannot check; the log names it."""
    NOT_CONFIGURED = "not_configured"
    """No verifier is responsible for this person."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nobody can tell. `reached`: the legacy system may have seen the password, so the attempt was spent there."""

    silence: Silence
    reached: bool


Verdict = Match | Mismatch | NoSuchUser | Barred | NoAnswer
