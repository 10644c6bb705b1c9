"""How many people are planned at once: so many that whoever else writes to the ledger has his turn soon."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.support.builders import PROJECT, MemorySource, federated_only
from tests.support.hand_clock import HandClock

from idferry.flows.plan_people import BATCH_PEOPLE, BATCH_SECONDS, plan_people
from idferry.rules.account import TenantKind
from idferry.rules.entry import PlanEffect, PlanItem, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.plan import PlanRules

RULES = PlanRules(project=PROJECT, tenant_kind=TenantKind.B2C)
PLANNED = PlanEffect(State.PLANNED)
CROWD = MemorySource([federated_only(number) for number in range(30_000)])


@dataclass
class SlowLedger:
    """A PlanLedger that takes its time for everybody; `stalls` names calls (from 0) that take ten times as long."""

    clock: HandClock
    seconds_each: float
    stalls: frozenset[int] = frozenset()
    people: list[int] = field(default_factory=list)
    held_s: list[float] = field(default_factory=list)

    def begin_planning(self) -> None:
        pass

    def plan(
        self, items: Sequence[PlanItem], *, run: str, take_up: TakeUp, at: datetime
    ) -> Sequence[PlanEffect]:
        slower = 10 if len(self.people) in self.stalls else 1
        self.people.append(len(items))
        self.held_s.append(len(items) * self.seconds_each * slower)
        self.clock.advance(self.held_s[-1])
        return [PLANNED] * len(items)


def planned(seconds_each: float, *, stalls: frozenset[int] = frozenset()) -> SlowLedger:
    clock = HandClock()
    ledger = SlowLedger(clock, seconds_each, stalls)
    plan_people(source=CROWD, ledger=ledger, rules=RULES, clock=clock, tell=lambda _happening: None)
    assert sum(ledger.people) == len(CROWD.humans)
    return ledger


def test_a_ledger_on_a_slow_disk_is_held_no_longer_than_on_a_fast_one() -> None:
    for seconds_each in (41e-6, 210e-6, 910e-6):
        held_s = planned(seconds_each).held_s
        assert max(held_s[1:]) <= BATCH_SECONDS * 1.001
        assert min(held_s[2:-1]) > BATCH_SECONDS / 2.5, "it is no use to come back for a few"


def test_where_a_batch_takes_no_time_the_largest_are_planned() -> None:
    people = planned(1e-6).people
    assert max(people) == BATCH_PEOPLE
    assert len(people) < 8


def test_after_a_moment_in_which_the_disk_stood_still_there_are_as_many_as_before() -> None:
    ledger = planned(61e-6, stalls=frozenset({5}))
    assert ledger.people[4] == ledger.people[5]
    assert ledger.people[6] < ledger.people[5] / 9
    assert max(ledger.people[7:]) == ledger.people[4]
    assert max(ledger.held_s[6:]) <= BATCH_SECONDS * 1.001
