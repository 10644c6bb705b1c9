"""`idferry find` and `idferry person`: accounts in the directory, and one person's story."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from idferry.cli import help_desk, locks
from idferry.cli.help_desk import Help
from idferry.cli.options import ExecuteOption, JsonOption, SettingsOption
from idferry.cli.output import facts, json_text, listing, print_json, say, screen, write_file
from idferry.errors import EXIT_PEOPLE_FAILED, UsageError
from idferry.flows import find as flow
from idferry.ports import Clock
from idferry.rules.absence import claim_in_words
from idferry.rules.account import Account
from idferry.rules.entry import Entry, Event
from idferry.settings import Settings, read_settings
from idferry.wiring import clock_of, directory_of, ledger_if_any, ledger_to_read, need_ledger


def find(
    sign_in_name: Annotated[str, typer.Option(help="E-mail address or user name.", metavar="NAME")] = "",
    display_name: Annotated[str, typer.Option(help="Exactly this display name.", metavar="NAME")] = "",
    object_id: Annotated[
        str, typer.Option("--id", help="The account's object id.", metavar="OBJECT_ID")
    ] = "",
    output: Annotated[
        Path | None, typer.Option(help="Also write the JSON document to a file.", metavar="FILE")
    ] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find accounts in the directory, with identities, migration flag and the ledger's entry.

    Example: idferry find --sign-in-name anna@example.com
    """
    if sum(map(bool, (sign_in_name, display_name, object_id))) != 1:
        raise UsageError(
            "find takes exactly one of --sign-in-name, --display-name and --id",
            remedy="For example: idferry find --sign-in-name anna@example.com",
        )
    read = read_settings(settings)
    clock = clock_of(read)
    with ledger_if_any(read, clock) as ledger, directory_of(read, clock) as directory:
        found = flow.find(
            reader=directory.reader,
            ledger=ledger.report if ledger else None,
            sign_in_name=sign_in_name,
            display_name=display_name,
            object_id=object_id,
        )
    document = {"accounts": [{**one.account.graph, "ledger": entry_document(one.entry)} for one in found]}
    if output:
        write_file(output, json_text(document, indent=2) + "\n")
    if as_json:
        print_json(document)
    else:
        console = screen()
        console.print(f"{len(found)} account{'' if len(found) == 1 else 's'}")
        for one in found:
            console.print()
            console.print(facts(_account_rows(one.account, one.entry)))
    if not found:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def person(
    sign_in_name: Annotated[
        str, typer.Argument(help="What the person types to sign in.", metavar="SIGN_IN_NAME")
    ],
    unlock: Annotated[
        bool, typer.Option("--unlock", help="Forget what was typed wrong, so that the person may try again.")
    ] = False,
    raise_flag: Annotated[
        bool, typer.Option("--raise-flag", help="Let the legacy password count again at the next sign-in.")
    ] = False,
    require_reset: Annotated[
        bool,
        typer.Option(
            "--require-reset", help="Make every password useless until the person chooses a new one."
        ),
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", help="Why; it stays in the ledger.", metavar="TEXT")
    ] = "",
    execute: ExecuteOption = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell one person's story: ledger entry, events, locks, account and migration flag; and help the person.

    Example: idferry person anna@example.com
    """
    asked = help_desk.asked_of(
        unlock=unlock, raise_flag=raise_flag, require_reset=require_reset, reason=reason
    )
    read = read_settings(settings)
    clock = clock_of(read)
    done = asked if execute else None
    if done:
        need_ledger(read)
        _help(read, clock, asked=done, sign_in_name=sign_in_name, reason=reason)
    with ledger_to_read(read, clock) as ledger, directory_of(read, clock) as directory:
        story = flow.tell_story(reader=directory.reader, ledger=ledger.report, sign_in_name=sign_in_name)
    standing = locks.locks_of(read, clock, entry=story.entry, sign_in_name=sign_in_name)
    if as_json:
        print_json(
            {
                "sign_in_name": sign_in_name,
                "entry": entry_document(story.entry),
                "claimed_since": story.claimed_since.isoformat() if story.claimed_since else None,
                "events": [_event_document(event) for event in story.events],
                "locks": locks.locks_document(standing),
                "unlocked": done is Help.UNLOCK,
                "flag_raised": done is Help.RAISE_FLAG,
                "reset_required": done is Help.REQUIRE_RESET,
                "accounts": [dict(account.graph) for account in story.accounts],
            }
        )
    else:
        _print_story(story, now=clock.now())
        locks.print_locks(standing, is_unlocked=done is Help.UNLOCK, may_unlock=unlock)
        if asked and asked is not Help.UNLOCK:
            help_desk.print_change(asked, is_done=done is not None)
    if story.entry is None and not story.accounts:
        raise typer.Exit(EXIT_PEOPLE_FAILED)


def _help(settings: Settings, clock: Clock, *, asked: Help, sign_in_name: str, reason: str) -> None:
    if asked is Help.UNLOCK:
        locks.unlock(settings, clock, sign_in_name=sign_in_name, reason=reason)
    else:
        help_desk.change_account(settings, clock, asked=asked, sign_in_name=sign_in_name, reason=reason)


def entry_document(entry: Entry | None) -> dict[str, Any] | None:
    """A ledger entry as JSON; null for accounts that this tool did not create."""
    if entry is None:
        return None
    return {
        "state": str(entry.state),
        "code": entry.code,
        "reason": entry.reason,
        "source": entry.source,
        "key": entry.key,
        "legacy_users": [{"source": one.source, "key": one.key} for one in entry.legacy_users],
        "legacy_id": entry.legacy_id,
        "object_id": entry.object_id,
        "cohort": entry.cohort,
        "created_by_run": entry.created_by_run,
        "created_at": entry.created_at.isoformat() if entry.created_at else None,
    }


def _event_document(event: Event) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "run": event.run,
        "kind": str(event.kind),
        "code": event.code,
        "reason": event.reason,
    }


def _account_rows(account: Account, entry: Entry | None) -> list[tuple[str, str]]:
    names = ", ".join(
        f"{one.sign_in_type} {one.issuer + '/' if one.issuer and not one.is_local else ''}{one.issuer_assigned_id}"
        for one in account.identities
    )
    flag = {True: "up: awaits the person's password", False: "down", None: "not set"}[account.flag]
    rows = [
        ("account", account.object_id),
        ("display name", str(account.values.get("displayName") or "")),
        ("identities", names),
        ("flag", flag),
        ("enabled", {True: "yes", False: "no", None: "not shown"}[account.enabled]),
        ("legacyId", account.legacy_id or "none: not created by this tool"),
    ]
    if account.password_changed_at:
        rows.append(("password set", _time(account.password_changed_at)))
    if account.last_sign_in_at:
        rows.append(("last sign-in", _time(account.last_sign_in_at)))
    if entry:
        run = f", created by run {entry.created_by_run}" if entry.created_by_run else ""
        rows.append(("ledger", f"{entry.state}{run}"))
    return rows


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _print_story(story: flow.Story, *, now: datetime) -> None:
    console = screen()
    entry = story.entry
    if entry is None:
        say(console, f"{story.sign_in_name}: not in the ledger")
    else:
        state = f"{entry.state}{f' ({entry.code})' if entry.code else ''}"
        say(console, f"{story.sign_in_name}: {state}")
        rows = [("source", f"{one.source}, key {one.key}") for one in entry.legacy_users]
        rows += [("legacyId", entry.legacy_id or "-")]
        rows += [("reason", entry.reason)] if entry.reason else []
        rows += [("cohort", entry.cohort)] if entry.cohort else []
        if story.claimed_since:
            rows.append(("claim", claim_in_words(story.claimed_since, now=now)))
        console.print(facts(rows))
        if story.events:
            console.print()
            console.print(
                listing(
                    ("at", "event", "run", "detail"),
                    [
                        (
                            _time(event.at),
                            event.kind,
                            event.run,
                            f"{event.code} {event.reason}".strip(),
                        )
                        for event in story.events
                    ],
                )
            )
    for account in story.accounts:
        console.print()
        console.print(
            facts(_account_rows(account, entry if entry and entry.object_id == account.object_id else None))
        )
