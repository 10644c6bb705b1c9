"""What becomes of one sign-in of somebody whose password is still with the legacy system: facts in, a decision out.

Pure, and the same for both fronts. It must never let a password be written over one that somebody chose here: that is
how a leaked legacy password would take an account over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from idferry.rules.account import AccountDraft
from idferry.rules.password import Password
from idferry.rules.verdict import Barred, Condition, Match, Mismatch, NoAnswer, NoSuchUser, Verdict

CREATION_TOLERANCE = timedelta(seconds=5)
"""How much later than the account a password that came with it may look. The directory writes both with its own clock."""

LEAVES_WITHIN = timedelta(seconds=4)
"""How long after an account was looked at a password may still leave for it: the person may choose another one."""


class Written(StrEnum):
    """What became of writing password and flag."""

    DONE = "done"
    REFUSED = "refused"
    """The directory will not store this password."""
    FAILED = "failed"
    """It was certainly not written."""
    UNCLEAR = "unclear"
    """It may have been."""


class Writer(StrEnum):
    """Who writes the password and the migration flag, in one write."""

    TENANT = "tenant"
    """Mode A: the B2C policy; or Entra itself."""
    US = "us"
    """Mode B: one Graph PATCH of ours."""


class Outcome(StrEnum):
    """What the front is told."""

    WELCOME = "welcome"
    """The password is right, and it is written or may be."""
    MUST_CHANGE = "must_change"
    """It is right, and the person has to choose another one."""
    BARRED = "barred"
    """It is right, and the legacy system had closed the account: told after proof only."""
    NEGATIVE = "negative"
    """Wrong, unknown, unflagged or locked: nothing tells which."""
    UNAVAILABLE = "unavailable"
    """Nobody could tell."""


class Cause(StrEnum):
    """Why, for the log and the metrics: no end user ever learns it."""

    MATCHED = "matched"
    MISMATCH = "mismatch"
    UNKNOWN_HERE = "unknown_here"
    UNKNOWN_THERE = "unknown_there"
    EMPTY_PASSWORD = "empty_password"
    LOCKED = "locked"
    BUSY = "busy"
    ADDRESS_SPENT = "address_spent"
    GLOBAL_LIMIT = "global_limit"
    CONFLICTING_SUBMISSION = "conflicting_submission"
    NOT_FLAGGED = "not_flagged"
    NOT_OURS = "not_ours"
    PASSWORD_CHANGED_HERE = "password_changed_here"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_UNSEEN = "account_unseen"
    BARRED_THERE = "barred_there"
    MUST_CHANGE = "must_change"
    NOT_STORABLE = "not_storable"
    SECOND_FACTOR = "second_factor"
    LEGACY_SILENT = "legacy_silent"
    TOO_LATE = "too_late"
    OVERLOADED = "overloaded"
    LEDGER_SILENT = "ledger_silent"
    DIRECTORY_SILENT = "directory_silent"
    GUARD_SILENT = "guard_silent"
    WRITE_FAILED = "write_failed"
    PASSWORD_REFUSED = "password_refused"
    BEING_CREATED = "being_created"
    """An import is creating the account at this moment."""


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the directory says of one account at the moment of a sign-in. None stands for "not set" or "not shown"."""

    object_id: str
    legacy_id: str | None
    flag: bool | None
    enabled: bool | None
    created_at: datetime | None
    password_changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignInRules:
    """How sign-ins are decided: from the settings.

    `stores_weak`: whether a password that breaks the directory's strong rule can be stored all the same, by
    DisableStrongPassword or because Entra judges it itself. `methods_first`: people whose legacy account demanded a
    second factor wait until a method is written here.
    """

    writer: Writer = Writer.TENANT
    stores_weak: bool = True
    methods_first: bool = True
    tolerance: timedelta = CREATION_TOLERANCE


