"""Why somebody who should have an account has none yet, in words; and whose account a sign-in is creating at the moment.

Pure. It judges by the ledger alone: whether an account is there after all, the directory says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from idferry.rules.entry import CLAIM_KEPT, Entry, Event, EventKind
from idferry.rules.lifecycle import State

WITHOUT_ACCOUNT_YET = MappingProxyType(
    {
        State.PLANNED: "planned: was not sent yet",
        State.CREATING: "creating: the call has no answer",
        State.FAILED: "failed",
    }
)
"""People of a source who should have an account and have none, and how that is told; the code follows."""
NOBODY_GOES_ON = "and no run goes on with it"


@dataclass(frozen=True, slots=True)
class Missing:
    """A person who should have an account and has none; `object_id` is empty when there never was one."""

    legacy_id: str
    object_id: str
    reason: str


def claimed_since(state: State, events: Sequence[Event]) -> datetime | None:
    """When a sign-in, a sign-up or a reset claimed this person, whose story this is; None: no claim stands."""
    last = events[-1] if events else None
    claimed = state is State.CREATING and last is not None and last.kind is EventKind.CLAIMED
    return last.at if claimed and last else None


def is_under_way(since: datetime | None, *, now: datetime) -> bool:
    """Whether a claim is so young that the tenant may still be creating the account."""
    return since is not None and now - since <= CLAIM_KEPT


def claim_in_words(since: datetime, *, now: datetime) -> str:
    """How a claim stands, for people who ask."""
    moment = f"{since:%Y-%m-%d %H:%M:%S} UTC"
    if is_under_way(since, now=now):
        until = f"{since + CLAIM_KEPT:%H:%M:%S}"
        return f"a sign-in has claimed it at {moment}: until {until} nobody else creates the account"
    return (
        f"a sign-in claimed it at {moment} and nothing has been heard since: `idferry serve` or the next premigration "
        "asks the directory"
    )


def absence_in_words(entry: Entry, since: datetime | None, *, now: datetime) -> str:
    """Why this person has no account; `since`: of the claim that stands. Empty: the ledger says that there is one."""
    if since is not None:
        return f"creating: {claim_in_words(since, now=now)}"
    why = WITHOUT_ACCOUNT_YET.get(entry.state, "")
    return f"{why}: {entry.code}" if why and entry.code else why
