"""`docs/reference/ledger.md`: tables and columns from the migrations, meanings from their comments or from here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from tests.docs.markdown import code, page, table

from idferry.rules.entry import EventKind

TABLES = {
    "ledger": "One row: whose ledger this is.",
    "person": "One row per person that planning decided about.",
    "legacy_user": "Which record of which source belongs to which person.",
    "sign_in_name": "Who owns a sign-in name. The name itself is not here, only its HMAC under the ledger's key.",
    "look_alike_name": "Sign-in names that a reader may take for another one; for reports, it decides nothing.",
    "run": "One row per run of a command that acts.",
    "event": "One row per call that was about to be sent and per thing that was seen. Rows are added, never changed.",
    "tombstone": "People who were erased, so that nobody creates them again. This release writes none.",
}
COLUMNS = {
    "ledger.one": "Always 1: there is one row.",
    "ledger.tenant_id": "The tenant. Settings that name another one are refused.",
    "ledger.project": "The project. Settings that name another one are refused.",
    "ledger.made_at": "When the ledger was made.",
    "ledger.people_made": "The last person_id given away; none is given twice.",
    "person.person_id": "Our own number for the person; never given twice.",
    "person.state": "See [states.md](states.md).",
    "person.code": "Why, where the state is left_out, refused or failed: an outcome or error code.",
    "person.reason": "A sentence on this one case. It quotes no password.",
    "person.source": "Source of the leading legacy user: the one whose key is in the `legacyId`.",
    "person.key": "The key of the leading legacy user.",
    "person.repeat": "Tells records with the same key apart.",
    "person.ordinal": "Which record of the file, from 0, was last decided about.",
    "person.record_digest": "Digest of that record, without its password.",
    "person.legacy_id": "What the account carries: `<project>:<source>:<key>`.",
    "person.object_id": "The account's id in the directory, also when it was removed since; NULL before there is one.",
    "person.draft": "The account as it was planned, as JSON, without its password. NULL for people who get none.",
    "person.display_name": "Readable, apart from the rest, so that encryption can replace it later.",
    "person.sign_in_name": "The same.",
    "person.cohort": "The label of `--cohort`.",
    "person.created_by_run": "The run that created the account; `remove --run` goes by it.",
    "person.created_at": "When we heard that the account exists.",
    "person.written": "JSON: name of each value we wrote -> its digest, empty where that is what the draft says. With it `verify` tells our values from the person's own.",
    "legacy_user.source": "The source's name.",
    "legacy_user.key": "The source's own key.",
    "legacy_user.person_id": "The person.",
    "legacy_user.ordinal": "Which record of the file, from 0.",
    "legacy_user.planning_pass": "The pass that last met the record.",
    "sign_in_name.kind": "Local or federated.",
    "sign_in_name.person_id": "The person.",
    "run.run": "`<UTC date>-<4 hex digits>`.",
    "run.command": "The command with what makes it the same command; the same one continues an open run.",
    "run.source": "The source's name.",
    "run.source_digest": "Digest of the whole export. Another digest means another run.",
    "run.cohort": "The label of `--cohort`.",
    "run.started_at": "When it began.",
    "run.superseded_by": "The run that took its place, because the source had changed before this one was done; else NULL.",
    "run.ended_at": "When it had dealt with everybody; NULL: it is open and can be continued.",
    "event.event_id": "In the order in which things were recorded.",
    "event.at": "When.",
    "event.run": "The run; empty where no run did it, as in `verify` and `remove`.",
    "event.person_id": "The person.",
    "event.kind": "See below.",
    "event.state": "The state the person came into with it; empty where it moved nobody.",
    "event.code": "The error code, or the reason to keep an account.",
    "event.reason": "A sentence on this one case. It quotes no password.",
    "tombstone.erased_at": "When.",
}
KINDS = {
    EventKind.SENT: "A create call was about to be sent. This row is on disk before the call leaves.",
    EventKind.CREATED: "The directory said: created.",
    EventKind.ADOPTED: "The directory shows an account with this person's `legacyId`: an earlier call had worked.",
    EventKind.TAKEN: "The directory said that a value is taken. Who holds it is asked next.",
    EventKind.PASSWORD_REPLANNED: "The directory refused the password, and another plan is sent from now on: the draft "
    "in the ledger was rewritten in the same transaction as the next `sent`.",
    EventKind.CONFLICT: "Another account, or a deleted one, holds the value.",
    EventKind.REJECTED: "The directory refused for good.",
    EventKind.POSTPONED: "Throttled (HTTP 429): certainly not done, sent again later.",
    EventKind.UNANSWERED: "No clear answer: done or not done, nobody knows. Sent again; uniqueness makes that safe.",
    EventKind.UNDELIVERED: "The call certainly never reached the directory. Sent again.",
    EventKind.DELETE_SENT: "A delete call was about to be sent.",
    EventKind.REMOVED: "The account is deleted, or was gone already (`gone`).",
    EventKind.KEPT: "`remove` left the account alone; the code says why.",
    EventKind.FLAG_SEEN_DOWN: "`verify` saw the migration flag down: the person has got a password.",
    EventKind.PLANNED_AGAIN: "Taken up again with `--retry-failed` or `--again`, or the record was mended.",
    EventKind.PURGED: "The deleted account was deleted for good.",
    EventKind.RESTORED: "The account was taken out of the recycle bin.",
    EventKind.UPDATE_SENT: "A change of these values was about to be sent (`--update`).",
    EventKind.UPDATED: "These values were written, were there already, or were left to the person who changed them "
    "(`changed_by_person`).",
    EventKind.DISABLE_SENT: "A call that disables the account was about to be sent (`--vanished`, `--barred`).",
    EventKind.DISABLED: "The account is disabled, by us or by somebody before us.",
    EventKind.CHANGE_FAILED: "The directory refused the change; the code says why.",
    EventKind.REBUILT: "`ledger rebuild` found this account, whose `legacyId` and sign-in name are the person's; or "
    "could not decide.",
    EventKind.PASSWORD_RESET: "The tenant said that the person has set a new password.",
    EventKind.VOUCHED: "The legacy system said that the password is right, and the tenant was told to write it.",
    EventKind.PASSWORD_WRITTEN: "We wrote password and flag in one call, and the directory said: done.",
    EventKind.PASSWORD_FOUND_CHANGED: "The account has a password that somebody else has set since it was created, and its "
    "flag was still up: the legacy password opens nothing any more.",
    EventKind.FLAG_CLEARED: "We took that flag down.",
    EventKind.FLAG_RAISED: "The flag was raised again: by the help desk (`person --raise-flag`, the reason is theirs), or because "
    "a new password that was captured could not be written. The password up to then may be written over.",
    EventKind.RESET_REQUIRED: "Somebody asked that the person choose another password (`person --require-reset`); the reason is "
    "theirs.",
    EventKind.PASSWORD_SENT: "A captured password was about to be written. Whatever becomes of it is not taken for a password "
    "that somebody chose here.",
    EventKind.CAPTURE_REFUSED: "A captured password is weak or banned, so the flag stays up.",
    EventKind.CLAIMED: "Somebody signed in or up and gets the account now. An import leaves the person alone for 10 minutes.",
    EventKind.CLAIM_ENDED: "No account came of that: the person is planned again.",
    EventKind.UNLOCKED: "Somebody asked the guard to forget what was typed wrong (`person --unlock`); the reason is theirs.",
}
INTRODUCTION = """
The ledger is what we intended and what we saw, for one tenant and one project. It is an SQLite database beside the
settings (`[ledger] path`), readable for its owner only. Its key lies in the same name with `.key` added: 32 random
bytes, under which sign-in names are kept. Back both files up together; without the key the ledger cannot be used.

