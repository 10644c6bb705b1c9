"""What a sign-in needs of the directory and of the ledger: one account, one person, and nothing that takes its time."""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from idferry.ports.sign_ins import Deadline
from idferry.rules.entry import Entry, Observation
from idferry.rules.legacy_user import LegacyUserKey
from idferry.rules.password import Password
from idferry.rules.sign_in import AccountFacts, Written
from idferry.rules.submission import key_of_person


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
        """Write the password and take the flag down, both in one call that is sent once and never after the deadline.

        The future never raises. `weak`: the strong rule is lifted for this account.
        """
        ...

    def clear_flag(self, object_id: str, deadline: Deadline) -> "Future[bool]":
        """Take the flag down, the password untouched; whether that is done. The future never raises."""
        ...

    def raise_flag(self, object_id: str, deadline: Deadline) -> "Future[bool]":
        """Raise the flag, the password untouched; whether that is done. The future never raises."""
        ...


@dataclass(frozen=True, slots=True)
class PersonHere:
    """A person of the ledger who has an account, as far as a sign-in needs it.

    `legacy_users` come in the merge's order, the leading one first; `written_at` says up to when we wrote passwords ourselves
    after the creation.
    """

    person_id: int
    object_id: str
    legacy_id: str
    legacy_users: Sequence[LegacyUserKey]
    sign_in_names: Sequence[str]
    written_at: datetime | None = None

    @property
    def guard_key(self) -> str:
        """What the guard counts this person under."""
        return key_of_person(self.legacy_users[0].source, self.legacy_users[0].key)


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

    def note(self, observation: Observation, *, at: datetime) -> "Future[bool]":
        """Record it soon, in its turn; never raises. What is lost is found again: the directory's flag decides.

        The future says whether it is on disk; only who must not go on without it waits for that. A state that may
        not follow the person's own is left out, and the event stays.
        """
        ...


class ClaimLedger(Protocol):
    """The ledger of people who have no account yet, while somebody waits: one transaction each, on disk when it returns.

    All raise LedgerError.
    """

    def entry_of_sign_in_name(self, compared: str) -> Entry | None:
        """The person who owns a local sign-in name, in its compared form, in whichever state."""
        ...

    def entry_of_legacy_id(self, legacy_id: str) -> Entry | None:
        """The person whose accounts carry this legacyId, in whichever state."""
        ...

    def claim(self, person_id: int, *, at: datetime) -> bool:
        """Take a planned person to `creating`, so that nobody else creates the account; whether that is done.

        Somebody whom a sign-in has claimed already may be claimed again: it is the same person who tries again.
        """
        ...

    def claimed(self, *, after: int, limit: int) -> Sequence[tuple[Entry, datetime]]:
        """People in `creating` by a claim with person_id > `after`, and since when; in order of person_id."""
        ...

    def record(self, observation: Observation, *, at: datetime) -> None:
        """Record what was seen; a state that may not follow the person's own is left out, and the event stays."""
        ...


class PersonTurns(Protocol):
    """One after the other: of two who write the same person's password, one waits until the other has done so."""

    def of(self, person: str) -> AbstractContextManager[object]:
        """This person's turn, for as long as the block lasts."""
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
