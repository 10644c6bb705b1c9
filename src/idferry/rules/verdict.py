"""What a verifier says about one password: the five answers that every flow tells apart.

An outage is never "wrong password", and a code that does not prove the password is never a match. Nothing here holds a
password, and no answer carries text of the legacy system.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


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


@dataclass(frozen=True, slots=True)
class CodeMeaning:
    """One row of a verifier's code table: what a code of the legacy system proves, and what it says in words of ours."""

    verdict: Verdict
    meaning: str


_ANSWERS: dict[str, Verdict] = {
    "match": Match(),
    "match_must_change": Match(Condition.MUST_CHANGE),
    "match_second_factor": Match(Condition.SECOND_FACTOR),
    "mismatch": Mismatch(),
    "no_such_user": NoSuchUser(),
    "barred": Barred(proven=False),
    "barred_proven": Barred(proven=True),
}
_SILENCES: dict[str, Verdict] = {
    f"no_answer_{silence}": NoAnswer(silence, reached=True) for silence in Silence
}
VERDICT_NAMES: Mapping[str, Verdict] = MappingProxyType(_ANSWERS | _SILENCES)
"""Name -> verdict, for settings, tables and reports. A silence stands for one that may have reached somebody."""


def verdict_name(verdict: Verdict) -> str:
    """What settings, tables and reports call a verdict."""
    if isinstance(verdict, NoAnswer):
        return f"no_answer_{verdict.silence}"
    return next(name for name, one in VERDICT_NAMES.items() if one == verdict)
