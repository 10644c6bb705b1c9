"""Bring a later export in: update the people who have an account, and deal with those who left or are barred.

`plan_update` says beforehand what the source holds, and refuses what looks like a truncated export; new people are
`premigrate`'s. Flag, password, password policies and identities are never touched here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from idferry.errors import Stopped
from idferry.flows.change_accounts import AccountChanges, account_changes
from idferry.flows.check_tenant import add_attributes
from idferry.flows.disable_people import DisableReport, disable_people, list_by_enabled
from idferry.flows.end_early import telling_what_was_done
from idferry.flows.forget_hashes import forget_hashes
from idferry.flows.plan_update import Listing, UpdatePlan
from idferry.flows.remove import RemoveReport, remove
from idferry.flows.update_values import ValuesReport, ValueUpdating
from idferry.ports import (
    AccountReader,
    AccountRemover,
    AccountUpdater,
    Clock,
    HashStore,
    LedgerReport,
    ObservationLedger,
    Stop,
    Tell,
    TenantInspector,
    WantedDrafts,
    never,
)
from idferry.rules.attributes import GRAPH_NAMES, LEGACY_ID
from idferry.rules.departure import Departures, WhenBarred, WhenVanished
from idferry.rules.entry import Entry, Selection
from idferry.rules.lifecycle import WITH_ACCOUNT
from idferry.rules.person_set import PersonSet
from idferry.rules.readiness import data_types

_EVERYBODY = Selection(states=WITH_ACCOUNT)
VANISHED = "no longer in the source"
BARRED = "disabled in the source"


@dataclass(frozen=True, slots=True)
class UpdateLedgers:
    """The parts of one ledger that an update works with, the shelf that `plan_update` filled, and the hash store if any."""

    report: LedgerReport
    observations: ObservationLedger
    wanted: WantedDrafts
    hashes: HashStore | None = None


@dataclass(frozen=True, slots=True)
class UpdatePorts:
    """The parts of one directory that an update works with."""

    reader: AccountReader
    updater: AccountUpdater
    remover: AccountRemover
    inspector: TenantInspector


@dataclass(slots=True)
class UpdateReport:
    """What an update did, or would do. `returned`: enabled in the source, disabled in the directory, left alone.

    `barred_in_doubt`: a record that is disabled may be theirs, and the account is enabled, left alone. `removal` is
    None unless vanished people are to be removed. `asked`: what was asked for.
    """

    plan: UpdatePlan
    values: ValuesReport = field(default_factory=ValuesReport)
    disabling: DisableReport = field(default_factory=DisableReport)
    returned: Listing = field(default_factory=Listing)
    removal: RemoveReport | None = None
    barred_in_doubt: Listing = field(default_factory=Listing)
    asked: Departures = field(default_factory=Departures)

    @property
    def unfinished(self) -> int:
        """People for whom something was asked and not done: failed, in doubt, or kept because the account is used."""
        removal = self.removal
        left = removal.failed.total() + removal.kept.total() if removal else 0
        left += self.barred_in_doubt.count if self.asked.barred is WhenBarred.DISABLE else 0
        return self.values.failed.total() + self.disabling.failed.total() + left

    @property
    def done(self) -> str:
        """What was done so far, in a sentence."""
        updated, disabled = self.values.updated, self.disabling.disabled
        return f"{updated:,} accounts were updated and {disabled:,} disabled"


def update_people(
    *,
    plan: UpdatePlan,
    departures: Departures,
    ledgers: UpdateLedgers,
    directory: UpdatePorts,
    flag: str,
    run: str,
    clock: Clock,
    tell: Tell,
    execute: bool,
    stop: Stop = never,
) -> UpdateReport:
    """Update the people of a source, or say what would happen.

    1. Create the extension attributes that new values need.
    2. Update values, three-way.
    3. List, disable or remove the people who are no longer in the source.
    4. List or disable those whom the source disabled; list those whom it may have disabled, and those whom it enables
       and whose account is disabled.

    `flag`: short name of the migration flag. Events belong to `run`.

    Raises:
        SourceError: an attribute has values of several types.
        TenantNotReady: an extension attribute is missing, and the application may not create it.
        DirectoryError, LedgerError, Stopped: their `done` says how many accounts were changed.
    """
    report = UpdateReport(plan, asked=departures)
    # Whoever executes has created people before: the command has begun.
    with telling_what_was_done(lambda: report.done if execute else ""):
        facts = directory.inspector.inspect()
        needed = data_types(plan.extension_types)
        if execute:
            add_attributes(inspector=directory.inspector, facts=facts, needed=needed, tell=tell)
        custom = {*facts.attributes, *(needed if execute else ())} - {LEGACY_ID, flag}
        settling = _Settling(
            plan=plan, ledgers=ledgers, directory=directory, report=report, tell=tell, stop=stop
        )
        if execute:
            settling.forget_hashes()
        with account_changes(observations=ledgers.observations, clock=clock, run=run, stop=stop) as changes:
            ValueUpdating(
                ledger=ledgers.report,
                wanted=ledgers.wanted,
                reader=directory.reader,
                updater=directory.updater,
                value_names=[*GRAPH_NAMES, *sorted(custom)],
                accounts=facts.objects_used or sum(ledgers.report.states(_EVERYBODY).values()),
                changes=changes if execute else None,
                tell=tell,
                stop=stop,
                report=report.values,
            ).update()
            changes.finish()
            if execute:
                settling.disable(departures, changes)
        if departures.vanished is WhenVanished.REMOVE:
            settling.remove(clock, execute=execute)
        settling.list_undecided()
    return report


@dataclass(slots=True, kw_only=True)
class _Settling:
    """What becomes of the people who left the source or are barred there."""

    plan: UpdatePlan
    ledgers: UpdateLedgers
    directory: UpdatePorts
    report: UpdateReport
    tell: Tell
    stop: Stop

    def forget_hashes(self) -> None:
        """Whoever left the source or is barred there signs in by no old hash any more, whatever else was asked for."""
        for chosen in (self.plan.departing, self.plan.shut):
            if self.ledgers.hashes:
                forget_hashes(store=self.ledgers.hashes, people=self._people(chosen))

    def disable(self, departures: Departures, changes: AccountChanges) -> None:
        """Disable whom somebody asked to disable."""
        leaving = len(self.plan.departing) if departures.vanished is WhenVanished.REMOVE else 0
        wanted = (
            (departures.vanished is WhenVanished.DISABLE, self.plan.departing, VANISHED),
            (departures.barred is WhenBarred.DISABLE, self.plan.shut, BARRED),
        )
        for asked, chosen, reason in wanted:
            if asked:
                disable_people(
                    people=(entry for entry in self._people(chosen) if entry.draft and entry.draft.enabled),
                    reason=reason,
                    reader=self.directory.reader,
                    updater=self.directory.updater,
                    changes=changes,
                    report=self.report.disabling,
                    total=self.plan.threatened - leaving,
                    tell=self.tell,
                )
        changes.finish()

    def remove(self, clock: Clock, *, execute: bool) -> None:
        """Remove vanished people, with all the checks of `remove`: whoever uses the account keeps it."""
        self.report.removal = remove(
            people=lambda: self._people(self.plan.departing),
            remover=self.directory.remover,
            observations=self.ledgers.observations,
            clock=clock,
            tell=self.tell,
            execute=execute,
            stop=self.stop,
        )

    def list_undecided(self) -> None:
        """Whom the source enables although the account is disabled, and whom it may have barred although it is not."""
        plan, reader = self.plan, self.directory.reader
        returned, doubtful = self._people(plan.returned), self._people(plan.doubtful)
        self.report.returned = list_by_enabled(people=returned, enabled=False, reader=reader)
        self.report.barred_in_doubt = list_by_enabled(
            people=(entry for entry in doubtful if entry.person_id not in plan.shut),
            enabled=True,
            reader=reader,
        )

    def _people(self, chosen: PersonSet) -> Iterator[Entry]:
        if not chosen:
            return
        for entry in self.ledgers.report.entries(Selection(source=self.plan.source, states=WITH_ACCOUNT)):
            if self.stop():
                raise Stopped("stopped")
            if entry.person_id in chosen:
                yield entry
