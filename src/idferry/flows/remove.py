"""Remove accounts that this tool created and nobody uses yet; purge or restore what was removed.

Every account is read immediately before it is deleted. Whatever shows that a person uses it keeps it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from idferry.errors import NotFound, Stopped, UsageError
from idferry.ports import (
    AccountRemover,
    Clock,
    LedgerReport,
    LegacySource,
    ObservationLedger,
    SourceRecord,
    Tell,
)
from idferry.rules.account import Account, legacy_id_of
from idferry.rules.entry import Entry, EventKind, Observation, Selection
from idferry.rules.happenings import AccountsRead, AccountsRemoved
from idferry.rules.lifecycle import State
from idferry.rules.person_set import PersonSet
from idferry.rules.removal import Kept, reason_to_keep

CHUNK_ACCOUNTS = 20
LOOKUP_PEOPLE = 500
LISTED_MAX = 1000
SHOWS_WITHIN = timedelta(minutes=15)
"""An account that is not shown so soon after its creation may only be not visible yet."""


@dataclass(slots=True)
class RemoveReport:
    """What a removal did, or would do (`to_remove`). Counts are people.

    `kept_used` are accounts that a person uses (by reason in `kept`), `gone` those that were no longer there,
    `failed` those that stay for another reason, by code (`not_found`: too new to be believed gone).
    """

    to_remove: int = 0
    removed: int = 0
    gone: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    kept_used: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    kept_people: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Judged:
    deletable: list[Entry] = field(default_factory=list)
    gone: list[Entry] = field(default_factory=list)
    unseen: list[Entry] = field(default_factory=list)
    kept: list[tuple[Entry, Kept]] = field(default_factory=list)


def people_of_selection(
    ledger: LedgerReport, selection: Selection, *, states: tuple[State, ...]
) -> Iterator[Entry]:
    """Everybody selected who is in one of these states, streamed."""
    chosen = Selection(run=selection.run, source=selection.source, cohort=selection.cohort, states=states)
    return ledger.entries(chosen)


def people_of_file(
    ledger: LedgerReport, file: LegacySource, *, project: str, states: tuple[State, ...]
) -> Iterator[Entry]:
    """The intersection of a file and the ledger: people of the file whom this tool created, in these states."""
    users = (record.user for record in file.records() if isinstance(record, SourceRecord))
    taken = PersonSet()
    while batch := list(islice(users, LOOKUP_PEOPLE)):
        ids = {legacy_id_of(project=project, source=file.name, key=user.key) for user in batch}
        for entry in ledger.entries_of_legacy_ids(ids).values():
            if entry.state in states and entry.person_id not in taken:
                taken.add(entry.person_id)
                yield entry


def remove(
    *,
    people: Callable[[], Iterable[Entry]],
    remover: AccountRemover,
    observations: ObservationLedger,
    clock: Clock,
    tell: Tell,
    execute: bool,
    run: str = "",
    including_used: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> RemoveReport:
    """Delete the accounts of `people`, or say what would happen.

    1. With `including_used`: count the used ones first; any other number than the one named stops here.
    2. Read each account; keep those with another legacyId, and those in use unless they are included.
    3. Record the intent, delete into the recycle bin, record what was seen.

    Raises:
        UsageError: `including_used` is not the number of used accounts.
        DirectoryError, LedgerError, Stopped.
    """
    included = PersonSet()
    if including_used is not None:
        included = _used_people(people(), remover)
        if len(included) != including_used:
            raise UsageError(
                f"--including-used {including_used}: {len(included)} of these accounts are in use",
                remedy="Look at them in the plan; then name exactly that number.",
            )
    report, read = RemoveReport(), 0
    waiting = iter(people())
    while chunk := list(islice(waiting, CHUNK_ACCOUNTS)):
        if stop():
            raise Stopped(f"stopped; {report.removed} accounts were removed and are in the ledger")
        judged = _judge(chunk, remover, included=included, now=clock.now())
        _count(judged, report)
        if execute:
            _delete(judged, remover, observations, run, clock, report)
        read += len(chunk)
        tell(AccountsRemoved(report.removed) if execute else AccountsRead(read))
    return report


def _judge(chunk: list[Entry], remover: AccountRemover, *, included: PersonSet, now: datetime) -> _Judged:
    """Read the accounts of a chunk and sort its people; `included` are deleted although they are used."""
    accounts = remover.usage([entry.object_id for entry in chunk])
    judged = _Judged()
    unseen: list[Entry] = []
    for entry in chunk:
        account = accounts.get(entry.object_id)
        reason = reason_to_keep(entry, account) if account else None
        if account is None:
            young = entry.created_at is not None and now - entry.created_at < SHOWS_WITHIN
            (unseen if young else judged.gone).append(entry)
        elif reason and not (reason.means_used and entry.person_id in included):
            judged.kept.append((entry, reason))
        else:
            judged.deletable.append(entry)
    in_bin = remover.deleted([entry.object_id for entry in unseen]) if unseen else {}
    for entry in unseen:
        (judged.gone if entry.object_id in in_bin else judged.unseen).append(entry)
    return judged


def _used_people(people: Iterable[Entry], remover: AccountRemover) -> PersonSet:
    """Who uses an account now. Whoever begins to later was not in the number that somebody agreed to."""
    used, waiting = PersonSet(), iter(people)
    while chunk := list(islice(waiting, CHUNK_ACCOUNTS)):
        accounts = remover.usage([entry.object_id for entry in chunk])
        for entry in chunk:
            account = accounts.get(entry.object_id)
            reason = reason_to_keep(entry, account) if account else None
            if reason and reason.means_used:
                used.add(entry.person_id)
    return used


def _count(judged: _Judged, report: RemoveReport) -> None:
    report.to_remove += len(judged.deletable)
    report.gone += len(judged.gone)
    if judged.unseen:
        report.failed[NotFound.code] += len(judged.unseen)
    for entry, reason in judged.kept:
        report.kept[reason] += 1
        report.kept_used += reason.means_used
        if len(report.kept_people) < LISTED_MAX:
            report.kept_people.append((entry.legacy_id, reason))


def _delete(
    judged: _Judged,
    remover: AccountRemover,
    observations: ObservationLedger,
    run: str,
    clock: Clock,
    report: RemoveReport,
) -> None:
    answers: Mapping[str, str] = {}
    if judged.deletable:
        intents = [Observation(entry.person_id, EventKind.DELETE_SENT) for entry in judged.deletable]
        observations.observe(run=run, observed=intents, at=clock.now())
        answers = remover.delete([entry.object_id for entry in judged.deletable])
    observed = [
        Observation(entry.person_id, EventKind.REMOVED, State.REMOVED, "gone") for entry in judged.gone
    ]
    observed += [Observation(entry.person_id, EventKind.KEPT, code=reason) for entry, reason in judged.kept]
    for entry in judged.deletable:
        code = answers.get(entry.object_id, "unreachable")
        if code:
            report.failed[code] += 1
            observed.append(Observation(entry.person_id, EventKind.KEPT, code=code))
        else:
            report.removed += 1
            observed.append(Observation(entry.person_id, EventKind.REMOVED, State.REMOVED))
    observations.observe(run=run, observed=observed, at=clock.now())


@dataclass(slots=True)
class RecycleReport:
    """What purging or restoring did, or would do (`found`): accounts in the recycle bin that this tool removed.

    For restoring, `found` and `done` include those that are in the directory again already.
    """

    found: int = 0
    done: int = 0
    absent: int = 0
    foreign: int = 0
    failed: Counter[str] = field(default_factory=Counter)


def empty_recycle_bin(
    *,
    people: Iterable[Entry],
    remover: AccountRemover,
    observations: ObservationLedger,
    clock: Clock,
    execute: bool,
    restore: bool,
    run: str = "",
) -> RecycleReport:
    """Purge (for good) or restore removed accounts; only those that still carry our legacyId.

    Raises:
        DirectoryError, LedgerError.
    """
    report = RecycleReport()
    waiting = iter(people)
    while chunk := list(islice(waiting, CHUNK_ACCOUNTS)):
        binned = remover.deleted([entry.object_id for entry in chunk])
        elsewhere = [entry.object_id for entry in chunk if entry.object_id not in binned]
        # Restored already, by a call whose answer was lost or by an administrator: the ledger has to learn it.
        live = remover.usage(elsewhere) if restore and elsewhere else {}
        accounts = {**live, **binned}
        ours = [entry for entry in chunk if _is_ours(entry, accounts.get(entry.object_id))]
        report.found += len(ours)
        report.absent += sum(entry.object_id not in accounts for entry in chunk)
        report.foreign += len(chunk) - len(ours) - sum(entry.object_id not in accounts for entry in chunk)
        if execute and ours:
            asked = [entry.object_id for entry in ours if entry.object_id in binned]
            change = remover.restore if restore else remover.purge
            answers = {**dict.fromkeys(live, ""), **(change(asked) if asked else {})}
            _record_recycling(ours, accounts, answers, observations, run, clock, report, restore=restore)
    return report


def _record_recycling(
    ours: list[Entry],
    accounts: Mapping[str, Account],
    answers: Mapping[str, str],
    observations: ObservationLedger,
    run: str,
    clock: Clock,
    report: RecycleReport,
    *,
    restore: bool,
) -> None:
    observed = []
    for entry in ours:
        code = answers.get(entry.object_id, "unreachable")
        if code:
            report.failed[code] += 1
        else:
            report.done += 1
            observed.append(_recycled(entry, accounts[entry.object_id], restore=restore))
    if observed:
        observations.observe(run=run, observed=observed, at=clock.now())


def _is_ours(entry: Entry, account: Account | None) -> bool:
    # A deleted account may be shown without its extension attributes; its id alone is ours then.
    return account is not None and account.legacy_id in (entry.legacy_id, None)


def _recycled(entry: Entry, account: Account, *, restore: bool) -> Observation:
    if not restore:
        return Observation(entry.person_id, EventKind.PURGED)
    awaits = entry.draft.sets_flag if entry.draft and account.flag is None else bool(account.flag)
    state = State.AWAITING_PASSWORD if awaits else State.COMPLETE
    return Observation(entry.person_id, EventKind.RESTORED, state, object_id=entry.object_id)