No table has a column for a password, and the digest of a record leaves its password out. Times are ISO 8601 text in UTC.
Reading it with SQL is welcome. Change nothing in it: the tool trusts it.
"""
_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)\n\)[^;]*;", re.DOTALL)
_ADDED = re.compile(r"^ALTER TABLE (\w+) ADD COLUMN(.*)$", re.MULTILINE)
_COLUMN = re.compile(r"\s+([a-z_]+) (INTEGER|TEXT|BLOB)(.*?)[,;]?\s*(?:-- (.*))?\Z")


@dataclass(frozen=True)
class Column:
    """A column as the migration declares it."""

    name: str
    kind: str
    may_be_null: bool
    comment: str


def tables() -> Iterator[tuple[str, list[Column]]]:
    """Every table of the migrations with its columns, those that were added later behind the others."""
    folder = files("idferry.ledger") / "migrations"
    found: dict[str, list[str]] = {}
    for migration in sorted(folder.iterdir(), key=lambda file: file.name):
        text = migration.read_text(encoding="utf-8")
        found.update({name: body.splitlines() for name, body in _TABLE.findall(text)})
        for name, column in _ADDED.findall(text):
            found[name].append(column)
    for name, lines in found.items():
        columns = (_COLUMN.match(line) for line in lines)
        yield name, [_column(*match.groups(default="")) for match in columns if match]


def meaning(table_name: str, column: Column) -> str:
    """What a column holds: ours where we say more than the migration's comment does."""
    said = COLUMNS.get(f"{table_name}.{column.name}") or column.comment
    return said[:1].upper() + said[1:] + ("" if said.endswith(".") else ".")


def render() -> str:
    """The page."""
    sections = [_section(name, columns) for name, columns in tables()]
    kinds = table(["kind", "meaning"], [(code(kind), KINDS[kind]) for kind in EventKind])
    return page("The ledger", INTRODUCTION, *sections, f"## Kinds of event\n\n{kinds}")


def _column(name: str, kind: str, rest: str, comment: str) -> Column:
    return Column(name, kind.lower(), "NOT NULL" not in rest and "PRIMARY KEY" not in rest, comment.strip())


def _section(name: str, columns: list[Column]) -> str:
    rows = [
        (code(one.name), one.kind + (", may be NULL" if one.may_be_null else ""), meaning(name, one))
        for one in columns
    ]
    return f"## {name}\n\n{TABLES[name]}\n\n{table(['column', 'type', 'meaning'], rows)}"
