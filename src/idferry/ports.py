"""What the flows need from outside, as small protocols. Adapters satisfy them; flows never name an adapter.

A port has the methods one flow needs, at most seven; one class may satisfy several ports.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from idferry.rules.account import Account, AccountChange, AccountDraft
from idferry.rules.answers import CreateAnswer, Holder, Ours
from idferry.rules.entry import (
    Entry,
    Event,
    FailureGroup,
    KnownRecord,
    Observation,
    PlanEffect,
    PlanItem,
    Run,
    Selection,
    Settled,
    TakeUp,
)
from idferry.rules.happenings import Happening
from idferry.rules.legacy_user import BadRecord, LegacyUser
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity
from idferry.rules.password import Password
from idferry.rules.quota import Pace

Tell = Callable[[Happening], None]
Stop = Callable[[], bool]
"""Whether somebody asked to stop; a flow looks between two steps."""
IsRunActive = Callable[[], bool]
"""Whether a run is at work on the ledger at this moment, in whatever process; to be asked rarely."""
RandomBelow = Callable[[int], int]


def never() -> bool:
    """The Stop of whoever cannot be stopped."""
    return False


class Clock(Protocol):
    """Where time comes from: the system, an emulator's shifted time, stepped time, or a test's hand.

    Stepped time stands still while anybody is at work. Whoever waits therefore waits here, for the whole time and in
    one piece, and never behind a lock or a condition that is held by somebody who waits here.
    """

    def now(self) -> datetime:
        """The time of day, in UTC, with its zone."""
        ...

    def elapsed(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    def sleep(self, seconds: float, *, unless: "Future[None] | None" = None) -> None:
        """Let time pass; it may be cut short once `unless` is done."""
        ...

    def wait_for(self, futures: "Collection[Future[Any]]", seconds: float) -> "Collection[Future[Any]]":
        """Wait for somebody else's work: those futures that are done as soon as one is, or after so long.

        Nobody to wait for: returns at once.
        """
        ...


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A legacy user and, beside it, the password of the record (None: the record has none)."""

    user: LegacyUser
    password: Password | None


class LegacySource(Protocol):
    """A legacy source that can be read from its beginning as often as needed, in the same order."""

    @property
    def name(self) -> str:
        """The SOURCE name that keys and legacy ids carry."""
        ...

    @property
    def place(self) -> str:
        """Where it is read from, as an absolute path; empty for a source that is nowhere."""
        ...

    def digest(self) -> str:
        """Hex digest of everything in the source: another digest means another export."""
        ...

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        """Stream the records in source order, in constant memory.

        Raises:
            SourceError: the source as a whole cannot be read.
        """
        ...


Take = Callable[[Sequence[str]], Collection[str]]
"""Which of these keys are wanted; asked about some records of a source at a time, in order."""


class RecordCopier(Protocol):
    """Some records of a source, as a file in the source's own format that people may mend."""

    def copy(self, take: Take) -> Iterator[bytes]:
        """The whole file, piece by piece: the records whose keys `take` wants, without passwords and other secrets.

        Raises:
            SourceError: the source cannot be read.
        """
        ...


class PlanLedger(Protocol):
    """Where planning writes what is intended."""

    def plan(
        self, items: Sequence[PlanItem], *, run: str, take_up: TakeUp, at: datetime
    ) -> Sequence[PlanEffect]:
        """Record some planned people in one transaction; one effect per item, in order.

        The first record in source order keeps a sign-in name; people who already have an account, or whose creation
        is under way, are not touched.
        """
        ...

    def begin_planning(self) -> None:
        """Start a new pass over a source: a key that comes twice in one pass is a duplicate."""
        ...


class RunLedger(Protocol):
    """Runs: opened, continued, closed."""

    def open_run(
        self,
        *,
        command: str,
        source: str,
        source_digest: str,
        cohort: str,
        at: datetime,
        place: str = "",
    ) -> tuple[Run, bool]:
        """The open run of the same command and the same source digest (and True), else a new one (and False).

        `place` is where the source is read from.
        """
        ...

    def close_run(self, run: str, *, at: datetime) -> None:
        """Mark a run as having dealt with everybody."""
        ...

    def supersede_runs(self, *, by: str, at: datetime) -> None:
        """Close every other open run of the command and source of the run `by`, which has planned everybody anew.

        Whom they planned and `by` did not is no longer in the source: left out (`record_gone`).
        """
        ...


