"""People who left the source or are barred there: listed, disabled or removed as asked, and never by a mistaken export."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.builders import (
    Human,
    MemorySource,
    World,
)
from tests.support.later_export import MINE, LaterExport, calls, held, migrated, says, verified

from idferry.errors import UsageError
from idferry.rules.departure import Departures, WhenBarred, WhenVanished
from idferry.rules.entry import EventKind
from idferry.rules.legacy_user import BadRecord
from idferry.rules.lifecycle import State

# --- people who left, and people who are barred ------------------------------------------------------------------------


def test_people_who_left_the_source_are_listed_and_keep_their_accounts() -> None:
    world = migrated(8)
    left = world.source.humans.pop(0)
    report = LaterExport(world).run()
    assert [one.legacy_id for one in report.plan.vanished.people] == [left.legacy_id]
    assert calls(world) == {}
    assert (verified(world).differences, verified(world).vanished) == (0, 1)


def test_people_who_left_are_disabled_when_asked_and_never_enabled_again() -> None:
    world = migrated(8)
    left = world.source.humans.pop(0)
    asked = Departures(vanished=WhenVanished.DISABLE)
    for disabled in (1, 0):
        report = LaterExport(world, asked).run()
        assert (report.disabling.disabled, report.plan.vanished.count) == (disabled, 1)
    assert calls(world)["disable"] == 1
    assert world.account_of("k0").enabled is False
    assert world.events_of("k0")[-2:] == [EventKind.DISABLE_SENT, EventKind.DISABLED]
    assert (verified(world).differences, verified(world).changed_by_person) == (0, 0)
    world.source.humans.insert(0, left)
    report = LaterExport(world, asked).run()
    assert [one.legacy_id for one in report.returned.people] == [left.legacy_id]
    assert world.account_of("k0").enabled is False


def test_who_was_disabled_before_us_or_enabled_after_us_is_left_as_he_is() -> None:
    world = migrated(8)
    first, second = world.source.humans[:2]
    del world.source.humans[:2]
    world.tenant.change(world.account_of(first.key).object_id, enabled=False)
    asked = Departures(vanished=WhenVanished.DISABLE)
    report = LaterExport(world, asked).run()
    assert (report.disabling.already, report.disabling.disabled) == (1, 1)
    world.tenant.change(world.account_of(second.key).object_id, enabled=True)
    assert LaterExport(world, asked).run().disabling.disabled == 0
    assert world.account_of(second.key).enabled is True, "an administrator knows why"


def test_people_who_left_are_removed_when_asked_unless_they_use_the_account() -> None:
    world = migrated(8)
    del world.source.humans[:3]
    world.tenant.person_sets_password(world.account_of("r1").object_id, MINE)
    asked = Departures(vanished=WhenVanished.REMOVE)
    dry = LaterExport(world, asked).run(execute=False)
    assert dry.removal is not None
    assert (dry.removal.to_remove, dry.removal.removed) == (2, 0)
    report = LaterExport(world, asked).run()
    assert report.removal is not None
    assert (report.removal.removed, report.removal.kept, report.unfinished) == (2, {"flag_fallen": 1}, 1)
    assert {key for key, entry in world.entries().items() if entry.state is State.REMOVED} == {"k0", "w2"}
    assert LaterExport(world).run().plan.vanished.count == 1


def test_people_whom_the_source_barred_are_listed_or_disabled() -> None:
    world = migrated(8)
    world.source.humans[0] = replace(world.source.humans[0], enabled=False, display_name="Barred")
    listed = LaterExport(world).run()
    assert [one.legacy_id for one in listed.plan.barred.people] == ["contoso:crm:k0"]
    assert world.account_of("k0").enabled is True
    assert world.account_of("k0").values["displayName"] == "Barred", (
        "values are brought up to date all the same"
    )
    done = LaterExport(world, Departures(barred=WhenBarred.DISABLE)).run()
    assert done.disabling.disabled == 1
    assert world.account_of("k0").enabled is False
    assert LaterExport(world).run().plan.barred.count == 0
    assert verified(world).changed_by_person == 0


def test_a_barred_person_is_disabled_whatever_else_the_record_says() -> None:
    world = migrated(8)
    stale = replace(world.rules, stale_before=datetime(2021, 1, 1, tzinfo=UTC))
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    humans = world.source.humans
    humans[0] = replace(humans[0], enabled=False, last_sign_in=long_ago)
    humans[1] = replace(humans[1], enabled=False, attributes={"city": "x" * 200})
    humans[2] = replace(humans[2], enabled=False, user_name="another_one")
    report = LaterExport(world, Departures(barred=WhenBarred.DISABLE), rules=stale).run()
    assert report.plan.left_alone == {"stale": 1, "attribute_too_long": 1}
    assert (report.disabling.disabled, report.unfinished) == (3, 0)
    assert [world.account_of(human.key).enabled for human in humans[:4]] == [False, False, False, True]


def test_barred_people_who_may_be_others_are_listed_and_left_alone() -> None:
    """Another name under the key, the name under another key, and the name in a record of somebody else."""
    world = migrated(8)
    humans = world.source.humans
    renamed, moved, taken = humans[0], humans[1], humans[2]
    humans[0] = replace(renamed, email="other@example.com", enabled=False)
    humans[1] = replace(moved, key="new", enabled=False)
    humans[4] = replace(humans[4], user_name="x", enabled=False)
    humans[5] = replace(humans[5], email=taken.email, enabled=False)
    for barred, unfinished in ((WhenBarred.LIST, 0), (WhenBarred.DISABLE, 4)):
        report = LaterExport(world, Departures(barred=barred)).run()
        listed = {one.legacy_id for one in report.barred_in_doubt.people}
        assert listed == {one.legacy_id for one in (renamed, moved, taken, humans[5])}
        assert (report.barred_in_doubt.count, report.unfinished) == (4, unfinished)
    assert report.disabling.disabled == 1
    ids = [world.account_of(human.key).object_id for human in (renamed, moved, taken, humans[5])]
    for object_id in ids:
        assert world.tenant.stored[object_id].account.enabled is True
        world.tenant.change(object_id, enabled=False)
    assert LaterExport(world, Departures(barred=WhenBarred.DISABLE)).run().unfinished == 0, (
        "somebody has decided"
    )


def test_who_is_disabled_already_is_in_no_doubt() -> None:
    world = World(MemorySource([Human("1", "a@example.com", enabled=False)]))
    world.premigrate()
    world.source.humans[0] = replace(world.source.humans[0], email="b@example.com")
    assert LaterExport(world).run().barred_in_doubt.count == 0


def test_who_was_created_disabled_is_not_barred() -> None:
    world = World(MemorySource([Human("1", "a@example.com", enabled=False)]))
    world.premigrate()
    assert LaterExport(world).run().plan.barred.count == 0
    world.source.humans[0] = replace(world.source.humans[0], enabled=True)
    report = LaterExport(world, Departures(barred=WhenBarred.DISABLE)).run()
    assert report.returned.count == 1
    assert world.account_of("1").enabled is False


def test_a_pilot_misses_nobody() -> None:
    world = migrated(8)
    says(world, 0, city="Turku")
    says(world, 1, city="Turku")
    pilot = LaterExport(world, in_pilot=lambda user: user.key == "k0", whole=False)
    report = pilot.run()
    assert (report.plan.read, report.plan.vanished.count, report.values.updated) == (1, 0, 1)
    assert held(world, 1, "city") == "Oslo"
    assert LaterExport(world, limit=1, whole=False).run().plan.read == 1
    pilot.departures = Departures(vanished=WhenVanished.DISABLE)
    with pytest.raises(UsageError, match="whole export"):
        pilot.run()


@pytest.mark.parametrize("vanished", [WhenVanished.DISABLE, WhenVanished.REMOVE])
def test_a_truncated_export_disables_nobody(vanished: WhenVanished) -> None:
    world = migrated(100)
    says(world, 0, city="Turku")
    del world.source.humans[60:]
    for execute in (True, False):
        with pytest.raises(UsageError, match="40 of 100 people") as refused:
            LaterExport(world, Departures(vanished)).run(execute=execute)
        assert "--vanished-count 40" in refused.value.remedy
    for wrong in (39, 41):
        with pytest.raises(UsageError):
            LaterExport(world, Departures(vanished, agreed=wrong)).run()
    assert calls(world) == {}, "not even values were changed"
    LaterExport(world, Departures(vanished, agreed=40)).run()
    assert calls(world)["disable"] + calls(world)["delete"] == 40


ACTS = [WhenVanished.DISABLE, WhenVanished.REMOVE]


@pytest.mark.parametrize("vanished", ACTS)
def test_an_export_whose_rows_were_numbered_anew_takes_nobodys_account(vanished: WhenVanished) -> None:
    world = migrated(40)
    keys = [human.key for human in world.source.humans]
    last = world.source.humans[-1]
    stay = world.source.humans[1:]
    world.source.humans = [replace(human, key=key) for key, human in zip(keys, stay, strict=False)]
    for agreed in (None, 1):
        with pytest.raises(UsageError, match="39 of 39 keys name somebody with other sign-in names"):
            LaterExport(world, Departures(vanished, agreed=agreed)).run()
    assert calls(world) == {}
    plan = LaterExport(world).run().plan
    assert (plan.strangers, plan.vanished.count, len(plan.departing)) == (39, 0, 0)
    assert [one.legacy_id for one in plan.other_key.people] == [last.legacy_id]


@pytest.mark.parametrize("vanished", ACTS)
def test_another_sources_file_takes_nobodys_account(vanished: WhenVanished) -> None:
    world = migrated(40)
    for place, human in enumerate(world.source.humans):
        world.source.humans[place] = Human(human.key, f"other{place}@example.org")
    del world.source.humans[30:]
    with pytest.raises(UsageError, match="30 of 30 keys"):
        LaterExport(world, Departures(vanished)).run()
    assert calls(world) == {}


@pytest.mark.parametrize("vanished", ACTS)
def test_a_small_file_of_another_source_takes_nobodys_account_either(vanished: WhenVanished) -> None:
    """So few people may vanish unasked, and so few may be renamed: but not most of them."""
    world = migrated(20)
    world.source.humans = [Human(one.key, f"other-{one.key}@example.org") for one in world.source.humans[:12]]
    with pytest.raises(UsageError, match="12 of 12 keys"):
        LaterExport(world, Departures(vanished)).run()
    assert calls(world) == {}


@pytest.mark.parametrize("vanished", ACTS)
def test_nor_does_one_whose_keys_nobody_has(vanished: WhenVanished) -> None:
    """No key of it names anybody, so nobody is a stranger either: but everybody would have vanished."""
    world = migrated(12)
    world.source.humans = [
        Human(f"other-{one.key}", f"other-{one.key}@example.org") for one in world.source.humans
    ]
    with pytest.raises(UsageError, match="12 of 12 people") as refused:
        LaterExport(world, Departures(vanished)).run()
    assert "--vanished-count 12" in (refused.value.remedy or "")
    assert calls(world) == {}


@pytest.mark.parametrize("vanished", ACTS)
def test_who_is_there_under_another_key_has_not_vanished(vanished: WhenVanished) -> None:
    """Under a new key, under the key of somebody who left, and beside the names of somebody else."""
    world = migrated(40)
    gone, new_key, taken, beside = world.source.humans[:4]
    keeper = replace(world.source.humans[4], federated=beside.federated)
    world.source.humans[:5] = [replace(new_key, key="new"), replace(taken, key=gone.key), keeper]
    report = LaterExport(world, Departures(vanished)).run()
    listed = [one.legacy_id for one in report.plan.other_key.people]
    assert listed == [one.legacy_id for one in (new_key, taken, beside)]
    assert (report.plan.vanished.count, report.plan.strangers) == (0, 1)
    assert calls(world)["disable"] + calls(world)["delete"] == 0


def test_who_has_a_new_key_and_who_is_gone_are_told_apart() -> None:
    world = migrated(40)
    gone = world.source.humans.pop(0)
    moved = world.source.humans.pop(0)
    world.source.humans.append(replace(moved, key="moved"))
    report = LaterExport(world, Departures(WhenVanished.DISABLE)).run()
    assert report.disabling.disabled == 1
    assert world.account_of(gone.key).enabled is False
    assert world.account_of(moved.key).enabled is True


def test_many_who_are_barred_are_counted_too() -> None:
    world = migrated(100)
    world.source.humans = [replace(human, enabled=False) for human in world.source.humans]
    with pytest.raises(UsageError, match="100 of 100"):
        LaterExport(world, Departures(barred=WhenBarred.DISABLE)).run()
    assert LaterExport(world).run().plan.barred.count == 100


def test_with_records_that_cannot_be_read_nobody_counts_as_gone() -> None:
    world = migrated(8)
    world.source.humans.pop()
    world.source.bad = (BadRecord("people.jsonl", 9, "", "not JSON"),)
    assert LaterExport(world).run().plan.vanished.count == 1
    with pytest.raises(UsageError, match="cannot be read"):
        LaterExport(world, Departures(WhenVanished.DISABLE)).run()
