"""Remove accounts that this tool created and nobody uses yet; purge or restore what was removed.

Every account is read immediately before it is deleted. Whatever shows that a person uses it keeps it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from idferry.errors import Stopped, UsageError
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
from idferry.rules.removal import Kept, reason_to_keep

CHUNK_ACCOUNTS = 20
LOOKUP_PEOPLE = 500
LISTED_MAX = 1000


@dataclass(slots=True)
class RemoveReport:
    """What a removal did, or would do (`to_remove`). Counts are people.

    `kept_used` are accounts that a person uses (by reason in `kept`), `gone` those that were no longer there.
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
    while batch := list(islice(users, LOOKUP_PEOPLE)):
        ids = [legacy_id_of(project=project, source=file.name, key=user.key) for user in batch]
        yield from (entry for entry in ledger.entries_of_legacy_ids(ids).values() if entry.state in states)


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
    if including_used is not None:
        used = _count_used(people(), remover)
        if used != including_used:
            raise UsageError(
                f"--including-used {including_used}: {used} of these accounts are in use",
                remedy="Look at them in the plan; then name exactly that number.",
            )
    report, read = RemoveReport(), 0
    waiting = iter(people())
    while chunk := list(islice(waiting, CHUNK_ACCOUNTS)):
        if stop():
            raise Stopped(f"stopped; {report.removed} accounts were removed and are in the ledger")
        accounts = remover.usage([entry.object_id for entry in chunk])
        judged = _judge(chunk, accounts, used_too=including_used is not None)
        _count(judged, report)
        if execute:
            _delete(judged, remover, observations, run, clock, report)
        read += len(chunk)
        tell(AccountsRemoved(report.removed) if execute else AccountsRead(read))
    return report


def _judge(chunk: list[Entry], accounts: Mapping[str, Account], *, used_too: bool) -> _Judged:
    judged = _Judged()
    for entry in chunk:
        account = accounts.get(entry.object_id)
        reason = reason_to_keep(entry, account) if account else None
        if account is None:
            judged.gone.append(entry)
        elif reason and not (used_too and reason.means_used):
            judged.kept.append((entry, reason))
        else:
            judged.deletable.append(entry)
    return judged


def _count_used(people: Iterable[Entry], remover: AccountRemover) -> int:
    used, waiting = 0, iter(people)
    while chunk := list(islice(waiting, CHUNK_ACCOUNTS)):
        judged = _judge(chunk, remover.usage([entry.object_id for entry in chunk]), used_too=False)
        used += sum(reason.means_used for _, reason in judged.kept)
    return used


def _count(judged: _Judged, report: RemoveReport) -> None:
    report.to_remove += len(judged.deletable)
    report.gone += len(judged.gone)
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
    intents = [Observation(entry.person_id, EventKind.DELETE_SENT) for entry in judged.deletable]
    observations.observe(run=run, observed=intents, at=clock.now())
    answers = remover.delete([entry.object_id for entry in judged.deletable]) if judged.deletable else {}
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
    """What purging or restoring did, or would do (`found`): accounts in the recycle bin that this tool removed."""

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
        accounts = remover.deleted([entry.object_id for entry in chunk])
        ours = [entry for entry in chunk if _is_ours(entry, accounts.get(entry.object_id))]
        report.absent += sum(entry.object_id not in accounts for entry in chunk)
        report.foreign += len(chunk) - len(ours) - sum(entry.object_id not in accounts for entry in chunk)
        report.found += len(ours)
        if not execute or not ours:
            continue
        ids = [entry.object_id for entry in ours]
        answers = remover.restore(ids) if restore else remover.purge(ids)
        observed = []
        for entry in ours:
            code = answers.get(entry.object_id, "unreachable")
            report.done += not code
            if code:
                report.failed[code] += 1
            else:
                observed.append(_recycled(entry, accounts[entry.object_id], restore=restore))
        observations.observe(run=run, observed=observed, at=clock.now())
    return report


def _is_ours(entry: Entry, account: Account | None) -> bool:
    # A deleted account may be shown without its extension attributes; its id alone is ours then.
    return account is not None and account.legacy_id in (entry.legacy_id, None)


def _recycled(entry: Entry, account: Account, *, restore: bool) -> Observation:
    if not restore:
        return Observation(entry.person_id, EventKind.PURGED)
    awaits = entry.draft.sets_flag if entry.draft and account.flag is None else bool(account.flag)
    state = State.AWAITING_PASSWORD if awaits else State.COMPLETE
    return Observation(entry.person_id, EventKind.RESTORED, state, object_id=entry.object_id)
