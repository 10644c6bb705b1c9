"""The queue before the hash store: nobody waits for it, it is bounded, and what stays is told with its cause."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from tests.support.scripted_server import wait_until

from idferry.errors import HashStoreUnavailable
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.stores import settled_hashes
from idferry.stores.settled_hashes import HeardObservations, SettledHashes

AT = datetime(2026, 3, 1, tzinfo=UTC)


def step(person: int, state: State | None = State.COMPLETE) -> Observation:
    return Observation(person, EventKind.PASSWORD_WRITTEN, state)


class Told:
    """The queue, who was to be deleted, and what is said to have stayed."""

    def __init__(self, delete: Callable[[Sequence[int]], None] | None = None) -> None:
        self.deleted: list[int] = []
        self.kept: list[tuple[int, str]] = []
        self.hashes = SettledHashes(
            delete or self.deleted.extend, kept=lambda count, cause: self.kept.append((count, cause))
        )


def test_a_step_to_another_state_asks_for_the_deletion_and_an_event_alone_does_not() -> None:
    told = Told()
    told.hashes.recorded(step(1))
    told.hashes.recorded(step(2, None))
    told.hashes.recorded(step(3, State.CONFIRMING))  # the ledger says later whether that is settled
    told.hashes.close()
    assert told.deleted == [1, 3]
    assert told.kept == []


@pytest.mark.parametrize(
    ("error", "cause"),
    [(HashStoreUnavailable("x"), "hash_store_unavailable"), (ZeroDivisionError("x"), "ZeroDivisionError")],
)
def test_what_cannot_be_deleted_is_told_and_the_next_one_is_tried(error: Exception, cause: str) -> None:
    tried: list[int] = []

    def delete(people: Sequence[int]) -> None:
        tried.extend(people)
        if len(tried) == 1:
            raise error

    told = Told(delete)
    told.hashes.recorded(step(1))
    wait_until(lambda: bool(told.kept))
    told.hashes.recorded(step(2))
    told.hashes.close()
    assert (tried, told.kept) == ([1, 2], [(1, cause)])


def test_people_who_settle_shortly_after_each_other_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled_hashes, "GATHERED_SECONDS", 60.0)
    batches: list[list[int]] = []
    told = Told(lambda people: batches.append(list(people)))
    told.hashes.recorded(step(0))
    wait_until(lambda: bool(batches))
    for person in range(1, 5):
        told.hashes.recorded(step(person))
    told.hashes.close()
    assert batches == [[0], [1, 2, 3, 4]]


def test_more_than_may_wait_are_counted_and_nobody_is_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled_hashes, "WAITING_MAX", 3)
    let_go = threading.Event()
    begun = threading.Event()

    def delete(_people: Sequence[int]) -> None:
        begun.set()
        let_go.wait(20)

    told = Told(delete)
    told.hashes.recorded(step(0))
    assert begun.wait(20)
    for person in range(1, 6):
        told.hashes.recorded(step(person))
    assert told.kept == [(1, "queue_full")] * 2
    let_go.set()
    told.hashes.close()


def test_steps_are_told_after_the_ledger_has_them() -> None:
    happened: list[str] = []

    class Ledger:
        def observe(self, *, run: str, observed: Sequence[Observation], at: datetime) -> None:
            happened.append(f"recorded {len(observed)}")

    heard = HeardObservations(Ledger(), lambda one: happened.append(f"heard {one.person_id}"))
    heard.observe(run="", observed=[step(7), step(8)], at=AT)
    assert happened == ["recorded 2", "heard 7", "heard 8"]
