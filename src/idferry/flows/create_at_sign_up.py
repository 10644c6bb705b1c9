"""Somebody signs up at the legacy front: where the ledger has planned the person, the account is created now.

Only people who are planned: whoever is left out or refused stays so, and whom the ledger does not know the next export
brings in, with everything that an account needs. The ledger has the claim on disk before the directory is asked.
"""

from dataclasses import dataclass
from typing import assert_never

from msgspec import structs

from idferry.errors import WeakPassword
from idferry.flows.capture import Captured
from idferry.ports import AccountWriter, ClaimLedger, Clock, CreateOrder, Deadline
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.answers import (
    CreateAnswer,
    Created,
    Fatal,
    Postponed,
    Rejected,
    Taken,
    Unanswered,
    Undelivered,
)
from idferry.rules.capture import CaptureEnd, CaptureRules, is_refused
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.rules.names import compared_form
from idferry.rules.observations import creation
from idferry.rules.password import Password


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpParts:
    """What an account is created with at a sign-up."""

    claims: ClaimLedger
    writer: AccountWriter
    clock: Clock
    rules: CaptureRules


def create_at_sign_up(*, captured: Captured, deadline: Deadline, parts: SignUpParts) -> CaptureEnd:
    """What became of the password of somebody who has no account yet.

    Raises:
        LedgerError: nobody can say who it is, or the claim is not on disk; nothing was sent.
    """
    claims = parts.claims
    entry = _entry(captured, claims)
    if entry is None or entry.draft is None or not entry.sign_in_names:
        return CaptureEnd.UNKNOWN_HERE
    if entry.state not in (State.PLANNED, State.CREATING):
        return CaptureEnd.UNKNOWN_HERE
    if is_refused(captured.password, rules=parts.rules):
        claims.record(Observation(entry.person_id, EventKind.CAPTURE_REFUSED), at=parts.clock.now())
        return CaptureEnd.REFUSED
    if entry.state is not State.PLANNED or not claims.claim(entry.person_id, at=parts.clock.now()):
        return CaptureEnd.NOT_NOW
    draft = _draft(entry.draft, captured.password)
    creating = parts.writer.create([CreateOrder(draft, captured.password)])
    parts.clock.wait_for([creating], deadline.seconds_left(parts.clock))
    answer = creating.result()[0] if creating.done() else Unanswered("not before the caller's deadline")
    return _settle(entry, draft, answer, parts)


def is_being_created(captured: Captured, *, claims: ClaimLedger) -> bool:
    """Whether this person is getting an account at this moment, by a sign-up or an import. Raises LedgerError."""
    entry = _entry(captured, claims)
    return entry is not None and entry.state is State.CREATING


def _entry(captured: Captured, claims: ClaimLedger) -> Entry | None:
    if captured.legacy_id:
        return claims.entry_of_legacy_id(captured.legacy_id)
    compared = compared_form(captured.sign_in_name)
    return claims.entry_of_sign_in_name(compared) if compared else None


def _draft(planned: AccountDraft, password: Password) -> AccountDraft:
    weak = password.weakness() is not None
    return structs.replace(planned, password_plan=PasswordPlan.KNOWN_WEAK if weak else PasswordPlan.KNOWN)


def _settle(entry: Entry, draft: AccountDraft, answer: CreateAnswer, parts: SignUpParts) -> CaptureEnd:
    person_id = entry.person_id
    match answer:
        case Created(object_id):
            seen = structs.replace(creation(person_id, draft, object_id), draft=draft)
            parts.claims.record(seen, at=parts.clock.now())
            return CaptureEnd.CREATED
        case Taken() | Unanswered():
            # It may be the person's own account: the claim stays, and is settled by the legacyId.
            return CaptureEnd.NOT_NOW
        case Rejected(code):
            refused = code == WeakPassword.code
            _give_back(
                person_id, EventKind.CAPTURE_REFUSED if refused else EventKind.CLAIM_ENDED, code, parts
            )
            return CaptureEnd.REFUSED if refused else CaptureEnd.NOT_NOW
        case Postponed() | Undelivered() | Fatal():
            _give_back(person_id, EventKind.CLAIM_ENDED, "", parts)
            return CaptureEnd.NOT_NOW
        case _:
            assert_never(answer)


def _give_back(person_id: int, kind: EventKind, code: str, parts: SignUpParts) -> None:
    seen = Observation(person_id, kind, State.PLANNED, reason=code)
    parts.claims.record(seen, at=parts.clock.now())
