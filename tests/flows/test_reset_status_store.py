"""A store of the reset status beside the ledger says what the ledger says, whoever moved the person."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from tests.support.any_ledger import counting_bytes, people, person, plan
from tests.support.ledger_records import AT, PROJECT, TENANT, in_order, wanted
from tests.support.memory_status import MemoryResetStatus

from idferry.errors import StatusUnavailable, Stopped
from idferry.flows.clear_reset_status import clear_reset_status
from idferry.flows.complete_reset_status import complete_reset_status
from idferry.flows.track_password_reset import end_locks_of_reset, track_password_reset
from idferry.ledger import Ledger, open_ledger
from idferry.rules.entry import EventKind, Observation, Selection
from idferry.rules.lifecycle import State
from idferry.rules.submission import key_of_person, key_of_unknown
from idferry.stores.following import REST, FollowedLedger

NAMES = [f"{number}@example.com" for number in range(4)]


@dataclass
class Both:
    """A ledger with four planned people, and the store that follows it."""

    ledger: Ledger
    status: MemoryResetStatus
    followed: FollowedLedger

    def sent(self, *keys: str, state: State = State.AWAITING_PASSWORD) -> None:
        """These people's accounts were created."""
        ids = [person(self.ledger, key).person_id for key in keys]
        self.followed.turn(run="run-1", observed=(), sending=ids, at=AT)
        seen = [Observation(one, EventKind.CREATED, state, object_id=f"object-{one}") for one in ids]
        self.followed.turn(run="run-1", observed=seen, sending=(), at=AT)

    def seen(self, key: str, kind: EventKind, state: State) -> None:
        """Something was observed outside of a run."""
        who = person(self.ledger, key).person_id
        self.followed.observe(run="", observed=[Observation(who, kind, state)], at=AT)

    def must_reset(self) -> list[bool]:
        """For each of the four."""
        return [self.status.must_reset(name) for name in NAMES]

    def complete(self) -> int:
        """Fill the store from the ledger."""
        return complete_reset_status(status=self.status, report=self.ledger.report, selection=Selection())


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    path = tmp_path / "contoso.ledger"
    with open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT) as ledger:
        plan(ledger, *in_order(*(wanted(str(number), name) for number, name in enumerate(NAMES))))
        status = MemoryResetStatus()
        followed = FollowedLedger(ledger.send, entries=ledger.report.entries_of_people, status=status)
        yield Both(ledger, status, followed)


def test_rows_of_removed_people_that_the_store_did_not_hear_of_are_taken_away_later(both: Both) -> None:
    both.sent("0", "1", "2")
    both.status.failing = True
    for key in ("0", "1"):
        both.seen(key, EventKind.REMOVED, State.REMOVED)
    assert both.followed.lost == 2
    gone = Selection(states=(State.REMOVED,))
    with pytest.raises(StatusUnavailable):
        clear_reset_status(status=both.status, people=both.ledger.report.entries(gone))
    both.status.failing = False
    assert both.must_reset() == [True, True, True, False]
    with pytest.raises(Stopped):
        clear_reset_status(status=both.status, people=people(both.ledger), stop=lambda: True)
    assert clear_reset_status(status=both.status, people=both.ledger.report.entries(gone)) == 2
    assert both.must_reset() == [False, False, True, False]


def test_whoever_gets_a_random_password_is_put_there_at_once(both: Both) -> None:
    both.sent("0", "1")
    both.sent("2", state=State.COMPLETE)
    assert both.must_reset() == [True, True, False, False]
    assert both.followed.count_to_send("run-1") == 1


@pytest.mark.parametrize(
    ("kind", "state"),
    [(EventKind.REMOVED, State.REMOVED), (EventKind.FLAG_SEEN_DOWN, State.COMPLETE)],
)
def test_whoever_is_removed_or_has_a_password_is_taken_away(
    both: Both, kind: EventKind, state: State
) -> None:
    both.sent("0", "1")
    both.seen("0", kind, state)
    assert both.must_reset() == [False, True, False, False]