class RecordReport(Protocol):
    """What the ledger remembers of a source's records: to compare it with another version of that source."""

    def open_runs(self, *, command: str, source: str) -> Sequence[Run]:
        """The open runs of this command over a source of this name, newest first."""
        ...

    def known_records(self, source: str, keys: Collection[str]) -> Mapping[str, KnownRecord]:
        """Key -> the first record with it, for those that are known; at most 1,000 at a time."""
        ...

    def records_of_run(self, run: Run) -> Iterator[KnownRecord]:
        """Everybody whom this run has decided about or dealt with, streamed."""
        ...


class SendLedger(Protocol):
    """Where sending records intents before it acts and observations after."""

    def count_to_send(self, run: str) -> int:
        """How many people of this run are planned or creating."""
        ...

    def under_way(self, *, after: int, limit: int) -> Sequence[Entry]:
        """People in `creating` with person_id > `after`, in order of person_id: a crash left them behind."""
        ...

    def planned(self, run: str, *, after: int, limit: int) -> Sequence[Entry]:
        """People in `planned` by this run whose record stands behind ordinal `after`, in source order."""
        ...

    def turn(
        self, *, run: str, observed: Sequence[Observation], sending: Sequence[int], at: datetime
    ) -> None:
        """One transaction, on disk when it returns: what was seen, and for which people a create is now sent.

        `sending` moves people to `creating` and appends one `sent` event each. Observations are applied first.
        """
        ...


class LedgerReport(Protocol):
    """Reading the ledger. Every figure of a report can be traced to these rows."""

    def states(self, selection: Selection) -> Mapping[State, int]:
        """How many people are in each state."""
        ...

    def failures(self, selection: Selection) -> Sequence[FailureGroup]:
        """Failed people grouped by code, largest group first."""
        ...

    def entries(self, selection: Selection) -> Iterator[Entry]:
        """People in order of person_id, streamed."""
        ...

    def entries_of_legacy_ids(self, legacy_ids: Collection[str]) -> Mapping[str, Entry]:
        """legacyId -> entry, for those that exist; at most 1,000 at a time."""
        ...

    def entry_of_sign_in_name(self, compared: str) -> Entry | None:
        """The person who owns a local sign-in name, given in its compared form (rules.names.compared_form)."""
        ...

    def entries_of_identities(self, identities: Collection[Identity]) -> Sequence[Entry]:
        """The people who own any of these identities, in no order; at most 1,000 at a time."""
        ...

    def events(self, person_id: int) -> Sequence[Event]:
        """One person's story, oldest first."""
        ...


class RunReport(Protocol):
    """Reading the ledger's runs, and how fast they go on."""

    def runs(self) -> Sequence[Run]:
        """All runs, newest first."""
        ...

    def settled_since(self, since: datetime, selection: Selection) -> Settled:
        """How many of these people got an account or a final refusal since this moment, and when the first did."""
        ...


class ObservationLedger(Protocol):
    """Where `verify` and `remove` record what they saw and did."""

    def observe(self, *, run: str, observed: Sequence[Observation], at: datetime) -> None:
        """Append observations in one transaction, on disk when it returns; `run` is empty outside of runs."""
        ...


class WantedDrafts(Protocol):
    """A shelf for as long as one update lasts: what a source wants people's accounts to be, by person_id.

    It is no part of the ledger: whatever ends the update, the next one reads the source again.
    """

    def put(self, drafts: Mapping[int, AccountDraft]) -> None:
        """Put some there; a later draft of the same person replaces the earlier one."""
        ...

    def count(self) -> int:
        """How many people there are."""
        ...

    def page(self, *, after: int, limit: int) -> Sequence[tuple[int, AccountDraft]]:
        """People with person_id > `after`, in order of person_id."""
        ...

    def of(self, person_ids: Collection[int]) -> Mapping[int, AccountDraft]:
        """The drafts of these people, of those that are there."""
        ...


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """One account to create, its password beside it."""

    draft: AccountDraft
    password: Password | None


