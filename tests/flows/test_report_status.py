"""Status: computed from ledger rows alone."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

import pytest
from tests.support.builders import MemorySource, World, crowd
from tests.support.hand_clock import HandClock
from tests.support.metered_tenant import Journey, Tenant

from idferry.errors import QuotaExceeded
from idferry.flows.report_status import Status, report_status
from idferry.rules.answers import Fatal, Rejected
from idferry.rules.entry import FailureGroup, Run, Selection, Settled, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.quota import PUBLISHED, rate_of


def status(world: World, selection: Selection | None = None, *, is_run_active: bool = True) -> Status:
    return report_status(
        ledger=world.ledger.report,
        runs=world.ledger.report,
        clock=world.clock,
        selection=selection or Selection(),
        is_run_active=lambda: is_run_active,
        people_per_s_max=20.0,
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
    world.clock.advance(20)
    told = status(world)
    assert (told.rate, told.time_left_s) == (2.0, 30.0)
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
    world.clock.advance(20)
    everybody, run = status(world), world.ledger.report.runs()[0].run
    assert (everybody.rate, everybody.time_left_s) == (3.0, 13.3)
    for rest in (Selection(cohort="rest"), Selection(run=run)):
        assert (status(world, rest).rate, status(world, rest).time_left_s) == (1.0, 40.0)
    first, nobody = status(world, Selection(cohort="first")), status(world, Selection(cohort="nobody"))
    assert (first.rate, first.time_left_s) == (2.0, 0.0)
    assert (nobody.rate, nobody.time_left_s) == (0.0, None)


# --- while the tenant throttles ----------------------------------------------------------------------------------


class Traced:
    """A ledger of a run of which only is known how many people were settled when."""

    def __init__(self, total: int, began: datetime) -> None:
        self.total, self.began = total, began
        self.trace: list[tuple[datetime, int]] = []

    def settled_since(self, since: datetime, selection: Selection) -> Settled:
        before = bisect_left(self.trace, since, key=lambda point: point[0])
        done_before = self.trace[before - 1][1] if before else 0
        later = self.trace[before:]
        return (
            Settled(later[-1][1] - done_before, later[0][0], later[-1][0])
            if later
            else Settled(0, None, None)
        )

    def runs(self) -> list[Run]:
        return [Run("r", "premigrate", "crm", "", "", self.began, None)]

    def states(self, selection: Selection) -> dict[State, int]:
        done = self.trace[-1][1] if self.trace else 0
        return {State.COMPLETE: done, State.PLANNED: self.total - done}

    def failures(self, selection: Selection) -> list[FailureGroup]:
        return []


def left_as_told(journey: Journey, *, began_before: timedelta = timedelta()) -> dict[float, float]:
    """Seconds since the run began -> seconds left as `status` would tell."""
    clock = HandClock()
    began, ledger = clock.now(), Traced(journey.people, clock.now() - began_before)
    told: dict[float, float] = {}

    def watch(journey: Journey) -> None:
        done = ledger.trace[-1][1] if ledger.trace else 0
        if journey.done > done:
            ledger.trace.append((began + timedelta(seconds=journey.seconds), journey.done))
        if journey.seconds - clock.elapsed() >= 5:
            clock.advance(journey.seconds - clock.elapsed())
            left = report_status(
                ledger=ledger,  # type: ignore[arg-type]
                runs=ledger,
                clock=clock,
                selection=Selection(),
                is_run_active=lambda: True,
                people_per_s_max=rate_of(PUBLISHED, applications=journey.applications),
            ).time_left_s
            told[journey.seconds] = left or 0.0

    journey.watch = watch
    journey.run()
    return told


def test_a_tenant_that_grants_nothing_for_two_minutes_has_not_slowed_down() -> None:
    journey = Journey(people=100_000, tenant=Tenant("sliding-window"))
    told = left_as_told(journey)
    for moment in (60, 120, journey.seconds / 2):
        at_s = min(told, key=lambda one: abs(one - moment))
        assert told[at_s] == pytest.approx(journey.seconds - at_s, rel=0.1), f"{at_s:.0f} s after the start"


@pytest.mark.parametrize(("scale", "moments"), [(1.0, (210, 220)), (0.6, (660, 675))])
def test_a_silence_between_two_windows_tells_nothing_and_several_windows_do(
    scale: float, moments: tuple[int, ...]
) -> None:
    """At first the quota is believed; a tenant that grants less is believed when it has shown it several times."""
    journey = Journey(people=60_000, tenant=Tenant("fixed-window", scale=scale))
    told = left_as_told(journey)
    for moment in moments:
        at_s = min(told, key=lambda one: abs(one - moment))
        assert told[at_s] == pytest.approx(journey.seconds - at_s, rel=0.1), f"{at_s:.0f} s after the start"


@pytest.mark.parametrize("scale", [1.0, 0.6])
@pytest.mark.parametrize("applications", [1, 3])
def test_the_time_left_is_right_while_the_tenant_throttles(applications: int, scale: float) -> None:
    journey = Journey(people=20_000 * applications, applications=applications, tenant=Tenant(scale=scale))
    told = left_as_told(journey)
    for moment in (60, journey.seconds / 2, journey.seconds * 0.9):
        at_s = min(told, key=lambda one: abs(one - moment))
        assert told[at_s] == pytest.approx(journey.seconds - at_s, rel=0.1), f"{at_s:.0f} s after the start"


def test_the_time_left_is_right_soon_after_a_run_was_taken_up_again() -> None:
    journey = Journey(people=20_000)
    told = left_as_told(journey, began_before=timedelta(hours=9))
    at_s = min(told, key=lambda one: abs(one - 60))
    assert told[at_s] == pytest.approx(journey.seconds - at_s, rel=0.1)
