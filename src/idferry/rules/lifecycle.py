"""The states of a person in the ledger, and which may follow which. The reference page is generated from here."""

from enum import StrEnum
from functools import cache
from types import MappingProxyType


class State(StrEnum):
    """What the ledger knows about one person."""

    PLANNED = "planned"
    CREATING = "creating"
    COMPLETE = "complete"
    AWAITING_PASSWORD = "awaiting_password"
    CONFIRMING = "confirming"
    FAILED = "failed"
    REMOVED = "removed"
    LEFT_OUT = "left_out"
    REFUSED = "refused"

    @property
    def has_account(self) -> bool:
        """Whether the person has an account in the directory, as far as we know."""
        return self in WITH_ACCOUNT


WITH_ACCOUNT = (State.COMPLETE, State.AWAITING_PASSWORD, State.CONFIRMING)
"""The states of people who have an account in the directory, as far as we know."""

MEANINGS = MappingProxyType(
    {
        State.PLANNED: "will be created",
        State.CREATING: "the call was decided and may have been sent; its answer is not recorded",
        State.COMPLETE: "the account has the person's own password, or needs none",
        State.AWAITING_PASSWORD: "the account has a random password and the migration flag",
        State.CONFIRMING: "the tenant is writing the person's password; `verify` confirms it",
        State.FAILED: "the directory refused for good, or retries were used up; --retry-failed plans it again",
        State.REMOVED: "the account was deleted by `idferry remove`; --again plans it again",
        State.LEFT_OUT: "stays behind by rule",
        State.REFUSED: "cannot be stored as it is",
    }
)

TRANSITIONS = MappingProxyType(
    {
        (State.PLANNED, State.CREATING): "the intent is committed, before the Graph call",
        (State.PLANNED, State.LEFT_OUT): "planned again, and a rule now says so, or the record is gone",
        (State.PLANNED, State.REFUSED): "planned again, and a rule now says so",
        (
            State.CREATING,
            State.COMPLETE,
        ): "created or adopted with the person's own password, or federated only",
        (State.CREATING, State.AWAITING_PASSWORD): "created or adopted with a random password and the flag",
        (State.CREATING, State.FAILED): "a permanent answer, or retries used up",
        (State.CREATING, State.PLANNED): "a sign-in had claimed the person, and no account came of it",
        (State.FAILED, State.PLANNED): "--retry-failed, or --only and --corrections that name the record",
        (
            State.FAILED,
            State.COMPLETE,
        ): "`restore` took the person's removed account, which was in the way, out of the recycle bin",
        (State.FAILED, State.AWAITING_PASSWORD): "the same, its flag still up",
        (State.FAILED, State.LEFT_OUT): "--retry-failed, and a rule now says so",
        (State.FAILED, State.REFUSED): "--retry-failed, and a rule now says so",
        (State.AWAITING_PASSWORD, State.CONFIRMING): "we vouched and the tenant writes the password",
        (
            State.AWAITING_PASSWORD,
            State.COMPLETE,
        ): "password and flag were written, the person reset the password, or `verify` saw the flag down",
        (State.CONFIRMING, State.COMPLETE): "`verify` read the flag down, or the person reset the password",
        (State.CONFIRMING, State.AWAITING_PASSWORD): "the flag was still up 15 minutes later",
        (
            State.COMPLETE,
            State.AWAITING_PASSWORD,
        ): "the flag was raised again: by the help desk, or because a new password could not be written",
        (State.COMPLETE, State.REMOVED): "deleted by `remove`",
        (State.AWAITING_PASSWORD, State.REMOVED): "deleted by `remove`",
        (State.CONFIRMING, State.REMOVED): "deleted by `remove`",
        (State.REMOVED, State.PLANNED): "--again",
        (State.REMOVED, State.COMPLETE): "`restore` took the account out of the recycle bin",
        (
            State.REMOVED,
            State.AWAITING_PASSWORD,
        ): "`restore` took it out of the recycle bin, its flag still up",
        (State.LEFT_OUT, State.PLANNED): "planned again, and nothing keeps the person back any longer",
        (State.LEFT_OUT, State.REFUSED): "planned again, and another rule now comes first",
        (State.REFUSED, State.PLANNED): "planned again, and the record was mended",
        (State.REFUSED, State.LEFT_OUT): "planned again, and another rule now comes first",
        (State.PLANNED, State.COMPLETE): "`ledger rebuild` found the person's account, its flag not up",
        (State.PLANNED, State.AWAITING_PASSWORD): "`ledger rebuild` found the person's account, its flag up",
        (
            State.PLANNED,
            State.FAILED,
        ): "`ledger rebuild` found the person's `legacyId` on an account with none of the person's sign-in names",
        (State.COMPLETE, State.FAILED): "`ledger rebuild` found a second account of the person",
        (State.AWAITING_PASSWORD, State.FAILED): "the same",
    }
)
ONLY_REBUILDING = frozenset(
    {
        (State.PLANNED, State.COMPLETE),
        (State.PLANNED, State.AWAITING_PASSWORD),
        (State.PLANNED, State.FAILED),
        (State.COMPLETE, State.FAILED),
        (State.AWAITING_PASSWORD, State.FAILED),
    }
)
"""Steps that no answer to a call of ours leads to: only a ledger that is made anew takes them."""


@cache  # of a few dozen steps; asked twice about every person who is sent
def may_follow(before: State, after: State, *, rebuilding: bool = False) -> bool:
    """Whether the ledger may move a person from `before` to `after`."""
    if (before, after) in ONLY_REBUILDING:
        return rebuilding
    return before is after or (before, after) in TRANSITIONS
