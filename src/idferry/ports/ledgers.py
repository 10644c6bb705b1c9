"""What flows need of the ledger, each of them only its own part; and the shelf that one update puts drafts on."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from idferry.rules.account import AccountDraft
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
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity


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
        """How many people this run is to settle: planned by it, or left in `creating` by it or by its source's others."""
        ...

    def under_way(self, *, after: int, limit: int) -> Sequence[Entry]:
        """People in `creating` with person_id > `after`, in order of person_id: a crash left them behind."""
        ...

    def planned(self, run: str, *, after: int, limit: int) -> Sequence[Entry]:
        """People in `planned` by this run whose record stands behind ordinal `after`, in source order."""
        ...

    def turn(
        self, *, run: str, observed: Sequence[Observation], sending: Sequence[int], at: datetime
    ) -> Collection[int]:
        """One transaction, on disk when it returns: what was seen, and for which people a create is now sent.

        `sending` moves people to `creating` and appends one `sent` event each. Observations are applied first. Those
        who are returned are not to be sent: a sign-in has claimed them within CLAIM_KEPT, or given them an account.
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

    def settled_since(self, since: datetime, selection: Selection) -> Sequence[Settled]:
        """How many of these people got an account or a final refusal in each second since this moment, oldest first.

        Seconds in which nobody did are not named.
        """
        ...


class CaptureReport(Protocol):
    """What sign-ins and captured passwords have left unfinished."""

    def captures_refused(self, selection: Selection) -> int:
        """How many of these people still await a password after the one that was captured last was refused."""
        ...

    def claimed(self, selection: Selection) -> Sequence[datetime]:
        """Since when each of these people is claimed by a sign-in that has not been settled, oldest first."""
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
