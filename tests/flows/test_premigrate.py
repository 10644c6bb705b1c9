"""One premigration from its pre-flight to its report: every password plan, both tenant kinds, pilots, refusals."""

from dataclasses import replace
from itertools import chain, repeat

import pytest
from tests.support.builders import (
    STRONG,
    Human,
    MemorySource,
    World,
    assert_true_to_life,
    crowd,
    federated_only,
    weak_password,
    with_password,
    without_password,
)
from tests.support.hand_clock import HandClock
from tests.support.memory_directory import FLAG, LostAfter, MemoryTenant
from tests.support.memory_ledger import MemoryLedger

from idferry.errors import Forbidden, QuotaExceeded, SourceError, TenantNotReady, UsageError
from idferry.flows.remove import remove
from idferry.rules.account import TenantKind
from idferry.rules.answers import Fatal
from idferry.rules.attributes import LEGACY_ID
from idferry.rules.entry import EventKind, Selection, TakeUp
from idferry.rules.happenings import AttributeCreated, PeopleSettled, RecordsRead, RunStarted
from idferry.rules.legacy_user import BadRecord
from idferry.rules.lifecycle import WITH_ACCOUNT, State
from idferry.rules.password import Password
from idferry.rules.pilot import parse_pilot
from idferry.rules.plan import PasswordMode


