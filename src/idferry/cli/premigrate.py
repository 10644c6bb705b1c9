"""`idferry premigrate`: one account per person. A dry run unless `--execute` is given."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from idferry.cli.failure_report import failure_documents, failure_rows
from idferry.cli.options import (
    ExecuteOption,
    JsonOption,
    NameOption,
    SettingsOption,
    SourceArgument,
)
from idferry.cli.output import counts, figures, print_json, say, screen
from idferry.cli.plan_report import plan_document, print_plan, print_plan_figures
from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.cli.update import (
    BarredOption,
    LaterExport,
    UpdateOption,
    VanishedCountOption,
    VanishedOption,
    departures_of,
    later_export,
)
from idferry.cli.update_report import print_update, update_document
from idferry.errors import EXIT_PEOPLE_FAILED
from idferry.flows.plan_people import plan_people
from idferry.flows.premigrate import Intake, Ledgers, PremigrateReport
from idferry.flows.premigrate import premigrate as flow
from idferry.flows.send_people import SendReport
from idferry.ports import Clock, LedgerReport, LegacySource
from idferry.rules.departure import WhenBarred, WhenVanished
from idferry.rules.entry import FailureGroup, Selection, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.pilot import parse_pilot
from idferry.rules.plan import PasswordMode
from idferry.settings import Settings, read_settings
from idferry.wiring import (
    Directory,
    LedgerParts,
    clock_of,
    directory_of,
    ledger_of,
    plan_rules_of,
    random_below,
    run_lock_of,
    scratch_of,
    send_limits_of,
    source_of,
)


def premigrate(
    source: SourceArgument,
    password: Annotated[
        PasswordMode,
        typer.Option(
            help="known: the source's passwords; random: fresh ones and the migration flag; "
            "auto: known where the source has one that the directory takes, random elsewhere."
        ),
    ] = PasswordMode.AUTO,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            help="A pilot: NAME=PATTERN or NAME!=PATTERN, with * and ?; all must hold.",
            metavar="EXPR",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="A pilot: only the first N people.", metavar="N")
    ] = None,
    cohort: Annotated[
        str, typer.Option(help="A label for these people, for reports and removal.", metavar="NAME")
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Also take up people whose account was removed.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also take up people who failed.")
    ] = False,
    update: UpdateOption = False,
    vanished: VanishedOption = WhenVanished.LIST,
    barred: BarredOption = WhenBarred.LIST,
    vanished_count: VanishedCountOption = None,
    execute: ExecuteOption = False,
    name: NameOption = "",
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create one account per person, with the known password or with a random one and the migration flag.

    Without --execute it only plans. Interrupted, the same command continues.

    Example: idferry premigrate export/people.jsonl --password auto --execute
    """
    read = read_settings(settings)
    clock = clock_of(read)
    legacy = source_of(read, source, name=name)
    intake = Intake(
        rules=plan_rules_of(read, clock, password_mode=password),
        take_up=TakeUp(cohort=cohort, again=again, retry_failed=retry_failed),
        in_pilot=parse_pilot(tuple(only or ())),
        limit=limit,
    )
    command = _command(password, only or [], limit, intake.take_up)
    with later_export(
        read,
        clock,
        legacy,
        intake,
        departures=departures_of(update=update, vanished=vanished, barred=barred, count=vanished_count),
        whole=not only and not limit,
        execute=execute,
        as_json=as_json,
    ) as later:
        if not execute:
            _plan(read, clock, legacy, intake, later, as_json=as_json)
            return
        done = _execute(read, clock, legacy, intake, command=command, as_json=as_json)
        updated = later.carry_out(run=done.report.run, execute=True)
    if as_json:
        print_json({**_document(done), "update": update_document(updated)})
    else:
        _print_done(done)
        print_update(screen(), updated, execute=True)
    if done.unfinished or (updated and updated.unfinished):
        raise typer.Exit(EXIT_PEOPLE_FAILED)


@dataclass(frozen=True, slots=True)
class _Done:
    """What an execution did, and where everybody in the ledger stands after it.

    `states` and `failures` are everybody's, `run_states` those of the people whom this run has dealt with so far, in
    this process or an earlier one. `unfinished` are people of this source who failed or whose call has no answer.
    """

    report: PremigrateReport
    states: dict[str, int]
    run_states: dict[str, int]
    failures: Sequence[FailureGroup]
    unfinished: int


def _command(password: PasswordMode, only: list[str], limit: int | None, take_up: TakeUp) -> str:
    """What makes two invocations the same command: the same one continues an open run."""
    parts = ["premigrate", f"--password {password}", *(f"--only {one}" for one in sorted(only))]
    parts += [f"--limit {limit}"] if limit else []
    parts += [f"--cohort {take_up.cohort}"] if take_up.cohort else []
    parts += ["--again"] if take_up.again else []
    return " ".join([*parts, *(["--retry-failed"] if take_up.retry_failed else [])])


