"""Premigration that somebody or something ends: answers under way are recorded, and the same command continues."""

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import chain, repeat

import pytest
from tests.support.builders import (
    MemorySource,
    World,
    assert_true_to_life,
    crowd,
    federated_only,
    with_password,
)
from tests.support.hand_clock import HandClock
from tests.support.memory_directory import LostBefore, MemoryTenant

from idferry.errors import (
    QuotaExceeded,
    SourceChanged,
    Stopped,
    Unreachable,
)
from idferry.flows.send_people import SendLimits
from idferry.ports import CreateOrder
from idferry.rules.answers import (
    CreateAnswer,
    Fatal,
)
from idferry.rules.happenings import RecordsRead
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.lifecycle import State
from idferry.rules.quota import Pace

FACTS = MemoryTenant().inspector.inspect()


def _unreachable() -> None:
    raise Unreachable("no connection")


# --- answers that are under way when something ends the run ------------------------------------------------------


@dataclass
class SlowWriter:
    """A writer whose answers come when the test says so: what was written is written at once."""

    tenant: MemoryTenant
    waiting: list[tuple["Future[object]", object]] = field(default_factory=list)
    answer_when: int = 2

    def create(self, chunk: list[CreateOrder]) -> "Future[object]":
        answers: list[CreateAnswer] = [self.tenant.create(order) for order in chunk]
        future: Future[object] = Future()
        self.waiting.append((future, answers))
        if len(self.waiting) >= self.answer_when:
            self.release(1)
        return future

    def release(self, how_many: int) -> None:
        for future, answers in self.waiting[:how_many]:
            future.set_result(answers)
        self.waiting = self.waiting[how_many:]


class ReleasingClock(HandClock):
    """Moves on a little whenever it is asked, and lets a slow answer come each time."""

    writer: SlowWriter | None = None

    def elapsed(self) -> float:
        self._elapsed_s += 0.01
        if self.writer:
            self.writer.release(1)
        return super().elapsed()


def slow_world(people: int) -> World:
    clock = ReleasingClock()
    world = World(MemorySource(crowd(people)), MemoryTenant(clock=clock))
    slow = SlowWriter(world.tenant)
    clock.writer = slow
    world.tenant.writer.create = slow.create  # type: ignore[method-assign, assignment]
    return world


def unrecorded(world: World) -> list[str]:
    known = {entry.legacy_id for entry in world.entries().values() if entry.state.has_account}
    return sorted({one.legacy_id or "" for one in world.tenant.accounts()} - known)


def test_answers_under_way_are_recorded_when_the_source_turns_out_changed() -> None:
    world = slow_world(60)

    def change(reading: int) -> None:
        if reading == 2:
            world.source.humans[56] = replace(with_password(56), display_name="Another")

    world.source.before_reading = change
    with pytest.raises(SourceChanged):
        world.premigrate()
    assert world.tenant.accounts()
    assert unrecorded(world) == []


def test_answers_under_way_are_recorded_when_a_question_cannot_be_asked() -> None:
    world = slow_world(60)
    for human in world.source.humans[:20]:
        world.tenant.plant(*human.identities)
    world.tenant.check_reachable = _unreachable  # type: ignore[method-assign]
    world.tenant.inspector.inspect = lambda: FACTS  # type: ignore[method-assign]
    with pytest.raises(Unreachable, match="no connection"):
        world.premigrate()
    assert len(world.tenant.accounts()) > 20
    assert unrecorded(world) == [""]


def test_answers_under_way_are_recorded_when_somebody_stops_the_run() -> None:
    world = slow_world(60)
    asked = iter([False, False, False, True])
    with pytest.raises(Stopped):
        world.premigrate(stop=lambda: next(asked, True))
    assert world.tenant.accounts()
    assert unrecorded(world) == []


