"""A later export that is refused, killed, stopped, or held back: nobody is blamed, nothing is lost, and it is told how far it is."""

from dataclasses import replace

import pytest
from tests.support.builders import (
    Killed,
    Mortality,
    World,
)
from tests.support.later_export import LaterExport, calls, events, held, migrated, says, sets, verified

from idferry.errors import EXIT_STOPPED, Forbidden, Stopped, Unreachable
from idferry.rules.answers import Fatal
from idferry.rules.departure import Departures, WhenBarred
from idferry.rules.entry import EventKind
from idferry.rules.happenings import AccountsRead, AccountsUpdated
from idferry.rules.quota import HeldBy, Pace

# --- failures --------------------------------------------------------------------------------------------------------


def test_a_refused_value_is_a_failure_of_this_person_and_tried_again_next_time() -> None:
    world = migrated(4)
    for place in range(4):
        says(world, place, city="Turku")
    refused = world.account_of("k0").object_id
    world.tenant.updater.refuses[refused] = "invalid_value"
    report = LaterExport(world).run()
    assert (report.values.updated, report.values.failed, report.unfinished) == (3, {"invalid_value": 1}, 1)
    assert events(world, 0)[-2:] == [EventKind.UPDATE_SENT, EventKind.CHANGE_FAILED]
    assert verified(world).differences == 1, "the source says something that the account has not"
    world.tenant.updater.refuses.clear()
    assert LaterExport(world).run().values.updated == 1
    assert verified(world).differences == 0


def test_a_refusal_for_everybody_ends_it_and_blames_nobody() -> None:
    world = migrated(40)
    for place in range(40):
        says(world, place, city="Turku")
    refused = world.account_of("k0").object_id
    world.tenant.updater.refuses[refused] = Fatal(Forbidden.code, "application second may not")
    with pytest.raises(Forbidden, match="application second may not") as ended:
        LaterExport(world).run()
    assert ended.value.exit_code == EXIT_STOPPED
    assert ended.value.done == "39 accounts were updated and 0 disabled, and are in the ledger"
    assert EventKind.CHANGE_FAILED not in events(world, 0)
    world.tenant.updater.refuses.clear()
    LaterExport(world).run()
    assert {held(world, place, "city") for place in range(40)} == {"Turku"}
    assert calls(world)["update"] == 41, "the others of that chunk were recorded"


def test_a_directory_that_cannot_be_reached_ends_it_with_everything_recorded() -> None:
    world = migrated(45)
    for place in range(45):
        says(world, place, city="Turku")

    def cut(object_id: str) -> None:
        if object_id == world.account_of("k24").object_id:
            world.tenant.unreachable = True

    world.tenant.updater.before_call = cut
    with pytest.raises(Unreachable):
        LaterExport(world).run()
    world.tenant.unreachable, world.tenant.updater.before_call = False, lambda _id: None
    done = calls(world)["update"]
    assert LaterExport(world).run().values.updated == 45 - done


def test_killed_after_any_write_and_run_again_it_ends_the_same() -> None:
    def changed() -> World:
        world = migrated(90)
        for place in range(0, 90, 2):
            says(world, place, city="Turku")
        for place in range(0, 90, 10):
            sets(world, place, city="Mine")
        for place in range(1, 90, 10):
            world.source.humans[place] = replace(world.source.humans[place], enabled=False)
        return world

    asked = Departures(barred=WhenBarred.DISABLE)
    straight = changed()
    life = Mortality()
    LaterExport(straight, asked).run(mortality=life)
    assert life.writes >= 5
    for write in range(1, life.writes + 1):
        world = changed()
        assert LaterExport(world, asked).killed_at(write)
        LaterExport(world, asked).run()
        assert world.tenant.accounts() == straight.tenant.accounts()
        assert {key: one.written for key, one in world.entries().items()} == {
            key: one.written for key, one in straight.entries().items()
        }
        assert {key: one.draft for key, one in world.entries().items()} == {
            key: one.draft for key, one in straight.entries().items()
        }
        again = LaterExport(world, asked).run()
        assert (again.values.updated, again.values.already, again.disabling.disabled) == (0, 0, 0)
        assert verified(world).differences == 0


def test_killed_between_the_call_and_its_record_the_value_in_the_directory_tells() -> None:
    world = migrated(8)
    for place in range(8):
        says(world, place, city="Turku")
    life = Mortality()
    updated = iter(range(100))
    world.tenant.updater.before_call = lambda _id: life.die() if next(updated) == 5 else None
    with pytest.raises(Killed):
        LaterExport(world).run(mortality=life)
    world.tenant.updater.before_call = lambda _id: None
    report = LaterExport(world).run()
    assert (report.values.already, report.values.updated) == (5, 3)
    assert events(world, 0).count(EventKind.UPDATE_SENT) == 1


def test_it_can_be_stopped_and_everything_done_is_in_the_ledger() -> None:
    world = migrated(60)
    for place in range(60):
        says(world, place, city="Turku")
    asked = iter([False] * 6)
    with pytest.raises(Stopped):
        LaterExport(world, stop=lambda: next(asked, True)).run()
    done = calls(world)["update"]
    assert 0 < done < 60
    assert LaterExport(world).run().values.updated == 60 - done


def test_it_tells_how_far_it_is() -> None:
    world = migrated(8)
    says(world, 0, city="Turku")
    LaterExport(world).run(execute=False)
    LaterExport(world).run()
    assert AccountsRead(1) in world.told
    assert AccountsUpdated(1, 1, 1) in world.told


@pytest.mark.parametrize("accounts", [1_000_000, 60], ids=["by their ids", "all of them"])
def test_it_tells_of_everybody_on_the_shelf_in_the_end(accounts: int) -> None:
    """Changed, refused, there already, set by the person, gone or somebody else's by now; then who is disabled."""
    world = migrated(60)
    for place in range(50):
        says(world, place, city="Turku")
    sets(world, 0, city="Turku")
    sets(world, 1, city="Mine")
    keys = [human.key for human in world.source.humans]
    del world.tenant.stored[world.account_of(keys[2]).object_id]
    world.tenant.change(world.account_of(keys[3]).object_id, legacy_id="fabrikam:crm:1")
    world.tenant.updater.refuses[world.account_of(keys[4]).object_id] = "invalid_value"
    for place in range(50, 53):
        world.source.humans[place] = replace(world.source.humans[place], enabled=False)
    LaterExport(world, Departures(barred=WhenBarred.DISABLE), accounts=accounts).run()
    told = [one for one in world.told if isinstance(one, AccountsUpdated)]
    values = [one for one in told if one.total == 50]
    assert [one.settled for one in values] == sorted(one.settled for one in values)
    assert values[-1] == AccountsUpdated(45, 50, 50, 1)
    assert told[-1] == AccountsUpdated(3, 3, 3)


def test_the_time_that_changes_wait_is_told_while_they_wait() -> None:
    world = migrated(8)
    says(world, 0, city="Turku")
    pace = Pace(30.0, HeldBy.TENANT, 20.0)
    world.tenant.updater.pace = lambda: pace  # type: ignore[method-assign]
    LaterExport(world).run()
    assert {one.pace for one in world.told if isinstance(one, AccountsUpdated)} == {pace}
