"""What becomes of a password that a legacy front has just proven: the person's event and the account's facts in, an end out.

Pure. It must never let a password be written over one that somebody chose here: that is how a leaked legacy password
would take an account over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from idferry.rules.password import Password
from idferry.rules.sign_in import CREATION_TOLERANCE, AccountFacts, password_is_newer

CLOCKS_APART_MAX = timedelta(minutes=5)
"""A front that says that a password was changed later than this from now has a wrong clock, and is not believed."""


class CaptureEvent(StrEnum):
    """What the person did at the front."""

    SIGN_IN = "sign_in"
    PASSWORD_RESET = "password_reset"
    PASSWORD_CHANGE = "password_change"
    SIGN_UP = "sign_up"

    @property
    def is_new_password(self) -> bool:
        """Whether the front has another password than before, so that the account must get it whatever its flag says."""
        return self in (CaptureEvent.PASSWORD_RESET, CaptureEvent.PASSWORD_CHANGE)


class CaptureEnd(StrEnum):
    """What became of it."""

    WRITTEN = "written"
    """Password and flag were written in one call."""
    CREATED = "created"
    """The account was created with the password."""
    REPEATED = "repeated"
    """This very password was written a moment ago."""
    NOT_NEEDED = "not_needed"
    """The account needs none: its flag is down, and nothing is newer than what we wrote."""
    SUPERSEDED = "superseded"
    """A later password was written while this one waited."""
    REFUSED = "refused"
    """Weak or banned: the flag is up, and the person is listed for cut-over."""
    CHANGED_HERE = "changed_here"
    """Somebody has chosen another password here since our last write."""
    UNKNOWN_HERE = "unknown_here"
    """The ledger knows nobody like that, or nobody with an account."""
    NOT_OURS = "not_ours"
    """The account carries another `legacyId`."""
    NOT_NOW = "not_now"
    """The ledger, the directory, or somebody who is creating the account: the front may say it again."""

    @property
    def is_taken(self) -> bool:
        """Whether the account has the password, or needs none."""
        return self in (
            CaptureEnd.WRITTEN,
            CaptureEnd.CREATED,
            CaptureEnd.REPEATED,
            CaptureEnd.NOT_NEEDED,
            CaptureEnd.SUPERSEDED,
        )


@dataclass(frozen=True, slots=True)
class CaptureRules:
    """How passwords are captured: from the settings. `stores_weak`: with DisableStrongPassword."""

    stores_weak: bool = False
    tolerance: timedelta = CREATION_TOLERANCE


@dataclass(frozen=True, slots=True)
class Proven:
    """What the front proved, without the password: `arrived_at` by our clock, `changed_at` by the front's."""

    event: CaptureEvent
    arrived_at: datetime
    changed_at: datetime | None = None


def end_without_write(
    proven: Proven,
    facts: AccountFacts | None,
    *,
    legacy_id: str,
    written_at: datetime | None,
    rules: CaptureRules,
) -> CaptureEnd | None:
    """What speaks against writing this password to this account; None: nothing does.

    `written_at`: up to when its password is one that we wrote, where that was after the creation. None for the facts:
    the directory shows no such account.
    """
    if facts is None:
        return CaptureEnd.UNKNOWN_HERE
    if facts.legacy_id != legacy_id:
        return CaptureEnd.NOT_OURS
    if not proven.event.is_new_password:
        if written_at is not None and written_at > proven.arrived_at:
            return CaptureEnd.SUPERSEDED
        if facts.flag is not True and not _may_be_later(proven, facts, written_at, rules.tolerance):
            return CaptureEnd.NOT_NEEDED
    if password_is_newer(facts, written_at=written_at, tolerance=rules.tolerance):
        return CaptureEnd.CHANGED_HERE
    return None


def is_refused(password: Password, *, rules: CaptureRules) -> bool:
    """Whether it is known beforehand that the directory will not store it, or must not."""
    weak = not rules.stores_weak and password.weakness() is not None
    return weak or not password.storable_when_weak()


def _may_be_later(
    proven: Proven, facts: AccountFacts, written_at: datetime | None, tolerance: timedelta
) -> bool:
    """Whether the front's password may be later than the one that the account has.

    The account itself says when it got that one: what we announced last may never have arrived. Both moments are whole
    seconds of two clocks. A password that is written once too often is the same one; one that is not written is lost
    until the person resets it.
    """
    changed_at = proven.changed_at
    ours_at = facts.password_changed_at or written_at or facts.created_at
    if changed_at is None or ours_at is None or changed_at > proven.arrived_at + CLOCKS_APART_MAX:
        return False
    return changed_at > ours_at - tolerance
