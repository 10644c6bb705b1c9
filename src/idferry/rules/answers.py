"""What the directory may answer to one create call, and who may turn out to hold a sign-in name.

An answer is always about one attempt: nothing below retries by itself, so that the ledger sees every attempt.
"""

from dataclasses import dataclass

import msgspec


class Created(msgspec.Struct, frozen=True, gc=False):
    """201: the account exists and is ours. A struct, because nearly every answer is one: `LegacyUser` says why."""

    object_id: str


@dataclass(frozen=True, slots=True)
class Taken:
    """400 ObjectConflict: somebody holds a value that must be unique; it may be ourselves, one lost answer ago.

    `holder_id` is the object id Graph named, if it named one.
    """

    attribute: str
    holder_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A permanent refusal of this account: `code` is the code of the error class, `reason` quotes no password."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """429: certainly not done; the adapter waits before it sends anything more."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """500, 502, 503, 504, a cut connection, garbage: done or not done, nobody knows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The call certainly never reached the directory (connection refused)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """The directory refuses everybody from now on (quota, permission, expired secret): the run must stop.

    `remedy`: what helps in this very case, where more is known than the code tells.
    """

    code: str
    reason: str
    remedy: str | None = None


CreateAnswer = Created | Taken | Rejected | Postponed | Unanswered | Undelivered | Fatal

ChangeAnswer = str | Fatal
"""What became of a change of an account: "" when it is done, else the code of the error class."""


@dataclass(frozen=True, slots=True)
class Ours:
    """The account that holds the sign-in name carries our legacyId for this very person.

    `flag` is its migration flag: it, not the plan, says whether the account still awaits a password.
    """

    object_id: str
    flag: bool | None = None


@dataclass(frozen=True, slots=True)
class Stranger:
    """It carries none, or another one: never adopted."""

    object_id: str
    legacy_id: str | None


@dataclass(frozen=True, slots=True)
class InRecycleBin:
    """A deleted account still holds the value."""

    object_id: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """The directory says that somebody holds the value and shows nobody, even after it had time to settle."""


Holder = Ours | Stranger | InRecycleBin | Unseen
