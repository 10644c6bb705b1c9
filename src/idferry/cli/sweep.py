"""`idferry sweep`: flags down where somebody has chosen a new password, so that an old one can never replace it."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from idferry.cli.hash_upkeep import forget_hashes_of_settled
from idferry.cli.options import CohortOption, ExecuteOption, JsonOption, RunOption, SettingsOption
from idferry.cli.output import SHOWN_MAX, figures, listing, print_json, say, screen
from idferry.cli.stopping import stop_on_signals
from idferry.errors import EXIT_PEOPLE_FAILED
from idferry.flows.check_selection import check_selection
from idferry.flows.sweep import SweepReport
from idferry.flows.sweep import sweep as flow
from idferry.rules.entry import Selection
from idferry.settings import read_settings
from idferry.wiring import clock_of, directory_of, ledger_of, need_ledger


def sweep(
    source: Annotated[
        str, typer.Option("--source", help="Only people of this source, by its name.", metavar="NAME")
    ] = "",
    run: RunOption = "",
    cohort: CohortOption = "",
    execute: ExecuteOption = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the migration flag down where somebody has chosen another password. Never touches a password.

    Self-service reset leaves the flag up; until it is down, the legacy password could be written over the new one.

    Example: idferry sweep --execute
    """
    read = read_settings(settings)
    need_ledger(read)
    clock = clock_of(read)
    selection = Selection(run=run, source=source, cohort=cohort)
    with (
        ledger_of(read, clock) as ledger,
        directory_of(read, clock) as directory,
        stop_on_signals() as stop,
    ):
        check_selection(runs=ledger.report, selection=selection)
        report = flow(
            selection=selection,
            reader=directory.reader,
            updater=directory.updater,
            report=ledger.report,
            observations=ledger.observations,
            clock=clock,
            execute=execute,
            tolerance=timedelta(seconds=read.passwords.creation_seconds),
            stop=stop,
        )
        if execute:
            forget_hashes_of_settled(read, ledger.report)
    if as_json:
        print_json(sweep_document(report, execute=execute))
    else:
        _print_report(report, execute=execute)
    if report.failed:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def sweep_document(report: SweepReport, *, execute: bool) -> dict[str, Any]:
    """`sweep --json`."""
    return {
        "executed": execute,
        "checked": report.checked,
        "cleared": report.cleared,
        "progressed": report.progressed,
        "returned": report.returned,
        "missing": report.missing,
        "foreign": report.foreign,
        "failed": report.failed,
        "refused": report.refused,
        "changed": [
            {
                "id": one.object_id,
                "legacy_id": one.legacy_id,
                "password_changed_at": one.password_changed_at.isoformat()
                if one.password_changed_at
                else None,
            }
            for one in report.changed
        ],
    }


def sweep_rows(report: SweepReport, *, execute: bool) -> list[tuple[str, str, str]]:
    """What a sweep did about flags, as `verify` shows it too: name, figure, meaning."""
    failed = "the directory did not take the flag down"
    return [
        (
            "flags taken down" if execute else "flags to take down",
            f"{report.cleared:,}",
            "somebody has chosen another password here",
        ),
        ("not confirmed", f"{report.returned:,}", "we had vouched, and the tenant wrote nothing"),
        ("failed", f"{report.failed:,}", f"{failed}: {report.refused}" if report.refused else failed),
    ]


def _print_report(report: SweepReport, *, execute: bool) -> None:
    console = screen()
    rows = [
        ("accounts read", f"{report.checked:,}", "of people who await a password"),
        *sweep_rows(report, execute=execute),
        ("flag down already", f"{report.progressed:,}", "they have their password"),
        ("missing", f"{report.missing:,}", "no account is shown"),
        ("not ours", f"{report.foreign:,}", "the account carries another legacyId"),
    ]
    always = (rows[0][0], rows[1][0])
    console.print(figures(row for row in rows if row[1] != "0" or row[0] in always))
    if report.changed:
        console.print()
        shown = [
            (one.object_id, one.legacy_id, f"{one.password_changed_at:%Y-%m-%d %H:%M:%S} UTC")
            for one in report.changed[:SHOWN_MAX]
        ]
        console.print(listing(("account", "legacyId", "password changed"), shown))
    if not execute:
        say(console, "nothing was changed: add --execute to take the flags down")
