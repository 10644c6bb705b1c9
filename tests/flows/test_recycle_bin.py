"""The recycle bin: accounts come back as they were, or are gone for good; what somebody else did meanwhile is respected."""

from collections.abc import Callable

import pytest
from tests.support.builders import (
    Human,
    MemorySource,
    World,
    assert_true_to_life,
    crowd,
    without_password,
)
from tests.support.removal import DONE, LATER, created, recycled, removed

from idferry.errors import Stopped
from idferry.flows.purge import purge
from idferry.flows.recycle import RecycleReport
from idferry.flows.remove import RemoveReport
from idferry.flows.restore import restore
from idferry.rules.entry import EventKind, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity, SignInType
from idferry.rules.plan import PasswordMode

# --- the recycle bin ---------------------------------------------------------------------------------------------


def test_restored_people_are_what_they_were() -> None:
    world = created(8)
    before = world.states()
    ids = {one.object_id for one in world.tenant.accounts()}
    removed(world)
    plan = recycled(world, restore, execute=False)
    assert (plan.found, plan.done, len(world.tenant.accounts())) == (8, 0, 0)
    report = recycled(world, restore)
    assert (report.found, report.done, report.absent) == (8, 8, 0)
    assert world.states() == before
    assert {one.object_id for one in world.tenant.accounts()} == ids
    assert_true_to_life(world)


def test_purged_people_stay_removed_for_good() -> None:
    world = created(8)
    removed(world)
    assert recycled(world, purge).done == 8
    assert not world.tenant.stored
    again = recycled(world, restore)
    assert (again.found, again.absent) == (0, 8)
    assert world.states() == {State.REMOVED: 8}
    assert world.premigrate(take_up=TakeUp(again=True)).send.created == 8
    assert_true_to_life(world)


@pytest.mark.parametrize("flow", [restore, purge])
def test_the_recycle_bin_is_left_between_two_chunks(flow: Callable[..., RecycleReport]) -> None:
    world = created(60)
    removed(world)
    asked = iter([False, True])
    with pytest.raises(Stopped) as ended:
        recycled(world, flow, stop=lambda: next(asked))
    assert ended.value.done == f"20 accounts were {DONE[flow]}, and are in the ledger"
    dealt_with = [key for key in world.entries() if world.events_of(key)[-1] is not EventKind.REMOVED]
    assert len(dealt_with) == 20
    assert recycled(world, flow).done == 40


def test_a_deleted_account_that_is_not_ours_is_left_alone() -> None:
    world = created(4)
    removed(world)
    world.tenant.change(world.entries()["k0"].object_id, legacy_id="fabrikam:crm:1")
    report = recycled(world, purge)
    assert (report.found, report.foreign, report.done) == (3, 1, 3)
    assert len(world.tenant.stored) == 1


# --- planned again while the removed account still holds the names --------------------------------------------------


def held_back(people: int = 8) -> World:
    """Removed, wanted again too early, and failed: the directory keeps the names of deleted accounts."""
    world = created(people)
    world.tenant.deleted_hold_names = True
    removed(world)
    world.premigrate(take_up=TakeUp(again=True))
    assert world.failures() == {"conflict_deleted": people}
    return world


def test_purged_people_who_failed_are_created_by_retry_failed() -> None:
    world = held_back()
    plan = recycled(world, purge, execute=False)
    assert (plan.found, plan.done, plan.absent) == (8, 0, 0)
    assert recycled(world, purge).done == 8
    assert world.failures() == {"conflict_deleted": 8}, "nobody is taken up again unasked"
    assert world.events_of("k0")[-1] is EventKind.PURGED
    assert world.premigrate(take_up=TakeUp(retry_failed=True)).send.created == 8
    assert_true_to_life(world)


def test_restored_people_who_failed_are_what_they_were() -> None:
    world = created(8)
    before, ids = world.states(), {one.object_id for one in world.tenant.accounts()}
    runs = {entry.created_by_run for entry in world.entries().values()}
    world.tenant.deleted_hold_names = True
    removed(world)
    world.mode = PasswordMode.RANDOM  # what is planned now says nothing about the accounts of then
    world.premigrate(take_up=TakeUp(again=True))
    report = recycled(world, restore)
    assert (report.found, report.done) == (8, 8)
    assert world.states() == before
    assert {one.object_id for one in world.tenant.accounts()} == ids
    assert {entry.created_by_run for entry in world.entries().values()} == runs
    assert not world.failures()


@pytest.mark.parametrize("flow", [restore, purge])
@pytest.mark.parametrize("legacy_id", ["fabrikam:crm:1", None])
def test_a_deleted_account_that_does_not_say_that_it_is_theirs_is_left_alone(
    flow: Callable[..., RecycleReport], legacy_id: str | None
) -> None:
    world = held_back(4)
    world.tenant.change(world.entries()["k0"].object_id, legacy_id=legacy_id)
    report = recycled(world, flow)
    assert (report.found, report.foreign, report.done) == (3, 1, 3)
    assert world.entries()["k0"].state is State.FAILED


def test_people_who_failed_and_never_had_an_account_have_none_in_the_bin() -> None:
    world = World(MemorySource(crowd(4)))
    stranger = world.tenant.plant(*world.source.humans[0].identities)
    world.tenant.stored[stranger].deleted = True
    world.tenant.deleted_hold_names = True
    world.premigrate()
    assert world.failures() == {"conflict_deleted": 1}
    for flow in (restore, purge):
        assert recycled(world, flow) == RecycleReport()
    assert list(world.tenant.stored) == [stranger, *list(world.tenant.stored)[1:]]


def test_a_name_that_somebody_took_meanwhile_keeps_the_account_in_the_bin() -> None:
    world = created(4)
    removed(world)
    world.tenant.plant(*world.source.humans[0].identities)
    report = recycled(world, restore)
    assert (report.done, report.failed) == (3, {"conflict": 1})
    assert world.entries()["k0"].state is State.REMOVED


def test_accounts_restored_behind_our_back_are_taken_back_into_the_ledger() -> None:
    """An answer that was lost, or an administrator: the account is there and carries our legacyId."""
    world = created(4)
    removed(world)
    object_id = world.entries()["r1"].object_id
    world.tenant.stored[object_id].deleted = False
    other = world.entries()["k0"].object_id
    world.tenant.stored[other].deleted = False
    world.tenant.change(other, legacy_id="fabrikam:crm:1")
    plan = recycled(world, restore, execute=False)
    assert (plan.found, plan.absent, world.entries()["r1"].state) == (3, 0, State.REMOVED)
    report = recycled(world, restore)
    assert (report.done, report.absent, report.foreign) == (3, 0, 1)
    assert world.entries()["r1"].state is State.AWAITING_PASSWORD
    assert world.entries()["k0"].state is State.REMOVED
    assert world.events_of("r1")[-1] is EventKind.RESTORED


def test_people_without_an_account_are_nobodys_concern() -> None:
    world = World(MemorySource([without_password(1), Human("none")]))
    world.tenant.plant(Identity(SignInType.EMAIL_ADDRESS, "blank1@example.com"))
    world.premigrate()
    world.clock.advance(LATER.total_seconds())
    assert removed(world) == RemoveReport()
