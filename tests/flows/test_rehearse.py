"""Rehearsing runs the very premigration and verification, and measures them by its own clock."""

from dataclasses import dataclass

from tests.support.builders import (
    PROJECT,
    Human,
    MemorySource,
    World,
    assert_true_to_life,
    crowd,
    with_password,
)
from tests.support.hand_clock import HandClock
from tests.support.memory_directory import FLAG, MemoryTenant

from idferry.flows.premigrate import Intake, Ledgers
from idferry.flows.rehearse import RehearsalLedger, RehearsalReport, RehearsalTenant, rehearse
from idferry.flows.send_people import SendLimits
from idferry.rules.answers import Rejected
from idferry.rules.entry import TakeUp
from idferry.rules.happenings import PeopleSettled


@dataclass
class SlowTenant(MemoryTenant):
    """Creating somebody takes a second of the hand clock."""

    seconds: float = 1.0

    def create(self, order):  # type: ignore[no-untyped-def]
        assert isinstance(self.clock, HandClock)
        self.clock.advance(self.seconds)
        return super().create(order)


def rehearsed(world: World, *, limit: int | None = None) -> RehearsalReport:
    ledger, tenant = world.ledger, world.tenant
    return rehearse(
        source=world.source,
        intake=Intake(world.rules, TakeUp(), lambda _user: True, limit),
        project=PROJECT,
        ledger=RehearsalLedger(
            Ledgers(ledger.plan, ledger.runs, ledger.send), ledger.report, ledger.observations, ledger.records
        ),
        tenant=RehearsalTenant(tenant.inspector, tenant.writer, tenant.reader, FLAG),
        clock=world.clock,
        random_below=world._below,
        tell=world.told.append,
        limits=SendLimits(chunks_under_way_max=1),
    )


def test_everybody_is_created_and_read_back() -> None:
    world = World(MemorySource(crowd(90)))
    report = rehearsed(world)
    assert_true_to_life(world)
    assert report.premigrated.send.created == report.verified.checked == 90
    assert report.verified.differences == 0
    assert any(isinstance(one, PeopleSettled) for one in world.told), "nobody hears of the progress"


def test_time_is_measured_from_the_first_call_to_the_last_answer() -> None:
    """A second for each of 60 people: the best ten seconds see one chunk of twenty."""
    world = World(MemorySource(crowd(60)), SlowTenant())
    world.clock.advance(1000)
    report = rehearsed(world)
    assert report.sending_s == 60.0
    assert report.peak_per_s == 1.0
    assert report.verifying_s == 0.0


def test_phones_of_planned_people_are_counted() -> None:
    phone = {"mobilePhone": "+351 900 000 000"}
    humans = [
        Human("a", "a@example.com", attributes=phone),
        Human("b", "b@example.com"),
        Human("c", "A@example.com", attributes=phone),  # left out: the name is taken
        Human("d", attributes=phone),  # refused: no identity
        Human("e", "e@example.com", attributes=phone),
    ]
    assert rehearsed(World(MemorySource(humans))).phones == 2


def test_failures_name_examples() -> None:
    humans = [with_password(number) for number in range(12)]
    world = World(MemorySource(humans))
    world.tenant.script = iter([Rejected("invalid_value", "no") for _ in range(8)])
    report = rehearsed(world)
    assert {group.code: group.count for group in report.failures} == {"invalid_value": 8}
    assert list(report.failure_examples["invalid_value"]) == [f"k{number}" for number in range(5)]


def test_a_part_of_the_source_leaves_nobody_missing() -> None:
    world = World(MemorySource(crowd(30)))
    report = rehearsed(world, limit=10)
    assert report.premigrated.send.created == 10
    assert report.verified.differences == 0
