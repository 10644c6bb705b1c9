"""Read the whole directory back and compare it with the ledger and, where it is given, with the source.

Reading costs no writes. Nothing is changed in the directory; the ledger learns who has got a password since.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from idferry.errors import Stopped
from idferry.ports import (
    AccountReader,
    Clock,
    LedgerReport,
    LegacySource,
    ObservationLedger,
    SourceRecord,
    Tell,
)
from idferry.rules.account import Account
from idferry.rules.comparison import Difference, compare, source_differences
from idferry.rules.entry import Entry, EventKind, Observation, Selection
from idferry.rules.happenings import AccountsRead
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.lifecycle import State
from idferry.rules.plan import PasswordFacts, Planned, PlanRules, plan_person

BATCH_ACCOUNTS = 500
LISTED_MAX = 10_000

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Missing:
    """A person who should have an account and has none; `object_id` is empty when there never was one."""

    legacy_id: str
    object_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Extra:
    """An account that carries a legacyId of this project and that the ledger does not know."""

    object_id: str
    legacy_id: str


@dataclass(slots=True)
class VerifyReport:
    """What comparing found. `counted` are all findings per kind; each list holds the first 10,000.

    `foreign` are accounts that this project has nothing to do with, `progressed` people who have got a password
    since they were created, `changed_by_person` values that somebody else has set since.
    """

    checked: int = 0
    foreign: int = 0
    progressed: int = 0
    changed_by_person: int = 0
    differences: int = 0
    missing: list[Missing] = field(default_factory=list)
    extra: list[Extra] = field(default_factory=list)
    differing: list[Difference] = field(default_factory=list)
    changes: list[Difference] = field(default_factory=list)

    def add(self, found: Item, where: list[Item]) -> None:
        """Count a difference and list it while there is room."""
        self.differences += 1
        if len(where) < LISTED_MAX:
            where.append(found)


@dataclass(frozen=True, slots=True)
class VerifyScope:
    """What is compared: `project` marks our legacy ids, `value_names` are read, `strict` lets no change pass."""

    project: str
    flag_name: str
    value_names: Collection[str]
    selection: Selection = field(default_factory=Selection)
    strict: bool = False


def verify(
    *,
    scope: VerifyScope,
    reader: AccountReader,
    ledger: LedgerReport,
    observations: ObservationLedger,
    clock: Clock,
    tell: Tell,
    source: LegacySource | None = None,
    rules: PlanRules | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> VerifyReport:
    """Compare the directory with the ledger and the source.

    1. Enumerate the directory; compare every account of this project with its entry.
    2. Look for the people whose account was not met; each is asked for once more by id, because the directory may
       not show a new account yet.
    3. Compare the source, where one is given, with what was written.

    Raises:
        DirectoryError, LedgerError, SourceError, Stopped.
    """
    report = VerifyReport()
    seen = _People()
    accounts = reader.every(scope.value_names)
    while page := list(islice(accounts, BATCH_ACCOUNTS)):
        if stop():
            raise Stopped(
                f"stopped after {report.checked} accounts; nothing was changed", remedy="Run it again."
            )
        _compare_page(page, scope, ledger, observations, seen, report, clock)
        report.checked += len(page)
        tell(AccountsRead(report.checked))
    _find_missing(scope, reader, ledger, seen, report)
    if source and rules:
        _compare_source(source, rules, ledger, report)
    return report


def _compare_page(
    page: list[Account],
    scope: VerifyScope,
    ledger: LedgerReport,
    observations: ObservationLedger,
    seen: "_People",
    report: VerifyReport,
    clock: Clock,
) -> None:
    ours = [account for account in page if (account.legacy_id or "").startswith(f"{scope.project}:")]
    report.foreign += len(page) - len(ours)
    entries = ledger.entries_of_legacy_ids([account.legacy_id or "" for account in ours])
    progressed: list[Observation] = []
    for account in ours:
        entry = entries.get(account.legacy_id or "")
        if entry is None or entry.person_id in seen:
            report.add(Extra(account.object_id, account.legacy_id or ""), report.extra)
            continue
        seen.add(entry.person_id)
        chosen = scope.selection.takes(run=entry.created_by_run, source=entry.source, cohort=entry.cohort)
        if chosen and _compare_account(entry, account, scope, report):
            progressed.append(Observation(entry.person_id, EventKind.FLAG_SEEN_DOWN, State.COMPLETE))
    if progressed:
        observations.observe(run="", observed=progressed, at=clock.now())
        report.progressed += len(progressed)


def _compare_account(entry: Entry, account: Account, scope: VerifyScope, report: VerifyReport) -> bool:
    """Compare one; True when the person has got a password since."""
    comparison = compare(entry, account, flag_name=scope.flag_name)
    for difference in comparison.differences:
        report.add(difference, report.differing)
    for change in comparison.changes:
        report.changed_by_person += 1
        if len(report.changes) < LISTED_MAX:
            report.changes.append(change)
        if scope.strict:
            report.add(change, report.differing)
    return comparison.flag_fell


def _find_missing(
    scope: VerifyScope, reader: AccountReader, ledger: LedgerReport, seen: "_People", report: VerifyReport
) -> None:
    expected = (State.COMPLETE, State.AWAITING_PASSWORD, State.CONFIRMING)
    chosen = scope.selection
    selection = Selection(run=chosen.run, source=chosen.source, cohort=chosen.cohort, states=expected)
    for entry in ledger.entries(selection):
        if entry.person_id in seen:
            continue
        account = reader.by_id(entry.object_id)
        if account is None:
            report.add(Missing(entry.legacy_id, entry.object_id, "no account with this id"), report.missing)
        elif account.legacy_id == entry.legacy_id:
            _compare_account(entry, account, scope, report)
        else:
            found = Difference(
                entry.object_id, entry.legacy_id, "legacyId", entry.legacy_id, account.legacy_id
            )
            report.add(found, report.differing)


def _compare_source(
    source: LegacySource, rules: PlanRules, ledger: LedgerReport, report: VerifyReport
) -> None:
    """What the source says now: people the ledger has never heard of, and values that changed since."""
    users = (record.user for record in source.records() if isinstance(record, SourceRecord))
    for batch in _batches(users, BATCH_ACCOUNTS):
        planned = [plan_person(user, PasswordFacts(present=True), rules) for user in batch]
        drafts = [plan.draft for plan in planned if isinstance(plan, Planned)]
        entries = ledger.entries_of_legacy_ids([draft.legacy_id for draft in drafts])
        for draft in drafts:
            entry = entries.get(draft.legacy_id)
            if entry is None:
                if not any(
                    ledger.entry_of_sign_in_name(one.compared) for one in draft.identities if one.is_local
                ):
                    report.add(
                        Missing(draft.legacy_id, "", "in the source, not in the ledger"), report.missing
                    )
            elif entry.state.has_account:
                for difference in source_differences(entry, draft):
                    report.add(difference, report.differing)


def _batches(users: Iterable[LegacyUser], size: int) -> Iterator[list[LegacyUser]]:
    iterator = iter(users)
    while batch := list(islice(iterator, size)):
        yield batch


class _People:
    """A set of person ids in one bit each: a million people cost 125 kB."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, person_id: int) -> None:
        place, bit = divmod(person_id, 8)
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 1 - len(self._bits) + 4096))
        self._bits[place] |= 1 << bit

    def __contains__(self, person_id: int) -> bool:
        place, bit = divmod(person_id, 8)
        return place < len(self._bits) and bool(self._bits[place] & (1 << bit))