@pytest.mark.parametrize("waiting_s", [0.0, 30.0])
def test_whoever_stops_withdraws_only_what_would_have_to_wait_for_its_allowance(waiting_s: float) -> None:
    world = slow_world(60)
    withdrawn: list[int] = []
    world.tenant.writer.withdraw = lambda: withdrawn.append(world.creates())  # type: ignore[method-assign]
    world.tenant.writer.pace = lambda: Pace(waiting_s=waiting_s)  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        world.premigrate(stop=lambda: world.creates() > 0)
    assert unrecorded(world) == []
    assert bool(withdrawn) == (waiting_s > 0), "what may go at once is sent, and its answer heard"


# --- stopping ----------------------------------------------------------------------------------------------------


def test_stopped_in_the_middle_it_continues() -> None:
    for after in range(10):
        world = World(MemorySource(crowd(100)), limits=SendLimits(chunks_under_way_max=1))
        asked = chain(repeat(False, after), repeat(True))
        try:
            world.premigrate(stop=lambda asked=asked: next(asked))  # type: ignore[misc]
        except Stopped:
            states = world.states()
            assert State.CREATING not in states, "answers that came are in the ledger"
            assert len(world.tenant.accounts()) == 100 - states.get(State.PLANNED, 0)
            assert world.premigrate().resumed
        assert_true_to_life(world)


def test_stopped_while_it_plans_a_long_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idferry.flows.plan_people.BATCH_PEOPLE", 10)
    world = World(MemorySource([federated_only(number) for number in range(30)]))
    with pytest.raises(Stopped, match="while planning"):
        world.premigrate(stop=lambda: len(world.told) >= 2)
    assert (world.states(), world.creates()) == ({State.PLANNED: 20}, 0)
    assert world.premigrate().resumed
    assert_true_to_life(world)


def test_people_with_many_values_come_in_smaller_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that planning takes does not grow with what a source says of everybody."""
    monkeypatch.setattr("idferry.flows.plan_people.BATCH_VALUES", 35)
    values = {f"field{number}": "v" for number in range(10)}
    world = World(MemorySource([replace(federated_only(number), attributes=values) for number in range(10)]))
    world.premigrate()
    assert [one.count for one in world.told if isinstance(one, RecordsRead)] == [4, 8, 10]
    assert_true_to_life(world)


def test_a_stop_is_heard_while_nobody_of_a_long_source_is_wanted() -> None:
    world, read = World(MemorySource(crowd(30))), []

    def in_pilot(user: LegacyUser) -> bool:
        read.append(user.key)
        return False

    with pytest.raises(Stopped, match="while planning"):
        world.premigrate(in_pilot=in_pilot, stop=lambda: len(read) == 7)
    assert len(read) == 7


@pytest.mark.parametrize("when", ["the room is checked", "the past is settled"])
def test_a_stop_is_heard_while_the_tenant_holds_a_question_back(when: str) -> None:
    """A Retry-After may keep the answer away for minutes; the first Ctrl-C must not wait for it."""
    world = World(MemorySource(crowd(20)), MemoryTenant(quota=5))
    if when == "the past is settled":
        world.tenant.quota = 100
        world.tenant.plan_faults([*repeat(LostBefore(), 20), Fatal("quota_exceeded", "full")])
        with pytest.raises(QuotaExceeded):
            world.premigrate()
        assert State.CREATING in world.states()
    asked: list[Future[object]] = []

    def ours(_drafts: object) -> "Future[object]":
        asked.append(Future())
        return asked[-1]

    world.tenant.writer.ours = ours  # type: ignore[method-assign, assignment]
    with pytest.raises(Stopped):
        world.premigrate(stop=lambda: bool(asked))
    del world.tenant.writer.ours
    world.tenant.quota = 100
    world.premigrate()
    assert_true_to_life(world)


def test_asked_to_stop_when_all_is_done_it_is_done() -> None:
    world = World(MemorySource(crowd(5)))
    world.premigrate(stop=lambda: len(world.tenant.accounts()) == 5)
    assert_true_to_life(world)
