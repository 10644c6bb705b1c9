"""Read the whole directory back and compare it with the ledger and, where it is given, with the source.

Reading costs no writes. The ledger learns who has got a password since. Nothing is changed in the directory but flags
that a sweep takes down: while one is up, an old password could replace the one that its person has chosen.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from idferry.errors import Stopped
from idferry.flows.sweep import SweepReport, may_be_due, sweep
from idferry.ports import (
    AccountReader,
    AccountUpdater,
    Clock,
    LedgerReport,
    LegacySource,
    ObservationLedger,
    RecordReport,
    RunReport,
    SourceRecord,
    Stop,
    Tell,
    never,
)
from idferry.rules.absence import (
    NOBODY_GOES_ON,
    WITHOUT_ACCOUNT_YET,
    Missing,
    absence_in_words,
    claimed_since,
    is_under_way,
)
from idferry.rules.account import Account, AccountDraft, legacy_id_of
from idferry.rules.comparison import Difference, Extra, compare, source_differences
from idferry.rules.entry import Entry, EventKind, Observation, Selection
from idferry.rules.happenings import AccountsRead, AccountsSought, RecordsCompared
from idferry.rules.lifecycle import WITH_ACCOUNT, State
from idferry.rules.person_set import PersonSet
from idferry.rules.plan import PasswordFacts, Planned, PlanRules, plan_person
from idferry.rules.sign_in import CREATION_TOLERANCE

UNSETTLED = (State.PLANNED, State.CREATING)
STAYED_BEHIND = (State.LEFT_OUT, State.REFUSED)
BATCH_ACCOUNTS = 500
SOUGHT_ACCOUNTS = 200  # ten calls of twenty: progress is told, and a stop heard, between two of them
LISTED_MAX = 10_000

Item = TypeVar("Item")


@dataclass(slots=True)
class VerifyReport:
    """What comparing found. `differences` counts all that is wrong; each list holds the first 10,000 of its kind.

    `foreign` are accounts that this project has nothing to do with, `progressed` people who have got a password
    since they were created, `changed_by_person` values that somebody else has set since, `vanished` people with an
    account who are not in the source any more: no differences. Nor are flags that are to go down (`swept`), nor
    people whose account a sign-in is creating at the moment (`claimed`).
    """

    checked: int = 0
    foreign: int = 0
    progressed: int = 0
    changed_by_person: int = 0
    vanished: int = 0
    claimed: int = 0
    differences: int = 0
    missing: list[Missing] = field(default_factory=list)
    extra: list[Extra] = field(default_factory=list)
    differing: list[Difference] = field(default_factory=list)
    changes: list[Difference] = field(default_factory=list)
    swept: SweepReport = field(default_factory=SweepReport)

    def add(self, found: Item, where: list[Item]) -> None:
        """Count a difference and list it while there is room."""
        self.differences += 1
        if len(where) < LISTED_MAX:
            where.append(found)


@dataclass(frozen=True, slots=True)
class VerifyScope:
    """What is compared: `project` marks our legacy ids, `value_names` are read, `strict` lets no change pass.

    `tolerance`: a password that is newer than its account by more was chosen by somebody.
    """

    project: str
    flag_name: str
    value_names: Collection[str]
    selection: Selection = field(default_factory=Selection)
    strict: bool = False
    tolerance: timedelta = CREATION_TOLERANCE


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """The source to compare with as well, the rules by which its people were planned, what the ledger knows of it."""

    source: LegacySource
    rules: PlanRules
    records: RecordReport


def verify(
    *,
    scope: VerifyScope,
    reader: AccountReader,
    ledger: LedgerReport,
    observations: ObservationLedger,
    clock: Clock,
    tell: Tell,
    runs: RunReport | None = None,
    source_check: SourceCheck | None = None,
    updater: AccountUpdater | None = None,
    sweeps: bool = False,
    stop: Stop = never,
) -> VerifyReport:
    """Compare the directory with the ledger and the source.

    1. Enumerate the directory; compare every account of this project with its entry.
    2. Look for the people whose account was not met; they are asked for once more by id, because the directory may
       not show a new account yet.
    3. Sweep the accounts whose flag may have to go down, where there is an `updater`; without `sweeps` it is only told
       which.
    4. Look for people whose account no run goes on to create: theirs is done, and they are not. (A run that is open
       is told of by `status`.) Without `runs` nobody is looked for.
    5. Compare the source, where one is given: who of it has no account, and what else was written.

    Raises:
        DirectoryError, LedgerError, SourceError, Stopped.
    """
    verifying = _Verifying(
        scope=scope,
        reader=reader,
        ledger=ledger,
        observations=observations,
        clock=clock,
        tell=tell,
        stop=stop,
    )
    verifying.compare_directory()
    verifying.find_missing()
    if updater:
        verifying.sweep(updater, execute=sweeps)
    if runs:
        verifying.find_unsettled(runs)
    if source_check:
        verifying.compare_source(source_check)
    return verifying.report


@dataclass(slots=True, kw_only=True)
class _Verifying:
    """The state of one comparison: whose account was met, and what was found."""

    scope: VerifyScope
    reader: AccountReader
    ledger: LedgerReport
    observations: ObservationLedger
    clock: Clock
    tell: Tell
    stop: Stop
    report: VerifyReport = field(default_factory=VerifyReport)
    _met: PersonSet = field(default_factory=PersonSet)
    _told: PersonSet = field(default_factory=PersonSet)
    _due: PersonSet = field(default_factory=PersonSet)

    # --- directory against ledger --------------------------------------------------------------------------------

    def compare_directory(self) -> None:
        """Enumerate the directory; compare every account of this project with its entry."""
        expected = self._count_with_account(Selection())
        for page in _batches(self.reader.every(self.scope.value_names), BATCH_ACCOUNTS):
            self._check_stop()
            self._compare_page(page)
            self.report.checked += len(page)
            self.tell(AccountsRead(self.report.checked, expected))

    def _compare_page(self, page: list[Account]) -> None:
        mark = f"{self.scope.project}:"
        ours = [account for account in page if (account.legacy_id or "").startswith(mark)]
        self.report.foreign += len(page) - len(ours)
        entries = self.ledger.entries_of_legacy_ids({account.legacy_id or "" for account in ours})
        pairs = [(entries.get(account.legacy_id or ""), account) for account in ours]
        self._record([entry.person_id for entry, account in pairs if entry and self._meet(entry, account)])
        for entry, account in pairs:
            if entry is None:
                self._add_extra(account)

    def _meet(self, entry: Entry, account: Account) -> bool:
        """One account that carries this entry's legacyId; True when the person has got a password since.

        Only one account can be the person's: the one whose id is in the ledger. A page may come twice.
        """
        mine = _account_id(entry)
        if mine and mine != account.object_id:
            self._add_extra(account)
            return False
        if entry.person_id in self._met:
            if not mine:
                self._add_extra(account)
            return False
        self._met.add(entry.person_id)
        return self._is_chosen(entry) and self._compare(entry, account)

    def _add_extra(self, account: Account) -> None:
        self.report.add(Extra(account.object_id, account.legacy_id or ""), self.report.extra)

    def _is_chosen(self, entry: Entry) -> bool:
        return self.scope.selection.takes(entry)

    def _compare(self, entry: Entry, account: Account) -> bool:
        """Compare one; True when the person has got a password since."""
        if may_be_due(entry, account, tolerance=self.scope.tolerance):
            self._due.add(entry.person_id)
        if self._is_being_created(entry):
            return False
        comparison = compare(entry, account, flag_name=self.scope.flag_name)
        for difference in comparison.differences:
            self.report.add(difference, self.report.differing)
        for change in comparison.changes:
            self.report.changed_by_person += 1
            if len(self.report.changes) < LISTED_MAX:
                self.report.changes.append(change)
            if self.scope.strict:
                self.report.add(change, self.report.differing)
        return comparison.flag_fell

    def sweep(self, updater: AccountUpdater, *, execute: bool) -> None:
        """Take flags down where somebody has chosen a password: of those people alone who may be concerned."""
        if not len(self._due):
            return
        self.report.swept = sweep(
            selection=self.scope.selection,
            reader=self.reader,
            updater=updater,
            report=self.ledger,
            observations=self.observations,
            clock=self.clock,
            execute=execute,
            tolerance=self.scope.tolerance,
            stop=self.stop,
            among=self._due,
        )

    def _record(self, progressed: list[int]) -> None:
        if not progressed:
            return
        observed = [Observation(one, EventKind.FLAG_SEEN_DOWN, State.COMPLETE) for one in progressed]
        self.observations.observe(run="", observed=observed, at=self.clock.now())
        self.report.progressed += len(progressed)

    def _check_stop(self) -> None:
        if self.stop():
            raise Stopped(
                f"stopped after {self.report.checked} accounts; nothing was changed", remedy="Run it again."
            )

    # --- ledger against directory --------------------------------------------------------------------------------

    def find_missing(self) -> None:
        """Look for the people whose account was not met, once more by id."""
        chosen = replace(self.scope.selection, states=WITH_ACCOUNT)
        total, sought = max(self._count_with_account(self.scope.selection) - len(self._met), 0), 0
        missed = (entry for entry in self.ledger.entries(chosen) if entry.person_id not in self._met)
        for batch in _batches(missed, SOUGHT_ACCOUNTS):
            self._check_stop()
            found = self.reader.by_ids([entry.object_id for entry in batch], self.scope.value_names)
            pairs = [(entry, found.get(entry.object_id)) for entry in batch]
            self._record([entry.person_id for entry, account in pairs if self._judge_sought(entry, account)])
            sought += len(batch)
            self.tell(AccountsSought(sought, max(total, sought)))

    def _judge_sought(self, entry: Entry, account: Account | None) -> bool:
        """What asking for a person's account by its id showed; True when the person has got a password since."""
        if account is None:
            found = Missing(entry.legacy_id, entry.object_id, "no account with this id")
            self.report.add(found, self.report.missing)
            return False
        if account.legacy_id == entry.legacy_id:
            return self._compare(entry, account)
        other = Difference(entry.object_id, entry.legacy_id, "legacyId", entry.legacy_id, account.legacy_id)
        self.report.add(other, self.report.differing)
        return False

    def find_unsettled(self, runs: RunReport) -> None:
        """Look for the people who have no account yet and whom no open run goes on with."""
        chosen = replace(self.scope.selection, states=UNSETTLED)
        if not any(self.ledger.states(chosen).values()):
            return
        under_way = PersonSet()
        for run in runs.runs():
            if run.ended_at is None:
                for entry in self.ledger.entries(Selection(run=run.run, states=UNSETTLED)):
                    under_way.add(entry.person_id)
        for entry in self.ledger.entries(chosen):
            self._check_stop()
            if entry.person_id in self._met or self._is_being_created(entry):
                self._told.add(entry.person_id)
            elif entry.person_id not in under_way:
                self._told.add(entry.person_id)
                reason = absence_in_words(entry, self._claimed_since(entry), now=self.clock.now())
                found = Missing(entry.legacy_id, "", f"{reason}, {NOBODY_GOES_ON}")
                self.report.add(found, self.report.missing)

    def _is_being_created(self, entry: Entry) -> bool:
        """Whether a sign-in has claimed the person so lately that no account, or a new one, is as it should be."""
        found = is_under_way(self._claimed_since(entry), now=self.clock.now())
        self.report.claimed += found
        return found

    def _claimed_since(self, entry: Entry) -> datetime | None:
        is_creating = entry.state is State.CREATING
        return claimed_since(entry.state, self.ledger.events(entry.person_id)) if is_creating else None

    def _count_with_account(self, selection: Selection) -> int:
        return sum(self.ledger.states(replace(selection, states=WITH_ACCOUNT)).values())

    # --- source against ledger -----------------------------------------------------------------------------------

    def compare_source(self, check: SourceCheck) -> None:
        """What the source says now: people who have no account, or whom the ledger has never heard of; changed values."""
        source = check.source.name
        waiting = self._waiting(source)
        read, with_account, compared = PersonSet(), 0, 0
        users = (record.user for record in check.source.records() if isinstance(record, SourceRecord))
        for batch in _batches(users, BATCH_ACCOUNTS):
            self._check_stop()
            compared += len(batch)
            self.tell(RecordsCompared(compared))
            drafts: dict[str, AccountDraft | None] = {}
            for user in batch:
                plan = plan_person(user, PasswordFacts(present=True), check.rules)
                drafts.setdefault(user.key, plan.draft if isinstance(plan, Planned) else None)
            ids = {key: self._legacy_id(source, key) for key in drafts}
            entries = self.ledger.entries_of_legacy_ids(set(ids.values()))
            unknown = [key for key, draft in drafts.items() if draft and ids[key] not in entries]
            # People who stay behind by rule have no legacyId to be found by.
            known = check.records.known_records(source, unknown) if unknown else {}
            for key, draft in drafts.items():
                entry = entries.get(ids[key])
                if entry is None:
                    if draft and (key not in known or known[key].state not in STAYED_BEHIND):
                        self._judge_unknown(draft)
                elif entry.person_id not in read:
                    read.add(entry.person_id)
                    with_account += entry.state.has_account and self._is_chosen(entry)
                    if draft and entry.person_id in waiting:
                        self._judge_waiting(entry)
                    if draft:
                        self._compare_values(entry, draft)
        everybody = self._count_with_account(replace(self.scope.selection, source=source))
        self.report.vanished = max(everybody - with_account, 0)

    def _legacy_id(self, source: str, key: str) -> str:
        return legacy_id_of(project=self.scope.project, source=source, key=key)

    def _waiting(self, source: str) -> PersonSet:
        """The chosen people of this source who should have an account and have none; nor was one met."""
        waiting = PersonSet()
        chosen = replace(self.scope.selection, source=source, states=tuple(WITHOUT_ACCOUNT_YET))
        for entry in self.ledger.entries(chosen):
            if entry.person_id not in self._met and entry.person_id not in self._told:
                waiting.add(entry.person_id)
        return waiting

    def _judge_waiting(self, entry: Entry) -> None:
        reason = absence_in_words(entry, self._claimed_since(entry), now=self.clock.now())
        if reason:  # else a run that is at work has created the account meanwhile
            self.report.add(Missing(entry.legacy_id, "", reason), self.report.missing)

    def _judge_unknown(self, draft: AccountDraft) -> None:
        names_somebody = self.scope.selection.run or self.scope.selection.cohort
        local = (one.compared for one in draft.identities if one.is_local)
        # Nobody can say which run or cohort an unknown person would belong to.
        if not names_somebody and not any(map(self.ledger.entry_of_sign_in_name, local)):
            found = Missing(draft.legacy_id, "", "in the source, not in the ledger")
            self.report.add(found, self.report.missing)

    def _compare_values(self, entry: Entry, draft: AccountDraft) -> None:
        if entry.state.has_account and self._is_chosen(entry):
            for difference in source_differences(entry, draft):
                self.report.add(difference, self.report.differing)


def _account_id(entry: Entry) -> str:
    """The id of the account that can only be this person's; none for whoever is to get another than a removed one."""
    return entry.object_id if entry.state in (*WITH_ACCOUNT, State.REMOVED) else ""


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
