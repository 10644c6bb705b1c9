"""`idferry rehearse`: the whole migration of one's own export, against an emulated tenant, in stepped time."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import typer

from idferry.cli.emulated_tenant import emulated_tenant
from idferry.cli.options import JsonOption, NameOption, SettingsOption, SourceArgument
from idferry.cli.output import print_json
from idferry.cli.progress import progress
from idferry.cli.rehearse_options import (
    HASHES,
    AppsOption,
    CoresOption,
    ExistingOption,
    FaultRateOption,
    FirstDayOption,
    HashOption,
    LatencyOption,
    LimitOption,
    ModeBOption,
    PasswordOption,
    TrialOption,
    VerifyOption,
)
from idferry.cli.rehearse_report import Rehearsed, print_rehearsal, rehearsal_document
from idferry.cli.stopping import stop_on_signals
from idferry.errors import EXIT_PEOPLE_FAILED, Stopped, Unreachable, UsageError
from idferry.flows.premigrate import Intake, Ledgers
from idferry.flows.rehearse import RehearsalLedger, RehearsalReport, RehearsalTenant
from idferry.flows.rehearse import rehearse as flow
from idferry.ports import Clock, LegacySource, Stop, Tell
from idferry.rules.account import TenantKind
from idferry.rules.entry import TakeUp
from idferry.rules.first_day import (
    VERIFY_MS,
    Basis,
    FirstDay,
    FirstDayForecast,
    Mode,
    forecast_first_day,
)
from idferry.rules.happenings import AttributeCreated, Happening, PeopleSettled, RunStarted
from idferry.rules.plan import PasswordMode
from idferry.rules.quota import UNPACED, rate_of
from idferry.settings import Settings, read_settings
from idferry.wiring import (
    Conditions,
    EmulatedStage,
    SteppedClock,
    SystemClock,
    plan_rules_of,
    random_below,
    send_limits_of,
    source_of,
)
from idferry.wiring.rules import importing_applications, quota_of, whole_quota_of

NOTHING_STAYS = "nothing real was touched, and nothing of the rehearsal stays"


@dataclass(frozen=True, slots=True)
class _Day:
    """What was said on the command line about the first day."""

    people_per_hour: int
    mode_b: bool
    trial: bool
    scheme: str
    verify_ms: float
    cores: int


def rehearse(
    source: SourceArgument,
    apps: AppsOption = None,
    latency_ms: LatencyOption = 300.0,
    fault_rate: FaultRateOption = 0.0,
    password: PasswordOption = PasswordMode.AUTO,
    limit: LimitOption = None,
    existing: ExistingOption = 0,
    first_day: FirstDayOption = None,
    mode_b: ModeBOption = False,
    trial: TrialOption = False,
    scheme: HashOption = "bcrypt-12",
    verify_ms: VerifyOption = 0.0,
    cores: CoresOption = 0,
    name: NameOption = "",
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the whole migration of an export against an emulated tenant, and say what it will take.

    The real tenant and the real ledger are not touched, and nothing of the rehearsal stays.
    The tenant's published limits hold, in stepped time: a night of waiting takes minutes.

    Example: idferry rehearse export/people.jsonl --apps 3 --first-day 20000
    """
    read = read_settings(settings)
    legacy = source_of(read, source, name=name)
    kind = TenantKind(read.tenant.kind if read.tenant else "b2c")
    _check_day(kind, trial=trial, mode_b=mode_b)
    day = _Day(first_day, mode_b, trial, scheme, verify_ms, cores) if first_day else None
    applications = apps or max(len(importing_applications(read)), 1)
    forecast = _forecast(day, kind, read, applications) if day else None
    conditions = Conditions(applications, timedelta(milliseconds=latency_ms), fault_rate)
    _check_latency(conditions.latency, timedelta(seconds=read.limits.timeout_seconds))
    watch = SystemClock()
    began_s = watch.elapsed()
    with stop_on_signals() as stop, _ending_for_good(stop), _stage(read, kind, conditions) as stage:
        report = _run(stage, legacy, password, limit, watch, stop, quiet=as_json)
        spent = stage.spent()
    rehearsed = Rehearsed(
        source=legacy.name,
        kind=kind,
        conditions=conditions,
        quota=quota_of(read),
        existing=existing,
        report=report,
        spent=spent,
        real_s=watch.elapsed() - began_s,
        first_day=forecast,
    )
    if as_json:
        print_json(rehearsal_document(rehearsed))
    else:
        print_rehearsal(rehearsed)
    if rehearsed.went_wrong:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def _check_latency(latency: timedelta, timeout: timedelta) -> None:
    """An answer that takes as long as we wait at most would never be heard."""
    if latency >= timeout:
        raise UsageError(
            f"--latency-ms {latency / timedelta(milliseconds=1):g} is no less than what the settings wait for an "
            f"answer, {timeout.total_seconds():g} seconds",
            remedy="Give less, or more to timeout_seconds in [limits].",
        )


