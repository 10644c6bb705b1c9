"""Removal: only what this tool created and nobody uses; the recycle bin; what a crash or a lag must not confuse."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.support.builders import (
    PROJECT,
    Human,
    MemorySource,
    World,
    assert_true_to_life,
    crowd,
    with_password,
    without_password,
)
from tests.support.memory_directory import MemoryTenant

from idferry.errors import EXIT_STOPPED, EXIT_USAGE, Stopped, TokenRefused, Unreachable, UsageError
from idferry.flows.choose_people import choose_people
from idferry.flows.purge import purge
from idferry.flows.recycle import RecycleReport
from idferry.flows.remove import RemoveReport, remove
from idferry.flows.restore import restore
from idferry.rules.entry import Entry, EventKind, Selection, TakeUp
from idferry.rules.happenings import AccountsRemoved
from idferry.rules.lifecycle import WITH_ACCOUNT, State
from idferry.rules.names import Identity, SignInType
from idferry.rules.password import Password
from idferry.rules.plan import PasswordMode
from idferry.rules.removal import STATES_AFTER_REMOVAL

DONE: Mapping[Any, str] = {remove: "removed", restore: "restored", purge: "purged"}
MINE = Password("a secret of my own 1")
LATER = timedelta(hours=1)


def created(people: int = 60, **settings: Any) -> World:
    """So many people, created an hour ago."""
    world = World(MemorySource(crowd(people)), **settings)
    world.premigrate()
    world.clock.advance(LATER.total_seconds())
    return world


def removed(world: World, *, people: Any = None, execute: bool = True, **settings: Any) -> RemoveReport:
    return remove(
        people=people or (lambda: chosen(world)),
        remover=world.tenant.remover,
        observations=world.ledger.observations,
        clock=world.clock,
        tell=world.told.append,
        execute=execute,
        **settings,
    )


def chosen(world: World, selection: Selection | None = None, file: MemorySource | None = None) -> list[Entry]:
    wanted = replace(selection or Selection(), states=WITH_ACCOUNT)
    return list(choose_people(ledger=world.ledger.report, selection=wanted, project=PROJECT, file=file))


def recycled(
    world: World, flow: Callable[..., RecycleReport], *, execute: bool = True, **settings: Any
) -> RecycleReport:
    gone = Selection(states=STATES_AFTER_REMOVAL)
    return flow(
        people=choose_people(ledger=world.ledger.report, selection=gone, project=PROJECT),
        remover=world.tenant.remover,
        observations=world.ledger.observations,
        clock=world.clock,
        execute=execute,
        **settings,
    )


def use(world: World, keys: Iterable[str]) -> None:
    """People begin to use their accounts, each in one of three ways."""
    for number, key in enumerate(keys):
        object_id, now = world.account_of(key).object_id, world.clock.now()
        match number % 3:
            case 0 if key.startswith(("r", "w")):
                world.tenant.person_sets_password(object_id, MINE)
            case 1:
                world.tenant.change(object_id, password_changed_at=now)
            case _:
                world.tenant.change(object_id, last_sign_in_at=now)


def some_keys(world: World, count: int) -> list[str]:
    return [human.key for human in world.source.humans][5 : 5 + count]


def test_of_60_created_with_10_in_use_50_are_deleted() -> None:
    world = created(60)
    used = some_keys(world, 10)
    use(world, used)
    plan = removed(world, execute=False)
    assert (plan.to_remove, plan.removed, plan.kept_used, len(world.tenant.accounts())) == (50, 0, 10, 60)
    report = removed(world)
    assert (report.to_remove, report.removed, report.kept_used, report.gone) == (50, 50, 10, 0)
    assert set(report.kept) == {"flag_fallen", "password_changed", "signed_in"}
    assert {one.object_id for one in world.tenant.accounts()} == {
        world.account_of(key).object_id for key in used
    }
    assert world.states()[State.REMOVED] == 50
    assert sorted(legacy_id for legacy_id, _ in report.kept_people) == sorted(
        f"contoso:crm:{key}" for key in used
    )
    assert AccountsRemoved(50) in world.told
    assert world.events_of("k0")[-2:] == [EventKind.DELETE_SENT, EventKind.REMOVED]
    assert world.events_of(used[0])[-1] is EventKind.KEPT


def test_a_foreign_legacy_id_is_never_deleted_whatever_is_asked() -> None:
    world = created(4)
    object_id = world.account_of("k0").object_id
    world.tenant.change(object_id, legacy_id="fabrikam:crm:1", last_sign_in_at=world.clock.now())
    assert (removed(world, including_used=0).removed, world.tenant.calls.count(("delete", object_id))) == (
        3,
        0,
    )
    world.tenant.change(world.entries()["k0"].object_id, legacy_id=None)
    assert removed(world, including_used=0).kept == {"other_legacy_id": 1}


def test_accounts_in_use_are_deleted_only_by_their_exact_number() -> None:
    world = created(20)
    use(world, some_keys(world, 4))
    for wrong in (0, 3, 5):
        with pytest.raises(UsageError, match="4 of these accounts are in use"):
            removed(world, including_used=wrong)
    assert len(world.tenant.accounts()) == 20
    assert removed(world, including_used=4).removed == 20


def test_whoever_begins_to_use_an_account_after_the_count_keeps_it() -> None:
    world = created(30)
    used = some_keys(world, 4)
    use(world, used)
    passes = []

    def people() -> Iterable[Entry]:
        passes.append(1)
        if len(passes) == 2:
            use(world, ["k0"])
        return chosen(world)

    report = removed(world, people=people, including_used=4)
    assert (report.removed, report.kept_used) == (29, 1)
    assert [one.legacy_id for one in world.tenant.accounts()] == ["contoso:crm:k0"]


def test_run_source_and_cohort_choose() -> None:
    world = World(MemorySource(crowd(8)))
    first = world.premigrate(take_up=TakeUp(cohort="pilot"), limit=3, command="pilot").run
    second = world.premigrate().run
    world.clock.advance(LATER.total_seconds())
    assert first != second
    for selection, expected in (
        (Selection(run=first), 3),
        (Selection(cohort="pilot"), 3),
        (Selection(run=second), 5),
        (Selection(run=second, cohort="pilot"), 0),
        (Selection(source="crm"), 8),
        (Selection(source="shop"), 0),
    ):
        plan = removed(world, people=lambda s=selection: chosen(world, s), execute=False)
        assert plan.to_remove == expected, selection


def test_a_file_and_the_ledger_meet_in_their_intersection() -> None:
    world = created(12)
    file = MemorySource(
        [*world.source.humans[2:5], Human("unknown", "u@example.com"), world.source.humans[2]]
    )
    assert removed(world, people=lambda: chosen(world, file=file), execute=False).to_remove == 3
    assert removed(world, people=lambda: chosen(world, file=file)).removed == 3
    assert not chosen(world, file=MemorySource(world.source.humans, name="shop"))


def test_a_file_and_a_selection_meet_in_their_intersection() -> None:
    world = World(MemorySource(crowd(8)))
    world.premigrate(take_up=TakeUp(cohort="pilot"), limit=3, command="pilot")
    world.premigrate()
    pilot = [human.key for human in world.source.humans[:3]]
    file = MemorySource(world.source.humans[1:])
    assert [entry.key for entry in chosen(world, Selection(cohort="pilot"), file)] == pilot[1:]
    assert not chosen(world, Selection(source="shop"), file)


def test_a_person_who_stands_in_a_long_file_twice_is_taken_once() -> None:
    world = created(4)
    file = MemorySource([world.source.humans[0]] + [with_password(900 + n) for n in range(700)])
    file.humans.append(world.source.humans[0])
    assert [entry.key for entry in chosen(world, file=file)] == ["k0"]


def test_accounts_that_somebody_else_deleted_are_gone() -> None:
    world = created(4)
    world.tenant.stored[world.account_of("k0").object_id].deleted = True
    del world.tenant.stored[world.account_of("r1").object_id]
    report = removed(world)
    assert (report.removed, report.gone) == (2, 2)
    assert world.states() == {State.REMOVED: 4}


def test_a_new_account_that_the_directory_does_not_show_yet_is_not_taken_for_gone() -> None:
    world = World(MemorySource(crowd(4)), MemoryTenant(lag=timedelta(minutes=2)))
    world.premigrate()
    report = removed(world)
    assert (report.gone, report.removed, report.failed) == (0, 0, {"not_found": 4})
    assert State.REMOVED not in world.states()
    world.clock.advance(180)
    assert removed(world).removed == 4
    assert not world.tenant.accounts()


def test_a_new_account_in_the_recycle_bin_is_gone() -> None:
    world = World(MemorySource(crowd(4)))
    world.premigrate()
    world.tenant.stored[world.account_of("k0").object_id].deleted = True
    assert (report := removed(world)).gone == 1
    assert report.removed == 3


def test_a_refusal_is_told_with_its_code_and_the_account_stays_in_the_ledger() -> None:
    world = created(4)
    world.tenant.remover.refuses[world.account_of("k0").object_id] = "forbidden"
    report = removed(world)
    assert (report.removed, report.failed) == (3, {"forbidden": 1})
    assert world.entries()["k0"].state is State.COMPLETE


def test_what_was_deleted_when_the_connection_broke_is_found_by_the_next_removal() -> None:
    world = created(30)
    real, calls = world.tenant.remover.delete, []

    def delete(object_ids: list[str]) -> dict[str, str]:
        calls.append(1)
        answers = real(object_ids)
        if len(calls) == 2:
            raise Unreachable("the connection was cut")
        return dict(answers)

    world.tenant.remover.delete = delete  # type: ignore[method-assign, assignment]
    with pytest.raises(Unreachable):
        removed(world)
    assert world.states()[State.REMOVED] == 20
    assert not world.tenant.accounts()
    report = removed(world)
    assert (report.removed, report.gone) == (0, 10)
    assert world.states() == {State.REMOVED: 30}


def test_it_can_be_stopped_between_two_chunks() -> None:
    world = created(60)
    asked = iter([False, True])
    with pytest.raises(Stopped) as ended:
        removed(world, stop=lambda: next(asked))
    assert ended.value.done == "20 accounts were removed and are in the ledger"
    assert world.states()[State.REMOVED] == 20 == 60 - len(world.tenant.accounts())


@pytest.mark.parametrize("flow", [remove, restore, purge])
@pytest.mark.parametrize("chunks_before", [0, 1])
def test_a_secret_that_expires_ends_what_has_begun_so_that_it_can_be_continued(
    flow: Callable[..., Any], chunks_before: int
) -> None:
    world = created(60)
    run = removed if flow is remove else partial(recycled, flow=flow)
    if flow is not remove:
        removed(world)
    remover, first_call = world.tenant.remover, "usage" if flow is remove else "deleted"
    real, asked = getattr(remover, first_call), set()

    def expired(object_ids: list[str]) -> Any:
        asked.add(tuple(object_ids))
        if len(asked) > chunks_before:
            raise TokenRefused("the client secret has expired")
        return real(object_ids)

    setattr(remover, first_call, expired)
    with pytest.raises(TokenRefused) as ended:
        run(world)
    if chunks_before:
        done = f"20 accounts were {DONE[flow]} and are in the ledger"
        assert (ended.value.exit_code, ended.value.done) == (EXIT_STOPPED, done)
    else:
        assert (ended.value.exit_code, ended.value.done) == (EXIT_USAGE, ""), "nothing was done yet"


def test_a_secret_that_expires_between_reading_and_deleting_has_not_stopped_nothing() -> None:
    world = created(4)

    def expired(_object_ids: list[str]) -> dict[str, str]:
        raise TokenRefused("the client secret has expired")

    world.tenant.remover.delete = expired  # type: ignore[method-assign, assignment]
    with pytest.raises(TokenRefused) as ended:
        removed(world)
    assert ended.value.exit_code == EXIT_STOPPED


def test_a_plan_writes_nothing() -> None:
    world = created(4)
    use(world, ["k0"])
    before = {key: world.events_of(key) for key in world.entries()}
    removed(world, execute=False)
    assert {key: world.events_of(key) for key in world.entries()} == before
    assert not [call for call in world.tenant.calls if call[0] == "delete"]


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
    assert ended.value.done == f"20 accounts were {DONE[flow]} and are in the ledger"
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
