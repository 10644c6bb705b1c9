"""Whether an account may be deleted: only if this tool created it and nobody uses it yet. And what comes back."""

from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from idferry.rules.account import Account
from idferry.rules.entry import Entry
from idferry.rules.lifecycle import State

GONE = "gone"
"""Code of a removal that found no account any more: somebody else had deleted it."""
STATES_AFTER_REMOVAL = (State.REMOVED, State.FAILED)
"""In which states somebody may be whose account was removed: see `has_removed_account`."""
CREATION_TAKES_AT_MOST = timedelta(seconds=30)
"""The directory stamps creation and first password in one operation; later than this is somebody else's password."""


class Kept(StrEnum):
    """Why an account is not deleted."""

    OTHER_LEGACY_ID = "other_legacy_id"
    FLAG_FALLEN = "flag_fallen"
    PASSWORD_CHANGED = "password_changed"
    SIGNED_IN = "signed_in"
    SIGN_IN_UNKNOWN = "sign_in_unknown"

    @property
    def means_used(self) -> bool:
        """Whether a person uses the account, or may; `--including-used` may override that, never a foreign legacyId."""
        return self is not Kept.OTHER_LEGACY_ID


MEANINGS = MappingProxyType(
    {
        Kept.OTHER_LEGACY_ID: "The account carries another `legacyId`, or none. It is never deleted.",
        Kept.FLAG_FALLEN: "The account was created with the migration flag, and the flag is down: the person has got a password.",
        Kept.PASSWORD_CHANGED: "The password was set more than 30 seconds after the account was created: the person chose another one.",
        Kept.SIGNED_IN: "Somebody has signed in.",
        Kept.SIGN_IN_UNKNOWN: "The tenant does not show sign-ins, and the person has a password or a federated identity to sign in with.",
    }
)
"""One sentence per reason, for reports and the generated reference page."""


def reason_to_keep(entry: Entry, account: Account) -> Kept | None:
    """Why this account must stay, or None. Times compared are both the directory's own, so clocks cannot differ."""
    if not entry.legacy_id or account.legacy_id != entry.legacy_id:
        return Kept.OTHER_LEGACY_ID
    if entry.draft and entry.draft.sets_flag and account.flag is not True:
        return Kept.FLAG_FALLEN
    if password_was_chosen(account):
        return Kept.PASSWORD_CHANGED
    if account.last_sign_in_at:
        return Kept.SIGNED_IN
    # A random password opens nothing to anybody; a known one, or a federated identity, does from the first moment.
    nobody_can = entry.draft is not None and entry.draft.sets_flag
    return None if nobody_can or account.sign_ins_shown else Kept.SIGN_IN_UNKNOWN


def password_was_chosen(account: Account) -> bool:
    """Whether somebody has set another password since the account was created; False where the directory tells no time."""
    created, changed = account.created_at, account.password_changed_at
    return bool(created and changed and changed > created + CREATION_TAKES_AT_MOST)


def has_removed_account(entry: Entry) -> bool:
    """Whether the ledger names an account of this person that was removed.

    That of a removed person; and of one who was to be created again and failed, mostly because that very account
    still holds the sign-in name.
    """
    return entry.state in STATES_AFTER_REMOVAL and bool(entry.object_id)


def is_still_ours(entry: Entry, account: Account) -> bool:
    """Whether a removed account may be restored or purged: only as long as no other legacyId claims it.

    A deleted account may be shown without its extension attributes; its id alone is ours then. Not for somebody who
    was planned again since: there the account must say itself whose it is.
    """
    if account.legacy_id is None:
        return entry.state is State.REMOVED
    return account.legacy_id == entry.legacy_id


def state_of_restored(entry: Entry, account: Account) -> State:
    """The state of a person whose account is back: its flag says it, or the plan where no flag is shown.

    The plan of a failed person is a later one than the account's.
    """
    plan = entry.draft if entry.state is not State.FAILED else None
    awaits = plan.sets_flag if plan and account.flag is None else bool(account.flag)
    return State.AWAITING_PASSWORD if awaits else State.COMPLETE