def world_of(*humans: Human, **settings: object) -> World:
    return World(MemorySource(list(humans)), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", TenantKind)
@pytest.mark.parametrize("weak_allowed", [False, True])
@pytest.mark.parametrize("mode", PasswordMode)
def test_report_ledger_and_directory_agree(mode: PasswordMode, weak_allowed: bool, kind: TenantKind) -> None:
    world = World(MemorySource(crowd(90)), mode=mode, kind=kind, weak_allowed=weak_allowed)
    report = world.premigrate()
    assert_true_to_life(world)
    made = len(world.tenant.accounts())
    assert report.send.created == made == report.plan.create
    assert report.plan.create + report.plan.left_out.total() == report.plan.people == 90
    states = world.states()
    assert states.get(State.COMPLETE, 0) + states.get(State.AWAITING_PASSWORD, 0) == made
    assert states.get(State.LEFT_OUT, 0) == report.plan.left_out.total()


def test_each_password_plan_does_what_its_name_says() -> None:
    humans = [with_password(1), without_password(2), weak_password(3), federated_only(4)]
    auto = world_of(*humans)
    auto.premigrate()
    assert auto.tenant.opens("known1@example.com", STRONG.format(1))
    assert auto.states() == {State.COMPLETE: 2, State.AWAITING_PASSWORD: 2}
    known = world_of(*humans, mode=PasswordMode.KNOWN)
    assert known.premigrate().plan.left_out == {"no_password": 1, "weak_password": 1}
    random = world_of(*humans, mode=PasswordMode.RANDOM)
    random.premigrate()
    assert random.states() == {State.AWAITING_PASSWORD: 3, State.COMPLETE: 1}
    assert not random.tenant.opens("known1@example.com", STRONG.format(1))


def test_a_weak_password_is_kept_where_the_settings_allow_it() -> None:
    world = world_of(weak_password(1), weak_allowed=True)
    world.premigrate()
    assert world.tenant.opens("weak1@example.com", "sunny")
    assert world.entries()["w1"].state is State.COMPLETE


def test_the_first_of_two_equal_sign_in_names_is_kept() -> None:
    world = world_of(Human("1", "Anna@example.com"), Human("2", "anna@EXAMPLE.com"))
    report = world.premigrate()
    assert report.plan.left_out == {"duplicate_sign_in_name": 1}
    assert report.plan.examples == {"duplicate_sign_in_name": ["2 (kept: crm:1)"]}
    assert_true_to_life(world)


def test_a_bad_record_stops_nobody_else() -> None:
    source = MemorySource(crowd(3), bad=(BadRecord("people.jsonl", 1, "email", "not text"),))
    world = World(source)
    report = world.premigrate()
    assert (report.plan.bad_records_count, report.plan.people) == (1, 3)
    assert_true_to_life(world)


def test_what_happens_is_told_in_order() -> None:
    world = World(MemorySource(crowd(25)))
    run = world.premigrate().run
    assert world.told[:2] == [RecordsRead(25), RunStarted(run, 25, resumed=False)]
    settled = [one for one in world.told if isinstance(one, PeopleSettled)]
    assert settled[-1] == PeopleSettled(25, 0)
    assert [one.done for one in settled] == sorted(one.done for one in settled)


def test_a_second_run_creates_nobody() -> None:
    world = World(MemorySource(crowd(30)))
    world.premigrate()
    before = world.creates()
    again = world.premigrate()
    assert (world.creates(), again.plan.existing, again.plan.create) == (before, 30, 0)
    assert not again.resumed, "the first run had ended"
    assert_true_to_life(world)


def test_people_who_join_the_source_later_are_created_by_the_next_run() -> None:
    world = World(MemorySource(crowd(10)))
    world.premigrate()
    world.source.humans.insert(0, with_password(99))
    assert world.premigrate().send.created == 1
    assert_true_to_life(world)


# --- strangers ---------------------------------------------------------------------------------------------------


def plant_strangers(world: World, legacy_ids: dict[str, str | None]) -> dict[str, str]:
    """key -> object id of a stranger's account that holds this person's sign-in name."""
    humans = {human.key: human for human in world.source.humans}
    return {
        key: world.tenant.plant(*humans[key].identities, legacy_id=legacy_id)
        for key, legacy_id in legacy_ids.items()
    }


@pytest.mark.parametrize("names_the_holder", [True, False])
def test_strangers_are_conflicts_and_never_adopted(names_the_holder: bool) -> None:
    world = World(MemorySource(crowd(60)), MemoryTenant(names_the_holder=names_the_holder))
    planted = plant_strangers(
        world,
        {
            "k0": None,
            "r1": "fabrikam:crm:r1",
            "w2": "contoso:other:w2",
            "f3": "contoso:crm:f3 ",
            "k4": "CONTOSO:crm:k4",
            "r5": "contoso-test:crm:r5",
        },
    )
    strangers = {one: world.tenant.stored[one].account for one in planted.values()}
    report = world.premigrate()
    assert report.send.failed == {"conflict": 6}
    assert (report.send.adopted, report.send.created) == (0, 54)
    assert world.failures() == {"conflict": 6}
    for key, object_id in planted.items():
        assert object_id in world.entries()[key].reason
        assert world.tenant.stored[object_id].account == strangers[object_id]
    assert world.events_of("k0") == [EventKind.SENT, EventKind.TAKEN, EventKind.CONFLICT]


def test_a_deleted_account_that_holds_the_name_is_told_apart() -> None:
    world = World(MemorySource(crowd(2)), MemoryTenant(deleted_hold_names=True))
    planted = plant_strangers(world, {"k0": None})
    world.tenant.stored[planted["k0"]].deleted = True
    assert world.premigrate().send.failed == {"conflict_deleted": 1}
    assert world.entries()["k0"].state is State.FAILED


def test_a_holder_that_never_shows_is_no_stranger_and_not_adopted() -> None:
    from datetime import timedelta

    tenant = MemoryTenant(lag=timedelta(hours=2), names_the_holder=False)
    world = World(MemorySource(crowd(2)), tenant)
    tenant.plant(*world.source.humans[0].identities, visible=False)
    assert world.premigrate().send.failed == {"conflict_unseen": 1}


# --- a lost ledger -----------------------------------------------------------------------------------------------


def test_a_new_ledger_takes_up_the_accounts_of_a_lost_one_as_their_flags_say() -> None:
    world = World(MemorySource(crowd(60)))
    world.premigrate()
    migrated = world.account_of("r1")
    world.tenant.person_sets_password(migrated.object_id, Password("my own secret 1"))
    before = {one.object_id for one in world.tenant.accounts()}
    awaiting = sum(one.flag is True for one in world.tenant.accounts())
    world.ledger = MemoryLedger()
    report = world.premigrate()
    assert (report.send.adopted, report.send.created, report.send.failed.total()) == (60, 0, 0)
    assert {one.object_id for one in world.tenant.accounts()} == before
    assert world.states() == {State.AWAITING_PASSWORD: awaiting, State.COMPLETE: 60 - awaiting}
    assert world.entries()["r1"].state is State.COMPLETE


def test_an_account_without_a_flag_awaits_nothing_whatever_is_planned_now() -> None:
    world = world_of(with_password(1))
    world.premigrate()
    world.ledger, world.mode = MemoryLedger(), PasswordMode.RANDOM
    assert world.premigrate().send.adopted == 1
    assert world.entries()["k1"].state is State.COMPLETE
    assert world.tenant.opens("known1@example.com", STRONG.format(1))


# --- people taken up again, pilots -------------------------------------------------------------------------------


def test_failed_people_wait_for_retry_failed() -> None:
    world = World(MemorySource(crowd(4)))
    planted = plant_strangers(world, {"k0": None})
    world.premigrate()
    del world.tenant.stored[planted["k0"]]
    waiting = world.premigrate()
    assert (waiting.plan.failed, waiting.plan.create, waiting.send.done) == (1, 0, 0)
    assert world.premigrate(take_up=TakeUp(retry_failed=True)).send.created == 1
    assert world.events_of("k0")[-3:] == [EventKind.PLANNED_AGAIN, EventKind.SENT, EventKind.CREATED]
    assert_true_to_life(world)


def test_removed_people_wait_for_again() -> None:
    world = World(MemorySource(crowd(4)))
    world.premigrate()
    remove(
        people=lambda: world.ledger.report.entries(Selection(states=WITH_ACCOUNT)),
        remover=world.tenant.remover,
        observations=world.ledger.observations,
        clock=world.clock,
        tell=world.told.append,
        execute=True,
    )
    assert world.states() == {State.REMOVED: 4}
    assert world.premigrate().plan.left_out == {"removed": 4}
    assert world.premigrate(take_up=TakeUp(again=True)).send.created == 4
    assert_true_to_life(world)


def test_a_pilot_takes_only_whom_it_names() -> None:
    world = World(MemorySource(crowd(20)))
    report = world.premigrate(
        in_pilot=parse_pilot(("signInName=known*",)), limit=3, take_up=TakeUp(cohort="pilot")
    )
    assert (report.plan.people, report.send.created) == (3, 3)
    assert set(world.entries()) == {"k0", "k4", "k8"}
    assert {entry.cohort for entry in world.entries().values()} == {"pilot"}
    rest = world.premigrate(command="premigrate the rest")
    assert (rest.plan.existing, rest.send.created) == (3, 17)
    assert_true_to_life(world)
    assert sum(entry.cohort == "pilot" for entry in world.entries().values()) == 3


def test_an_expression_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError):
        parse_pilot(("signInName",))


