"""What `premigrate --update` did, or would do, as JSON (a contract) and as a page of text."""

from collections import Counter
from typing import Any

from rich.console import Console

from idferry.cli.output import SHOWN_MAX, counts, figures, listing, say
from idferry.flows.plan_update import Listing
from idferry.flows.remove import RemoveReport
from idferry.flows.update_people import UpdateReport
from idferry.rules.attributes import AttributeValue

LEFT_ALONE = "not touched"
REMEDY_FOR_NAMES = (
    "An update never changes a sign-in name. Where the person is the same: change it in the directory, or remove the "
    "account while nobody uses it (`idferry remove --file FILE --execute`) and run "
    "`idferry premigrate SOURCE --again --execute`."
)
REMEDY_FOR_KEYS = "A person is recognised by the key: give these people the keys that they had before."
REMEDY_FOR_DOUBT = (
    "A record that is disabled has this person's key or one of the person's sign-in names, and not both. Where it is "
    "the person's, disable the account in the directory, or give the record the key and the sign-in name of before."
)
REMEDY_FOR_RETURNED = "Nothing here enables an account: an administrator may, in the directory."
NO_REMOVAL = RemoveReport()


def update_document(report: UpdateReport | None) -> dict[str, Any] | None:
    """The key `update` of `premigrate --json`; null without --update, and where there was no ledger yet.

    In a plan `updated`, `disabled` and `removed` are 0. Lists hold the first 10,000.
    """
    if report is None:
        return None
    plan, values, disabling = report.plan, report.values, report.disabling
    removal = report.removal or NO_REMOVAL
    failures = values.failed + disabling.failed + removal.failed
    return {
        "people": plan.people,
        "in_source": plan.read,
        "unchanged": plan.unchanged,
        "to_update": values.to_update,
        "updated": values.updated,
        "changes": [
            {
                "id": one.object_id,
                "legacy_id": one.legacy_id,
                "attribute": one.attribute,
                "before": one.before,
                "after": one.after,
            }
            for one in values.changes
        ],
        "already": values.already,
        "changed_by_person": [
            {"id": one.object_id, "legacy_id": one.legacy_id, "attributes": list(one.attributes)}
            for one in values.conflicts
        ],
        "changed_by_person_count": values.changed_by_person,
        "left_alone": dict(plan.left_alone),
        "unsent_attributes": dict(plan.unsent),
        **_listed("unsent", plan.unsent_people),
        **_listed("identity_changed", plan.identity_changed),
        **_listed("other_key", plan.other_key),
        **_listed("vanished", plan.vanished),
        **_listed("barred", plan.barred),
        **_listed("barred_in_doubt", report.barred_in_doubt),
        **_listed("returned", report.returned),
        **_listed("missing", *_missing(report)),
        **_listed("foreign", *_foreign(report)),
        "to_disable_or_remove": plan.threatened,
        "disabled": disabling.disabled,
        "disabled_before": disabling.already,
        "removed": removal.removed,
        "kept": dict(removal.kept),
        "kept_people": [
            {"legacy_id": legacy_id, "reason": reason} for legacy_id, reason in removal.kept_people
        ],
        "failed": failures.total(),
        "failures": dict(failures),
    }


def print_update(console: Console, report: UpdateReport | None, *, execute: bool) -> None:
    """The same for people: figures first, then who it is about and what helps."""
    if report is None:
        return
    console.print()
    say(console, "People who have an account:" if execute else "People who have an account, if executed:")
    console.print()
    console.print(figures(_rows(report, execute=execute)))
    _print_changes(console, report, execute=execute)
    _print_conflicts(console, report)
    _print_people(console, "new value not sent", report.plan.unsent_people)
    _print_people(console, "other sign-in name in the source", report.plan.identity_changed, REMEDY_FOR_NAMES)
    _print_people(console, "another key in the source", report.plan.other_key, REMEDY_FOR_KEYS)
    _print_people(console, "no longer in the source", report.plan.vanished)
    _print_people(console, "disabled in the source", report.plan.barred)
    _print_people(console, "disabled in the source, in doubt", report.barred_in_doubt, REMEDY_FOR_DOUBT)
    _print_people(console, "enabled in the source, account disabled", report.returned, REMEDY_FOR_RETURNED)


