"""`idferry remove`, `restore` and `purge`: taking away what this tool created, and only that."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from idferry.cli.options import CohortOption, ExecuteOption, JsonOption, NameOption, RunOption, SettingsOption
from idferry.cli.output import counts, figures, listing, print_json, say, screen
from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.errors import EXIT_PEOPLE_FAILED, UsageError
from idferry.flows.remove import (
    RecycleReport,
    RemoveReport,
    empty_recycle_bin,
    people_of_file,
    people_of_selection,
)
from idferry.flows.remove import remove as flow
from idferry.ports import LedgerReport
from idferry.rules.entry import Entry, Selection
from idferry.rules.lifecycle import State
from idferry.settings import Settings, read_settings
from idferry.wiring import clock_of, directory_of, ledger_of, need_ledger, run_lock_of, source_of

SHOWN_MAX = 20
NOBODY_SELECTED = "That selects nobody. `idferry status` lists the runs and sources."
WITH_ACCOUNT = (State.COMPLETE, State.AWAITING_PASSWORD, State.CONFIRMING)

SourceOption = Annotated[
    str, typer.Option("--source", help="Only people of this source (its name).", metavar="NAME")
]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="Only people who stand in this export file too.", metavar="FILE")
]


def remove(
    run: RunOption = "",
    source: SourceOption = "",
    cohort: CohortOption = "",
    file: FileOption = None,
    name: NameOption = "",
    including_used: Annotated[
        int | None,
        typer.Option(
            "--including-used",
            help="Also accounts in use: name exactly how many the plan showed.",
            metavar="N",
        ),
    ] = None,
    execute: ExecuteOption = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete accounts that this tool created and nobody uses yet. They stay in the recycle bin for 30 days.

    Undone by `idferry restore`; `idferry purge` makes it final.

    Example: idferry remove --run 2026-11-20-4f3a --execute
    """
    read = read_settings(settings)
    selection = _selection(run, source, cohort, file)
    need_ledger(read)
    clock = clock_of(read)
    with (
        run_lock_of(read),
        ledger_of(read, clock) as ledger,
        directory_of(read, clock) as directory,
        progress(clock, quiet=as_json) as tell,
        stop_on_signals() as stop,
    ):
        report = flow(
            people=_people(read, ledger.report, selection, file, name, WITH_ACCOUNT),
            remover=directory.remover,
            observations=ledger.observations,
            clock=clock,
            tell=tell,
            execute=execute,
            including_used=including_used,
            stop=stop,
        )
    if as_json:
        print_json(remove_document(report))
    else:
        _print_removal(report, execute=execute)
    if execute and (report.kept or report.failed):
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def restore(
    run: RunOption = "",
    source: SourceOption = "",
    cohort: CohortOption = "",
    file: FileOption = None,
    name: NameOption = "",
    execute: ExecuteOption = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take removed accounts out of the recycle bin again.

    Example: idferry restore --run 2026-11-20-4f3a --execute
    """
    _recycle(_selection(run, source, cohort, file), file, name, execute, settings, as_json, restoring=True)


def purge(
    run: RunOption = "",
    source: SourceOption = "",
    cohort: CohortOption = "",
    file: FileOption = None,
    name: NameOption = "",
    execute: ExecuteOption = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete removed accounts for good, out of the recycle bin. Nothing undoes this.

    Example: idferry purge --run 2026-11-20-4f3a --execute
    """
    _recycle(_selection(run, source, cohort, file), file, name, execute, settings, as_json, restoring=False)


def remove_document(report: RemoveReport) -> dict[str, Any]:
    """`remove --json`. In a plan `removed` is 0 and `to_remove` says what --execute would delete."""
    return {
        "to_remove": report.to_remove,
        "removed": report.removed,
        "kept_used": report.kept_used,
        "failed": report.failed.total(),
        "gone": report.gone,
        "kept": dict(report.kept),
        "failures": dict(report.failed),
        "kept_people": [
            {"legacy_id": legacy_id, "reason": reason} for legacy_id, reason in report.kept_people
        ],
    }


def _selection(run: str, source: str, cohort: str, file: Path | None) -> Selection:
    if not (run or source or cohort or file):
        raise UsageError(
            "say whose accounts: --run, --source, --cohort or --file",
            remedy="`idferry status` lists the runs.",
        )
    return Selection(run=run, source=source, cohort=cohort)


def _people(
    read: Settings,
    ledger: LedgerReport,
    selection: Selection,
    file: Path | None,
    name: str,
    states: tuple[State, ...],
) -> Callable[[], Iterable[Entry]]:
    if file is None:
        return lambda: people_of_selection(ledger, selection, states=states)
    legacy = source_of(read, str(file), name=name)
    return lambda: (
        entry
        for entry in people_of_file(ledger, legacy, project=read.project, states=states)
        if selection.takes(run=entry.created_by_run, source=entry.source, cohort=entry.cohort)
    )


def _recycle(
    selection: Selection,
    file: Path | None,
    name: str,
    execute: bool,
    settings: Path | None,
    as_json: bool,
    *,
    restoring: bool,
) -> None:
    read = read_settings(settings)
    need_ledger(read)
    clock = clock_of(read)
    with run_lock_of(read), ledger_of(read, clock) as ledger, directory_of(read, clock) as directory:
        people = _people(read, ledger.report, selection, file, name, (State.REMOVED,))
        report = empty_recycle_bin(
            people=people(),
            remover=directory.remover,
            observations=ledger.observations,
            clock=clock,
            execute=execute,
            restore=restoring,
        )
    if as_json:
        print_json(
            {
                "found": report.found,
                "restored" if restoring else "purged": report.done,
                "absent": report.absent,
                "foreign": report.foreign,
                "failed": report.failed.total(),
                "failures": dict(report.failed),
            }
        )
    else:
        _print_recycling(report, restoring=restoring, execute=execute)
    if report.failed:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def _print_removal(report: RemoveReport, *, execute: bool) -> None:
    console = screen()
    if not execute:
        say(console, "Plan. Nothing was changed; --execute does it.\n")
    rows = (
        [("removed", f"{report.removed:,}", "")] if execute else [("to remove", f"{report.to_remove:,}", "")]
    )
    rows.append(("kept", f"{report.kept.total():,}", counts(report.kept)))
    rows.append(("gone already", f"{report.gone:,}", ""))
    if execute:
        rows.append(("failed", f"{report.failed.total():,}", counts(report.failed)))
    console.print(figures(rows))
    if not (report.to_remove or report.kept or report.gone):
        say(console, f"\n{NOBODY_SELECTED}")
    if report.kept_people:
        console.print()
        console.print(listing(("kept", "because"), report.kept_people[:SHOWN_MAX]))


def _print_recycling(report: RecycleReport, *, restoring: bool, execute: bool) -> None:
    console = screen()
    if not execute:
        say(console, "Plan. Nothing was changed; --execute does it.\n")
    rows = [("in the recycle bin", f"{report.found:,}", "")]
    if execute:
        rows.append(("restored" if restoring else "purged", f"{report.done:,}", ""))
        rows.append(("failed", f"{report.failed.total():,}", counts(report.failed)))
    rows.append(("no longer there", f"{report.absent:,}", ""))
    if report.foreign:
        rows.append(("not ours", f"{report.foreign:,}", "carry another legacyId now: not touched"))
    console.print(figures(rows))
    if not (report.found or report.absent or report.foreign):
        say(console, f"\n{NOBODY_SELECTED}")
