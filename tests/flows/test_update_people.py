"""A later export: what changed in it reaches the directory, what people changed themselves stays, and nobody is lost."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.builders import (
    PROJECT,
    Human,
    Killed,
    MemorySource,
    Mortality,
    World,
    crowd,
    with_password,
    without_password,
)
from tests.support.later_export import NAMES, LaterExport
from tests.support.memory_directory import FLAG

from idferry.errors import EXIT_STOPPED, Forbidden, Stopped, Unreachable, UsageError
from idferry.flows.update_values import Changed, Conflicting
from idferry.flows.verify import SourceCheck, VerifyReport, VerifyScope, verify
from idferry.rules.account import TenantKind
from idferry.rules.answers import Fatal
from idferry.rules.departure import Departures, WhenBarred, WhenVanished
from idferry.rules.entry import EventKind
from idferry.rules.happenings import AccountsRead, AccountsUpdated
from idferry.rules.legacy_user import BadRecord
from idferry.rules.lifecycle import State
from idferry.rules.password import Password
from idferry.rules.plan import WhenTooLong
from idferry.rules.quota import HeldBy, Pace

MINE = Password("a secret of my own 1")


def migrated(people: int = 40) -> World:
    humans = [replace(human, attributes={"city": "Oslo", "tier": "gold"}) for human in crowd(people)]
    world = World(MemorySource(humans))
    world.premigrate()
    world.tenant.calls.clear()
    return world


def says(world: World, place: int, **attributes: str | int) -> None:
    """The source says something else about a person."""
    human = world.source.humans[place]
    world.source.humans[place] = replace(human, attributes={**human.attributes, **attributes})


def sets(world: World, place: int, **values: str | None) -> None:
    """The person sets something in the directory."""
    account = world.account_of(world.source.humans[place].key)
    world.tenant.change(account.object_id, values={**account.values, **values})


def held(world: World, place: int, name: str) -> object:
    return world.account_of(world.source.humans[place].key).values.get(name)


def calls(world: World) -> Counter[str]:
    return Counter(kind for kind, _ in world.tenant.calls)


def verified(world: World) -> VerifyReport:
    return verify(
        scope=VerifyScope(PROJECT, FLAG, NAMES),
        reader=world.tenant.reader,
        ledger=world.ledger.report,
        observations=world.ledger.observations,
        clock=world.clock,
        tell=world.told.append,
        source_check=SourceCheck(world.source, world.rules, world.ledger.records),
    )


def events(world: World, place: int) -> list[EventKind]:
    return world.events_of(world.source.humans[place].key)


# --- values ----------------------------------------------------------------------------------------------------------


def test_ten_change_here_ten_there_five_both() -> None:
    """DECISIONS 18, word for word: no flag raised, no password touched, five conflicts, twice."""
    world = migrated()
    for place in range(10):
        sets(world, place, city="Mine")
    for place in range(5, 15):
        says(world, place, city="Turku")
    before = {one.object_id: one for one in world.tenant.accounts()}
    passwords = {one.account.object_id: one.password for one in world.tenant.live()}
    for updated in (5, 0):
        report = LaterExport(world).run()
        values = report.values
        assert (values.updated, values.changed_by_person, values.failed.total()) == (updated, 5, 0)
        assert (report.plan.read, report.plan.unchanged) == (40, 30 + 5 - updated)
        assert [one.attributes for one in values.conflicts] == [("city",)] * 5
    assert calls(world)["update"] == 5
    assert [held(world, place, "city") for place in range(16)] == ["Mine"] * 10 + ["Turku"] * 5 + ["Oslo"]
    assert {one.account.object_id: one.password for one in world.tenant.live()} == passwords
    for one in world.tenant.accounts():
        was = before[one.object_id]
        assert replace(one, values={}) == replace(was, values={}), "nothing but values may change"
    found = verified(world)
    assert (found.differences, found.changed_by_person) == (0, 10)


def test_a_second_update_changes_nothing_at_all() -> None:
    world = migrated(8)
    says(world, 0, city="Turku")
    sets(world, 1, city="Mine")
    says(world, 1, city="Turku")
    LaterExport(world).run()
    story, accounts = list(world._shelves.events), world.tenant.accounts()  # type: ignore[attr-defined]
    LaterExport(world).run()
    assert (world._shelves.events, world.tenant.accounts()) == (story, accounts)  # type: ignore[attr-defined]


def test_a_dry_run_shows_what_would_change_and_changes_nothing() -> None:
    world = migrated(8)
    says(world, 0, city="Turku", points=7)
    says(world, 1, city="Turku")
    sets(world, 1, city="Mine")
    story, accounts = list(world._shelves.events), world.tenant.accounts()  # type: ignore[attr-defined]
    report = LaterExport(world).run(execute=False)
    ids = [world.account_of(world.source.humans[place].key).object_id for place in (0, 1)]
    assert report.values.changes == [
        Changed("contoso:crm:k0", ids[0], "city", "Oslo", "Turku"),
        Changed("contoso:crm:k0", ids[0], "points", None, 7),
    ]
    assert report.values.conflicts == [Conflicting("contoso:crm:r1", ids[1], ("city",))]
    assert (report.values.to_update, report.values.updated) == (1, 0)
    assert (world._shelves.events, world.tenant.accounts()) == (story, accounts)  # type: ignore[attr-defined]
    assert set(calls(world)) == {"by_id"}, "not even an extension attribute was created"


def test_an_attribute_that_left_the_source_is_cleared_unless_the_person_changed_it() -> None:
    world = migrated(4)
    for place in (0, 1):
        world.source.humans[place] = replace(world.source.humans[place], attributes={"city": "Oslo"})
    sets(world, 1, tier="platinum")
    report = LaterExport(world).run()
    assert (held(world, 0, "tier"), held(world, 1, "tier")) == (None, "platinum")
    assert (report.values.updated, report.values.changed_by_person) == (1, 1)
    assert "tier" not in world.entries()["k0"].written
    assert LaterExport(world).run().values.updated == 0
    assert verified(world).differences == 0


def test_a_value_the_directory_holds_already_is_recorded_without_a_call() -> None:
    world = migrated(4)
    says(world, 0, city="Turku")
    sets(world, 0, city="Turku")
    report = LaterExport(world).run()
    assert (report.values.already, report.values.updated, calls(world)["update"]) == (1, 0, 0)
    assert events(world, 0)[-1] is EventKind.UPDATED
    sets(world, 0, city="Mine")
    assert LaterExport(world).run().plan.unchanged == 4, "what was recorded is ours now"


def test_a_value_where_the_person_has_set_one_first_is_theirs() -> None:
    world = migrated(4)
    sets(world, 0, jobTitle="Boss")
    for place in (0, 1):
        says(world, place, jobTitle="Clerk")
    LaterExport(world).run()
    assert (held(world, 0, "jobTitle"), held(world, 1, "jobTitle")) == ("Boss", "Clerk")


def test_display_name_and_several_values_go_in_one_call() -> None:
    world = migrated(4)
    says(world, 0, city="Turku", points=3)
    world.source.humans[0] = replace(world.source.humans[0], display_name="Renamed")
    sets(world, 0, tier="platinum")
    says(world, 0, tier="silver")
    LaterExport(world).run()
    assert calls(world)["update"] == 1
    assert [held(world, 0, name) for name in ("displayName", "city", "points", "tier")] == [
        "Renamed",
        "Turku",
        3,
        "platinum",
    ]
    entry = world.entries()["k0"]
    assert entry.draft is not None
    assert entry.draft.display_name == "Renamed"
    assert events(world, 0)[-2:] == [EventKind.UPDATE_SENT, EventKind.UPDATED]


def test_the_person_who_takes_ours_back_gets_the_new_value() -> None:
    world = migrated(4)
    sets(world, 0, city="Mine")
    says(world, 0, city="Turku")
    assert LaterExport(world).run().values.changed_by_person == 1
    sets(world, 0, city="Oslo")
    assert LaterExport(world).run().values.updated == 1
    assert held(world, 0, "city") == "Turku"


def test_a_source_that_goes_back_to_what_we_wrote_is_at_peace_with_the_person() -> None:
    world = migrated(4)
    sets(world, 0, city="Mine")
    says(world, 0, city="Turku")
    LaterExport(world).run()
    says(world, 0, city="Oslo")
    for _ in range(2):
        report = LaterExport(world).run()
        assert (report.values.updated, report.values.changed_by_person) == (0, 0)
    assert (held(world, 0, "city"), verified(world).differences) == ("Mine", 0)


@pytest.mark.parametrize(
    ("accounts", "how"), [(40, {"every"}), (1_000_000, {"by_id"})], ids=["few accounts", "many accounts"]
)
def test_accounts_are_read_by_whichever_way_takes_fewer_calls(accounts: int, how: set[str]) -> None:
    world = migrated(40)
    for place in range(40):
        says(world, place, city="Turku")
    report = LaterExport(world, accounts=accounts).run()
    assert report.values.updated == 40
    assert set(calls(world)) - {"update"} == how
    assert {held(world, place, "city") for place in range(40)} == {"Turku"}


def test_an_account_that_the_list_does_not_show_is_asked_for_by_its_id() -> None:
    world = migrated(8)
    for place in range(8):
        says(world, place, city="Turku")
    hidden = world.account_of("k0").object_id
    every = world.tenant.reader.every
    world.tenant.reader.every = lambda names: (  # type: ignore[method-assign]
        one for one in every(names) if one.object_id != hidden
    )
    assert LaterExport(world, accounts=8).run().values.updated == 8


def test_deleted_accounts_and_accounts_that_are_somebody_elses_by_now_are_listed() -> None:
    for accounts in (4, 1_000_000):
        world = migrated(4)
        gone, strange = (world.account_of(key).object_id for key in ("k0", "r1"))
        for place in range(4):
            says(world, place, city="Turku")
        world.tenant.stored[gone].deleted = True
        world.tenant.change(strange, legacy_id="fabrikam:crm:1")
        values = LaterExport(world, accounts=accounts).run().values
        assert [one.object_id for one in values.missing.people] == [gone]
        assert [one.object_id for one in values.foreign.people] == [strange]
        assert values.updated == 2
        assert world.tenant.stored[strange].account.values["city"] == "Oslo"


def test_flag_and_state_of_somebody_who_got_a_password_since_stay() -> None:
    world = migrated(4)
    account = world.account_of("r1")
    world.tenant.person_sets_password(account.object_id, MINE)
    says(world, 1, city="Turku")
    LaterExport(world).run()
    after = world.account_of("r1")
    assert (after.flag, after.values["city"]) == (False, "Turku")
    assert world.tenant.stored[account.object_id].password is MINE
    assert world.entries()["r1"].state is State.AWAITING_PASSWORD, "that is for verify to see"
    assert verified(world).progressed == 1


def test_other_sign_in_names_are_listed_and_a_stranger_under_the_same_key_is_left_alone() -> None:
    world = migrated(8)
    kept = Human("m1", "m1@example.com", user_name="m1", display_name="Two names")
    world.source.humans.append(kept)
    world.premigrate()
    world.source.humans[0] = replace(with_password(0), email="new0@example.com", display_name="New")
    world.source.humans[-1] = replace(kept, email="new1@example.com", display_name="New")
    report = LaterExport(world).run()
    listed = {one.legacy_id for one in report.plan.identity_changed.people}
    assert listed == {"contoso:crm:k0", "contoso:crm:m1"}
    assert held(world, 0, "displayName") == "Known 0", "it may be another person"
    assert held(world, -1, "displayName") == "New", "one of the names is the same"
    assert [one.compared for one in world.account_of("m1").identities] == ["m1@example.com", "m1"]
    assert (report.plan.vanished.count, report.values.updated) == (0, 1)


def test_mail_follows_the_sign_in_name_and_is_never_updated() -> None:
    world = World(MemorySource([Human("1", "a@example.com", user_name="one")]), kind=TenantKind.EXTERNAL)
    world.premigrate()
    world.source.humans[0] = replace(world.source.humans[0], email="b@example.com", display_name="New")
    assert LaterExport(world).run().values.updated == 1
    assert world.account_of("1").values["mail"] == "a@example.com"


def test_a_record_that_the_rules_would_not_plan_now_changes_nothing() -> None:
    world = migrated(4)
    says(world, 0, city="x" * 200)
    report = LaterExport(world).run()
    assert report.plan.left_alone == {"attribute_too_long": 1}
    assert held(world, 0, "city") == "Oslo"


def test_an_export_without_a_column_empties_nothing_unasked() -> None:
    world = migrated(40)
    for place, human in enumerate(world.source.humans):
        world.source.humans[place] = replace(human, attributes={"city": "Oslo"} if place else {})
    sets(world, 1, tier="platinum")
    for agreed in (None, 40, 42):
        for execute in (True, False):
            with pytest.raises(UsageError, match="40 people compared: tier for 40, city for 1;") as refused:
                LaterExport(world, Departures(agreed_cleared=agreed)).run(execute=execute)
            assert "--cleared-count 41" in refused.value.remedy
    assert calls(world) == {}
    LaterExport(world, Departures(agreed_cleared=41)).run()
    assert [held(world, place, "tier") for place in range(40)] == [None, "platinum", *[None] * 38]
    assert LaterExport(world).run().plan.cleared == {}, "what has left it was told once"


def test_a_value_that_may_not_be_sent_leaves_the_one_of_before() -> None:
    world = migrated(4)
    says(world, 0, city="x" * 200)
    says(world, 1, tier="4111 1111 1111 1111")
    says(world, 2, surname="4111 1111 1111 1111")
    drop = replace(world.rules, when_too_long=WhenTooLong.DROP)
    for _ in range(2):
        report = LaterExport(world, rules=drop).run()
        assert (report.plan.unsent, report.plan.unsent_people.count) == ({"city": 1, "tier": 1}, 2)
        assert (report.plan.unchanged, report.values.updated) == (4, 0)
    assert (held(world, 0, "city"), held(world, 1, "tier"), held(world, 2, "surname")) == (
        "Oslo",
        "gold",
        None,
    )


def test_a_key_that_comes_twice_counts_once() -> None:
    world = migrated(4)
    world.source.humans.append(replace(without_password(77), key="k0", attributes={"city": "Turku"}))
    report = LaterExport(world).run()
    assert (report.plan.read, report.plan.unchanged, report.values.updated) == (4, 4, 0)


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
