"""`idferry status`: where everybody stands, computed from the ledger alone."""

from typing import Any

import typer

from idferry.cli.failure_export import (
    Exported,
    ExportOption,
    ExportRequest,
    ForceOption,
    SourceOption,
    export,
    export_document,
)
from idferry.cli.failure_report import failure_documents, failure_rows
from idferry.cli.options import CohortOption, JsonOption, NameOption, RunOption, SettingsOption
from idferry.cli.output import figures, listing, print_json, say, say_command, screen
from idferry.cli.progress import duration
from idferry.errors import EXIT_PEOPLE_FAILED, UsageError
from idferry.flows.check_selection import check_selection
from idferry.flows.report_status import Status, report_status
from idferry.rules.entry import Run, Selection
from idferry.rules.lifecycle import MEANINGS
from idferry.settings import read_settings
from idferry.wiring import clock_of, lasting_pace_of, ledger_to_read, run_test_of


def status(
    run: RunOption = "",
    cohort: CohortOption = "",
    export_failures: ExportOption = None,
    source: SourceOption = "",
    name: NameOption = "",
    force: ForceOption = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Counts per state, failures grouped by error with their remedy, rate and time left.

    With --export-failures the records of people who failed are written to a file to mend.

    Example: idferry status --json
    """
    if export_failures is None and (source or name or force):
        raise UsageError("--source, --name and --force are options of --export-failures")
    read = read_settings(settings)
    clock = clock_of(read)
    selection = Selection(run=run, cohort=cohort)
    with ledger_to_read(read, clock) as ledger:
        check_selection(runs=ledger.report, selection=selection)
        report = report_status(
            ledger=ledger.report,
            runs=ledger.report,
            captures=ledger.captures,
            clock=clock,
            selection=selection,
            is_run_active=run_test_of(read),
            pace=lasting_pace_of(read),
        )
        exported = None
        if export_failures is not None:
            request = ExportRequest(export_failures, source, name, force, settings)
            exported = export(
                request, settings=read, ledger=ledger, selection=selection, clock=clock, quiet=as_json
            )
    if as_json:
        print_json({**status_document(report), "exported": export_document(exported)})
    else:
        _print_status(report)
        if export_failures is not None:
            _print_exported(exported)
    if exported and exported.not_found:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def status_document(report: Status) -> dict[str, Any]:
    """`status --json`. `rate` is people per second, `time_left_s` null when nothing moves or nothing is left."""
    return {
        "states": {str(state): count for state, count in report.states.items()},
        "failures": failure_documents(report.failures),
        "captures_refused": report.captures_refused,
        "claimed": report.claimed,
        "claims_overdue": report.claims_overdue,
        "rate": report.rate,
        "time_left_s": report.time_left_s,
        "runs": [
            {
                "run": run.run,
                "command": run.command,
                "source": run.source,
                "cohort": run.cohort,
                "started_at": run.started_at.isoformat(),
                "ended_at": run.ended_at.isoformat() if run.ended_at else None,
                "place": run.place,
                "superseded_by": run.superseded_by or None,
            }
            for run in report.runs
        ],
    }


def _print_status(report: Status) -> None:
    console = screen()
    console.print(
        figures([(str(state), f"{count:,}", MEANINGS[state]) for state, count in report.states.items()])
    )
    if report.rate:
        left = f", {duration(report.time_left_s)} left" if report.time_left_s else ""
        console.print()
        say(console, f"{report.rate:,.1f} people per second{left}", indent=2)
    if report.captures_refused:
        console.print()
        say(
            console,
            f"{report.captures_refused:,} people await a password because the captured one was weak or banned",
            indent=2,
        )
    if report.claimed:
        console.print()
        say(console, f"{report.claimed:,} in `creating` are claimed by sign-ins{_overdue(report)}", indent=2)
    if report.failures:
        console.print()
        console.print(listing(("failed with", "people", "what to do"), failure_rows(report.failures)))
    if report.runs:
        console.print()
        runs = [(run.run, _standing(run), run.source, run.command) for run in report.runs[:10]]
        console.print(listing(("run", "is", "source", "command"), runs))


def _overdue(report: Status) -> str:
    if not report.claims_overdue:
        return ", whose account the tenant makes at the moment"
    return (
        f", {report.claims_overdue:,} of them for so long that nothing will come of it: `idferry serve` or the next "
        "premigration asks the directory"
    )


def _print_exported(exported: Exported | None) -> None:
    console = screen()
    console.print()
    if exported is None:
        say(console, "Nobody has failed: no file was written.")
        return
    say(
        console, f"{exported.file} holds {exported.people:,} records of {exported.source}, without passwords."
    )
    say(console, f"{exported.keys_file} lists their keys.")
    if exported.backup:
        say(console, f"{exported.backup} is what {exported.file} was before.")
    if exported.not_found:
        say(console, f"{exported.not_found:,} people who failed have no record in that source.")
    say(console, "Mend the records, then look, and take the people up:")
    for command in (exported.look_command, exported.next_command):
        say_command(console, command)


def _standing(run: Run) -> str:
    if run.ended_at is None:
        return "open"
    return "superseded" if run.superseded_by else "ended"