# --- pre-flight --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted", "action"),
    [({"User.Read.All"}, "create"), ({"User.Create"}, "read"), (set(), "create")],
)
def test_a_missing_permission_stops_before_anything_happens(granted: set[str], action: str) -> None:
    world = World(MemorySource(crowd(2)), MemoryTenant(permissions=frozenset(granted)))
    with pytest.raises(Forbidden, match=f"may not {action} users"):
        world.premigrate()
    assert (world.tenant.calls, world.states(), list(world.ledger.report.runs())) == ([], {}, [])


def test_permissions_that_the_token_does_not_tell_are_not_judged() -> None:
    world = World(MemorySource(crowd(2)), MemoryTenant(permissions=None))
    assert world.premigrate().send.created == 2


def test_missing_attributes_are_created_where_that_is_allowed() -> None:
    humans = [Human("1", "a@example.com", attributes={"loyaltyNumber": 7, "vip": True, "tier": "gold"})]
    world = World(MemorySource(humans), MemoryTenant(attributes={}))
    world.premigrate()
    assert world.tenant.attributes == {
        LEGACY_ID: "String",
        FLAG: "Boolean",
        "loyaltyNumber": "Integer",
        "vip": "Boolean",
        "tier": "String",
    }
    created = [one.name for one in world.told if isinstance(one, AttributeCreated)]
    assert sorted(created) == sorted(world.tenant.attributes)
    assert_true_to_life(world)


def test_a_missing_attribute_that_may_not_be_created_stops_with_the_call_to_make() -> None:
    world = World(MemorySource(crowd(2)), MemoryTenant(attributes={}, may_create_attributes=False))
    with pytest.raises(TenantNotReady, match=LEGACY_ID) as caught:
        world.premigrate()
    assert "extensionProperties" in caught.value.remedy
    assert (world.creates(), world.states()) == (0, {})


def test_an_attribute_of_another_type_stops() -> None:
    tenant = MemoryTenant(attributes={LEGACY_ID: "String", FLAG: "String"})
    with pytest.raises(TenantNotReady, match=f"{FLAG} is of type String"):
        World(MemorySource(crowd(2)), tenant).premigrate()


def test_attributes_of_the_source_are_compared_before_anybody_is_sent() -> None:
    humans = [Human("1", "a@example.com", attributes={"vip": "yes"})]
    tenant = MemoryTenant(attributes={LEGACY_ID: "String", FLAG: "Boolean", "vip": "Boolean"})
    world = World(MemorySource(humans), tenant)
    with pytest.raises(TenantNotReady, match="vip"):
        world.premigrate()
    assert world.creates() == 0


