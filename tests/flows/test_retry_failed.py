"""`--retry-failed` takes up who failed and nobody else; keys that were named are taken up with it or without."""

from collections.abc import Iterable

import pytest
from tests.support.builders import (
    Human,
    Killed,
    MemorySource,
    Mortality,
    World,
    assert_true_to_life,
    with_password,
    without_password,
)
from tests.support.memory_directory import Fault

from idferry.errors import Stopped
from idferry.rules.answers import Rejected
from idferry.rules.entry import TakeUp
from idferry.rules.key_list import KeyList, pilot_of
from idferry.rules.lifecycle import State

RETRY = TakeUp(retry_failed=True)
REFUSED = Rejected("invalid_value", "city")


def world_with_failures(people: int = 60, every: int = 3) -> World:
    """Every third person failed."""
    world = World(MemorySource([with_password(number) for number in range(people)]))
    script: Iterable[Fault | None] = [REFUSED if number % every == 0 else None for number in range(people)]
    world.tenant.plan_faults(script)
    world.premigrate()
    assert world.states() == {State.FAILED: people // every, State.COMPLETE: people - people // every}
    world.tenant.plan_faults(())
    return world


def retry(world: World, **more: object) -> None:
    world.premigrate(command="retry", take_up=RETRY, **more)  # type: ignore[arg-type]


def test_who_failed_is_taken_up_and_nobody_new() -> None:
    world = world_with_failures()
    world.source.humans.insert(5, without_password(900))
    report = world.premigrate(command="retry", take_up=RETRY)
    assert (report.plan.people, report.plan.create, report.send.created) == (20, 20, 20)
    assert "r900" not in world.entries()
    assert world.states() == {State.COMPLETE: 60}
    world.source.humans.pop(5)
    assert_true_to_life(world)


def test_people_whom_another_run_has_planned_stay_with_it() -> None:
    world = world_with_failures()
    world.source.humans.append(with_password(900))
    with pytest.raises(Stopped):
        world.premigrate(command="plain", stop=lambda: "k900" in world.entries())
    retry(world)
    assert world.entries()["k900"].state is State.PLANNED
    world.premigrate(command="plain")
    assert_true_to_life(world)


def test_killed_at_any_write_the_same_retry_continues() -> None:
    write = 0
    while True:
        write += 1
        world = world_with_failures()
        try:
            retry(world, mortality=Mortality(write))
        except Killed:
            world.kills += 1
        else:
            break
        retry(world)
        assert world.states() == {State.COMPLETE: 60}
        assert_true_to_life(world)
    assert write > 4


def test_a_pilot_restricts_it() -> None:
    world = world_with_failures()
    keys = KeyList(frozenset({"k0", "k1", "k3", "gone"}))
    retry(world, in_pilot=pilot_of(keys, lambda _user: True))
    assert world.states()[State.FAILED] == 18
    assert keys.missing == ["gone"], "k1 did not fail, but it is there"


def test_named_keys_are_taken_up_without_it_and_the_others_stay() -> None:
    world = world_with_failures()
    named = TakeUp(retry_keys=frozenset({"k0", "k3"}))
    world.source.humans.append(with_password(900))
    report = world.premigrate(command="named", take_up=named)
    assert (report.plan.create, report.plan.failed) == (3, 18)
    assert world.states() == {State.FAILED: 18, State.COMPLETE: 43}
    assert_true_to_life(world)


def test_a_mended_sign_in_name_takes_the_place_of_the_old_one() -> None:
    world = world_with_failures()
    world.source.humans[0] = Human("k0", "mended@example.com", password="Sunny-Meadow-0!")
    retry(world)
    assert world.tenant.opens("mended@example.com", "Sunny-Meadow-0!")
    assert world.ledger.report.entry_of_sign_in_name("known0@example.com") is None
    assert_true_to_life(world)
