"""Remove accounts that this tool created and nobody uses yet.

Every account is read immediately before it is deleted. Whatever shows that a person uses it keeps it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from idferry.errors import NotFound, Stopped, Unreachable, UsageError
from idferry.flows.end_early import telling_what_was_done
from idferry.flows.recycle import chunks_of, ids_of
from idferry.ports import AccountRemover, Clock, ObservationLedger, Stop, Tell, never
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.happenings import AccountsRead, AccountsRemoved
from idferry.rules.lifecycle import State
from idferry.rules.person_set import PersonSet
from idferry.rules.removal import GONE, Kept, reason_to_keep

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


def remove(
    *,
    people: Callable[[], Iterable[Entry]],
    remover: AccountRemover,
    observations: ObservationLedger,
    clock: Clock,
    tell: Tell,
    execute: bool,
    including_used: int | None = None,
    stop: Stop = never,
) -> RemoveReport:
    """Delete the accounts of `people`, or say what would happen.

    1. With `including_used`: count the used ones first; any other number than the one named stops here.
    2. Read each account; keep those with another legacyId, and those in use unless they are included.
    3. Record the intent, delete into the recycle bin, record what was seen.

    Raises:
        UsageError: `including_used` is not the number of used accounts.
        DirectoryError, LedgerError, Stopped: its `done` says how many were removed, once an account was read.
    """
    removing = _Removing(remover=remover, observations=observations, clock=clock)
    if including_used is not None:
        removing.include_used(people(), expected=including_used)
    with telling_what_was_done(removing.done):
        for chunk in chunks_of(people()):
            if stop():
                raise Stopped("stopped")
            judged = removing.judge(chunk)
            removing.read += len(chunk)
            if execute:
                removing.carry_out(judged)
            tell(AccountsRemoved(removing.report.removed) if execute else AccountsRead(removing.read))
    return removing.report


@dataclass(slots=True, kw_only=True)
class _Removing:
    """The state of one removal: who goes although somebody uses the account, and what was done."""

    remover: AccountRemover
    observations: ObservationLedger
    clock: Clock
    report: RemoveReport = field(default_factory=RemoveReport)
    included: PersonSet = field(default_factory=PersonSet)
    read: int = 0

    def done(self) -> str:
        """What was done so far, in a sentence; "" before an account was read."""
        return f"{self.report.removed:,} accounts were removed" if self.read else ""

    # --- who uses an account ----------------------------------------------------------------------------------------

    def include_used(self, people: Iterable[Entry], *, expected: int) -> None:
        """Whoever uses an account now goes too. Whoever begins to later was not in the number somebody agreed to."""
        for chunk in chunks_of(people):
            accounts = self.remover.usage(ids_of(chunk))
            for entry in chunk:
                account = accounts.get(entry.object_id)
                reason = reason_to_keep(entry, account) if account else None
                if reason and reason.means_used:
                    self.included.add(entry.person_id)
        if len(self.included) != expected:
            raise UsageError(
                f"--including-used {expected}: {len(self.included)} of these accounts are in use",
                remedy="Look at them in the plan; then name exactly that number.",
            )

    # --- what becomes of each account --------------------------------------------------------------------------------

    def judge(self, chunk: list[Entry]) -> _Judged:
        """Read the accounts of a chunk, sort its people and count them."""
        accounts = self.remover.usage(ids_of(chunk))
        judged = _Judged()
        for entry in chunk:
            account = accounts.get(entry.object_id)
            reason = reason_to_keep(entry, account) if account else None
            if account is None:
                (judged.unseen if self._may_be_too_new(entry) else judged.gone).append(entry)
            elif reason and not (reason.means_used and entry.person_id in self.included):
                judged.kept.append((entry, reason))
            else:
                judged.deletable.append(entry)
        self._look_into_recycle_bin(judged)
        self._count(judged)
        return judged

    def _may_be_too_new(self, entry: Entry) -> bool:
        return entry.created_at is not None and self.clock.now() - entry.created_at < SHOWS_WITHIN

    def _look_into_recycle_bin(self, judged: _Judged) -> None:
        """A new account that lies in the bin is gone, however new it is."""
        if judged.unseen:
            in_bin = self.remover.deleted(ids_of(judged.unseen))
            judged.gone += [entry for entry in judged.unseen if entry.object_id in in_bin]
            judged.unseen = [entry for entry in judged.unseen if entry.object_id not in in_bin]

    def _count(self, judged: _Judged) -> None:
        report = self.report
        report.to_remove += len(judged.deletable)
        report.gone += len(judged.gone)
        if judged.unseen:
            report.failed[NotFound.code] += len(judged.unseen)
        for entry, reason in judged.kept:
            report.kept[reason] += 1
            report.kept_used += reason.means_used
            if len(report.kept_people) < LISTED_MAX:
                report.kept_people.append((entry.legacy_id, reason))

    # --- deleting ----------------------------------------------------------------------------------------------------

    def carry_out(self, judged: _Judged) -> None:
        """Record the intent, delete, record what was seen: also of those who are gone, and who stays and why."""
        answers: Mapping[str, str] = {}
        if judged.deletable:
            self._record([Observation(one.person_id, EventKind.DELETE_SENT) for one in judged.deletable])
            answers = self.remover.delete(ids_of(judged.deletable))
        gone = [Observation(one.person_id, EventKind.REMOVED, State.REMOVED, GONE) for one in judged.gone]
        kept = [Observation(one.person_id, EventKind.KEPT, code=reason) for one, reason in judged.kept]
        self._record([*gone, *kept, *(self._answered(one, answers) for one in judged.deletable)])

    def _answered(self, entry: Entry, answers: Mapping[str, str]) -> Observation:
        code = answers.get(entry.object_id, Unreachable.code)
        if code:
            self.report.failed[code] += 1
            return Observation(entry.person_id, EventKind.KEPT, code=code)
        self.report.removed += 1
        return Observation(entry.person_id, EventKind.REMOVED, State.REMOVED)

    def _record(self, observed: list[Observation]) -> None:
        self.observations.observe(run="", observed=observed, at=self.clock.now())