def test_a_purge_takes_away_what_the_removal_could_not(both: Both) -> None:
    both.sent("0")
    both.status.failing = True
    both.seen("0", EventKind.REMOVED, State.REMOVED)
    both.status.failing = False
    assert both.must_reset()[0] is True
    who = person(both.ledger, "0").person_id
    both.followed.observe(run="", observed=[Observation(who, EventKind.PURGED)], at=AT + REST)
    assert both.must_reset()[0] is False


def test_a_store_that_is_down_is_not_asked_at_every_turn(both: Both) -> None:
    asked: list[object] = []

    def down(rows: object) -> None:
        asked.append(rows)
        raise StatusUnavailable("the test says so")

    both.status.add = down  # type: ignore[method-assign]
    for key in ("0", "1", "2"):
        both.sent(key)
    assert (len(asked), both.followed.lost) == (1, 3)


def test_whoever_is_restored_is_back(both: Both) -> None:
    both.sent("0")
    both.seen("0", EventKind.REMOVED, State.REMOVED)
    both.seen("0", EventKind.RESTORED, State.AWAITING_PASSWORD)
    assert both.must_reset() == [True, False, False, False]


def test_a_store_that_is_down_stops_no_account_and_is_completed_later(both: Both) -> None:
    both.status.failing = True
    both.sent("0", "1")
    assert [entry.state for entry in people(both.ledger)][:2] == [State.AWAITING_PASSWORD] * 2
    assert both.followed.lost == 2
    with pytest.raises(StatusUnavailable):
        both.complete()
    both.status.failing = False
    assert (both.complete(), both.complete()) == (2, 2)
    assert both.must_reset() == [True, True, False, False]


def test_somebody_who_resets_while_the_store_is_filled_is_not_asked_again(both: Both) -> None:
    both.sent("0", "1")
    first = person(both.ledger, "0")
    add = both.status.add

    def reset_in_between(rows: object) -> None:
        """The tenant's message comes after the ledger was read and before the row is written."""
        seen = Observation(first.person_id, EventKind.PASSWORD_RESET, State.COMPLETE)
        both.ledger.send.turn(run="", observed=[seen], sending=(), at=AT)
        add(rows)  # type: ignore[arg-type]

    both.status.add = reset_in_between  # type: ignore[method-assign]
    both.complete()
    assert both.must_reset() == [False, True, False, False]


def test_filling_stops_when_asked(both: Both) -> None:
    both.sent("0")
    with pytest.raises(Stopped):
        complete_reset_status(
            status=both.status, report=both.ledger.report, selection=Selection(), stop=lambda: True
        )


def test_a_reset_is_told_to_every_store_although_one_is_down() -> None:
    stores = [MemoryResetStatus(), MemoryResetStatus()]
    for store in stores:
        store.add([("id", ["ana"])])
    stores[0].failing = True
    with pytest.raises(StatusUnavailable):
        track_password_reset(stores=stores, sign_in_name="ana", object_id="")
    assert stores[1].must_reset("ana") is False
    stores[0].failing = False
    track_password_reset(stores=stores, sign_in_name="ana", object_id="id")
    assert stores[0].must_reset("ana") is False


@dataclass
class Unlocked:
    """The part of a guard that a reset needs."""

    keys: list[str]

    def unlock(self, name_key: str, *, at: datetime) -> None:
        assert at == AT
        self.keys.append(name_key)


@pytest.mark.parametrize(
    ("person", "expected"), [(("shop", "7"), key_of_person("shop", "7")), (None, key_of_unknown("ana"))]
)
def test_a_reset_ends_the_locks_of_the_person_or_of_the_name(
    person: tuple[str, str] | None, expected: str
) -> None:
    guard = Unlocked([])
    end_locks_of_reset(
        guard=guard,  # type: ignore[arg-type]
        legacy_user_of=lambda _name, _object_id: person,
        sign_in_name="Ana",
        object_id="id",
        at=AT,
    )
    assert guard.keys == [expected]