@dataclass(frozen=True, slots=True)
class Decision:
    """What to tell the front, and what to do: at most one of the two.

    `write`: password and flag go to the account. `clear_flag`: the account needs no migration any more. `create`: the
    tenant makes this account, with the password that was typed (mode C).
    """

    outcome: Outcome
    cause: Cause
    write: bool = False
    clear_flag: bool = False
    create: AccountDraft | None = None


def password_is_newer(
    facts: AccountFacts, *, written_at: datetime | None, tolerance: timedelta = CREATION_TOLERANCE
) -> bool:
    """Whether somebody has set a password here since the account got the one that came from us.

    `written_at`: when we last wrote one, where that was after the creation. An account whose dates the directory does
    not show counts as changed: its password must not be written over.
    """
    if facts.created_at is None or facts.password_changed_at is None:
        return True
    ours_at = max(facts.created_at, written_at) if written_at else facts.created_at
    return facts.password_changed_at > ours_at + tolerance


def obstacle(
    facts: AccountFacts | None, *, legacy_id: str, written_at: datetime | None, rules: SignInRules
) -> Decision | None:
    """What speaks against any migration of this account, whatever the legacy system says; None: nothing does.

    None for the facts: the directory shows no such account.
    """
    if facts is None:
        return Decision(Outcome.NEGATIVE, Cause.ACCOUNT_UNSEEN)
    if facts.legacy_id != legacy_id:
        return Decision(Outcome.NEGATIVE, Cause.NOT_OURS)
    if facts.flag is not True:
        return Decision(Outcome.NEGATIVE, Cause.NOT_FLAGGED)
    if facts.enabled is False:
        return Decision(Outcome.NEGATIVE, Cause.ACCOUNT_DISABLED)
    if password_is_newer(facts, written_at=written_at, tolerance=rules.tolerance):
        return Decision(
            Outcome.NEGATIVE, Cause.PASSWORD_CHANGED_HERE, clear_flag=facts.password_changed_at is not None
        )
    return None


def decide(verdict: Verdict, *, password: Password, rules: SignInRules, can_reset: bool = True) -> Decision:
    """What becomes of a sign-in that nothing speaks against, by what the legacy system says of the password.

    `can_reset`: the person has a way to choose another password. Without one, a password that has to be changed is
    taken as it is, and the directory is left to judge it.
    """
    match verdict:
        case Match(condition):
            return _proven(condition, password, rules, can_reset=can_reset)
        case Mismatch():
            return Decision(Outcome.NEGATIVE, Cause.MISMATCH)
        case NoSuchUser():
            return Decision(Outcome.NEGATIVE, Cause.UNKNOWN_THERE)
        case Barred(proven):
            return Decision(Outcome.BARRED if proven else Outcome.NEGATIVE, Cause.BARRED_THERE)
        case NoAnswer():
            return Decision(Outcome.UNAVAILABLE, Cause.LEGACY_SILENT)
        case _:
            assert_never(verdict)


def is_proven(verdict: Verdict) -> bool:
    """Whether the legacy system has said that the password is right."""
    match verdict:
        case Match():
            return True
        case Barred(proven):
            return proven
        case Mismatch() | NoSuchUser() | NoAnswer():
            return False
        case _:
            assert_never(verdict)


def _proven(condition: Condition, password: Password, rules: SignInRules, *, can_reset: bool) -> Decision:
    if condition is Condition.SECOND_FACTOR and rules.methods_first:
        # Whoever holds the password alone could enrol a phone of his own.
        return Decision(Outcome.BARRED, Cause.SECOND_FACTOR)
    if condition is Condition.MUST_CHANGE and can_reset:
        return Decision(Outcome.MUST_CHANGE, Cause.MUST_CHANGE)
    refused_as_weak = not rules.stores_weak and password.weakness() is not None
    if (refused_as_weak or not password.storable_when_weak()) and can_reset:
        return Decision(Outcome.MUST_CHANGE, Cause.NOT_STORABLE)
    return Decision(Outcome.WELCOME, Cause.MATCHED, write=rules.writer is Writer.US)