def test_integers_of_both_sizes_share_an_attribute() -> None:
    humans = [Human(str(n), f"p{n}@example.com", attributes={"points": 2**n}) for n in (1, 40)]
    world = World(MemorySource(humans))
    world.premigrate()
    assert world.tenant.attributes["points"] == "LargeInteger"


@pytest.mark.parametrize(("existing", "stops"), [("LargeInteger", False), ("Integer", True)])
def test_numbers_go_only_where_they_fit(existing: str, stops: bool) -> None:
    numbers = (1,) if existing == "LargeInteger" else (2**40,)
    humans = [Human(str(n), f"p{n}@example.com", attributes={"points": n}) for n in numbers]
    tenant = MemoryTenant(attributes={LEGACY_ID: "String", FLAG: "Boolean", "points": existing})
    world = World(MemorySource(humans), tenant)
    if stops:
        with pytest.raises(TenantNotReady, match="points is of type Integer"):
            world.premigrate()
    else:
        world.premigrate()
    assert world.creates() == (0 if stops else 1)


def test_an_attribute_with_values_of_two_types_is_told_before_anybody_is_sent() -> None:
    humans = [
        Human(str(n), f"p{n}@example.com", attributes={"vip": value}) for n, value in enumerate((True, "x"))
    ]
    world = World(MemorySource(humans))
    with pytest.raises(SourceError, match="vip holds values of several types"):
        world.premigrate()
    assert world.creates() == 0


@pytest.mark.parametrize("name", [LEGACY_ID, FLAG, FLAG.lower()])
def test_a_source_may_not_set_what_says_whose_an_account_is_or_whether_it_waits(name: str) -> None:
    world = world_of(replace(with_password(1), attributes={name: True}))
    assert world.premigrate().plan.refused == {"attribute_invalid": 1}
    assert world.creates() == 0
    world.attribute_names = {name: ""}
    world.premigrate(command="premigrate without it")
    assert_true_to_life(world)


def test_a_tenant_without_room_stops_before_anybody_is_sent() -> None:
    world = World(MemorySource(crowd(10)), MemoryTenant(quota=9))
    with pytest.raises(QuotaExceeded, match="10 people are to be created and the tenant has room for 9"):
        world.premigrate()
    assert world.creates() == 0
    world.tenant.quota = 10
    world.premigrate()
    assert_true_to_life(world)


def test_people_whose_account_may_exist_already_need_no_room_to_be_settled() -> None:
    world = World(MemorySource(crowd(10)), MemoryTenant(quota=10))
    world.killed_at(4)  # open run, pass, plan, first intents: all ten may have been sent
    for human in world.source.humans:
        world.tenant.plant(*human.identities, legacy_id=human.legacy_id)
    assert world.premigrate().send.adopted == 10


def test_a_lost_ledger_needs_no_room_for_people_who_have_accounts() -> None:
    world = World(MemorySource(crowd(30)), MemoryTenant(quota=40))
    world.premigrate()
    world.ledger = MemoryLedger()
    world.tenant.quota = 31
    report = world.premigrate()
    assert (report.send.adopted, report.send.created) == (30, 0)


def test_no_extension_app_stops() -> None:
    with pytest.raises(TenantNotReady):
        World(MemorySource(crowd(1)), MemoryTenant(extension_app=False)).premigrate()


def test_nobody_waits_without_need() -> None:
    clock = HandClock()
    World(MemorySource(crowd(100)), MemoryTenant(clock=clock)).premigrate()
    assert clock.slept == []


def test_a_new_run_counts_people_whom_an_earlier_one_left_in_the_middle() -> None:
    world = World(MemorySource([with_password(number) for number in range(10)]))
    world.tenant.plan_faults(chain(repeat(None, 3), repeat(Fatal("quota_exceeded", "full"))))
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    left = world.states()[State.CREATING]
    assert left > 0
    world.tenant.plan_faults(())
    world.told.clear()
    report = world.premigrate(command="premigrate --cohort late")
    assert not report.resumed
    [total] = [one.total for one in world.told if isinstance(one, RunStarted)]
    assert total == report.send.done == 7
    assert_true_to_life(world)


def test_an_account_that_was_created_carries_no_digests() -> None:
    """They were a tenth of the CPU while sending and of the ledger's size: the draft says the same."""
    world = World(MemorySource(crowd(8)))
    world.tenant.plan_faults([LostAfter()])
    report = world.premigrate().send
    assert (report.created, report.adopted) == (7, 1)
    assert [entry.written for entry in world.entries().values()] == [{}] * 8
