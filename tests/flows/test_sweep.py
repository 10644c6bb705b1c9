"""Flags go down where somebody has chosen another password, and nowhere else; nothing else of an account is touched."""

from datetime import timedelta

import pytest
from tests.support.builders import MemorySource as Source
from tests.support.builders import World, without_password

from idferry.errors import Conflict, Stopped
from idferry.flows.sweep import CONFIRMED_WITHIN, SweepReport, sweep
from idferry.rules.entry import EventKind, Observation, Selection
from idferry.rules.lifecycle import State
from idferry.rules.password import Password

PEOPLE = 45


def migrated() -> World:
    world = World(Source([without_password(number) for number in range(PEOPLE)]))
    world.premigrate()
    for kept in world.tenant.live():
        created = kept.account.created_at or world.clock.now()
        world.tenant.change(
            kept.account.object_id, created_at=created, password_changed_at=created + timedelta(seconds=1)
        )
    return world


def swept(world: World, *, execute: bool = True, **changes: object) -> SweepReport:
    how = {"selection": Selection(), "stop": lambda: False, **changes}
    return sweep(
        reader=world.tenant.reader,
        updater=world.tenant.updater,
        report=world.ledger.report,
        observations=world.ledger.observations,
        clock=world.clock,
        execute=execute,
        **how,  # type: ignore[arg-type]
    )


def choose(world: World, key: str) -> str:
    """Self-service reset: another password, and the flag stays."""
    account = world.account_of(key)
    world.clock.advance(60)
    world.tenant.stored[account.object_id].password = Password("Chosen-Here-1")
    world.tenant.change(account.object_id, password_changed_at=world.clock.now())
    return account.object_id


def test_only_those_who_chose_a_password_lose_the_flag() -> None:
    world = migrated()
    chosen = [choose(world, f"r{number}") for number in (0, 20, 44)]
    before = {one.object_id: one for one in world.tenant.accounts()}
    report = swept(world)
    assert (report.checked, report.cleared, report.failed) == (PEOPLE, 3, 0)
    assert [one.object_id for one in report.changed] == chosen
    for account in world.tenant.accounts():
        is_chosen = account.object_id in chosen
        assert account.flag is (not is_chosen)
        assert account.password_changed_at == before[account.object_id].password_changed_at
    assert world.states()[State.COMPLETE] == 3
    assert world.events_of("r20")[-2:] == [EventKind.PASSWORD_FOUND_CHANGED, EventKind.FLAG_CLEARED]
    assert world.tenant.opens("blank0@example.com", "Chosen-Here-1")


def test_a_dry_run_says_the_same_and_changes_nothing() -> None:
    world = migrated()
    choose(world, "r1")
    before = world.tenant.accounts()
    report = swept(world, execute=False)
    assert (report.cleared, len(report.changed)) == (1, 1)
    assert world.tenant.accounts() == before
    assert world.states() == {State.AWAITING_PASSWORD: PEOPLE}


def test_the_same_twice_is_the_same_once() -> None:
    world = migrated()
    choose(world, "r1")
    swept(world)
    again = swept(world)
    assert (again.checked, again.cleared) == (PEOPLE - 1, 0)


def test_a_flag_that_fell_is_progress_and_others_accounts_are_left_alone() -> None:
    world = migrated()
    fell, foreign, gone = (world.account_of(f"r{number}").object_id for number in (1, 2, 3))
    world.tenant.person_sets_password(fell, Password("Own-Password-1"))
    choose(world, "r2")
    world.tenant.change(foreign, legacy_id="other:people:1")
    del world.tenant.stored[gone]
    report = swept(world)
    assert (report.progressed, report.foreign, report.missing, report.cleared) == (1, 1, 1, 0)
    assert world.tenant.stored[foreign].account.flag is True
    assert world.entries()["r1"].state is State.COMPLETE


def test_a_change_that_is_refused_is_counted_and_tried_again() -> None:
    world = migrated()
    account = choose(world, "r1")
    world.tenant.updater.refuses[account] = Conflict.code
    assert (swept(world).failed, world.entries()["r1"].state) == (1, State.AWAITING_PASSWORD)
    world.tenant.updater.refuses.clear()
    assert (swept(world).cleared, world.entries()["r1"].state) == (1, State.COMPLETE)


def test_what_the_tenant_never_wrote_awaits_its_password_again() -> None:
    world = migrated()
    person = world.entries()["r1"].person_id
    vouched = Observation(person, EventKind.VOUCHED, State.CONFIRMING)
    world.ledger.observations.observe(run="", observed=[vouched], at=world.clock.now())
    world.clock.advance(CONFIRMED_WITHIN.total_seconds() - 1)
    assert (swept(world).returned, world.entries()["r1"].state) == (0, State.CONFIRMING)
    world.clock.advance(2)
    assert (swept(world).returned, world.entries()["r1"].state) == (1, State.AWAITING_PASSWORD)


def test_it_can_be_stopped_between_two_chunks() -> None:
    world = migrated()
    choose(world, "r0")
    choose(world, "r44")
    asked = iter([False, True])
    with pytest.raises(Stopped):
        swept(world, stop=lambda: next(asked))
    assert world.entries()["r0"].state is State.COMPLETE
    assert swept(world).cleared == 1


def test_a_selection_is_kept_to() -> None:
    world = migrated()
    choose(world, "r1")
    assert swept(world, selection=Selection(source="elsewhere")).checked == 0
    assert swept(world, selection=Selection(source="crm")).cleared == 1
