"""Mode C: somebody who is planned and has no account yet signs in, signs up or resets: the tenant makes the account.

Only people who are planned are newcomers; whoever is left out, refused or unknown hears the same as anybody whom nobody
knows. The claim is on disk before the tenant hears the draft, so that an import does not create the person beside it.
"""

from idferry.errors import LedgerError
from idferry.ports import ClaimLedger, Clock, PersonHere
from idferry.rules.account import AccountDraft
from idferry.rules.lifecycle import State
from idferry.rules.names import SignInType, compared_form
from idferry.rules.sign_in import Cause, Decision, Outcome

TO_COME = (State.PLANNED, State.CREATING)


def newcomer(compared: str, claims: ClaimLedger) -> PersonHere | None:
    """The person of this sign-in name who is to get an account, without one; None: there is nobody to come.

    Raises LedgerError.
    """
    entry = claims.entry_of_sign_in_name(compared)
    if entry is None or entry.draft is None or entry.state not in TO_COME:
        return None
    return PersonHere(entry.person_id, "", entry.legacy_id, entry.legacy_users, entry.sign_in_names)


def claim_newcomer(person: PersonHere, decision: Decision, *, claims: ClaimLedger, clock: Clock) -> Decision:
    """The decision with the draft of the account, once the person is claimed; others stay as they are."""
    if decision.outcome is not Outcome.WELCOME:
        return decision
    try:
        entry = claims.entry_of_legacy_id(person.legacy_id)
        if entry is None or entry.draft is None or not claims.claim(person.person_id, at=clock.now()):
            return Decision(Outcome.UNAVAILABLE, Cause.BEING_CREATED)
    except LedgerError:
        return Decision(Outcome.UNAVAILABLE, Cause.LEDGER_SILENT)
    return Decision(Outcome.WELCOME, Cause.MATCHED, create=entry.draft)


def has_account_or_will(*, sign_in_name: str, claims: ClaimLedger) -> bool:
    """Whether a sign-up with this name, whose owner has proven the address, would make a second account.

    Raises LedgerError.
    """
    compared = compared_form(sign_in_name)
    entry = claims.entry_of_sign_in_name(compared) if compared else None
    return entry is not None and (entry.state in TO_COME or entry.state.has_account)


def draft_for_reset(*, sign_in_name: str, claims: ClaimLedger, clock: Clock) -> AccountDraft | None:
    """The draft for somebody who has proven the address and chooses a password, claimed; None: nobody is to come.

    Only an address finds somebody: whoever has proven one of his own could else type another one's user name beside
    it. Raises LedgerError.
    """
    compared = compared_form(sign_in_name)
    entry = claims.entry_of_sign_in_name(compared) if compared else None
    if entry is None or entry.draft is None or entry.state not in TO_COME:
        return None
    addresses = [
        one.compared for one in entry.draft.identities if one.sign_in_type is SignInType.EMAIL_ADDRESS
    ]
    if compared not in addresses or not claims.claim(entry.person_id, at=clock.now()):
        return None
    return entry.draft
