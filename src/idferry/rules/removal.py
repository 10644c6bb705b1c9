"""Whether an account may be deleted: only if this tool created it and nobody uses it yet."""

from datetime import timedelta
from enum import StrEnum

from idferry.rules.account import Account
from idferry.rules.entry import Entry

CREATION_TAKES_AT_MOST = timedelta(seconds=30)
"""The directory stamps creation and first password in one operation; later than this is somebody else's password."""


class Kept(StrEnum):
    """Why an account is not deleted."""

    OTHER_LEGACY_ID = "other_legacy_id"
    FLAG_FALLEN = "flag_fallen"
    PASSWORD_CHANGED = "password_changed"
    SIGNED_IN = "signed_in"
    SIGN_IN_UNKNOWN = "sign_in_unknown"
    """Somebody knows the password, and the directory does not tell whether anybody has signed in."""

    @property
    def means_used(self) -> bool:
        """Whether a person uses the account, or may; `--including-used` may override that, never a foreign legacyId."""
        return self is not Kept.OTHER_LEGACY_ID


def reason_to_keep(entry: Entry, account: Account) -> Kept | None:
    """Why this account must stay, or None. Times compared are both the directory's own, so clocks cannot differ."""
    if not entry.legacy_id or account.legacy_id != entry.legacy_id:
        return Kept.OTHER_LEGACY_ID
    if entry.draft and entry.draft.sets_flag and account.flag is not True:
        return Kept.FLAG_FALLEN
    created, changed = account.created_at, account.password_changed_at
    if created and changed and changed > created + CREATION_TAKES_AT_MOST:
        return Kept.PASSWORD_CHANGED
    if account.last_sign_in_at:
        return Kept.SIGNED_IN
    # A random password opens nothing to anybody; a known one, or a federated identity, does from the first moment.
    nobody_can = entry.draft is not None and entry.draft.sets_flag
    return None if nobody_can or account.sign_ins_shown else Kept.SIGN_IN_UNKNOWN
