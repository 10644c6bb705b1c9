"""A source that changed while a run was open: the difference is told, nothing is sent, and going on is a decision."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.builders import MemorySource, World, assert_true_to_life, with_password, without_password

from idferry.errors import EXIT_STOPPED, SourceChanged, Stopped
from idferry.rules.lifecycle import State
from idferry.rules.outcomes import LeftOut
from idferry.rules.source_changes import KEYS_NAMED_MAX, SourceChanges

WRITES_UNTIL_40_ARE_DONE = 5


def interrupted(people: int = 100) -> World:
    """Some are settled, some under way, the rest planned."""
    world = World(MemorySource([with_password(number) for number in range(people)]))
    world.killed_at(WRITES_UNTIL_40_ARE_DONE)
    states = world.states()
    assert {State.COMPLETE, State.CREATING, State.PLANNED} == set(states)
    return world


def keys_in(world: World, state: State) -> list[str]:
    return [key for key, entry in world.entries().items() if entry.state is state]


def refused(world: World, **more: object) -> SourceChanges:
    before, calls = world.ledger.report.runs(), len(world.tenant.calls)
    with pytest.raises(SourceChanged) as stopped:
        world.premigrate(**more)  # type: ignore[arg-type]
    assert stopped.value.exit_code == EXIT_STOPPED
    assert "--accept-changes" in stopped.value.remedy
    assert len(world.tenant.calls) == calls, "nothing may be asked or sent"
    assert world.ledger.report.runs() == before
    assert isinstance(stopped.value.changes, SourceChanges)
    return stopped.value.changes


def counts(changes: SourceChanges) -> dict[str, int]:
    return {name: group.count for name, group in changes.groups.items() if group.count}


def change(world: World, key: str, edit: Callable[[object], object]) -> None:
    humans = world.source.humans
    [place] = [place for place, human in enumerate(humans) if human.key == key]
    changed = edit(humans[place])
    humans[place : place + 1] = [changed] if changed else []  # type: ignore[list-item]


def renamed(human: object) -> object:
    return replace(human, display_name="Somebody else")  # type: ignore[type-var]


def test_new_changed_and_gone_records_are_told_apart_by_whether_the_people_are_settled() -> None:
    world = interrupted()
    run = world.ledger.report.runs()[0].run
    settled, waiting = keys_in(world, State.COMPLETE), keys_in(world, State.PLANNED)
    change(world, settled[0], renamed)
    change(world, settled[1], lambda _human: None)
    change(world, waiting[0], renamed)
    change(world, waiting[1], lambda _human: None)
    world.source.humans[3:3] = [without_password(900), without_password(901)]
    changes = refused(world)
    assert changes.run == run
    assert {name: group.keys for name, group in changes.groups.items()} == {
        "new": ["r900", "r901"],
        "changed": [waiting[0]],
        "gone": [waiting[1]],
        "settled_changed": [settled[0]],
        "settled_gone": [settled[1]],
    }


def test_keys_are_named_up_to_a_handful_and_counted_all() -> None:
    world = interrupted()
    world.source.humans += [without_password(900 + number) for number in range(20)]
    new = refused(world).new
    assert (new.count, len(new.keys)) == (20, KEYS_NAMED_MAX)


def test_another_order_or_password_is_another_file_without_other_records() -> None:
    world = interrupted()
    world.source.humans.reverse()
    change(world, "k99", lambda human: replace(human, password="Another-Meadow-99!"))  # type: ignore[type-var]
    assert counts(refused(world)) == {}


def test_accepting_plans_anew_and_closes_the_older_run() -> None:
    world = interrupted()
    old = world.ledger.report.runs()[0]
    waiting = keys_in(world, State.PLANNED)
    change(world, waiting[0], renamed)
    change(world, waiting[1], lambda _human: None)
    world.source.humans.append(without_password(900))
    report = world.premigrate(accept_changes=True)
    assert not report.resumed
    runs = {run.run: run for run in world.ledger.report.runs()}
    assert runs[old.run].superseded_by == report.run
    assert all(run.ended_at for run in runs.values())
    gone = world.entries()[waiting[1]]
    assert (gone.state, gone.code) == (State.LEFT_OUT, LeftOut.RECORD_GONE)
    assert world.account_of(waiting[0]).values["displayName"] == "Somebody else"
    assert_true_to_life(world)


def test_the_old_file_put_back_continues_the_run() -> None:
    world = interrupted()
    before = list(world.source.humans)
    world.source.humans.append(without_password(900))
    refused(world)
    world.source.humans = before
    assert world.premigrate().resumed
    assert_true_to_life(world)


def test_killed_at_any_write_after_accepting_the_same_command_continues() -> None:
    write = 0
    while True:
        write += 1
        world = interrupted()
        change(world, keys_in(world, State.PLANNED)[0], lambda _human: None)
        world.source.humans.insert(0, without_password(900))
        kills = world.kills
        world.killed_at(write, accept_changes=True)
        if world.kills == kills:
            break
        world.premigrate()  # it was accepted: the run that began with this version is there
        assert_true_to_life(world)
        assert all(run.ended_at for run in world.ledger.report.runs())
    assert write > 6


def test_a_pilot_is_compared_with_the_people_it_takes() -> None:
    world = World(MemorySource([with_password(number) for number in range(30)]))

    def even(user: object) -> bool:
        return int(user.key[1:]) % 2 == 0  # type: ignore[attr-defined]

    with pytest.raises(Stopped):
        world.premigrate(command="pilot", in_pilot=even, stop=lambda: bool(world.states().get(State.PLANNED)))
    world.source.humans[1] = replace(world.source.humans[1], display_name="Not of the pilot")
    assert counts(refused(world, command="pilot", in_pilot=even)) == {}
    world.source.humans[2] = replace(world.source.humans[2], display_name="Of the pilot")
    assert counts(refused(world, command="pilot", in_pilot=even)) == {"changed": 1}


def test_another_command_or_source_is_not_concerned() -> None:
    world = interrupted()
    world.source.humans.append(without_password(900))
    assert not world.premigrate(command="premigrate --password known").resumed
    world.source = MemorySource([without_password(1)], name="shop")
    assert world.premigrate().send.created == 1


def test_a_run_that_has_planned_nobody_has_nothing_to_compare_with() -> None:
    world = World(MemorySource([with_password(1)]))
    world.killed_at(1)
    [broken] = world.ledger.report.runs()
    world.source.humans.append(with_password(2))
    report = world.premigrate()
    assert report.send.created == 2
    assert {run.run: run.superseded_by for run in world.ledger.report.runs()}[broken.run] == report.run


def test_a_stop_while_comparing_changes_nothing() -> None:
    world = interrupted()
    world.source.humans.append(without_password(900))
    runs = world.ledger.report.runs()
    with pytest.raises(Stopped):
        world.premigrate(stop=lambda: True)
    assert world.ledger.report.runs() == runs
