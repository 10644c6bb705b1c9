"""Removal: only what this tool created and nobody uses; the recycle bin; what a crash or a lag must not confuse."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.support.builders import (
    Human,
    MemorySource,
    World,
    crowd,
    with_password,
)
from tests.support.memory_directory import MemoryTenant
from tests.support.removal import DONE, LATER, chosen, created, recycled, removed, some_keys, use

from idferry.errors import (
    EXIT_STOPPED,
    EXIT_USAGE,
    LedgerUnwritable,
    Stopped,
    TokenRefused,
    Unreachable,
    UsageError,
)
from idferry.flows.purge import purge
from idferry.flows.remove import remove
from idferry.flows.restore import restore
from idferry.rules.entry import Entry, EventKind, Observation, Selection, TakeUp
from idferry.rules.happenings import AccountsRemoved
from idferry.rules.lifecycle import State


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
    assert ended.value.done == "20 accounts were removed, and are in the ledger"
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
        done = f"20 accounts were {DONE[flow]}, and are in the ledger"
        assert (ended.value.exit_code, ended.value.done) == (EXIT_STOPPED, done)
    else:
        assert (ended.value.exit_code, ended.value.done) == (EXIT_USAGE, ""), "nothing was done yet"


@pytest.mark.parametrize("flow", [remove, restore, purge])
def test_what_the_ledger_does_not_take_any_more_is_not_said_to_be_in_it(flow: Callable[..., Any]) -> None:
    world = created(60)
    with_accounts = world.states()
    run = removed if flow is remove else partial(recycled, flow=flow)
    if flow is not remove:
        removed(world)
    real, full = world.ledger.observations.observe, []

    def observe(*, observed: Sequence[Observation], **more: Any) -> None:
        if observed[0].kind is not EventKind.DELETE_SENT:
            full.append(1)
            if len(full) > 1:
                raise LedgerUnwritable("the disk is full")
        real(observed=observed, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.ledger.observations, "observe", observe)
        with pytest.raises(LedgerUnwritable) as ended:
            run(world)
    assert ended.value.done.startswith(
        f"40 accounts were {DONE[flow]}; the ledger did not take the last of them"
    )
    assert ended.value.exit_code == EXIT_STOPPED
    run(world)
    assert world.states() == (with_accounts if flow is restore else {State.REMOVED: 60})


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
