"""What a later export changes in an account that exists, decided value by value out of three that meet.

What the source says now, what we last wrote (its digest), what the directory holds. A value is written only where the
directory still holds ours: anything else was set by the person, or by somebody for the person, and stays. The
migration flag, the password, accountEnabled and identities are never part of an update; nor is `mail`, which follows
from the sign-in name.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from idferry.rules.account import Account, AccountDraft, value_digest, written_digests
from idferry.rules.attributes import AttributeValue
from idferry.rules.entry import Entry
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.names import Identity, compared_form
from idferry.rules.plan import Planned

FOLLOWS_SIGN_IN_NAME = "mail"
CONTACT = "otherMails"
DISPLAY_NAME = "displayName"
ACCOUNTS_PER_BATCH = 20  # https://learn.microsoft.com/graph/json-batching
ACCOUNTS_PER_PAGE = 999  # https://learn.microsoft.com/graph/api/user-list
NOT_OURS = ""
"""Stands for the digest of a value that we know not to have written: no value has it."""


@dataclass(frozen=True, slots=True)
class Update:
    """What becomes of the values of one account.

    `changes` are to be written (None clears), `before` says what the directory holds there now. `already`: names of
    new values that the directory holds already. `kept`: names of values that somebody else has set.
    """

    changes: Mapping[str, AttributeValue | None] = field(default_factory=dict)
    before: Mapping[str, AttributeValue | None] = field(default_factory=dict)
    already: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def wanted_draft(held: AccountDraft, planned: AccountDraft, *, unsent: Collection[str] = ()) -> AccountDraft:
    """The draft as the source wants it now, with everything that is never part of an update as we hold it.

    `unsent`: names of values that the source has and that may not be sent. They have not left it: what we hold stays.
    """
    attributes, extensions = dict(planned.attributes), dict(planned.extensions)
    for name in {FOLLOWS_SIGN_IN_NAME, *unsent}:
        attributes.pop(name, None)
        extensions.pop(name, None)
        if name in held.attributes:
            attributes[name] = held.attributes[name]
        elif name in held.extensions:
            extensions[name] = held.extensions[name]
    display_name = held.display_name if DISPLAY_NAME in unsent else planned.display_name
    return structs.replace(held, display_name=display_name, attributes=attributes, extensions=extensions)


def unsent_names(user: LegacyUser, planned: Planned) -> set[str]:
    """Names of values that the source has and that are not sent, be it for their length, their looks or their letters."""
    names = set(planned.refused_attributes)
    if not user.contact_email.isascii() and CONTACT not in planned.draft.attributes:
        names.add(CONTACT)
    return names


def names_cleared(held: AccountDraft, wanted: AccountDraft) -> set[str]:
    """Names of values that left the source since it was last brought in."""
    return held.values.keys() - wanted.values.keys()


def needs_a_look(entry: Entry, wanted: AccountDraft) -> bool:
    """Whether the source says something else than what we last wrote, or than what the ledger remembers of it."""
    assert entry.draft is not None  # noqa: S101  whoever has an account has one
    return wanted.values != entry.draft.values or bool(_changed_names(entry, wanted))


def three_way(entry: Entry, wanted: AccountDraft, account: Account) -> Update:
    """Decide about every value that changed in the source since we last wrote it."""
    written, values = _written(entry), wanted.values
    changes: dict[str, AttributeValue | None] = {}
    already, kept = [], []
    for name in _changed_names(entry, wanted):
        new, held = values.get(name), _held(account.values.get(name))
        if held == new:
            already.append(name)
        elif written.get(name, value_digest(None)) == value_digest(held):
            changes[name] = new
        else:
            kept.append(name)
    before = {name: _held(account.values.get(name)) for name in changes}
    return Update(changes, before, tuple(already), tuple(kept))


def written_after(entry: Entry, wanted: AccountDraft, update: Update) -> dict[str, str]:
    """The digests of what we wrote, once this update is done: kept values are still the ones we wrote before."""
    written, values = _written(entry), wanted.values
    for name in (*update.changes, *update.already):
        if name in values:
            written[name] = value_digest(values[name])
        else:
            written.pop(name, None)
    return written


def agreed_digests(draft: AccountDraft, account: Account) -> dict[str, str]:
    """Digests for an account whose history is lost: ours is what draft and directory agree on, the rest is not.

    None where they agree on everything: what we wrote is then what the draft says.
    """
    agreed = {
        name: value_digest(value) if same_value(name, value, account.values.get(name)) else NOT_OURS
        for name, value in draft.values.items()
    }
    return agreed if NOT_OURS in agreed.values() else {}


def shares_a_name(held: Sequence[Identity], now: Sequence[Identity]) -> bool:
    """Whether the record is the same person's for certain: one of the sign-in names, or federated ids, is the same."""
    return (held == now and bool(held)) or bool(_compared(held) & _compared(now))


def has_other_names(held: Sequence[Identity], now: Sequence[Identity]) -> bool:
    """Whether the source now says other sign-in names, or federated ids, than the account was made with."""
    return held != now and _compared(held) != _compared(now)


def names_of_others(held: Sequence[Identity], now: Sequence[Identity]) -> list[Identity]:
    """What the source says now and the account was not made with: it may be somebody else's."""
    if held == now:
        return []
    ours = _compared(held)
    return [one for one in now if (one.is_local, one.compared) not in ours]


def is_cheaper_one_by_one(*, people: int, accounts: int) -> bool:
    """Whether so many people are sooner read by their ids than by reading the whole directory."""
    return people * ACCOUNTS_PER_PAGE <= accounts * ACCOUNTS_PER_BATCH


def same_value(name: str, expected: AttributeValue, found: AttributeValue | None) -> bool:
    """Whether the directory holds this value; it may store an address in lower case."""
    if name == FOLLOWS_SIGN_IN_NAME and isinstance(expected, str) and isinstance(found, str):
        return compared_form(expected) == compared_form(found)
    return expected == found


def _changed_names(entry: Entry, wanted: AccountDraft) -> list[str]:
    now, written = written_digests(wanted), _written(entry)
    return sorted(
        name
        for name in {*now, *written}
        if now.get(name) != written.get(name) and name != FOLLOWS_SIGN_IN_NAME
    )


def _written(entry: Entry) -> dict[str, str]:
    assert entry.draft is not None  # noqa: S101  whoever has an account has one
    return dict(entry.written or written_digests(entry.draft))


def _held(value: AttributeValue | None) -> AttributeValue | None:
    """The directory shows a list that was never set as an empty one."""
    return None if value in ("", ()) else value


def _compared(identities: Sequence[Identity]) -> set[tuple[bool, str]]:
    return {(one.is_local, one.compared) for one in identities}
