"""Update the values of accounts by a later export: three-way, so that nothing a person has set is overwritten.

Accounts are read shortly before they are changed. Reading costs no writes, and the value in the directory decides:
killed anywhere and run again, it ends the same.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TypeVar

from idferry.errors import Stopped
from idferry.flows.change_accounts import CHUNK_ACCOUNTS_MAX, AccountChanges, Intended
from idferry.flows.plan_update import LISTED_MAX, Listing
from idferry.ports import AccountReader, AccountUpdater, LedgerReport, Stop, Tell, WantedDrafts
from idferry.rules.account import Account, AccountChange, AccountDraft
from idferry.rules.attributes import AttributeValue
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.happenings import AccountsRead, AccountsUpdated
from idferry.rules.person_set import PersonSet
from idferry.rules.update import Update, is_cheaper_one_by_one, three_way, written_after

PAGE_ACCOUNTS = 500
CHANGED_BY_PERSON = "changed_by_person"
"""Code of a value that the source changed and somebody else too: theirs stays."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Changed:
    """One value that is, or would be, written. None: there was none, or it is cleared."""

    legacy_id: str
    object_id: str
    attribute: str
    before: AttributeValue | None
    after: AttributeValue | None


@dataclass(frozen=True, slots=True)
class Conflicting:
    """A person who has set values that the source changed too; names of attributes, no values."""

    legacy_id: str
    object_id: str
    attributes: tuple[str, ...]


@dataclass(slots=True)
class ValuesReport:
    """What updating values did, or would do (`to_update`). Counts are people; each list holds the first 10,000.

    `already`: the account held the new values before. `missing`: no account is shown; `foreign`: it carries another
    legacyId; neither is touched. `failed` by code of the error class.
    """

    to_update: int = 0
    updated: int = 0
    already: int = 0
    changed_by_person: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    changes: list[Changed] = field(default_factory=list)
    conflicts: list[Conflicting] = field(default_factory=list)
    missing: Listing = field(default_factory=Listing)
    foreign: Listing = field(default_factory=Listing)


@dataclass(frozen=True, slots=True)
class _Due:
    """One person whose account is to be changed."""

    entry: Entry
    wanted: AccountDraft
    update: Update


