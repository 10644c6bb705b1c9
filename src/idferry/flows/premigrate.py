"""Premigrate: one account per person, with the known password or with a random one and the migration flag.

The flow reads as the documentation tells it: pre-flight, plan, send. It knows no vendor and no file format.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from idferry.flows.check_corrections import check_renamed
from idferry.flows.check_tenant import add_attributes, check_room, check_tenant
from idferry.flows.compare_source import changes_of_source, refuse_changes
from idferry.flows.failed_people import FailedPeople
from idferry.flows.plan_people import PlanReport, plan_people
from idferry.flows.send_people import SendLimits, SendReport, send_people
from idferry.ports import (
    AccountWriter,
    Clock,
    LegacySource,
    PlanLedger,
    RandomBelow,
    RecordReport,
    RunLedger,
    SendLedger,
    Stop,
    Tell,
    TenantInspector,
    never,
)
from idferry.rules.entry import Run, TakeUp
from idferry.rules.happenings import RunStarted
from idferry.rules.pilot import InPilot
from idferry.rules.plan import PlanRules
from idferry.rules.readiness import data_types
from idferry.rules.refused_password import SecondChoices


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The parts of one ledger that premigration works with; `records` are None where no run can be open."""

    plan: PlanLedger
    runs: RunLedger
    send: SendLedger
    records: RecordReport | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """Who is planned, and by which rules: the same for a dry run and for the real one.

    `accept_changes`: an open run that began with another version of the source gives way to a new one.
    `renamed`: whose corrections bring other sign-in names without being listed, and the digests of their records;
    `updates` says that people with an account are updated afterwards.
    """

    rules: PlanRules
    take_up: TakeUp
    in_pilot: InPilot
    limit: int | None = None
    accept_changes: bool = False
    renamed: Mapping[str, bytes] = field(default_factory=dict)
    updates: bool = False


@dataclass(frozen=True, slots=True)
class PremigrateReport:
    """What one execution planned and did."""

    run: str
    resumed: bool
    plan: PlanReport
    send: SendReport


def premigrate(
    *,
    command: str,
    source: LegacySource,
    intake: Intake,
    ledgers: Ledgers,
    inspector: TenantInspector,
    writer: AccountWriter,
    flag: str,
    clock: Clock,
    random_below: RandomBelow,
    tell: Tell,
    stop: Stop = never,
    limits: SendLimits | None = None,
) -> PremigrateReport:
    """Create the accounts of a source's people.

    1. Refuse to continue a run that began with another version of the source, and say what has changed.
    2. Pre-flight: token, permissions, extension app, the attributes `legacyId` and the flag. Nothing was done yet.
    3. Continue the open run of this command and this very source, else open one.
    4. Plan everybody, or only those who failed: stream the source into the ledger. Open runs of older versions give way.
    5. Pre-flight again, now that the numbers are known: room for so many people, and the attributes they bring.
    6. Send, and close the run when everybody has an answer.

    Raises:
        SourceChanged: a run is open that began with another version of the source, and nobody has accepted that.
        SourceError: an attribute has values of several types, or a correction renames somebody who has not failed.
        QuotaExceeded: the tenant has no room for so many people.
        Stopped: `stop` said so, in any of the steps.
        everything that `check_tenant`, `plan_people` and `send_people` raise.
    """
    if ledgers.records:
        check_renamed(
            renamed=intake.renamed, source=source.name, records=ledgers.records, updates=intake.updates
        )
    _refuse_changed_source(command, source, intake, ledgers, tell, stop)
    facts = check_tenant(inspector=inspector, flag=flag, tell=tell)
    run, resumed, plan = _plan(command, source, intake, ledgers, clock, tell, stop)
    total = ledgers.send.count_to_send(run.run)
    check_room(
        facts=facts,
        ledger=ledgers.send,
        writer=writer,
        run=run.run,
        people=total,
        clock=clock,
        stop=stop,
    )
    needed = data_types(plan.extension_types)
    add_attributes(inspector=inspector, facts=facts, needed=needed, tell=tell)
    tell(RunStarted(run.run, total, resumed))
    sent = send_people(
        run=run.run,
        source=source,
        ledger=ledgers.send,
        writer=writer,
        clock=clock,
        random_below=random_below,
        tell=tell,
        stop=stop,
        limits=limits,
        second_choices=SecondChoices.of(intake.rules),
    )
    ledgers.runs.close_run(run.run, at=clock.now())
    return PremigrateReport(run.run, resumed, plan, sent)


def people_to_plan(
    source: LegacySource, *, intake: Intake, records: RecordReport | None, run: str
) -> LegacySource:
    """The source as `run` plans it: whole, or reduced to those who failed when it was asked for them."""
    if records is None or not intake.take_up.retry_failed:
        return source
    return FailedPeople(source=source, ledger=records, run=run, in_pilot=intake.in_pilot)


def _refuse_changed_source(
    command: str, source: LegacySource, intake: Intake, ledgers: Ledgers, tell: Tell, stop: Stop
) -> None:
    if ledgers.records and not intake.accept_changes:
        changes = changes_of_source(
            command=command,
            source=source,
            records=ledgers.records,
            in_pilot=intake.in_pilot,
            limit=intake.limit,
            tell=tell,
            stop=stop,
        )
        if changes:
            refuse_changes(changes, source)


def _plan(
    command: str,
    source: LegacySource,
    intake: Intake,
    ledgers: Ledgers,
    clock: Clock,
    tell: Tell,
    stop: Stop,
) -> tuple[Run, bool, PlanReport]:
    run, resumed = ledgers.runs.open_run(
        command=command,
        source=source.name,
        source_digest=source.digest(),
        cohort=intake.take_up.cohort,
        at=clock.now(),
        place=source.place,
    )
    plan = plan_people(
        source=people_to_plan(source, intake=intake, records=ledgers.records, run=run.run),
        ledger=ledgers.plan,
        rules=intake.rules,
        run=run.run,
        take_up=intake.take_up,
        in_pilot=intake.in_pilot,
        limit=intake.limit,
        clock=clock,
        tell=tell,
        stop=stop,
    )
    ledgers.runs.supersede_runs(by=run.run, at=clock.now())
    return run, resumed, plan
