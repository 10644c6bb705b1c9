"""A ledger whose every step is told to the store of the reset status, so that the two say the same.

It wraps the part of the ledger that records: whichever flow moves a person, the store hears of it after the commit.
What the store does not take is not lost: `complete_reset_status` compares both again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from idferry.errors import StatusUnavailable
from idferry.ports import ResetStatus, SendLedger
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.lifecycle import State

REST = timedelta(minutes=1)
_OF_CREATION = frozenset(
    {
        EventKind.ADOPTED,
        EventKind.CONFLICT,
        EventKind.CREATED,
        EventKind.PASSWORD_REPLANNED,
        EventKind.REJECTED,
        EventKind.UNANSWERED,
    }
)
EntriesOfPeople = Callable[[Sequence[int]], Mapping[int, Entry]]


class FollowedLedger:
    """SendLedger and ObservationLedger: the inner one, and the store behind it.

    A store that gives no answer stops nobody's account from being created; `lost` tells how many steps it missed.
    """

    def __init__(self, ledger: SendLedger, *, entries: EntriesOfPeople, status: ResetStatus) -> None:
        self._ledger = ledger
        self._entries = entries
        self._status = status
        self.lost = 0
        self._resting_until: datetime | None = None

    def count_to_send(self, run: str) -> int:
        """As the ledger."""
        return self._ledger.count_to_send(run)

    def under_way(self, *, after: int, limit: int) -> Sequence[Entry]:
        """As the ledger."""
        return self._ledger.under_way(after=after, limit=limit)

    def planned(self, run: str, *, after: int, limit: int) -> Sequence[Entry]:
        """As the ledger."""
        return self._ledger.planned(run, after=after, limit=limit)

    def turn(
        self, *, run: str, observed: Sequence[Observation], sending: Sequence[int], at: datetime
    ) -> Collection[int]:
        """As the ledger; then the store."""
        held = self._ledger.turn(run=run, observed=observed, sending=sending, at=at)
        self._tell(observed, at)
        return held

    def observe(self, *, run: str, observed: Sequence[Observation], at: datetime) -> None:
        """As the ledger; then the store."""
        self.turn(run=run, observed=observed, sending=(), at=at)

    def _tell(self, observed: Sequence[Observation], at: datetime) -> None:
        moved = [one.person_id for one in observed if _concerns_the_store(one)]
        if not moved:
            return
        if self._resting_until and at < self._resting_until:
            self.lost += len(moved)
            return
        entries = [entry for entry in self._entries(moved).values() if entry.object_id]
        try:
            self._bring_up_to_date(entries)
        except StatusUnavailable:
            # Every try costs the import its time: the store gets its rest, and is completed afterwards.
            self.lost += len(entries)
            self._resting_until = at + REST

    def _bring_up_to_date(self, entries: Sequence[Entry]) -> None:
        awaiting = [one for one in entries if one.state is State.AWAITING_PASSWORD]
        if awaiting:
            self._status.add([(one.object_id, one.sign_in_names) for one in awaiting])
        for one in entries:
            if one.state is not State.AWAITING_PASSWORD:
                names = one.sign_in_names
                self._status.settle(sign_in_name=names[0] if names else "", object_id=one.object_id)


def _concerns_the_store(seen: Observation) -> bool:
    """Whether this step puts rows there or takes them away: most steps of people who were just created do neither."""
    if seen.state is State.AWAITING_PASSWORD or seen.kind is EventKind.PURGED:
        return True
    return seen.state is not None and seen.kind not in _OF_CREATION