def _rows(report: UpdateReport, *, execute: bool) -> list[tuple[str, str, str]]:
    plan, values, disabling = report.plan, report.values, report.disabling
    removal = report.removal or NO_REMOVAL
    rows = [
        ("in the source", plan.read, f"of {plan.people:,} with an account"),
        ("unchanged", plan.unchanged, ""),
    ]
    rows.append(("updated", values.updated, "") if execute else ("to update", values.to_update, ""))
    told = [
        ("already", values.already, "hold the new values: nothing to send"),
        ("changed by person", values.changed_by_person, "the source changed it too: theirs stays"),
        ("left alone", plan.left_alone.total(), counts(plan.left_alone)),
        ("value not sent", plan.unsent_people.count, f"the one of before stays: {counts(plan.unsent)}"),
        ("other sign-in", plan.identity_changed.count, "the source says another sign-in name: listed below"),
        ("other key", plan.other_key.count, "in the source under another key than theirs: left alone"),
        ("vanished", plan.vanished.count, "no longer in the source"),
        ("barred", plan.barred.count, "disabled in the source since"),
        ("barred, in doubt", report.barred_in_doubt.count, f"key or sign-in name is another's: {LEFT_ALONE}"),
        ("returned", report.returned.count, "enabled in the source, account disabled"),
        ("to disable", 0 if execute or report.removal else plan.threatened, ""),
        ("disabled", disabling.disabled, ""),
        ("disabled before", disabling.already, "by somebody else"),
        ("to remove", 0 if execute else removal.to_remove, ""),
        ("removed", removal.removed, "`idferry restore` brings them back"),
        ("kept", removal.kept.total(), counts(removal.kept)),
        ("missing", sum(one.count for one in _missing(report)), "no account is shown: see `idferry verify`"),
        ("foreign", sum(one.count for one in _foreign(report)), f"carry another legacyId now: {LEFT_ALONE}"),
    ]
    failures: Counter[str] = values.failed + disabling.failed + removal.failed
    told.append(("failed", failures.total(), counts(failures)))
    return [(name, f"{count:,}", what) for name, count, what in (*rows, *(one for one in told if one[1]))]


def _print_changes(console: Console, report: UpdateReport, *, execute: bool) -> None:
    changes = report.values.changes
    if execute or not changes:
        return
    console.print()
    rows = [
        (one.legacy_id, one.attribute, f"{_shown(one.before)} -> {_shown(one.after)}")
        for one in changes[:SHOWN_MAX]
    ]
    console.print(listing(("legacyId", "attribute", "change"), rows))
    _print_more(console, len(changes))


def _print_conflicts(console: Console, report: UpdateReport) -> None:
    conflicts = report.values.conflicts
    if conflicts:
        console.print()
        rows = [(one.legacy_id, ", ".join(one.attributes)) for one in conflicts[:SHOWN_MAX]]
        console.print(listing(("changed by the person", "attributes"), rows))
        _print_more(console, len(conflicts))


def _print_people(console: Console, title: str, found: Listing, remedy: str = "") -> None:
    if found.count:
        console.print()
        console.print(
            listing((title, "account"), [(one.legacy_id, one.object_id) for one in found.people[:SHOWN_MAX]])
        )
        _print_more(console, found.count)
        if remedy:
            say(console, remedy, indent=2)


def _print_more(console: Console, count: int) -> None:
    if count > SHOWN_MAX:
        say(console, f"... and {count - SHOWN_MAX:,} more (--json lists them)", indent=2)


def _shown(value: AttributeValue | None) -> str:
    return "nothing" if value is None else repr(value)


def _missing(report: UpdateReport) -> tuple[Listing, Listing]:
    return report.values.missing, report.disabling.missing


def _foreign(report: UpdateReport) -> tuple[Listing, Listing]:
    return report.values.foreign, report.disabling.foreign


def _listed(name: str, *found: Listing) -> dict[str, Any]:
    people = [{"id": one.object_id, "legacy_id": one.legacy_id} for part in found for one in part.people]
    return {name: people, f"{name}_count": sum(part.count for part in found)}