@dataclass(slots=True, kw_only=True)
class ValueUpdating:
    """Updates the values of everybody on the shelf.

    `accounts`: how many accounts the directory holds, as far as known. Without `changes` it only says what it would
    do.
    """

    ledger: LedgerReport
    wanted: WantedDrafts
    reader: AccountReader
    updater: AccountUpdater
    value_names: Collection[str]
    accounts: int
    changes: AccountChanges | None
    tell: Tell
    stop: Stop
    report: ValuesReport = field(default_factory=ValuesReport)
    _due: list[_Due] = field(default_factory=list)
    _read: int = 0
    _settled: int = 0
    _total: int = 0

    def update(self) -> ValuesReport:
        """Look at everybody on the shelf, and write what the source changed and nobody else.

        1. Read the accounts: by their ids, or the whole directory where that takes fewer calls.
        2. Decide value by value; record what is there already, list what the person has changed.
        3. Write the rest, 20 accounts to a call.

        Raises:
            DirectoryError, LedgerError, Stopped.
        """
        self._total = self.wanted.count()
        met = PersonSet()
        if self.changes:
            self.changes.waited = self._tell_updated
        if not is_cheaper_one_by_one(people=self._total, accounts=self.accounts):
            self._read_everybody(met)
        self._read_by_id(met)
        self._send(everything=True)
        return self.report

    # --- reading -----------------------------------------------------------------------------------------------------

    def _read_everybody(self, met: PersonSet) -> None:
        for page in _batches(self.reader.every(self.value_names), PAGE_ACCOUNTS):
            self._check_stop()
            by_id = {account.object_id: account for account in page}
            entries = self.ledger.entries_of_legacy_ids({one.legacy_id for one in page if one.legacy_id})
            mine = {one.person_id: one for one in entries.values() if one.object_id in by_id}
            for person_id, draft in self.wanted.of(mine).items():
                entry = mine[person_id]
                if entry.state.has_account and person_id not in met:
                    met.add(person_id)
                    self._judge(entry, draft, by_id[entry.object_id])
            self._tell(len(page))

    def _read_by_id(self, met: PersonSet) -> None:
        """Everybody who was not met yet: the directory may not list a new account yet."""
        for chunk in _batches(self._drafts(met), CHUNK_ACCOUNTS_MAX):
            self._check_stop()
            entries = self.ledger.entries_of_legacy_ids({draft.legacy_id for _, draft in chunk})
            wanted = [
                (entry, draft)
                for _, draft in chunk
                if (entry := entries.get(draft.legacy_id)) and entry.state.has_account
            ]
            accounts = self.reader.by_ids([entry.object_id for entry, _ in wanted], self.value_names)
            for entry, draft in wanted:
                self._judge(entry, draft, accounts.get(entry.object_id))
            self._settled += len(chunk) - len(wanted)
            self._tell(len(chunk))

    def _drafts(self, met: PersonSet) -> Iterator[tuple[int, AccountDraft]]:
        after = 0
        while page := self.wanted.page(after=after, limit=PAGE_ACCOUNTS):
            yield from (one for one in page if one[0] not in met)
            after = page[-1][0]

    def _tell(self, accounts: int) -> None:
        self._read += accounts
        if self.changes:
            self._tell_updated()
        else:
            self.tell(AccountsRead(self._read))

    def _tell_updated(self) -> None:
        report = self.report
        failed = report.failed.total()
        self.tell(AccountsUpdated(report.updated, self._settled, self._total, failed, self.updater.pace()))

    def _check_stop(self) -> None:
        if self.stop():
            raise Stopped("stopped")

    # --- deciding ----------------------------------------------------------------------------------------------------

    def _judge(self, entry: Entry, wanted: AccountDraft, account: Account | None) -> None:
        if account is None or account.legacy_id != entry.legacy_id:
            (self.report.foreign if account else self.report.missing).add(entry)
            self._settled += 1
            return
        update = three_way(entry, wanted, account)
        self._list(entry, update)
        self._settled += not update.changes
        if update.changes:
            self._due.append(_Due(entry, wanted, update))
            self._send(everything=False)
        elif self.changes and (
            update.already or wanted.values != (entry.draft.values if entry.draft else {})
        ):
            self.changes.note(_seen(_Due(entry, wanted, update)))

    def _list(self, entry: Entry, update: Update) -> None:
        report = self.report
        if update.kept:
            report.changed_by_person += 1
            if len(report.conflicts) < LISTED_MAX:
                report.conflicts.append(Conflicting(entry.legacy_id, entry.object_id, update.kept))
        if update.already and not update.changes:
            report.already += 1
        report.to_update += bool(update.changes)
        for name, after in update.changes.items():
            if len(report.changes) < LISTED_MAX:
                report.changes.append(
                    Changed(entry.legacy_id, entry.object_id, name, update.before.get(name), after)
                )

    # --- writing -----------------------------------------------------------------------------------------------------

    def _send(self, *, everything: bool) -> None:
        """Send what is due: whole chunks, and at the end the rest."""
        while len(self._due) >= CHUNK_ACCOUNTS_MAX or (everything and self._due):
            chunk, self._due = self._due[:CHUNK_ACCOUNTS_MAX], self._due[CHUNK_ACCOUNTS_MAX:]
            if self.changes:
                calls = [AccountChange(one.entry.object_id, one.update.changes) for one in chunk]
                self.changes.send([self._intended(one) for one in chunk], partial(self.updater.update, calls))

    def _intended(self, due: _Due) -> Intended:
        return Intended(
            person_id=due.entry.person_id,
            object_id=due.entry.object_id,
            kind=EventKind.UPDATE_SENT,
            reason=", ".join(due.update.changes),
            answered=lambda code: self._answered(due, code),
        )

    def _answered(self, due: _Due, code: str) -> Observation:
        self._settled += 1
        if code:
            self.report.failed[code] += 1
            reason = ", ".join(due.update.changes)
            return Observation(due.entry.person_id, EventKind.CHANGE_FAILED, code=code, reason=reason)
        self.report.updated += 1
        return _seen(due)


def _seen(due: _Due) -> Observation:
    """What was done, or found to be there; with it the ledger remembers what we wrote and what the source says."""
    update = due.update
    parts = (
        (update.changes, "written"),
        (update.already, "there already"),
        (update.kept, "left to the person"),
    )
    return Observation(
        due.entry.person_id,
        EventKind.UPDATED,
        code=CHANGED_BY_PERSON if update.kept else "",
        reason="; ".join(f"{', '.join(names)}: {what}" for names, what in parts if names),
        written=written_after(due.entry, due.wanted, update),
        draft=due.wanted,
    )


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
