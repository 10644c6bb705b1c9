"""`idferry remove`, `restore` and `purge`: taking away what this tool created, and only that."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from idferry.cli.hash_upkeep import forget_hashes_of_settled
from idferry.cli.options import CohortOption, ExecuteOption, JsonOption, NameOption, RunOption, SettingsOption
from idferry.cli.output import (
    SHOWN_MAX,
    counts,
    figures,
    listing,
    messages,
    print_json,
    print_meanings,
    say,
    screen,
)
from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.errors import EXIT_PEOPLE_FAILED, StatusUnavailable, UsageError
from idferry.flows.check_selection import check_selection
from idferry.flows.choose_people import choose_people
from idferry.flows.clear_reset_status import clear_reset_status
from idferry.flows.purge import purge as purge_flow
from idferry.flows.recycle import RecycleReport
from idferry.flows.remove import RemoveReport
from idferry.flows.remove import remove as remove_flow
from idferry.flows.restore import restore as restore_flow
from idferry.ports import AccountRemover, Clock, LedgerReport, ObservationLedger, RunReport, Stop
from idferry.rules.entry import Entry, Selection
from idferry.rules.lifecycle import WITH_ACCOUNT, State
from idferry.rules.removal import MEANINGS, STATES_AFTER_REMOVAL, Kept
from idferry.settings import Settings, read_settings
from idferry.wiring import (
    clock_of,
    directory_of,
    ledger_of,
    need_ledger,
    outside_status_of,
    run_lock_of,
    source_of,
    steps_missed,
)

NOBODY_SELECTED = "That selects nobody. `idferry status` lists the runs and sources."

SourceOption = Annotated[
    str, typer.Option("--source", help="Only people of this source (its name).", metavar="NAME")
]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="Only people who stand in this export file too.", metavar="FILE")
]


@dataclass(frozen=True, slots=True)
class _Whose:
    """Whose accounts somebody asked for, in the words of the command line."""

    run: str
    source: str
    cohort: str
    file: Path | None
    name: str

    def check_some(self) -> None:
        """Refuse "everybody": nobody takes away all accounts by leaving out an option."""
        if not (self.run or self.source or self.cohort or self.file):
            raise UsageError(
                "say whose accounts: --run, --source, --cohort or --file",
                remedy="`idferry status` lists the runs.",
            )

    def check_known(self, runs: RunReport) -> None:
        """Refuse names that nobody in the ledger has."""
        check_selection(runs=runs, selection=self._selection())

    def people(self, read: Settings, ledger: LedgerReport, *, states: tuple[State, ...]) -> Iterator[Entry]:
        """Those people, as far as they are in these states."""
        return choose_people(
            ledger=ledger,
            selection=self._selection(states),
            project=read.project,
            file=source_of(read, str(self.file), name=self.name) if self.file else None,
        )

    def _selection(self, states: tuple[State, ...] = ()) -> Selection:
        return Selection(run=self.run, source=self.source, cohort=self.cohort, states=states)


class _RecycleFlow(Protocol):
    """What `restore` and `purge` have in common."""

    def __call__(
        self,
        *,
        people: Iterator[Entry],
        remover: AccountRemover,
        observations: ObservationLedger,
        clock: Clock,
        execute: bool,
        stop: Stop,
    ) -> RecycleReport: ...


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
    whose = _Whose(run, source, cohort, file, name)
    whose.check_some()
    read = read_settings(settings)
    need_ledger(read)
    clock = clock_of(read)
    with (
        run_lock_of(read),
        ledger_of(read, clock) as ledger,
        directory_of(read, clock) as directory,
        progress(clock, quiet=as_json) as tell,
        stop_on_signals() as stop,
    ):
        whose.check_known(ledger.report)
        # Of removals before this one; what is removed now the store hears of as it happens.
        heard = not execute or _clear_status(
            read, whose.people(read, ledger.report, states=(State.REMOVED,)), stop
        )
        report = remove_flow(
            people=lambda: whose.people(read, ledger.report, states=WITH_ACCOUNT),
            remover=directory.remover,
            observations=ledger.observations,
            clock=clock,
            tell=tell,
            execute=execute,
            including_used=including_used,
            stop=stop,
        )
        if execute:
            forget_hashes_of_settled(read, ledger.report)
        heard = heard and not steps_missed(ledger)
    if as_json:
        print_json(remove_document(report, status_complete=heard))
    else:
        _print_removal(report, execute=execute)
    _tell_silent_status(heard)
    if execute and (report.kept or report.failed or not heard):
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
    whose = _Whose(run, source, cohort, file, name)
    report = _recycle(whose, restore_flow, settings=settings, execute=execute)
    _tell_recycling(report, done="restored", execute=execute, as_json=as_json)


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
    whose = _Whose(run, source, cohort, file, name)
    report = _recycle(whose, purge_flow, settings=settings, execute=execute)
    _tell_recycling(report, done="purged", execute=execute, as_json=as_json)


def _clear_status(read: Settings, removed: Iterator[Entry], stop: Stop) -> bool:
    """Whether the store of the reset status has no rows of these people any more; true where there is no other store."""
    status = outside_status_of(read)
    try:
        if status:
            clear_reset_status(status=status, people=removed, stop=stop)
    except StatusUnavailable:
        return False
    return True


def _tell_silent_status(heard: bool) -> None:
    """Rows that stay tell people to reset the password of an account that is gone."""
    if not heard:
        say(
            messages(),
            "The Azure Table gave no answer: rows of removed people still stand in it. `idferry remove --execute` with "
            "the same selection takes them away.",
        )


def remove_document(report: RemoveReport, *, status_complete: bool) -> dict[str, Any]:
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
        "status_complete": status_complete,
    }


def _recycle(whose: _Whose, flow: _RecycleFlow, *, settings: Path | None, execute: bool) -> RecycleReport:
    whose.check_some()
    read = read_settings(settings)
    need_ledger(read)
    clock = clock_of(read)
    with (
        run_lock_of(read),
        ledger_of(read, clock) as ledger,
        directory_of(read, clock) as directory,
        stop_on_signals() as stop,
    ):
        whose.check_known(ledger.report)
        return flow(
            people=whose.people(read, ledger.report, states=STATES_AFTER_REMOVAL),
            remover=directory.remover,
            observations=ledger.observations,
            clock=clock,
            execute=execute,
            stop=stop,
        )


def _tell_recycling(report: RecycleReport, *, done: str, execute: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "found": report.found,
                done: report.done,
                "absent": report.absent,
                "foreign": report.foreign,
                "failed": report.failed.total(),
                "failures": dict(report.failed),
            }
        )
    else:
        _print_recycling(report, done=done, execute=execute)
    if report.failed:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def _print_removal(report: RemoveReport, *, execute: bool) -> None:
    console = screen()
    if not execute:
        say(console, "Plan. Nothing was changed; --execute does it.")
        console.print()
    rows = (
        [("removed", f"{report.removed:,}", "")] if execute else [("to remove", f"{report.to_remove:,}", "")]
    )
    rows.append(("kept", f"{report.kept.total():,}", counts(report.kept)))
    rows.append(("gone already", f"{report.gone:,}", ""))
    if execute:
        rows.append(("failed", f"{report.failed.total():,}", counts(report.failed)))
    console.print(figures(rows))
    if not (report.to_remove or report.kept or report.gone):
        console.print()
        say(console, NOBODY_SELECTED)
    if report.kept_people:
        console.print()
        console.print(listing(("kept", "because"), report.kept_people[:SHOWN_MAX]))
        console.print()
        print_meanings(console, {reason: MEANINGS[Kept(reason)] for reason in report.kept})


def _print_recycling(report: RecycleReport, *, done: str, execute: bool) -> None:
    console = screen()
    if not execute:
        say(console, "Plan. Nothing was changed; --execute does it.")
        console.print()
    rows = [("in the recycle bin", f"{report.found:,}", "")]
    if execute:
        rows.append((done, f"{report.done:,}", ""))
        rows.append(("failed", f"{report.failed.total():,}", counts(report.failed)))
    rows.append(("no longer there", f"{report.absent:,}", ""))
    if report.foreign:
        rows.append(("not ours", f"{report.foreign:,}", "carry another legacyId now: not touched"))
    console.print(figures(rows))
    if not (report.found or report.absent or report.foreign):
        console.print()
        say(console, NOBODY_SELECTED)
