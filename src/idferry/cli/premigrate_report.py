"""What an execution of `premigrate` did, and how a source has changed: as JSON (a contract) and as a page of text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from idferry.cli.failure_report import failure_documents, failure_rows
from idferry.cli.output import SHOWN_MAX, counts, figures, say, screen
from idferry.cli.plan_report import plan_document, print_plan_figures
from idferry.flows.premigrate import PremigrateReport
from idferry.flows.send_people import SendReport
from idferry.ports import LedgerReport
from idferry.rules.entry import FailureGroup, Selection
from idferry.rules.key_list import KeyList
from idferry.rules.lifecycle import State
from idferry.rules.source_changes import SourceChanges

KEYS_LISTED_MAX = 1_000
CHANGES = {
    "new": "records that were not planned",
    "changed": "records of people who have no account yet",
    "gone": "records that were planned and are no longer there",
    "settled_changed": "records of people who were dealt with before; their accounts stay as they are",
    "settled_gone": "the same, and the record is no longer there",
}
"""What each group of changes is, for people."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an execution did, and where everybody in the ledger stands after it.

    `states` and `failures` are everybody's, `run_states` those of the people whom this run has dealt with so far, in
    this process or an earlier one. `unfinished` are people of this source who failed or whose call has no answer.
    """

    report: PremigrateReport
    states: dict[str, int]
    run_states: dict[str, int]
    failures: Sequence[FailureGroup]
    unfinished: int


def done_of(report: PremigrateReport, ledger: LedgerReport, source: str) -> Done:
    """What an execution over this source did, together with what the ledger says now."""
    stuck = ledger.states(Selection(source=source, states=(State.FAILED, State.CREATING)))
    return Done(
        report,
        states=counted(ledger, Selection()),
        run_states=counted(ledger, Selection(run=report.run)),
        failures=ledger.failures(Selection()),
        unfinished=sum(stuck.values()),
    )


def counted(ledger: LedgerReport, selection: Selection) -> dict[str, int]:
    """People by state, by the names that JSON uses."""
    return {str(state): count for state, count in ledger.states(selection).items()}


def done_document(done: Done) -> dict[str, Any]:
    """`premigrate --json`. In a plan `run` is null, nobody has failed and nobody was sent."""
    return {
        **plan_document(done.report.plan),
        "run": done.report.run,
        "states": done.states,
        "failures": failure_documents(done.failures),
        **sent_document(done.report.send),
        "source_changes": None,  # they would have ended it
    }


def sent_document(sent: SendReport) -> dict[str, Any]:
    """What this execution did; `states` tells what all of them did together."""
    return {
        "created": sent.created,
        "adopted": sent.adopted,
        "failed": sent.failed.total(),
        "unsettled": sent.left_creating,
        "refused_passwords": dict(sent.refused_passwords),
    }


def print_done(done: Done) -> None:
    """The same for people: what was planned and done, who failed, and what helps."""
    console, report, sent = screen(), done.report, done.report.send
    print_plan_figures(console, report.plan)
    console.print()
    somebody = report.plan.create or report.plan.existing or report.plan.failed or sent.done
    dealt = "has dealt with everybody it planned" if somebody else "had nobody to create"
    if sent.left_creating:
        people = "1 person has" if sent.left_creating == 1 else f"{sent.left_creating:,} people have"
        dealt = f"is done, and {people} a call without an answer that it could not settle"
    say(console, f"Run {report.run}{' (continued)' if report.resumed else ''} {dealt}.")
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


def missing_keys_document(keys: KeyList | None) -> dict[str, Any]:
    """The keys of `--only FILE.keys` that the source does not hold."""
    missing = keys.missing if keys else []
    return {"keys_not_found": missing[:KEYS_LISTED_MAX], "keys_not_found_count": len(missing)}


def print_missing_keys(console: Console, keys: KeyList | None) -> None:
    """The same for people."""
    missing = keys.missing if keys else []
    if missing:
        console.print()
        text = (
            f"{len(missing):,} listed keys are not in the source: {_some(missing[:SHOWN_MAX], len(missing))}"
        )
        say(console, text)


def changes_document(changes: SourceChanges | None) -> dict[str, Any] | None:
    """The key `source_changes` of `premigrate --json`, in a plan and beside the error `source_changed`."""
    if changes is None:
        return None
    groups = {name: {"count": group.count, "keys": group.keys} for name, group in changes.groups.items()}
    return {"run": changes.run, **groups}


def print_changes(console: Console, changes: SourceChanges) -> None:
    """The same for people."""
    say(console, f"The source has changed since run {changes.run} began with it, and that run is not done:")
    console.print()
    told = [(name, group) for name, group in changes.groups.items() if group.count]
    rows = [
        (name.replace("_", " "), f"{group.count:,}", f"{CHANGES[name]} ({_some(group.keys, group.count)})")
        for name, group in told
    ]
    console.print(figures(rows or [("records", "0", "differ in anything but passwords, order or spelling")]))


def _some(keys: Sequence[str], count: int) -> str:
    return ", ".join(keys) + (" ..." if count > len(keys) else "")
