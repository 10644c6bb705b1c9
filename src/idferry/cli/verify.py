"""`idferry verify`: the whole directory, read back and compared."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from idferry.cli.hash_upkeep import forget_hashes_of_settled
from idferry.cli.options import (
    CohortOption,
    CorrectionsOption,
    JsonOption,
    NameOption,
    RunOption,
    SettingsOption,
)
from idferry.cli.output import SHOWN_MAX, figures, listing, print_json, say, screen
from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.cli.sweep import sweep_document, sweep_rows
from idferry.errors import EXIT_PEOPLE_FAILED, UsageError
from idferry.flows.check_selection import check_selection
from idferry.flows.verify import SourceCheck, VerifyReport, VerifyScope
from idferry.flows.verify import verify as flow
from idferry.ports import Clock
from idferry.rules.attributes import GRAPH_NAMES, LEGACY_ID
from idferry.rules.comparison import Difference
from idferry.rules.entry import Selection
from idferry.rules.readiness import may_change_users
from idferry.settings import Settings, read_settings
from idferry.wiring import (
    LedgerParts,
    clock_of,
    corrected_source_of,
    directory_of,
    ledger_of,
    need_ledger,
    plan_rules_of,
)


def verify(
    source: Annotated[
        str,
        typer.Option("--source", help="Compare with this source too; a name or a path.", metavar="SOURCE"),
    ] = "",
    name: NameOption = "",
    corrections: CorrectionsOption = None,
    run: RunOption = "",
    cohort: CohortOption = "",
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Changed attributes count as differences: right after an import, nobody can have.",
        ),
    ] = False,
    no_sweep: Annotated[
        bool,
        typer.Option("--no-sweep", help="Only tell which flags should go down, and change nothing."),
    ] = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the directory back and compare it with the ledger. Exit code 0 only if nothing differs.

    A flag that fell and attributes that people changed are progress, not differences. Where somebody has chosen another
    password and the flag is still up, it is taken down, as `sweep --execute` does.

    Example: idferry verify --source export/people.jsonl
    """
    if corrections and not source:
        raise UsageError("--corrections goes with --source", remedy="Name the source that was corrected.")
    read = read_settings(settings)
    need_ledger(read)
    clock = clock_of(read)
    selection = Selection(run=run, cohort=cohort)
    with (
        ledger_of(read, clock) as ledger,
        directory_of(read, clock) as directory,
        progress(clock, quiet=as_json) as tell,
        stop_on_signals() as stop,
    ):
        check_selection(runs=ledger.report, selection=selection)
        tenant_facts = directory.inspector.inspect()
        sweeps = not no_sweep and all(map(may_change_users, tenant_facts.permissions.values()))
        report = flow(
            scope=_scope(read, selection, attributes=set(tenant_facts.attributes), strict=strict),
            reader=directory.reader,
            ledger=ledger.report,
            observations=ledger.observations,
            clock=clock,
            tell=tell,
            runs=ledger.report,
            source_check=_source_check(read, clock, ledger, source, name, corrections) if source else None,
            updater=directory.updater,
            sweeps=sweeps,
            stop=stop,
        )
        forget_hashes_of_settled(read, ledger.report)
    if as_json:
        print_json(verify_document(report, sweeps=sweeps))
    else:
        _print_report(report, sweeps=sweeps)
    if report.differences:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def _scope(read: Settings, selection: Selection, *, attributes: set[str], strict: bool) -> VerifyScope:
    flag = read.need_tenant().migration_flag
    return VerifyScope(
        project=read.project,
        flag_name=flag,
        value_names=[*GRAPH_NAMES, *sorted(attributes - {LEGACY_ID, flag})],
        selection=selection,
        strict=strict,
        tolerance=timedelta(seconds=read.passwords.creation_seconds),
    )


def _source_check(
    read: Settings,
    clock: Clock,
    ledger: LedgerParts,
    source: str,
    name: str,
    corrections: Path | None,
) -> SourceCheck:
    legacy, _ = corrected_source_of(read, source, name=name, corrections=corrections)
    return SourceCheck(legacy, plan_rules_of(read, clock), ledger.records)


def verify_document(report: VerifyReport, *, sweeps: bool) -> dict[str, Any]:
    """`verify --json`. Lists hold the first 10,000 findings; `differences` counts all of them."""
    return {
        "checked": report.checked,
        "differences": report.differences,
        "missing": [
            {"id": one.object_id, "legacy_id": one.legacy_id, "reason": one.reason} for one in report.missing
        ],
        "extra": [{"id": one.object_id, "legacy_id": one.legacy_id} for one in report.extra],
        "differing": [_difference_document(one) for one in report.differing],
        "changed_by_person": report.changed_by_person,
        "changes": [_difference_document(one) for one in report.changes],
        "progressed": report.progressed,
        "foreign": report.foreign,
        "vanished": report.vanished,
        "claimed": report.claimed,
        "sweep": sweep_document(report.swept, execute=sweeps),
    }


def _difference_document(difference: Difference) -> dict[str, Any]:
    return {
        "id": difference.object_id,
        "legacy_id": difference.legacy_id,
        "attribute": difference.attribute,
        "expected": difference.expected,
        "found": difference.found,
    }


def _print_report(report: VerifyReport, *, sweeps: bool) -> None:
    console = screen()
    rows = [
        ("accounts read", f"{report.checked:,}", ""),
        ("not ours", f"{report.foreign:,}", "accounts that this project has nothing to do with"),
        ("missing", f"{len(report.missing):,}", "should have an account and have none"),
        ("extra", f"{len(report.extra):,}", "carry a legacyId of this project and are not in the ledger"),
        ("differing", f"{len(report.differing):,}", ""),
        ("changed by person", f"{report.changed_by_person:,}", "values somebody else has set since: kept"),
        ("progressed", f"{report.progressed:,}", "have got their password since"),
    ]
    if report.claimed:
        rows.append(("being created", f"{report.claimed:,}", "a sign-in has claimed them: no difference"))
    if report.vanished:
        rows.append(
            ("vanished", f"{report.vanished:,}", "have an account and are not in the source any more")
        )
    rows += [row for row in sweep_rows(report.swept, execute=sweeps) if row[1] != "0"]
    console.print(figures(rows))
    found = [(one.legacy_id, "missing", one.reason) for one in report.missing]
    found += [(one.legacy_id, "extra", one.object_id) for one in report.extra]
    found += [
        (one.legacy_id, one.attribute, f"expected {one.expected!r}, found {one.found!r}")
        for one in report.differing
    ]
    if found:
        console.print()
        console.print(listing(("legacyId", "what", "detail"), found[:SHOWN_MAX]))
        if len(found) > SHOWN_MAX:
            say(console, f"... and {len(found) - SHOWN_MAX:,} more (--json lists them)", indent=2)
    console.print()
    if report.swept.cleared and not sweeps:
        say(
            console,
            "Flags are up that should be down: idferry sweep --execute, by somebody who may change users.",
        )
    say(console, _conclusion(report.differences))


def _conclusion(differences: int) -> str:
    match differences:
        case 0:
            return "Nothing differs."
        case 1:
            return "1 difference."
        case _:
            return f"{differences:,} differences."
