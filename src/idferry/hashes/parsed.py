"""What comes of reading a stored hash: something that checks passwords, or the reason why there is nothing to check with.

Nothing here quotes a stored value or a password: reasons reach reports and logs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from idferry.hashes.preparation import Preparation
from idferry.rules.password import Password

PASSWORD_CHARACTERS_MAX = 4_096
"""Nobody types a longer one; some schemes take time for each character."""

Check = Callable[[bytes, str], bool]
"""Whether these bytes are the password; the text is the user name as it was hashed."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """The value is not what its scheme writes."""

    reason: str


class Lacking(StrEnum):
    """Why a hash cannot be checked although nothing may be wrong with it."""

    UNKNOWN = "unknown"
    """No scheme that we know begins like this, and the configuration names none."""
    NOT_BUILT = "not_built"
    """We know the scheme and do not check it."""
    LIBRARY = "library"
    """It needs a library that is not installed."""
    NO_PASSWORD = "no_password"
    """The value says that there is no password."""
    OVER_BOUNDS = "over_bounds"
    """It would take more time or memory than we allow."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Nobody here can check it; `reason` says why, as a sentence without its full stop."""

    reason: str
    lacking: Lacking = Lacking.NOT_BUILT


@dataclass(frozen=True, slots=True)
class BoundsExceeded(Unsupported):
    """A cost parameter is beyond what we are willing to spend on one sign-in."""

    what: str = ""
    asked: int = 0
    allowed: int = 0

    @classmethod
    def of(cls, what: str, *, asked: int, allowed: int) -> "BoundsExceeded":
        """The refusal of one parameter."""
        return cls(
            f"{what} is {asked:,}, and at most {allowed:,} is allowed",
            Lacking.OVER_BOUNDS,
            what,
            asked,
            allowed,
        )


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several schemes write values like this: the configuration must name one of these candidates."""

    candidates: tuple[str, ...]

    @property
    def reason(self) -> str:
        """What to tell people."""
        return f"several schemes look like this ({', '.join(self.candidates)}): name one"


class Refusal(Exception):
    """How deep readers give up; `reading.parse` turns it into the value it carries, so it never leaves the package."""

    def __init__(self, outcome: Malformed | Unsupported) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def malformed(reason: str) -> Refusal:
    """The refusal of a value that its scheme does not write."""
    return Refusal(Malformed(reason))


def unsupported(reason: str, lacking: Lacking = Lacking.NOT_BUILT) -> Refusal:
    """The refusal of a value that we cannot check."""
    return Refusal(Unsupported(reason, lacking))


@dataclass(frozen=True, slots=True)
class Checker:
    """What a scheme's reader gives: its cost in its own words, the check itself, and the memory that it takes."""

    cost: str
    check: Check
    memory_kib: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Hash:
    """A stored hash that was read, is within bounds, and checks passwords.

    `cost` is the same for hashes of a scheme that take the same time: what a forecast measures once. `memory_kib` is
    what one check takes as long as it runs, where that is much.
    """

    scheme: str
    cost: str
    check: Check
    preparation: Preparation
    memory_kib: int = 0

    def verify(self, password: Password, hashed_name: str = "") -> bool:
        """Whether this password was hashed. `hashed_name`: the user name, where the scheme mixes it in.

        Raises:
            MemoryError: the machine has not the memory that the scheme takes. Anything else is an answer.
        """
        return password.reveal_to(lambda text: self._opens(text, hashed_name))

    def _opens(self, text: str, hashed_name: str) -> bool:
        if len(text) > PASSWORD_CHARACTERS_MAX:
            return False
        return any(self.check(one, hashed_name) for one in self.preparation.of(text))

    def __repr__(self) -> str:
        return f"Hash(scheme={self.scheme!r}, cost={self.cost!r})"


Parsed = Hash | Malformed | Unsupported | Ambiguous