def _plan(
    read: Settings,
    clock: Clock,
    legacy: LegacySource,
    intake: Intake,
    later: LaterExport,
    *,
    as_json: bool,
) -> None:
    with (
        stop_on_signals() as stop,
        scratch_of(read, clock) as scratch,
        progress(clock, quiet=as_json) as tell,
    ):
        before = _counted(scratch.report, Selection())
        report = plan_people(
            source=legacy,
            ledger=scratch.plan,
            rules=intake.rules,
            take_up=intake.take_up,
            in_pilot=intake.in_pilot,
            limit=intake.limit,
            clock=clock,
            tell=tell,
            stop=stop,
        )
    updated = later.carry_out(execute=False)
    if as_json:
        nothing: dict[str, Any] = {"run": None, "states": before, "failures": []}
        sent = {**_sent_document(SendReport()), "update": update_document(updated)}
        print_json({**plan_document(report), **nothing, **sent})
        return
    console = screen()
    say(console, f"Plan for the source {legacy.name}. Nothing was changed; --execute does it.")
    console.print()
    print_plan(console, report)
    print_update(console, updated, execute=False)


def _execute(
    read: Settings, clock: Clock, legacy: LegacySource, intake: Intake, *, command: str, as_json: bool
) -> _Done:
    tenant = read.need_tenant()
    with (
        run_lock_of(read),
        directory_of(read, clock) as directory,
        _ledger_of_known_tenant(read, clock, directory) as ledger,
        progress(clock, quiet=as_json) as tell,
        stop_on_signals() as stop,
    ):
        report = flow(
            command=command,
            source=legacy,
            intake=intake,
            ledgers=Ledgers(ledger.plan, ledger.runs, ledger.send),
            inspector=directory.inspector,
            writer=directory.writer,
            flag=tenant.migration_flag,
            clock=clock,
            random_below=random_below,
            tell=tell,
            stop=stop,
            limits=send_limits_of(read),
        )
        return _done(report, ledger.report, legacy.name)


def _done(report: PremigrateReport, ledger: LedgerReport, source: str) -> _Done:
    stuck = ledger.states(Selection(source=source, states=(State.FAILED, State.CREATING)))
    return _Done(
        report,
        states=_counted(ledger, Selection()),
        run_states=_counted(ledger, Selection(run=report.run)),
        failures=ledger.failures(Selection()),
        unfinished=sum(stuck.values()),
    )


def _counted(ledger: LedgerReport, selection: Selection) -> dict[str, int]:
    return {str(state): count for state, count in ledger.states(selection).items()}


def _document(done: _Done) -> dict[str, Any]:
    """`premigrate --json`. In a plan `run` is null, nobody has failed and nobody was sent."""
    return {
        **plan_document(done.report.plan),
        "run": done.report.run,
        "states": done.states,
        "failures": failure_documents(done.failures),
        **_sent_document(done.report.send),
    }


def _sent_document(sent: SendReport) -> dict[str, Any]:
    """What this execution did; `states` tells what all of them did together."""
    return {
        "created": sent.created,
        "adopted": sent.adopted,
        "failed": sent.failed.total(),
        "unsettled": sent.left_creating,
        "refused_passwords": dict(sent.refused_passwords),
    }


@contextmanager
def _ledger_of_known_tenant(read: Settings, clock: Clock, directory: Directory) -> Iterator[LedgerParts]:
    """A ledger belongs to one tenant for good: a new one is made only when that tenant has let us in."""
    if not read.ledger_path.exists():
        directory.inspector.inspect()
    with ledger_of(read, clock) as ledger:
        yield ledger


def _print_done(done: _Done) -> None:
    console, report, sent = screen(), done.report, done.report.send
    print_plan_figures(console, report.plan)
    console.print()
    say(
        console,
        f"Run {report.run}{' (continued)' if report.resumed else ''} has dealt with everybody it planned.",
    )
    console.print()
    rows = [("created", f"{sent.created:,}", "")]
    if sent.adopted:
        rows.append(("adopted", f"{sent.adopted:,}", "created by an earlier call whose answer was lost"))
    if sent.refused_passwords:
        refused = f"{sent.refused_passwords.total():,}"
        rows.append(("passwords refused", refused, f"by the directory: {counts(sent.refused_passwords)}"))
    rows.append(("failed", f"{sent.failed.total():,}", counts(sent.failed)))
    if sent.left_creating:
        rows.append(
            (
                "unsettled",
                f"{sent.left_creating:,}",
                "calls without an answer, of other sources or other versions of this one: premigrate those again",
            )
        )
    if report.resumed:
        rows.append(("run so far", f"{sum(done.run_states.values()):,}", counts(done.run_states)))
    rows.append(("ledger now", f"{sum(done.states.values()):,}", counts(done.states)))
    console.print(figures(rows))
    if done.failures:
        console.print()
    for code, count, remedy in failure_rows(done.failures):
        console.print(f"  [bold]{code}[/] {count}")
        say(console, remedy, indent=4)
