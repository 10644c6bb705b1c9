"""What a create call taught us about one person, as the ledger records it: state, code, and a sentence.

Pure. It must not count anybody and must not decide what is sent next: that is the flow's.
"""

from collections.abc import Mapping
from types import MappingProxyType

from idferry.errors import Conflict, ConflictDeleted, ConflictUnseen
from idferry.rules.account import AccountDraft
from idferry.rules.answers import Fatal, InRecycleBin, Ours, Rejected, Stranger, Unseen
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State

AS_DRAFTED: Mapping[str, str] = MappingProxyType({})


def creation(person_id: int, draft: AccountDraft, object_id: str) -> Observation:
    """The account exists, made from this draft by this very call.

    No digests: what we wrote is what the draft says, and the ledger holds it. Digests come with the first update.
    """
    state = State.AWAITING_PASSWORD if draft.sets_flag else State.COMPLETE
    return Observation(person_id, EventKind.CREATED, state, object_id=object_id, written=AS_DRAFTED)


def adoption(person_id: int, ours: Ours) -> Observation:
    """An account found to be ours. Its flag, not our plan, says whether it still awaits a password."""
    state = State.AWAITING_PASSWORD if ours.flag else State.COMPLETE
    return Observation(person_id, EventKind.ADOPTED, state, object_id=ours.object_id, written=AS_DRAFTED)


def replanning(person_id: int, draft: AccountDraft) -> Observation:
    """The draft that is sent from now on; on disk before the call, so that a crash does not forget which one it was."""
    reason = f"the password is now sent as: {draft.password_plan}"
    return Observation(person_id, EventKind.PASSWORD_REPLANNED, reason=reason, draft=draft)


def conflict(person_id: int, attribute: str, holder: Stranger | InRecycleBin | Unseen) -> Observation:
    """Somebody else holds what the person needs: failed, and the reason says who as far as the directory shows it."""
    return Observation(person_id, EventKind.CONFLICT, State.FAILED, *_held(attribute, holder))


def rejection(person_id: int, refusal: Rejected | Fatal) -> Observation:
    """The directory refused one call; what becomes of the person is not decided yet."""
    return Observation(person_id, EventKind.REJECTED, code=refusal.code, reason=refusal.reason)


def failure(person_id: int, refusal: Rejected) -> Observation:
    """The directory refused the person for good."""
    return Observation(person_id, EventKind.REJECTED, State.FAILED, refusal.code, refusal.reason)


def _held(attribute: str, holder: Stranger | InRecycleBin | Unseen) -> tuple[str, str]:
    match holder:
        case Stranger(object_id, legacy_id):
            owner = f"legacyId {legacy_id}" if legacy_id else "no legacyId"
            return Conflict.code, f"{attribute} is held by account {object_id} ({owner})"
        case InRecycleBin(object_id):
            return ConflictDeleted.code, f"{attribute} is held by the deleted account {object_id}"
        case Unseen():
            return ConflictUnseen.code, f"{attribute} is taken"
