"""Make a lost ledger anew from the source and the directory, reading only: nothing here can write to the directory.

Everybody in the source is planned as `premigrate` would, and every account that says whose it is is matched with its
person. No `sent` event is invented: the new ledger tells of no call that nobody knows of. What cannot be decided is
listed, and is nobody's account until somebody has decided.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from msgspec import structs

from idferry.errors import ConflictUndecided, Stopped, UsageError
from idferry.flows.plan_people import PlanReport, plan_people
from idferry.ports import (
    AccountReader,
    Clock,
    LedgerReport,
    LegacySource,
    ObservationLedger,
    PlanLedger,
    RecordReport,
    RunLedger,
    Stop,
    Tell,
    TenantInspector,
    never,
)
from idferry.rules.account import Account, AccountDraft, PasswordPlan
from idferry.rules.attributes import GRAPH_NAMES, LEGACY_ID
from idferry.rules.comparison import made_from
from idferry.rules.entry import Entry, EventKind, Observation, Selection, TakeUp
from idferry.rules.happenings import AccountsRead
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity
from idferry.rules.person_set import PersonSet
from idferry.rules.plan import PlanRules
from idferry.rules.update import NOT_OURS, agreed_digests

COMMAND = "ledger rebuild"
BATCH_ACCOUNTS = 500
IDENTITIES_ASKED_MAX = 1_000
LISTED_MAX = 10_000
HASHED = "#"  # what a legacyId begins with where project and source alone are too long for one

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Found:
    """An account about which somebody has to decide; `legacy_id` is the person's, or the account's where none is."""

    object_id: str
    legacy_id: str


@dataclass(slots=True)
class Findings:
    """Accounts of one kind: counted, and listed while there is room."""

    count: int = 0
    accounts: list[Found] = field(default_factory=list)

    def add(self, object_id: str, legacy_id: str) -> None:
        """One more."""
        self.count += 1
        if len(self.accounts) < LISTED_MAX:
            self.accounts.append(Found(object_id, legacy_id))


@dataclass(slots=True)
class RebuildReport:
    """What a rebuilt ledger holds. Counts are people, `read` are accounts.

    `missing` have no account: premigrate creates them. `changed`: people whose account holds values that are not the
    source's. `unknown`: accounts of this source whose person the source does not plan. `held`: accounts that are not
    ours and hold a sign-in name of a person who has none. `nameless`: accounts with a person's legacyId and none of
    the person's sign-in names. `doubled`: all accounts of people who have several. The people of the last two failed.
    """

    run: str
    plan: PlanReport
    read: int = 0
    complete: int = 0
    awaiting_password: int = 0
    changed: int = 0
    missing: int = 0
    unknown: Findings = field(default_factory=Findings)
    held: Findings = field(default_factory=Findings)
    nameless: Findings = field(default_factory=Findings)
    doubled: Findings = field(default_factory=Findings)

    @property
    def undecided(self) -> int:
        """Accounts about which somebody has to decide."""
        return self.unknown.count + self.held.count + self.nameless.count + self.doubled.count


@dataclass(frozen=True, slots=True)
class RebuildLedgers:
    """The parts of one ledger that rebuilding works with: the new one, or a scratch one for a dry run."""

    plan: PlanLedger
    runs: RunLedger
    records: RecordReport
    report: LedgerReport
    observations: ObservationLedger


def rebuild_ledger(
    *,
    source: LegacySource,
    rules: PlanRules,
    ledgers: RebuildLedgers,
    inspector: TenantInspector,
    reader: AccountReader,
    clock: Clock,
    tell: Tell,
    stop: Stop = never,
) -> RebuildReport:
    """Fill a ledger with the people of a source and the accounts that they have.

    1. Refuse a ledger that knows people of this source, unless an interrupted rebuild put them there.
    2. Plan everybody.
    3. Read the whole directory: an account is a person's if it carries the legacyId and one of the sign-in names.
       Its flag says the state, it has its own age, and what source and directory agree on counts as written by us.
    4. Take back what turned out undecided; close the run.

    Raises:
        UsageError: the ledger has people of this source already.
        SourceError, DirectoryError, LedgerError, Stopped.
    """
    custom = set(inspector.inspect().attributes) - {LEGACY_ID, rules.migration_flag}
    _check_empty(ledgers, source.name)
    run, _ = ledgers.runs.open_run(
        command=COMMAND,
        source=source.name,
        source_digest=source.digest(),
        cohort="",
        at=clock.now(),
        place=source.place,
    )
    plan = plan_people(
        source=source,
        ledger=ledgers.plan,
        rules=rules,
        run=run.run,
        take_up=TakeUp(),
        clock=clock,
        tell=tell,
        stop=stop,
    )
    ledgers.runs.supersede_runs(by=run.run, at=clock.now())
    rebuilding = _Rebuilding(
        source=source.name,
        mark=f"{rules.project}:{source.name}:",
        ledgers=ledgers,
        clock=clock,
        report=RebuildReport(run.run, plan),
    )
    for page in _batches(reader.every([*GRAPH_NAMES, *sorted(custom)]), BATCH_ACCOUNTS):
        if stop():
            raise Stopped(f"stopped after {rebuilding.report.read} accounts; the same command continues")
        rebuilding.match(page)
        tell(AccountsRead(rebuilding.report.read))
    rebuilding.take_back()
    rebuilding.count()
    ledgers.runs.close_run(run.run, at=clock.now())
    return rebuilding.report


@dataclass(slots=True, kw_only=True)
class _Rebuilding:
    """The state of one rebuilding: who has an account, and about whom nothing can be decided."""

    source: str
    mark: str
    ledgers: RebuildLedgers
    clock: Clock
    report: RebuildReport
    _changed: PersonSet = field(default_factory=PersonSet)
    _doubled: PersonSet = field(default_factory=PersonSet)
    _nameless: PersonSet = field(default_factory=PersonSet)

    # --- an account, and whose it is -------------------------------------------------------------------------------

    def match(self, page: Sequence[Account]) -> None:
        """Some accounts of the directory."""
        self.report.read += len(page)
        marked = {one.legacy_id for one in page if (one.legacy_id or "").startswith((self.mark, HASHED))}
        entries = self.ledgers.report.entries_of_legacy_ids({one for one in marked if one})
        mine: dict[int, tuple[Entry, Account]] = {}
        others = []
        for account in page:
            entry = entries.get(account.legacy_id or "")
            if entry and entry.source == self.source and entry.draft and made_from(entry.draft, account):
                self._take(entry, account, mine)
            else:
                others.append(account)
                self._list_other(entry, account)
        self._record([_rebuilt(entry, account) for entry, account in mine.values()])
        self._look_for_held(others)

    def _list_other(self, entry: Entry | None, account: Account) -> None:
        legacy_id = account.legacy_id or ""
        if entry and entry.source == self.source:
            self._nameless.add(entry.person_id)
            self.report.nameless.add(account.object_id, legacy_id)
        elif legacy_id.startswith(self.mark):
            self.report.unknown.add(account.object_id, legacy_id)

    def _take(self, entry: Entry, account: Account, mine: dict[int, tuple[Entry, Account]]) -> None:
        """The person's account; a second one makes both doubtful. A page may come twice."""
        first = mine[entry.person_id][1].object_id if entry.person_id in mine else entry.object_id
        if first == account.object_id:
            self._note_changed(entry, account)
            return
        if first or entry.state is State.FAILED:
            if first and entry.person_id not in self._doubled:
                self.report.doubled.add(first, entry.legacy_id)
            self._doubled.add(entry.person_id)
            self.report.doubled.add(account.object_id, entry.legacy_id)
            return
        mine[entry.person_id] = (entry, account)
        self._note_changed(entry, account)

    def _note_changed(self, entry: Entry, account: Account) -> None:
        if entry.draft and NOT_OURS in agreed_digests(entry.draft, account).values():
            self._changed.add(entry.person_id)

    def _look_for_held(self, others: Sequence[Account]) -> None:
        """Accounts that are not ours and hold a sign-in name of somebody who has no account."""
        holders = {_mark(one): account for account in others for one in account.identities}
        identities = [one for account in others for one in account.identities if one.issuer_assigned_id]
        for some in _batches(identities, IDENTITIES_ASKED_MAX):
            for entry in self.ledgers.report.entries_of_identities(some):
                names = map(_mark, entry.draft.identities) if entry.draft else ()
                account = next((holders[name] for name in names if name in holders), None)
                if entry.source == self.source and entry.state is State.PLANNED and account:
                    self.report.held.add(account.object_id, entry.legacy_id)

    # --- the end ---------------------------------------------------------------------------------------------------

    def take_back(self) -> None:
        """Who has two accounts, or none but one without a name of theirs, has none until somebody has decided."""
        if not (self._doubled or self._nameless):
            return
        states = (State.PLANNED, State.COMPLETE, State.AWAITING_PASSWORD)
        people = self.ledgers.report.entries(Selection(source=self.source, states=states))
        undecided = (_undecided(entry, self._why(entry)) for entry in people if self._why(entry))
        for some in _batches(undecided, BATCH_ACCOUNTS):
            self._record(some)

    def _why(self, entry: Entry) -> str:
        if entry.person_id in self._doubled:
            return "several accounts carry the legacyId and one of the person's sign-in names"
        if entry.person_id in self._nameless and entry.state is State.PLANNED:
            return "an account carries the legacyId and none of the person's sign-in names"
        return ""

    def count(self) -> None:
        """How many people of the source have what."""
        states = self.ledgers.report.states(Selection(source=self.source))
        self.report.complete = states.get(State.COMPLETE, 0)
        self.report.awaiting_password = states.get(State.AWAITING_PASSWORD, 0)
        self.report.missing = states.get(State.PLANNED, 0)
        self.report.changed = len(self._changed)

    def _record(self, observed: list[Observation]) -> None:
        if observed:
            run, at = self.report.run, self.clock.now()
            self.ledgers.observations.observe(run=run, observed=observed, at=at)


