"""What a sign-in needs of the directory and of the ledger: one account, one person, and nothing that takes its time."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from idferry.ports.sign_ins import Deadline
from idferry.rules.entry import Observation
from idferry.rules.password import Password
from idferry.rules.sign_in import AccountFacts, Written


class SignInDirectory(Protocol):
    """One account at a time, within a caller's deadline. A future may outlive the deadline; nobody need wait for it."""

    def facts(self, object_id: str, deadline: Deadline) -> "Future[AccountFacts | None]":
        """What the directory says of this account now; None: it shows none.

        The future raises DirectoryError or Stopped when there is no answer in time.
        """
        ...

    def write_password(
        self, object_id: str, password: Password, *, weak: bool, deadline: Deadline
    ) -> "Future[Written]":
        """Write the password and take the flag down, both in one call that is sent once. The future never raises.

        `weak`: the strong rule is lifted for this account.
        """
        ...

    def clear_flag(self, object_id: str, deadline: Deadline) -> "Future[bool]":
        """Take the flag down, the password untouched; whether that is done. The future never raises."""
        ...


@dataclass(frozen=True, slots=True)
class PersonHere:
    """A person of the ledger who has an account, as far as a sign-in needs it.

    `legacy_users` are (source, key), the leading one first; `written_at` says up to when we wrote passwords ourselves
    after the creation.
    """

    person_id: int
    object_id: str
    legacy_id: str
    legacy_users: Sequence[tuple[str, str]]
    sign_in_names: Sequence[str]
    written_at: datetime | None = None


class SignInLedger(Protocol):
    """The ledger beside sign-ins: looks at the last commit, and takes notes without making anybody wait.

    Looks raise LedgerError when the ledger cannot be read. People without an account are not found.
    """

    def by_object_id(self, object_id: str) -> PersonHere | None:
        """The person of this account."""
        ...

    def by_legacy_id(self, legacy_id: str) -> PersonHere | None:
        """The person whose accounts carry this legacyId."""
        ...

    def by_sign_in_name(self, compared: str) -> PersonHere | None:
        """The person who owns a local sign-in name, in its compared form."""
        ...

    def note(self, observation: Observation, *, at: datetime) -> None:
        """Record it soon, in its turn; never raises. What is lost is found again: the directory's flag decides.

        A state that may not follow the person's own is left out, and the event stays.
        """
        ...


class WrittenPasswords(Protocol):
    """Which passwords this process wrote a moment ago, by person and password mark: in memory, bounded.

    A retry of the submission that wrote one finds the flag down, and must hear what the first one heard.
    """

    def remember(self, person: str, mark: int, *, at: datetime) -> None:
        """It was written at this moment."""
        ...

    def written_at(self, person: str, mark: int, *, at: datetime) -> datetime | None:
        """When it was written, if that is not long ago."""
        ...
