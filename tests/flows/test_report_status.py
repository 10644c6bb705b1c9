"""Status: computed from ledger rows alone."""

from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import pytest
from tests.support.builders import MemorySource, World, crowd
from tests.support.verification import planned

from idferry.errors import QuotaExceeded
from idferry.flows.report_status import Status, report_status
from idferry.rules.answers import Fatal, Rejected
from idferry.rules.entry import Selection, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.quota import Pace


def status(world: World, selection: Selection | None = None, *, is_run_active: bool = True) -> Status:
    return report_status(
        ledger=world.ledger.report,
        runs=world.ledger.report,
        captures=world.ledger.captures,
        clock=world.clock,
        selection=selection or Selection(),
        is_run_active=lambda: is_run_active,
        pace=Pace(people_per_s=20.0),
    )


def test_an_empty_ledger_has_nothing_to_tell() -> None:
    told = status(World(MemorySource([])))
    assert (told.states, told.failures, told.rate, told.time_left_s, told.runs) == ({}, [], 0.0, None, [])


def test_when_everything_is_done_nothing_moves() -> None:
    world = World(MemorySource(crowd(8)))
    world.tenant.plan_faults([Rejected("invalid_value", "x"), Rejected("invalid_value", "y")])
    world.premigrate()
    told = status(world)
    assert sum(told.states.values()) == 8
    assert [(one.code, one.count) for one in told.failures] == [("invalid_value", 2)]
    assert (told.rate, told.time_left_s) == (0.0, None)
    assert [run.ended_at is not None for run in told.runs] == [True]


def test_the_rate_of_late_says_how_long_the_rest_takes() -> None:
    world = World(MemorySource(crowd(100)))
    world.tenant.plan_faults(chain(repeat(None, 40), repeat(Fatal("quota_exceeded", "full"))))
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    world.clock.advance(10)
    told = status(world)
    assert (told.rate, told.time_left_s) == (4.0, 15.0)
    assert told.states[State.PLANNED] + told.states[State.CREATING] == 60
    stopped = status(world, is_run_active=False)
    assert (stopped.rate, stopped.time_left_s) == (0.0, None), "nobody is at work"
    world.clock.advance(300)
    later = status(world)
    assert (later.rate, later.time_left_s) == (0.0, None), "an interrupted run does not move"


def test_a_selection_restricts_the_counts() -> None:
    world = World(MemorySource(crowd(8)))
    run = world.premigrate(take_up=TakeUp(cohort="pilot"), limit=2, command="pilot").run
    world.premigrate()
    for selection in (Selection(cohort="pilot"), Selection(run=run)):
        assert sum(status(world, selection).states.values()) == 2
    assert [one.command for one in status(world).runs] == ["premigrate", "pilot"]


def test_a_run_that_has_just_begun_has_no_absurd_rate() -> None:
    world = World(MemorySource(crowd(100)))
    world.tenant.plan_faults(chain(repeat(None, 40), repeat(Fatal("quota_exceeded", "full"))))
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    assert status(world).rate == 40.0
    assert world.clock.now() - datetime(2026, 3, 1, 12, tzinfo=UTC) < timedelta(seconds=1)


def test_the_rest_of_a_selection_is_divided_by_its_own_pace() -> None:
    world = World(MemorySource(crowd(100)))
    world.premigrate(take_up=TakeUp(cohort="first"), limit=40, command="first")
    world.tenant.plan_faults(chain(repeat(None, 20), repeat(Fatal("quota_exceeded", "full"))))
    with pytest.raises(QuotaExceeded):
        world.premigrate(take_up=TakeUp(cohort="rest"))
    world.clock.advance(10)
    everybody, run = status(world), world.ledger.report.runs()[0].run
    assert (everybody.rate, everybody.time_left_s) == (6.0, 6.7)
    for rest in (Selection(cohort="rest"), Selection(run=run)):
        assert (status(world, rest).rate, status(world, rest).time_left_s) == (2.0, 20.0)
    first, nobody = status(world, Selection(cohort="first")), status(world, Selection(cohort="nobody"))
    assert (first.rate, first.time_left_s) == (4.0, 0.0)
    assert (nobody.rate, nobody.time_left_s) == (0.0, None)


def test_whom_sign_ins_have_claimed_is_told_and_those_of_whom_nothing_was_heard() -> None:
    world = planned()
    for key, minutes in (("0", 0), ("1", 8)):
        world.clock.advance(minutes * 60)
        assert world.ledger.claims.claim(world.entries()[key].person_id, at=world.clock.now())
    told = status(world)
    assert (told.claimed, told.claims_overdue) == (2, 0)
    world.clock.advance(3 * 60)
    told = status(world)
    assert (told.claimed, told.claims_overdue) == (2, 1)
    assert status(world, Selection(source="elsewhere")).claimed == 0
