"""Take the migration flag down where somebody has chosen another password here, before an old one can replace it.

Self-service reset does not tell us, and leaves the flag up. Until it is down, whoever knows the legacy password could
write it over the new one. Every account is read shortly before it is changed; only its flag is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from idferry.errors import Stopped
from idferry.ports import AccountReader, AccountUpdater, Clock, LedgerReport, ObservationLedger, Stop, never
from idferry.rules.account import Account, AccountChange
from idferry.rules.answers import Fatal
from idferry.rules.entry import OURS_UP_TO, Entry, EventKind, Observation, Selection
from idferry.rules.lifecycle import State
from idferry.rules.person_set import PersonSet
from idferry.rules.sign_in import CREATION_TOLERANCE, AccountFacts, password_is_newer

CHUNK_PEOPLE = 20
LISTED_MAX = 10_000
CONFIRMED_WITHIN = timedelta(minutes=15)
"""Then the tenant has written the password that we vouched for, or never will."""
AWAITED = (State.AWAITING_PASSWORD, State.CONFIRMING)


@dataclass(frozen=True, slots=True)
class Swept:
    """An account whose password somebody else has changed, its flag still up."""

    object_id: str
    legacy_id: str
    password_changed_at: datetime | None


@dataclass(slots=True)
class SweepReport:
    """What a sweep found. Counts are people; `changed` holds the first 10,000.

    `cleared`: flags taken down, or that would be. `progressed`: the flag was down already. `returned`: we had vouched,
    and the tenant wrote nothing. `missing`: no account is shown; `foreign`: another legacyId. `failed`: the directory
    did not take the flag down; the next sweep tries again. `refused`: the code of what stopped us from taking any flag
    down, such as a permission that is missing; from then on we only looked, and whoever is due counts as failed.
    """

    checked: int = 0
    cleared: int = 0
    progressed: int = 0
    returned: int = 0
    missing: int = 0
    foreign: int = 0
    failed: int = 0
    refused: str = ""
    changed: list[Swept] = field(default_factory=list)


def sweep(
    *,
    selection: Selection,
    reader: AccountReader,
    updater: AccountUpdater,
    report: LedgerReport,
    observations: ObservationLedger,
    clock: Clock,
    execute: bool,
    tolerance: timedelta = CREATION_TOLERANCE,
    stop: Stop = never,
    among: PersonSet | None = None,
) -> SweepReport:
    """Look at everybody who awaits a password; without `execute` nothing is changed and nothing recorded.

    `among`: only at these people, because somebody has read the accounts of all others.

    Raises:
        DirectoryError, LedgerError.
        Stopped: `stop` said so; what was done is recorded.
    """
    sweeping = _Sweeping(reader, updater, report, observations, clock, execute, tolerance)
    chosen = Selection(selection.run, selection.source, selection.cohort, AWAITED)
    with_account = (entry for entry in report.entries(chosen) if entry.object_id)
    for chunk in _chunks(one for one in with_account if among is None or one.person_id in among):
        if stop():
            raise Stopped(
                f"stopped after {sweeping.found.checked} accounts; what was done is recorded",
                remedy="Run it again.",
            )
        sweeping.look_at(chunk)
    return sweeping.found


def may_be_due(entry: Entry, account: Account, *, tolerance: timedelta = CREATION_TOLERANCE) -> bool:
    """Whether a sweep would have something to do about this account of the entry, as far as one reading shows it."""
    if entry.state not in AWAITED or account.flag is not True or account.legacy_id != entry.legacy_id:
        return False
    if entry.state is State.CONFIRMING:
        return True
    newer = password_is_newer(_facts(account), written_at=None, tolerance=tolerance)
    return account.password_changed_at is not None and newer


@dataclass(slots=True)
class _Sweeping:
    reader: AccountReader
    updater: AccountUpdater
    report: LedgerReport
    observations: ObservationLedger
    clock: Clock
    execute: bool
    tolerance: timedelta
    found: SweepReport = field(default_factory=SweepReport)

    def look_at(self, chunk: Sequence[Entry]) -> None:
        accounts = self.reader.by_ids([entry.object_id for entry in chunk], ())
        seen: list[Observation] = []
        due: list[Entry] = []
        for entry in chunk:
            self.found.checked += 1
            account = accounts.get(entry.object_id)
            if account is None:
                self.found.missing += 1
            elif account.legacy_id != entry.legacy_id:
                self.found.foreign += 1
            elif account.flag is False:
                self.found.progressed += 1
                seen.append(Observation(entry.person_id, EventKind.FLAG_SEEN_DOWN, State.COMPLETE))
            elif account.flag is True:
                due += self._flagged(entry, account, seen)
        if self.execute:
            seen += self._clear(due)
            if seen:
                self.observations.observe(run="", observed=seen, at=self.clock.now())
        else:
            self.found.cleared += len(due)

    def _flagged(self, entry: Entry, account: Account, seen: list[Observation]) -> list[Entry]:
        """The entry, if its flag must go down."""
        if account.password_changed_at and self._is_somebody_elses(entry, account):
            if len(self.found.changed) < LISTED_MAX:
                self.found.changed.append(
                    Swept(entry.object_id, entry.legacy_id, account.password_changed_at)
                )
            return [entry]
        if entry.state is State.CONFIRMING and self._was_not_confirmed(entry):
            self.found.returned += 1
            seen.append(
                Observation(
                    entry.person_id,
                    EventKind.KEPT,
                    State.AWAITING_PASSWORD,
                    reason="the flag was still up 15 minutes after we had vouched",
                )
            )
        return []

    def _is_somebody_elses(self, entry: Entry, account: Account) -> bool:
        """Whether the password is newer than the account and than whatever we did about it since."""
        facts = _facts(account)
        if not password_is_newer(facts, written_at=None, tolerance=self.tolerance):
            return False
        ours = [one.at for one in self.report.events(entry.person_id) if one.kind in OURS_UP_TO]
        return password_is_newer(facts, written_at=max(ours, default=None), tolerance=self.tolerance)

    def _was_not_confirmed(self, entry: Entry) -> bool:
        vouched = [one.at for one in self.report.events(entry.person_id) if one.kind is EventKind.VOUCHED]
        return not vouched or self.clock.now() - max(vouched) > CONFIRMED_WITHIN

    def _clear(self, due: Sequence[Entry]) -> list[Observation]:
        if not due:
            return []
        if self.found.refused:
            self.found.failed += len(due)
            return []
        changes = [AccountChange(entry.object_id, flag=False) for entry in due]
        answers = self.updater.update(changes).result()
        seen = []
        for entry in due:
            answer = answers.get(entry.object_id)
            if isinstance(answer, Fatal):
                self.found.refused = answer.code
            if answer == "":
                self.found.cleared += 1
                seen.append(Observation(entry.person_id, EventKind.PASSWORD_FOUND_CHANGED))
                seen.append(Observation(entry.person_id, EventKind.FLAG_CLEARED, State.COMPLETE))
            else:
                self.found.failed += 1
        return seen


def _facts(account: Account) -> AccountFacts:
    return AccountFacts(
        object_id=account.object_id,
        legacy_id=account.legacy_id,
        flag=account.flag,
        enabled=account.enabled,
        created_at=account.created_at,
        password_changed_at=account.password_changed_at,
    )


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while chunk := list(islice(rest, CHUNK_PEOPLE)):
        yield chunk
