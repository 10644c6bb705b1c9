"""A later export: what changed in it reaches the directory, what people changed themselves stays, and nobody is lost."""

from dataclasses import replace

import pytest
from tests.support.builders import (
    Human,
    MemorySource,
    World,
    with_password,
    without_password,
)
from tests.support.later_export import MINE, LaterExport, calls, events, held, migrated, says, sets, verified

from idferry.errors import UsageError
from idferry.flows.update_values import Changed, Conflicting
from idferry.rules.account import TenantKind
from idferry.rules.departure import Departures
from idferry.rules.entry import EventKind
from idferry.rules.lifecycle import State
from idferry.rules.plan import WhenTooLong

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
