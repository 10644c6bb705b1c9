"""Comparing an account with what the ledger says we wrote: what differs, what the person changed, what progressed.

Three values meet for every attribute: what the source says now, what we wrote (its digest), what the directory
holds. A value that is no longer ours was changed by the person: progress, not a difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from idferry.rules.account import Account, AccountDraft, value_digest, written_digests
from idferry.rules.attributes import AttributeValue
from idferry.rules.entry import Entry
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity
from idferry.rules.update import same_value

Shown = AttributeValue | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute of one account that is not what it should be."""

    object_id: str
    legacy_id: str
    attribute: str
    expected: Shown
    found: Shown


@dataclass(frozen=True, slots=True)
class Extra:
    """An account that carries a legacyId of this project and that the ledger does not know."""

    object_id: str
    legacy_id: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing one account found.

    `differences` are errors; `changes` are values that somebody else has set since; `flag_fell` says that a person
    who awaited a password has one now.
    """

    differences: tuple[Difference, ...] = ()
    changes: tuple[Difference, ...] = ()
    flag_fell: bool = False


def compare(entry: Entry, account: Account, *, flag_name: str) -> Comparison:
    """Compare the account that carries the entry's legacyId with the entry."""
    draft = entry.draft
    if draft is None or not entry.state.has_account:
        found = Difference(account.object_id, entry.legacy_id, "state", str(entry.state), "account exists")
        return Comparison(differences=(found,))
    differences = list(_identities_differ(draft, account))
    awaited = entry.state in (State.AWAITING_PASSWORD, State.CONFIRMING)
    flag_fell = awaited and account.flag is False
    if not flag_fell:
        differences += _flag_differs(entry, account, flag_name)
    return Comparison(tuple(differences), tuple(_changes(entry, draft, account)), flag_fell)


def made_from(draft: AccountDraft, account: Account) -> bool:
    """Whether an account was made from this draft: it carries the draft's legacyId and one of its identities.

    The legacyId alone does not prove it: whoever may write users can have copied it to somebody else's account. Only
    where the directory does not show identities at all, an account is taken at its legacyId's word; one that shows
    nothing but a work account's userPrincipalName is somebody else's.
    """
    if account.legacy_id != draft.legacy_id:
        return False
    if not account.identities_shown:
        return True
    shown = _shown_identities(account)
    return any(one.compared in shown or _hidden(one, account) for one in draft.identities)


def source_differences(entry: Entry, wanted: AccountDraft) -> tuple[Difference, ...]:
    """Where the source now says something else than what we wrote: a delta would send it.

    Not where a delta has met the new value already, which the draft then holds, and left the person's own.
    """
    if entry.draft is None:
        return ()
    after, before = wanted.values, entry.draft.values
    differences = []
    if after != before:  # digests cost more than all the rest, and nearly everybody's values are the same
        now, written = written_digests(wanted), entry.written or written_digests(entry.draft)
        differences = [
            Difference(entry.object_id, entry.legacy_id, name, after.get(name), before.get(name))
            for name in sorted({*now, *written})
            if now.get(name) != written.get(name) and after.get(name) != before.get(name)
        ]
    ours = {identity.compared for identity in entry.draft.identities}
    missing = tuple(_named(identity) for identity in wanted.identities if identity.compared not in ours)
    if missing:
        held = tuple(_named(identity) for identity in entry.draft.identities)
        differences.append(Difference(entry.object_id, entry.legacy_id, "identities", missing, held))
    return tuple(differences)


def _flag_differs(entry: Entry, account: Account, flag_name: str) -> Iterator[Difference]:
    match entry.state:
        case State.AWAITING_PASSWORD if account.flag is not True:
            yield Difference(account.object_id, entry.legacy_id, flag_name, expected=True, found=account.flag)
        case State.COMPLETE if account.flag is True:
            yield Difference(account.object_id, entry.legacy_id, flag_name, expected=False, found=True)
        case _:
            pass


def _identities_differ(draft: AccountDraft, account: Account) -> Iterator[Difference]:
    """Identities that we wrote and the account does not show; a federated id may be hidden from reading."""
    shown = _shown_identities(account)
    for identity in draft.identities:
        if identity.compared in shown or _hidden(identity, account):
            continue
        found = tuple(_named(one) for one in account.identities) or None
        yield Difference(account.object_id, draft.legacy_id, "identities", _named(identity), found)


def _shown_identities(account: Account) -> set[str]:
    return {identity.compared for identity in account.identities}


def _hidden(identity: Identity, account: Account) -> bool:
    """Whether the account may hold this identity without showing its id."""
    hidden_issuers = {one.issuer.lower() for one in account.identities if not one.issuer_assigned_id}
    return identity.issuer.lower() in hidden_issuers


def _named(identity: Identity) -> str:
    return f"{identity.sign_in_type}:{identity.issuer}{'/' if identity.issuer else ''}{identity.issuer_assigned_id}"


def _changes(entry: Entry, draft: AccountDraft, account: Account) -> Iterator[Difference]:
    written = entry.written
    for name, expected in draft.values.items():
        found = account.values.get(name)
        if same_value(name, expected, found):
            continue
        written = written or written_digests(draft)
        if written.get(name) != value_digest(found):
            yield Difference(account.object_id, entry.legacy_id, name, expected, found)
    if account.enabled is not None and account.enabled != draft.enabled:
        yield Difference(account.object_id, entry.legacy_id, "accountEnabled", draft.enabled, account.enabled)