@contextmanager
def _ending_for_good(stop: Stop) -> Iterator[None]:
    """A rehearsal cannot be continued: what ends it says so, whatever the same thing means in a migration."""
    again = "the same command starts again from the beginning."
    try:
        yield
    except (Stopped, Unreachable, KeyboardInterrupt) as error:
        # A terminal gives Ctrl-C to the emulated tenant too, which is then no longer there.
        if stop() or not isinstance(error, Unreachable):
            stopped = f"the rehearsal was stopped; {NOTHING_STAYS}"
            raise Stopped(stopped, remedy=again.capitalize()) from error
        if error.remedy != Unreachable.default_remedy:
            raise
        raise Unreachable(
            f"the emulated tenant does not answer any more ({error}); {NOTHING_STAYS}",
            remedy=f"Give this machine less else to do, or a smaller --fault-rate; {again}",
        ) from error


@contextmanager
def _stage(read: Settings, kind: TenantKind, conditions: Conditions) -> Iterator[EmulatedStage]:
    with (
        emulated_tenant(kind.value, time_from="from-requests") as ready,
        closing(EmulatedStage(ready, read, conditions)) as stage,
    ):
        yield stage


def _run(
    stage: EmulatedStage,
    legacy: LegacySource,
    password: PasswordMode,
    limit: int | None,
    watch: Clock,
    stop: Stop,
    *,
    quiet: bool,
) -> RehearsalReport:
    clock, settings = SteppedClock(watch.now()), stage.settings
    with (
        stage.open_directory(clock) as directory,
        stage.open_ledger(clock.now()) as ledger,
        progress(watch, quiet=quiet) as tell,
    ):
        return flow(
            source=legacy,
            intake=Intake(
                rules=plan_rules_of(settings, clock, password_mode=password),
                take_up=TakeUp(),
                in_pilot=lambda _user: True,
                limit=limit,
            ),
            project=settings.project,
            ledger=RehearsalLedger(
                Ledgers(ledger.plan, ledger.runs, ledger.send),
                ledger.report,
                ledger.observations,
                ledger.records,
            ),
            tenant=RehearsalTenant(
                directory.inspector,
                directory.writer,
                directory.reader,
                settings.need_tenant().migration_flag,
            ),
            clock=clock,
            random_below=random_below,
            tell=lambda happening: _tell(happening, tell),
            stop=stop,
            limits=send_limits_of(settings),
            settle=timedelta(seconds=settings.limits.settle_seconds),
        )


def _tell(happening: Happening, tell: Tell) -> None:
    """What somebody who waits for a rehearsal wants to see: how far it is, in time of their own."""
    match happening:
        case AttributeCreated():
            return
        case RunStarted():
            tell(replace(happening, run="of the rehearsal"))
        case PeopleSettled():
            # The tenant's quota holds in stepped time, and costs nobody's.
            tell(replace(happening, pace=UNPACED))
        case _:
            tell(happening)


def _check_day(kind: TenantKind, *, trial: bool, mode_b: bool) -> None:
    """What Microsoft says nothing about, and what there is not, is refused and not reckoned."""
    if trial and kind is not TenantKind.EXTERNAL:
        raise UsageError(
            "--trial is for External ID: for B2C Microsoft gives no other figures", remedy="Leave it out."
        )
    if mode_b and kind is not TenantKind.B2C:
        raise UsageError(
            "--mode-b is for B2C: in External ID the tenant itself writes the password at the first sign-in",
            remedy="Leave it out.",
        )


def _forecast(day: _Day, kind: TenantKind, read: Settings, applications: int) -> FirstDayForecast:
    if day.scheme not in VERIFY_MS:
        raise UsageError(f"--hash {day.scheme!r} is not known", remedy=f"One of {HASHES}, or --verify-ms.")
    ours = quota_of(read)
    return forecast_first_day(
        FirstDay(
            people_per_hour=day.people_per_hour,
            kind=kind,
            trial=day.trial,
            mode=Mode.GRAPH if day.mode_b else Mode.TENANT,
            verify_ms=day.verify_ms or VERIFY_MS[day.scheme],
            verify_name="" if day.verify_ms else day.scheme,
            verify_basis=Basis.GIVEN if day.verify_ms else Basis.MEASURED,
            cores=day.cores or os.cpu_count() or 1,
            import_writes_per_s=rate_of(ours, applications=applications) * ours.creation_writes,
            quota=whole_quota_of(read),  # the share that is left to others is there for sign-ins
        )
    )
