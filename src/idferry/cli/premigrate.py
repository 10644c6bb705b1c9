"""`idferry premigrate`: one account per person. A dry run unless `--execute` is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from idferry.cli.endings import telling_how_far
from idferry.cli.hash_upkeep import forget_hashes_of_settled, load_hashes_of
from idferry.cli.options import (
    CorrectionsOption,
    ExecuteOption,
    JsonOption,
    NameOption,
    SettingsOption,
    SourceArgument,
)
from idferry.cli.output import messages, print_json, say, screen
from idferry.cli.plan_report import plan_document, print_plan
from idferry.cli.premigrate_options import (
    AcceptChangesOption,
    AgainOption,
    CohortLabelOption,
    LimitOption,
    OnlyOption,
    PasswordOption,
    RetryFailedOption,
)
from idferry.cli.premigrate_report import (
    Done,
    changes_document,
    counted,
    done_document,
    done_of,
    missing_keys_document,
    print_changes,
    print_done,
    print_missing_keys,
    sent_document,
)
from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.cli.update import (
    BarredOption,
    ClearedCountOption,
    LaterExport,
    UpdateOption,
    VanishedCountOption,
    VanishedOption,
    departures_of,
    later_export,
)
from idferry.cli.update_report import print_update, update_document
from idferry.errors import EXIT_PEOPLE_FAILED, SourceChanged
from idferry.flows.check_corrections import check_listed, check_renamed
from idferry.flows.compare_source import changes_of_source
from idferry.flows.complete_reset_status import complete_reset_status
from idferry.flows.plan_people import plan_people
from idferry.flows.premigrate import Intake, Ledgers, people_to_plan
from idferry.flows.premigrate import premigrate as flow
from idferry.flows.send_people import SendReport
from idferry.flows.update_people import UpdateReport
from idferry.ports import Clock, LegacySource
from idferry.rules.correction import Corrected
from idferry.rules.departure import Departures, WhenBarred, WhenVanished
from idferry.rules.entry import Selection, TakeUp
from idferry.rules.key_list import KeyList, pilot_of
from idferry.rules.pilot import parse_pilot
from idferry.rules.plan import PasswordMode
from idferry.rules.readiness import PASSWORD_RIGHT_MEANINGS, PasswordRight
from idferry.rules.source_changes import SourceChanges
from idferry.settings import Settings, read_settings
from idferry.wiring import (
    Directory,
    LedgerParts,
    clock_of,
    corrected_source_of,
    directory_of,
    ledger_of,
    listed_keys,
    outside_status_of,
    password_rights_of,
    plan_rules_of,
    random_below,
    run_lock_of,
    scratch_of,
    send_limits_of,
)


def premigrate(
    source: SourceArgument,
    password: PasswordOption = PasswordMode.AUTO,
    only: OnlyOption = None,
    limit: LimitOption = None,
    cohort: CohortLabelOption = "",
    again: AgainOption = False,
    retry_failed: RetryFailedOption = False,
    corrections: CorrectionsOption = None,
    accept_changes: AcceptChangesOption = False,
    update: UpdateOption = False,
    vanished: VanishedOption = WhenVanished.LIST,
    barred: BarredOption = WhenBarred.LIST,
    vanished_count: VanishedCountOption = None,
    cleared_count: ClearedCountOption = None,
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
    keys, expressions = listed_keys(only or [])
    told_keys = None if limit else keys  # a pilot that stops early has not met everybody
    legacy, corrected = corrected_source_of(read, source, name=name, corrections=corrections)
    named = _named(corrected, keys)
    intake = Intake(
        rules=plan_rules_of(read, clock, password_mode=password),
        take_up=TakeUp(cohort=cohort, again=again, retry_failed=retry_failed, retry_keys=named),
        in_pilot=pilot_of(keys, parse_pilot(tuple(expressions))),
        limit=limit,
        accept_changes=accept_changes,
        renamed={} if keys else corrected.renamed,
        updates=update,
    )
    command = _command(password, only or [], keys, limit, intake.take_up, corrections)
    with later_export(
        read,
        clock,
        legacy,
        intake,
        departures=departures_of(Departures(vanished, barred, vanished_count, cleared_count), update=update),
        whole=not only and not limit,
        execute=execute,
        as_json=as_json,
    ) as later:
        if not execute:
            _plan(read, clock, legacy, intake, later, told_keys, command=command, as_json=as_json)
            return
        done = _execute(read, clock, legacy, intake, command=command, as_json=as_json)
        updated = later.carry_out(run=done.report.run, execute=True)
    _report(done, updated, told_keys, as_json=as_json)
    if done.unfinished or done.report.plan.nobody_readable or (updated and updated.unfinished):
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def _report(done: Done, updated: UpdateReport | None, keys: KeyList | None, *, as_json: bool) -> None:
    if as_json:
        missing = missing_keys_document(keys)
        print_json({**done_document(done), **missing, "update": update_document(updated)})
        return
    print_done(done)
    print_missing_keys(screen(), keys)
    print_update(screen(), updated, execute=True)


def _named(corrected: Corrected, keys: KeyList | None) -> frozenset[str]:
    """Whose keys the command line brings: listed, or corrected. Raises SourceError: lists and corrections differ."""
    if keys is None:
        return corrected.keys
    check_listed(corrected=corrected.keys, listed=keys.keys)
    return keys.keys


def _command(
    password: PasswordMode,
    only: list[str],
    keys: KeyList | None,
    limit: int | None,
    take_up: TakeUp,
    corrections: Path | None,
) -> str:
    """What makes two invocations the same command: the same one continues an open run. Other keys are another command."""
    parts = ["premigrate", f"--password {password}", *(f"--only {one}" for one in sorted(only))]
    parts += [f"(keys {keys.digest})"] if keys else []
    parts += [f"--limit {limit}"] if limit else []
    parts += [f"--cohort {take_up.cohort}"] if take_up.cohort else []
    parts += ["--again"] if take_up.again else []
    parts += ["--retry-failed"] if take_up.retry_failed else []
    return " ".join([*parts, *([f"--corrections {corrections}"] if corrections else [])])


def _plan(
    read: Settings,
    clock: Clock,
    legacy: LegacySource,
    intake: Intake,
    later: LaterExport,
    keys: KeyList | None,
    *,
    command: str,
    as_json: bool,
) -> None:
    with (
        stop_on_signals() as stop,
        scratch_of(read, clock) as scratch,
        progress(clock, quiet=as_json) as tell,
    ):
        before = counted(scratch.report, Selection())
        check_renamed(
            renamed=intake.renamed, source=legacy.name, records=scratch.records, updates=intake.updates
        )
        changes = changes_of_source(
            command=command,
            source=legacy,
            records=scratch.records,
            in_pilot=intake.in_pilot,
            limit=intake.limit,
            tell=tell,
            stop=stop,
        )
        run = next((one.run for one in scratch.records.open_runs(command=command, source=legacy.name)), "")
        report = plan_people(
            source=people_to_plan(legacy, intake=intake, records=scratch.records, run=run),
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
        sent = {**sent_document(SendReport()), "source_changes": changes_document(changes)}
        sent |= {**missing_keys_document(keys), "update": update_document(updated)}
        print_json({**plan_document(report), **nothing, **sent})
        return
    console = screen()
    say(console, f"Plan for the source {legacy.name}. Nothing was changed; --execute does it.")
    console.print()
    print_plan(console, report)
    print_missing_keys(console, keys)
    if changes:
        console.print()
        print_changes(console, changes)
        say(console, "--execute needs --accept-changes, or the old file back.")
    print_update(console, updated, execute=False)


def _execute(
    read: Settings, clock: Clock, legacy: LegacySource, intake: Intake, *, command: str, as_json: bool
) -> Done:
    tenant = read.need_tenant()
    _tell_password_rights(read, clock)
    with (
        run_lock_of(read),
        directory_of(read, clock) as directory,
        _ledger_of_known_tenant(read, clock, directory) as ledger,
        progress(clock, quiet=as_json) as tell,
        stop_on_signals() as stop,
        telling_how_far(ledger, command=command, source=legacy.name),
        _telling_changes(as_json=as_json),
    ):
        load_hashes_of(read, legacy, stop=stop)
        report = flow(
            command=command,
            source=legacy,
            intake=intake,
            ledgers=Ledgers(ledger.plan, ledger.runs, ledger.send, ledger.records),
            inspector=directory.inspector,
            writer=directory.writer,
            flag=tenant.migration_flag,
            clock=clock,
            random_below=random_below,
            tell=tell,
            stop=stop,
            limits=send_limits_of(read),
        )
        status = outside_status_of(read)
        if status:
            everybody = Selection(source=legacy.name)
            complete_reset_status(status=status, report=ledger.report, selection=everybody, stop=stop)
        forget_hashes_of_settled(read, ledger.report)
        return done_of(report, ledger.report, legacy.name)


def _tell_password_rights(read: Settings, clock: Clock) -> None:
    """What would keep passwords from being set at sign-ins is told before the accounts are made, and stops nothing."""
    for application, right in password_rights_of(read, clock).items():
        if right is not PasswordRight.GRANTED:
            say(messages(), f"{application} {PASSWORD_RIGHT_MEANINGS[right]}.")


@contextmanager
def _ledger_of_known_tenant(read: Settings, clock: Clock, directory: Directory) -> Iterator[LedgerParts]:
    """A ledger belongs to one tenant for good: a new one is made only when that tenant has let us in."""
    if not read.ledger_path.exists():
        directory.inspector.inspect()
    with ledger_of(read, clock) as ledger:
        yield ledger


@contextmanager
def _telling_changes(*, as_json: bool) -> Iterator[None]:
    """Say how the source has changed, where that is what ends the command."""
    try:
        yield
    except SourceChanged as error:
        if isinstance(error.changes, SourceChanges):
            error.document = {"source_changes": changes_document(error.changes)}
            if not as_json:
                print_changes(messages(), error.changes)
        raise
