"""Premigration that is stopped, killed, lied to or starved: the same command continues, and nobody is lost or doubled."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, cycle, repeat

import pytest
from tests.support.builders import (
    Killed,
    MemorySource,
    Mortality,
    World,
    assert_true_to_life,
    crowd,
    federated_only,
    with_password,
    without_password,
)
from tests.support.memory_directory import Fault, LostAfter, LostBefore, MemoryTenant
from tests.support.memory_ledger import MemoryLedger

from idferry.errors import (
    Forbidden,
    LedgerUnwritable,
    QuotaExceeded,
    SourceChanged,
)
from idferry.rules.account import AccountDraft
from idferry.rules.answers import (
    Fatal,
    Postponed,
    Undelivered,
)
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State

PEOPLE = 90
SCRIPTS: dict[str, list[Fault | None]] = {
    "every answer comes": [None],
    "answers lost before the write": [None, LostBefore(), None],
    "answers lost after the write": [None, LostAfter(), None],
    "lost before, lost after": [LostBefore(), LostAfter(), None],
    "throttled": [None, None, Postponed()],
    "not delivered": [None, Undelivered("connection refused")],
    "a little of everything": [None, LostAfter(), Postponed(), LostBefore(), None, Undelivered("refused")],
}
LAGS = {"at once": timedelta(0), "after a minute": timedelta(minutes=1)}


def fresh_world(script: str = "every answer comes", lag: timedelta = timedelta(0)) -> World:
    world = World(MemorySource(crowd(PEOPLE)), MemoryTenant(lag=lag))
    world.tenant.plan_faults(cycle(SCRIPTS[script]))
    return world


def writes_of(world: World) -> int:
    life = Mortality()
    world.premigrate(mortality=life)
    return life.writes


@pytest.mark.parametrize("lag", LAGS.values(), ids=LAGS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_killed_after_any_write_of_the_ledger_the_same_command_finishes(script: str, lag: timedelta) -> None:
    writes = writes_of(fresh_world(script, lag))
    assert writes >= 7
    for write in range(1, writes + 1):
        world = fresh_world(script, lag)
        world.killed_at(write)
        assert world.kills == 1
        report = world.premigrate()
        assert report.resumed == (write < writes), "the run is over with its last write, and not before"
        assert_true_to_life(world)
        assert not world.failures()


@pytest.mark.parametrize("script", ["every answer comes", "answers lost after the write"])
def test_killed_after_every_single_write_it_still_gets_there(script: str) -> None:
    """Every process lives for one write more than the last one needed to get nowhere."""
    world = fresh_world(script)
    for lifetime in chain(range(4, 40), repeat(40)):
        before = world.kills
        world.killed_at(lifetime)
        if world.kills == before:
            break
    assert world.kills >= 2
    assert_true_to_life(world)


def test_killed_while_calls_are_on_their_way() -> None:
    for deadly_call in range(1, PEOPLE + 1, 7):
        world = fresh_world("answers lost after the write", timedelta(seconds=30))
        life, calls = Mortality(), iter(range(1, 10_000))

        def interrupt(_draft: AccountDraft, life: Mortality = life, calls: Iterator[int] = calls) -> None:
            if next(calls) == deadly_call:  # noqa: B023  it is called before the loop goes on
                life.die()

        world.tenant.interrupt = interrupt
        with pytest.raises(Killed):
            world.premigrate(mortality=life)
        world.kills += 1
        world.tenant.interrupt = lambda _draft: None
        world.premigrate()
        assert_true_to_life(world)


def test_strangers_planted_before_and_between_kills_are_conflicts_and_nothing_else() -> None:
    writes = writes_of(fresh_world("answers lost after the write"))
    for write in range(1, writes + 1):
        world = fresh_world("answers lost after the write", timedelta(seconds=30))
        strangers = _plant(world, ["k0", "r21"])
        world.killed_at(write)
        strangers |= _plant(world, [key for key in ("k64", "w66") if not _has_account(world, key)])
        world.premigrate()
        conflicts = {key for key, entry in world.entries().items() if entry.state is State.FAILED}
        assert len(conflicts) == len(strangers)
        assert world.failures() == {"conflict": len(strangers)}
        for object_id, account in strangers.items():
            assert world.tenant.stored[object_id].account == account
            assert all(entry.object_id != object_id for entry in world.entries().values())
        assert not [one for one in world.entries().values() if one.state in (State.PLANNED, State.CREATING)]


def _plant(world: World, keys: Iterable[str]) -> dict[str, object]:
    humans = {human.key: human for human in world.source.humans}
    owners = [None, "fabrikam:crm:1"]
    planted = [
        world.tenant.plant(*humans[key].identities, legacy_id=owners[number % 2])
        for number, key in enumerate(keys)
    ]
    return {object_id: world.tenant.stored[object_id].account for object_id in planted}


def _has_account(world: World, key: str) -> bool:
    return any((one.legacy_id or "").endswith(f":{key}") for one in world.tenant.accounts())


# --- a ledger that cannot be written -----------------------------------------------------------------------------


@dataclass
class Unwritable:
    """Refuses turns from the chosen one on: the disk is full. Nothing of a refused turn is kept."""

    ledger: MemoryLedger
    from_turn: int
    until_turn: int = 10_000
    turns: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self._turn = self.ledger.send.turn
        self.ledger.send.turn = self.turn  # type: ignore[method-assign]

    def turn(
        self, *, run: str, observed: list[Observation], sending: list[int], at: datetime
    ) -> Collection[int]:
        self.turns += 1
        if self.from_turn <= self.turns < self.until_turn:
            self.refused += 1
            raise LedgerUnwritable("no space left on the device")
        return self._turn(run=run, observed=observed, sending=sending, at=at)

    def mend(self) -> None:
        self.ledger.send.turn = self._turn  # type: ignore[method-assign]


@pytest.mark.parametrize("passing", [True, False], ids=["for a moment", "for good"])
def test_a_full_disk_stops_the_run_and_loses_nothing(passing: bool) -> None:
    for turn in range(1, 8):
        world = fresh_world("answers lost after the write")
        disk = Unwritable(world.ledger, turn, turn + 1 if passing else 10_000)
        sent_before = world.creates()
        with pytest.raises(LedgerUnwritable):
            world.premigrate()
        intents = sum(world.events_of(key).count(EventKind.SENT) for key in world.entries())
        assert world.creates() - sent_before == intents, "nothing leaves without its intent on disk"
        disk.mend()
        world.premigrate()
        assert_true_to_life(world)


# --- a source that changed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["record", "order", "vanished", "emptied"])
def test_a_source_that_changes_between_plan_and_send_gives_nobody_a_wrong_password(what: str) -> None:
    world = World(MemorySource([with_password(number) for number in range(10)]))

    def change(reading: int) -> None:
        humans = world.source.humans
        if reading != 2:
            return
        match what:
            case "record":
                humans[5] = replace(humans[5], display_name="Another")
            case "order":
                humans[5], humans[6] = humans[6], humans[5]
            case "vanished":
                del humans[5]
            case "emptied":
                humans[5] = replace(humans[5], password="")

    world.source.before_reading = change
    with pytest.raises(SourceChanged, match="record 6 "):
        world.premigrate()
    world.source.before_reading = lambda _reading: None
    for kept in world.tenant.live():
        key = (kept.account.legacy_id or "").rsplit(":", 1)[1]
        assert kept.password is not None
        assert kept.password.reveal_to(lambda text: text) == with_password(int(key[1:])).password
    world.premigrate(accept_changes=True)
    for human in world.source.humans:
        assert len([one for one in world.tenant.accounts() if one.legacy_id == human.legacy_id]) == 1


def test_people_left_in_the_middle_whose_record_is_gone_do_not_bar_the_others() -> None:
    world = World(MemorySource([with_password(number) for number in range(10)]))
    world.tenant.plan_faults(chain(repeat(None, 3), repeat(Fatal("quota_exceeded", "full"))))
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    gone = world.source.humans.pop(4)
    world.tenant.plan_faults(())
    report = world.premigrate(accept_changes=True)
    assert (report.send.created, report.send.left_creating) == (6, 1)
    assert world.entries()[gone.key].state is State.CREATING, "nobody knows its password; the ledger says so"
    world.source.humans.append(gone)
    world.premigrate()
    assert_true_to_life(world)


def test_people_left_in_the_middle_whose_record_changed_are_created_once() -> None:
    world = World(MemorySource([with_password(number) for number in range(10)]))
    world.tenant.plan_faults(chain(repeat(None, 3), repeat(Fatal("quota_exceeded", "full"))))
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    world.source.humans[4] = replace(world.source.humans[4], password="Another-Meadow-4!")
    world.source.humans.insert(0, without_password(77))
    world.source.humans.reverse()
    world.tenant.plan_faults(())
    world.premigrate(accept_changes=True)
    assert world.tenant.opens("known4@example.com", "Another-Meadow-4!")
    assert_true_to_life(world)


def test_unsettled_people_of_another_source_are_adopted_or_left_alone() -> None:
    world = World(MemorySource([with_password(number) for number in range(4)]))
    world.tenant.plan_faults([LostAfter(), LostBefore(), *repeat(Fatal("forbidden", "no"), 2)])
    with pytest.raises(Forbidden):
        world.premigrate()
    other = MemorySource([federated_only(9)], name="shop")
    crm, world.source = world.source, other
    world.tenant.plan_faults(())
    report = world.premigrate()
    assert (report.send.adopted, report.send.left_creating, report.send.created) == (1, 3, 1)
    world.source = crm
    assert world.premigrate().send.created == 3
    assert len(world.tenant.accounts()) == 5
