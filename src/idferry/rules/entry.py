"""What the ledger holds about people and runs, as values that flows and reports work with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from idferry.rules.account import AccountDraft
from idferry.rules.legacy_user import LegacyUser, LegacyUserKey
from idferry.rules.lifecycle import State
from idferry.rules.plan import Plan


class EventKind(StrEnum):
    """One line of a person's story: an attempt that was about to be sent, or something that was observed."""

    SENT = "sent"
    CREATED = "created"
    ADOPTED = "adopted"
    PASSWORD_REPLANNED = "password_replanned"
    TAKEN = "taken"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    POSTPONED = "postponed"
    UNANSWERED = "unanswered"
    UNDELIVERED = "undelivered"
    DELETE_SENT = "delete_sent"
    REMOVED = "removed"
    KEPT = "kept"
    FLAG_SEEN_DOWN = "flag_seen_down"
    PLANNED_AGAIN = "planned_again"
    PURGED = "purged"
    RESTORED = "restored"
    UPDATE_SENT = "update_sent"
    UPDATED = "updated"
    DISABLE_SENT = "disable_sent"
    DISABLED = "disabled"
    CHANGE_FAILED = "change_failed"
    REBUILT = "rebuilt"
    PASSWORD_RESET = "password_reset"
    UNLOCKED = "unlocked"
    VOUCHED = "vouched"
    PASSWORD_WRITTEN = "password_written"
    PASSWORD_FOUND_CHANGED = "password_found_changed"
    FLAG_CLEARED = "flag_cleared"
    FLAG_RAISED = "flag_raised"
    RESET_REQUIRED = "reset_required"
    PASSWORD_SENT = "password_sent"
    CAPTURE_REFUSED = "capture_refused"
    CLAIMED = "claimed"
    CLAIM_ENDED = "claim_ended"


OURS_UP_TO = (
    EventKind.PASSWORD_WRITTEN,
    EventKind.PASSWORD_SENT,
    EventKind.FLAG_RAISED,
    EventKind.RESET_REQUIRED,
)
"""Up to the last of these the password is one that we wrote, or that the help desk said may be written over."""
CLAIM_KEPT = timedelta(minutes=10)
"""For so long a person whom a sign-in is creating is nobody else's: longer than a policy takes, and than a directory lags."""


class PlanItem(msgspec.Struct, frozen=True, gc=False):
    """One planned record on its way into the ledger. A struct, as `LegacyUser` is and for its reason."""

    user: LegacyUser
    plan: Plan


@dataclass(frozen=True, slots=True)
class PlanEffect:
    """What the ledger made of a PlanItem.

    `state` is the person's state now; `code` says why where the state is left_out, refused, failed or removed;
    `kept_key` names the record that owns the sign-in name of a duplicate (`<source>:<key>`); `look_alike_key`, for
    somebody who is planned, another record whose sign-in name differs but looks the same (`look_alike_form`). Of two
    planned records in one pass over a source, the later names the earlier.
    """

    state: State
    code: str = ""
    kept_key: str = ""
    look_alike_key: str = ""


@dataclass(frozen=True, slots=True)
class TakeUp:
    """Which people planning takes up again, and under which label.

    `retry_keys`: keys of records whose people are taken up if they failed; `retry_failed`: everybody who did.
    """

    cohort: str = ""
    again: bool = False
    retry_failed: bool = False
    retry_keys: frozenset[str] = frozenset()

    def retries(self, key: str) -> bool:
        """Whether somebody who failed is taken up."""
        return self.retry_failed or key in self.retry_keys


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One person; a struct, as `LegacyUser` is and for its reason.

    `draft` is None for people who were left out or refused; `legacy_id` is empty for them.
    `ordinal` and `record_digest` say which record of the source the draft was made from. `written` maps the names of
    the values we wrote to their digests (`value_digest`): with them `verify` tells our values from the person's own. It is
    empty as long as what we wrote is what the draft says.
    `object_id`, `created_by_run`, `created_at` and `written` speak of the person's last account, also of one that was
    removed since, until there is another one. `merged` are all legacy users of a person who has several, in the merge's
    order, the leading one first; else it is empty.
    """

    person_id: int
    state: State
    code: str
    reason: str
    source: str
    key: str
    ordinal: int
    record_digest: bytes
    legacy_id: str
    object_id: str
    draft: AccountDraft | None
    cohort: str
    created_by_run: str
    created_at: datetime | None
    written: Mapping[str, str] = {}
    merged: tuple[LegacyUserKey, ...] = ()

    @property
    def legacy_users(self) -> tuple[LegacyUserKey, ...]:
        """All of them, the leading one first."""
        return self.merged or (LegacyUserKey(self.source, self.key),)

    @property
    def sign_in_names(self) -> tuple[str, ...]:
        """The local sign-in names that the account was planned with, as they are typed."""
        identities = self.draft.identities if self.draft else ()
        return tuple(one.issuer_assigned_id for one in identities if one.is_local)


class Observation(msgspec.Struct, frozen=True, gc=False):
    """Something seen about one person: appended as an event, and moving the person to `state` when it is given.

    A struct, as `Entry` is. `written` are value digests, recorded where the account no longer holds what the draft
    says. `draft` replaces the planned one: what is sent from now on. `created_at` is the account's own time of an
    account that was found; else an account is as old as the observation. A person who had an account and fails has
    none for certain: it is forgotten.
    """

    person_id: int
    kind: EventKind
    state: State | None = None
    code: str = ""
    reason: str = ""
    object_id: str = ""
    written: Mapping[str, str] | None = None
    draft: AccountDraft | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded line of a person's story."""

    at: datetime
    run: str
    kind: EventKind
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command that acts. It stays open until it has dealt with everybody it planned.

    `place` is where its source was read from. `superseded_by` names the run that took its place, because the source had
    changed before this one was done; else it is empty.
    """

    run: str
    command: str
    source: str
    source_digest: str
    cohort: str
    started_at: datetime
    ended_at: datetime | None
    place: str = ""
    superseded_by: str = ""


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """What the ledger remembers of a record that was planned: whose it is, and where that person stands.

    `record_digest` is that of the record when the person was last decided about; `run` the run that did it, or that
    dealt with the account since.
    """

    person_id: int
    key: str
    state: State
    record_digest: bytes
    run: str
    cohort: str


class Settled(NamedTuple):
    """How many people got an account or a final refusal within one second, and when the first of them did."""

    at: datetime
    people: int


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """People with one code."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries a command works on. Empty fields do not restrict; all fields restrict together."""

    run: str = ""
    source: str = ""
    cohort: str = ""
    states: tuple[State, ...] = ()

    def takes(self, entry: Entry) -> bool:
        """Whether an entry is among the selected."""
        return (
            (not self.run or entry.created_by_run == self.run)
            and (not self.source or entry.source == self.source)
            and (not self.cohort or entry.cohort == self.cohort)
            and (not self.states or entry.state in self.states)
        )