def _check_empty(ledgers: RebuildLedgers, source: str) -> None:
    people = sum(ledgers.report.states(Selection(source=source)).values())
    if people and not ledgers.records.open_runs(command=COMMAND, source=source):
        raise UsageError(
            f"the ledger already holds {people} people of the source {source}",
            remedy="It is not lost: `idferry premigrate SOURCE --execute` goes on with it. Where it is the wrong one, "
            "move it and its .key file away first.",
        )


def _rebuilt(entry: Entry, account: Account) -> Observation:
    draft = entry.draft
    assert draft is not None  # noqa: S101  nobody is matched without one
    return Observation(
        entry.person_id,
        EventKind.REBUILT,
        State.AWAITING_PASSWORD if account.flag else State.COMPLETE,
        object_id=account.object_id,
        written=agreed_digests(draft, account),
        draft=found if (found := _as_found(draft, account)) != draft else None,
        created_at=account.created_at,
    )


def _as_found(draft: AccountDraft, account: Account) -> AccountDraft:
    """The draft with what only the account can tell of its making.

    If the flag is up, the password was a random one, whatever the source knows. The account is enabled or not,
    whatever the source says by now: else nobody would ever see that it has barred the person since.
    """
    if account.flag and any(one.is_local for one in draft.identities):
        draft = structs.replace(draft, password_plan=PasswordPlan.RANDOM)
    return draft if account.enabled is None else structs.replace(draft, enabled=account.enabled)


def _undecided(entry: Entry, reason: str) -> Observation:
    return Observation(entry.person_id, EventKind.REBUILT, State.FAILED, ConflictUndecided.code, reason)


def _mark(identity: Identity) -> tuple[bool, str]:
    return identity.is_local, identity.compared


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