class AccountWriter(Protocol):
    """Creating accounts. One call is one attempt: the ledger must see every one of them."""

    def create(self, chunk: Sequence[CreateOrder]) -> "Future[Sequence[CreateAnswer]]":
        """Send one chunk (at most 20) once; one answer per order, in order. The future never raises."""
        ...

    def holders(self, drafts: Sequence[tuple[AccountDraft, str | None]]) -> "Future[Sequence[Holder]]":
        """Who holds the sign-in names of these drafts (with the object id Graph named, if it did).

        Waits for the directory to settle before it answers Unseen. The future raises DirectoryError when the
        directory cannot be asked.
        """
        ...

    def ours(self, drafts: Sequence[AccountDraft]) -> "Future[Mapping[str, Ours]]":
        """legacyId -> the account made from its draft: it carries the legacyId and one of the identities.

        A missing one may only be not visible yet.
        """
        ...

    def pace(self) -> Pace:
        """How fast people may be created from now on, and who holds us back."""
        ...

    def withdraw(self) -> None:
        """Create nobody who was not sent yet: these answer Undelivered, now and later."""
        ...


class AccountReader(Protocol):
    """Reading accounts."""

    def by_sign_in_name(self, sign_in_name: str) -> Sequence[Account]:
        """Accounts with this local sign-in name or user principal name (any of several spellings of case)."""
        ...

    def by_display_name(self, display_name: str) -> Sequence[Account]:
        """Accounts with exactly this display name."""
        ...

    def by_id(self, object_id: str) -> Account | None:
        """The account with this object id, or None."""
        ...

    def by_ids(self, object_ids: Sequence[str], value_names: Collection[str]) -> Mapping[str, Account]:
        """Accounts by object id, with values as in `every`; those that are not there are left out."""
        ...

    def every(self, value_names: Collection[str]) -> Iterator[Account]:
        """The whole directory, page by page, with these attributes and extension attributes (short names)."""
        ...


class AccountUpdater(Protocol):
    """Changing accounts that exist. Passwords and identities are no part of it, and nothing enables an account.

    A future answers object id -> "" when it is done, else the code of the error class; it raises DirectoryError when
    the directory cannot be asked. Both calls may be repeated: the same twice is the same once.
    """

    def update(self, changes: Sequence[AccountChange]) -> "Future[Mapping[str, str]]":
        """Change accounts, at most 20.

        An account that is not there is waited for until the directory has settled: a new one shows late.
        """
        ...

    def disable(self, object_ids: Sequence[str]) -> "Future[Mapping[str, str]]":
        """Let nobody sign in to these accounts, at most 20: accountEnabled becomes false, nothing else changes."""
        ...


class AccountRemover(Protocol):
    """Taking accounts away again."""

    def usage(self, object_ids: Sequence[str]) -> Mapping[str, Account]:
        """The accounts with everything that tells whether somebody uses them; missing ones are left out."""
        ...

    def delete(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Move accounts to the recycle bin: object id -> "" when it is there, else the code of the error class."""
        ...

    def deleted(self, object_ids: Sequence[str]) -> Mapping[str, Account]:
        """Which of these are in the recycle bin."""
        ...

    def purge(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Delete for good, out of the recycle bin; answers like `delete`."""
        ...

    def restore(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Take out of the recycle bin; answers like `delete`."""
        ...


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """What pre-flight reads. None: the tenant does not say, or we may not ask.

    `attributes`: short name -> data type of the extension attributes that exist. `permissions`: name of each
    application that sends -> its application roles.
    """

    permissions: Mapping[str, frozenset[str] | None]
    extension_app_id: str
    attributes: Mapping[str, str]
    objects_used: int | None
    objects_max: int | None


class TenantInspector(Protocol):
    """Pre-flight: is the tenant ready for what we are about to do?"""

    def inspect(self) -> TenantFacts:
        """Read permissions, extension app, extension attributes and object quota.

        Raises:
            TokenRefused, Unreachable, Forbidden, TenantNotReady (no extension app).
        """
        ...

    def create_attribute(self, name: str, data_type: str) -> None:
        """Create an extension attribute. Raises Forbidden when the application may not."""
        ...
