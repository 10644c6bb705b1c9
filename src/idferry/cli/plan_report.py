"""What planning found, as JSON (a contract) and as a page of text: shared by `survey` and `premigrate`."""

from typing import Any

from rich.console import Console

from idferry.cli.output import counts, figures, print_meanings, say
from idferry.flows.plan_people import PlanReport
from idferry.rules.outcomes import MEANINGS

BAD_RECORDS_SHOWN = 10


def plan_document(report: PlanReport) -> dict[str, Any]:
    """The JSON keys that `survey --json` and `premigrate --json` share."""
    return {
        "people": report.people,
        "create": report.create,
        "existing": report.existing,
        "failed_before": report.failed,
        "left_out": dict(report.left_out),
        "refused": dict(report.refused),
        "refused_attributes": {name: dict(codes) for name, codes in report.refused_attributes.items()},
        "notes": dict(report.notes),
        "passwords": dict(report.passwords),
        "bad_records": [
            {"file": bad.file, "line": bad.line, "field": bad.field, "reason": bad.reason}
            for bad in report.bad_records
        ],
        "bad_records_count": report.bad_records_count,
    }


def print_plan(console: Console, report: PlanReport) -> None:
    """The same for people: figures first, then what each code means, with a few keys to look at."""
    print_plan_figures(console, report)
    _print_meanings(console, report)
    _print_bad_records(console, report)


def print_plan_figures(console: Console, report: PlanReport) -> None:
    """The figures alone."""
    rows = [("records read", f"{report.people + report.bad_records_count:,}", "")]
    rows.append(("people", f"{report.people:,}", ""))
    rows.append(
        ("create", f"{report.create:,}", f"password: {counts(report.passwords)}" if report.create else "")
    )
    if report.existing:
        rows.append(("existing", f"{report.existing:,}", "have an account already, or are under way"))
    if report.failed:
        rows.append(("failed before", f"{report.failed:,}", "--retry-failed takes them up"))
    rows.append(("left out", f"{report.left_out.total():,}", counts(report.left_out)))
    rows.append(("refused", f"{report.refused.total():,}", counts(report.refused)))
    for name, codes in sorted(report.refused_attributes.items()):
        rows.append((f"not sent: {name}", f"{codes.total():,}", counts(codes)))
    if report.notes:
        rows.append(("notes", f"{report.notes.total():,}", counts(report.notes)))
    rows.append(("bad records", f"{report.bad_records_count:,}", ""))
    console.print(figures(rows))
    if report.nobody_readable:
        console.print()
        say(console, "Nobody to create: no record could be read as a person.")


def _print_meanings(console: Console, report: PlanReport) -> None:
    codes = [*report.left_out, *report.refused, *report.notes]
    codes += sorted({code for by_code in report.refused_attributes.values() for code in by_code})
    if not codes:
        return
    console.print()
    known = {str(code): meaning for code, meaning in MEANINGS.items()}
    meanings = {str(code): known.get(str(code), "") for code in codes}
    print_meanings(console, meanings, examples=report.examples)


def _print_bad_records(console: Console, report: PlanReport) -> None:
    if not report.bad_records_count:
        return
    console.print("\n  [bold]bad records[/]")
    for bad in report.bad_records[:BAD_RECORDS_SHOWN]:
        where = f"{bad.file}:{bad.line}"
        say(
            console,
            f"{where}  {bad.field}: {bad.reason}" if bad.field else f"{where}  {bad.reason}",
            indent=4,
        )
    if report.bad_records_count > BAD_RECORDS_SHOWN:
        say(
            console,
            f"... and {report.bad_records_count - BAD_RECORDS_SHOWN:,} more (--json lists them)",
            indent=4,
        )
