"""Say what became of people whom a sign-in or a sign-up was creating: the directory knows, by the legacyId.

An account that is there is taken over; a claim of which nothing came within CLAIM_KEPT ends, and the person is planned
again. A run of `premigrate` asks in the same way about everybody who is `creating`: the two never contradict each other.
"""

from dataclasses import dataclass

from idferry.flows.await_answer import await_answer
from idferry.ports import AccountWriter, ClaimLedger, Clock, Stop, never
from idferry.rules.entry import CLAIM_KEPT, EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.rules.observations import adoption

CHUNK_PEOPLE = 20


@dataclass(slots=True)
class ClaimsSettled:
    """How many claims became accounts, ended, or go on."""

    adopted: int = 0
    ended: int = 0
    kept: int = 0


def settle_claims(
    *, claims: ClaimLedger, writer: AccountWriter, clock: Clock, stop: Stop = never
) -> ClaimsSettled:
    """Look at every claim once.

    Raises:
        DirectoryError: the directory cannot be asked; what was settled is recorded.
        LedgerError, Stopped.
    """
    settled, after = ClaimsSettled(), 0
    while chunk := claims.claimed(after=after, limit=CHUNK_PEOPLE):
        after = chunk[-1][0].person_id
        drafts = [entry.draft for entry, _ in chunk if entry.draft]
        found = await_answer(writer.ours(drafts), clock=clock, stop=stop)
        for entry, since in chunk:
            ours = found.get(entry.legacy_id)
            if ours:
                claims.record(adoption(entry.person_id, ours), at=clock.now())
                settled.adopted += 1
            elif clock.now() - since > CLAIM_KEPT:
                seen = Observation(entry.person_id, EventKind.CLAIM_ENDED, State.PLANNED)
                claims.record(seen, at=clock.now())
                settled.ended += 1
            else:
                settled.kept += 1
    return settled
