"""`idferry ledger rebuild`: a new ledger in the place of a lost one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console

from idferry.cli.options import ExecuteOption, JsonOption, NameOption, SettingsOption, SourceArgument
from idferry.cli.output import SHOWN_MAX, counts, figures, listing, print_json, say, screen
from idferry.cli.premigrate_options import PasswordOption
from idferry.cli.progress import progress
from idferry.cli.stopping import stop_on_signals
from idferry.errors import EXIT_PEOPLE_FAILED
from idferry.flows.rebuild_ledger import Findings, RebuildLedgers, RebuildReport, rebuild_ledger
from idferry.ports import Clock
from idferry.rules.plan import PasswordMode
from idferry.settings import Settings, read_settings
from idferry.wiring import (
    Directory,
    LedgerParts,
    clock_of,
    directory_of,
    ledger_of,
    plan_rules_of,
    run_lock_of,
    scratch_of,
    source_of,
)

MEANINGS = {
    "unknown": "accounts of this source whose person the export does not plan: an older or a cut export, or a record "
    "that is left out",
    "held": "accounts that are not ours and hold the sign-in name of a person who has none: premigrate will report a "
    "conflict",
    "nameless": "accounts with a person's legacyId and none of the person's sign-in names",
    "doubled": "accounts of people of whom several carry the legacyId",
}
"""What somebody has to look at, by the key of `--json`."""


def rebuild(
    source: SourceArgument,
    password: PasswordOption = PasswordMode.AUTO,
    execute: ExecuteOption = False,
    name: NameOption = "",
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a lost ledger anew from an export and the directory, which is only read.

    Give the source the name it had, and --password as it was. Interrupted, the same command continues.

    Example: idferry ledger rebuild export/people.jsonl --execute
    """
    read = read_settings(settings)
    clock = clock_of(read)
    legacy = source_of(read, source, name=name)
    with (
        directory_of(read, clock) as directory,
        _opened(read, clock, directory, execute=execute) as ledger,
        progress(clock, quiet=as_json) as tell,
        stop_on_signals() as stop,
    ):
        report = rebuild_ledger(
            source=legacy,
            rules=plan_rules_of(read, clock, password_mode=password),
            ledgers=RebuildLedgers(
                ledger.plan, ledger.runs, ledger.records, ledger.report, ledger.observations
            ),
            inspector=directory.inspector,
            reader=directory.reader,
            clock=clock,
            tell=tell,
            stop=stop,
        )
    if as_json:
        print_json(rebuild_document(report, execute=execute))
    else:
        _print_report(screen(), report, execute=execute)
    if report.undecided:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


@contextmanager
def _opened(read: Settings, clock: Clock, directory: Directory, *, execute: bool) -> Iterator[LedgerParts]:
    """The new ledger under the run lock, or a scratch one where nothing is to be done."""
    if not execute:
        with scratch_of(read, clock) as scratch:
            yield scratch
        return
    if not read.ledger_path.exists():
        directory.inspector.inspect()  # a ledger belongs to one tenant for good: it has to let us in
    with run_lock_of(read), ledger_of(read, clock) as ledger:
        yield ledger


def rebuild_document(report: RebuildReport, *, execute: bool) -> dict[str, Any]:
    """`ledger rebuild --json`. Lists hold the first 10,000; in a plan `run` is null."""
    plan = report.plan
    return {
        "people": plan.people,
        "left_out": dict(plan.left_out),
        "refused": dict(plan.refused),
        "bad_records_count": plan.bad_records_count,
        "run": report.run if execute else None,
        "read": report.read,
        "complete": report.complete,
        "awaiting_password": report.awaiting_password,
        "missing": report.missing,
        "changed_by_person": report.changed,
        "undecided": report.undecided,
        **{
            key: [{"id": one.object_id, "legacy_id": one.legacy_id} for one in found.accounts]
            for key, found in _findings(report).items()
        },
        **{f"{key}_count": found.count for key, found in _findings(report).items()},
    }


def _findings(report: RebuildReport) -> dict[str, Findings]:
    found = (report.unknown, report.held, report.nameless, report.doubled)
    return dict(zip(MEANINGS, found, strict=True))


def _print_report(console: Console, report: RebuildReport, *, execute: bool) -> None:
    if not execute:
        say(console, "Plan. Nothing was changed; --execute makes the ledger.")
        console.print()
    plan = report.plan
    rows = [
        ("people", f"{plan.people:,}", "in the export"),
        ("left out", f"{plan.left_out.total():,}", counts(plan.left_out)),
        ("refused", f"{plan.refused.total():,}", counts(plan.refused)),
        ("bad records", f"{plan.bad_records_count:,}", ""),
        ("accounts read", f"{report.read:,}", ""),
        ("complete", f"{report.complete:,}", "have an account"),
        ("awaiting", f"{report.awaiting_password:,}", "have an account with the migration flag"),
        ("missing", f"{report.missing:,}", "have none: `idferry premigrate` creates them"),
        (
            "changed by person",
            f"{report.changed:,}",
            "people whose account holds other values than the export",
        ),
    ]
    rows += [
        (key, f"{found.count:,}", "see below") for key, found in _findings(report).items() if found.count
    ]
    console.print(figures(rows))
    for key, found in _findings(report).items():
        if found.count:
            console.print()
            say(console, f"{key}: {MEANINGS[key]}", indent=2)
            people = [(one.legacy_id, one.object_id) for one in found.accounts[:SHOWN_MAX]]
            console.print(listing(("legacyId", "account"), people))
            if found.count > SHOWN_MAX:
                say(console, f"... and {found.count - SHOWN_MAX:,} more (--json lists them)", indent=2)
    if report.undecided:
        console.print()
        say(console, "Look at these accounts with `idferry find --id` before you premigrate.")
