"""What becomes of a planned record when the ledger looks at everything it already holds.

Here, and only here, records meet each other: who keeps a sign-in name, whose name looks like another's, whose key
came before, who has an account already. It must not judge a record by itself; that was done by `rules/plan.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

from idferry.ledger.database import Database
from idferry.ledger.desk import Desk, Seat
from idferry.ledger.named_queries import named_queries
from idferry.ledger.sign_in_marks import SignInMarks
from idferry.ledger.times import time_to_text
from idferry.rules.entry import PlanEffect, PlanItem, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity
from idferry.rules.outcomes import LeftOut, Refused
from idferry.rules.plan import NotPlanned

ITEMS_PER_CALL_MAX = 10_000  # they are held in memory until the transaction ends

_UNTOUCHED = frozenset((State.CREATING, State.COMPLETE, State.AWAITING_PASSWORD, State.CONFIRMING))
_PLANNED = PlanEffect(State.PLANNED)  # nearly everybody's, so it is made once
_SQL = named_queries("planning")


class SqlitePlanning:
    """PlanLedger over the ledger's file."""

    def __init__(self, database: Database, marks: SignInMarks) -> None:
        self._database = database
        self._marks = marks

    def begin_planning(self) -> None:
        """Start a new pass over a source: a key that comes twice in one pass is a duplicate. Raises LedgerError."""
        with self._database.writing() as connection:
            connection.execute(_SQL["next_pass"])

    def plan(
        self, items: Sequence[PlanItem], *, run: str, take_up: TakeUp, at: datetime
    ) -> Sequence[PlanEffect]:
        """Record some planned records in one transaction; one effect per item, in order.

        People with an account, or whose creation is under way, are not touched, nor are failed and removed people
        unless `take` says so. Everybody else is decided about again, so that planning the same records twice
        changes nothing. Raises LedgerError.
        """
        assert len(items) <= ITEMS_PER_CALL_MAX  # noqa: S101  a bug of ours
        # What needs no look at the ledger is done before: others wait to write as long as the transaction lasts.
        identities = [_identities_to_own(item) for item in items]
        marks = [self._marks.of_identities(some) for some in identities]
        forms = self._marks.of_look_alike_forms(chain.from_iterable(identities))
        with self._database.writing() as connection:
            desk = Desk(connection, run=run, cohort=take_up.cohort, at=time_to_text(at))
            desk.look_up((item.user for item in items), chain.from_iterable(marks), forms)
            effects = [_settle(item, its, desk, take_up) for item, its in zip(items, marks, strict=True)]
            desk.write()
        return effects


def _identities_to_own(item: PlanItem) -> Sequence[Identity]:
    return () if isinstance(item.plan, NotPlanned) else item.plan.draft.identities


def _settle(item: PlanItem, marks: Mapping[bytes, str], desk: Desk, take_up: TakeUp) -> PlanEffect:
    seat = desk.seat_of(item.user)
    if seat.state in _UNTOUCHED:
        if marks and seat not in desk.owners(marks):
            return PlanEffect(State.LEFT_OUT, LeftOut.KEY_REUSED, seat.shown)
        return PlanEffect(seat.state)
    if seat.state is State.FAILED and not take_up.retries(seat.key):
        return PlanEffect(State.FAILED, seat.code)
    if seat.state is State.REMOVED and not take_up.again:
        return PlanEffect(State.LEFT_OUT, LeftOut.REMOVED)
    if isinstance(item.plan, NotPlanned):
        return _keep_back(desk, seat, item, item.plan.code, item.plan.reason)
    keeper = next((owner for owner in desk.owners(marks) if not _gives_way(owner, seat, desk)), None)
    if keeper:
        reason = f"a sign-in name belongs to {keeper.shown}"
        return _keep_back(desk, seat, item, LeftOut.DUPLICATE_SIGN_IN_NAME, reason, keeper)
    if seat.repeat:
        first = desk.first_of(seat)
        return _keep_back(desk, seat, item, LeftOut.DUPLICATE_KEY, f"{first.shown} came before", first)
    for owner in desk.owners(marks):
        if owner is not seat:
            desk.push_out(owner, LeftOut.DUPLICATE_SIGN_IN_NAME, f"a sign-in name belongs to {seat.shown}")
    desk.take_up(seat, item.user, item.plan.draft, marks)
    look_alike = _look_alike(seat, marks, desk)
    return PlanEffect(State.PLANNED, look_alike_key=look_alike) if look_alike else _PLANNED


def _look_alike(seat: Seat, marks: Iterable[bytes], desk: Desk) -> str:
    """Whose sign-in name looks like one of this person's: one of those who would keep the name if it were the same.

    By their keys, not by who came first: an earlier pass in another order must leave no trace.
    """
    alike = desk.look_alikes(marks)
    others = [other for other in alike if not _gives_way(other, seat, desk)] if alike else ()
    if not others:
        return ""
    return min(others, key=lambda other: (other.source, other.key, other.repeat)).shown


def _gives_way(owner: Seat, seat: Seat, desk: Desk) -> bool:
    """Whether the owner of a sign-in name is the person itself, was removed, or comes later in the same source.

    An owner who was only planned, or failed, and whose record this pass has not met yet, stands further down in the source or
    no longer in it: an interrupted pass, or another order of records, must not change who comes first.
    """
    no_account = owner.state in (State.PLANNED, State.FAILED)
    later = no_account and owner.source == seat.source and not desk.met(owner)
    return later or owner is seat or owner.state is State.REMOVED


def _keep_back(
    desk: Desk,
    seat: Seat,
    item: PlanItem,
    code: LeftOut | Refused,
    reason: str,
    keeper: Seat | None = None,
) -> PlanEffect:
    state = State.LEFT_OUT if isinstance(code, LeftOut) else State.REFUSED
    if seat.state is not State.REMOVED:  # only --again leads out of it, and only to an account
        desk.keep_back(seat, item.user, state, code, reason)
    return PlanEffect(state, code, keeper.shown if keeper else "")
