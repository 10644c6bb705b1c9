"""Who may make the next call: applications, scopes, and what happens after something went wrong."""

import pytest

from idferry.graph.costs import FREE, WRITE, Cost
from idferry.graph.traffic import (
    HeldBack,
    Passed,
    Refusal,
    Scope,
    Stumbled,
    Ticket,
    Traffic,
    Verdict,
    Wait,
    scope_of,
)
from idferry.rules.quota import PUBLISHED, Allowance, HeldBy, Quota

CREATE = Cost(20, 100)
READ = Cost(0, 1)
T = 1_000.0


def traffic_of(applications: int = 1, quota: Quota = PUBLISHED) -> Traffic:
    return Traffic(quota, applications=applications, jitter=lambda: 1.0)


def enter(traffic: Traffic, cost: Cost = CREATE, *, at_s: float = T, only: int | None = None) -> Ticket:
    found = traffic.enter(cost, now_s=at_s, only=only)
    assert isinstance(found, Ticket), found
    return found


def wait(traffic: Traffic, cost: Cost = CREATE, *, at_s: float = T, only: int | None = None) -> Wait:
    found = traffic.enter(cost, now_s=at_s, only=only)
    assert isinstance(found, Wait), found
    return found


def report(traffic: Traffic, ticket: Ticket, verdict: Verdict, *, at_s: float = T) -> None:
    spent = ticket.cost if isinstance(verdict, Passed) else FREE
    traffic.report(ticket, verdict, spent=spent, now_s=at_s)


@pytest.mark.parametrize(
    ("header", "scope"),
    [
        ("Tenant_Application/Write/11/22", Scope.APPLICATION_WRITES),
        ("tenant_application/write/11/22", Scope.APPLICATION_WRITES),
        ("Tenant_Application/ReadWrite/11/22", Scope.APPLICATION_UNITS),
        ("Tenant_Application/Read/11/22", Scope.APPLICATION_UNITS),
        ("Tenant_Application", Scope.APPLICATION_UNITS),
        ("Application/Write/11/22", Scope.APPLICATION_ELSEWHERE),
        ("Tenant/Write/11/22", Scope.TENANT_WRITES),
        ("Tenant/ReadWrite/11/22", Scope.UNKNOWN),
        ("Applications/Write", Scope.UNKNOWN),
        ("", Scope.UNKNOWN),
        (None, Scope.UNKNOWN),
    ],
)
def test_whom_a_429_is_about(header: str | None, scope: Scope) -> None:
    assert scope_of(header) is scope


@pytest.mark.parametrize(
    "scope", [Scope.APPLICATION_WRITES, Scope.APPLICATION_UNITS, Scope.APPLICATION_ELSEWHERE]
)
def test_one_application_is_held_back_and_the_others_go_on(scope: Scope) -> None:
    traffic = traffic_of(2)
    ticket = enter(traffic, only=0)
    report(traffic, ticket, HeldBack((Refusal(scope, 17.0),)))
    held = wait(traffic, only=0, at_s=T + 1)
    assert (held.seconds, held.held_by) == (16.0, HeldBy.TENANT)
    assert enter(traffic, at_s=T + 1).lane == 1


@pytest.mark.parametrize("scope", [Scope.TENANT_WRITES, Scope.UNKNOWN])
def test_all_applications_are_held_back(scope: Scope) -> None:
    traffic = traffic_of(2)
    report(traffic, enter(traffic, only=0), HeldBack((Refusal(scope, 17.0),)))
    for lane in (0, 1):
        assert wait(traffic, READ, only=lane).seconds == 17.0


def test_the_directory_failing_holds_all_applications_back_as_one() -> None:
    traffic = traffic_of(3)
    tickets = [enter(traffic) for _ in range(9)]
    for ticket in tickets:
        report(traffic, ticket, Stumbled())
    assert wait(traffic).seconds == 1.0, "heard nine times, and still the first failure"
    probe = enter(traffic, at_s=T + 1)
    assert wait(traffic, at_s=T + 1).seconds is None, "one tries whether it is back"
    report(traffic, probe, Stumbled(), at_s=T + 2)
    assert wait(traffic, at_s=T + 2).seconds == 2.0


def test_after_a_failure_twice_as_many_follow_with_each_call_that_passes() -> None:
    traffic = traffic_of()
    report(traffic, enter(traffic), Stumbled(5.0))
    under_way = []
    for width in (1, 2, 4, 8):
        while isinstance(found := traffic.enter(READ, now_s=T + 5), Ticket):
            under_way.append(found)
        assert len(under_way) == width
        report(traffic, under_way.pop(), Passed(), at_s=T + 5)


def test_the_longest_of_several_waits_counts() -> None:
    traffic = traffic_of()
    tickets = [enter(traffic) for _ in range(3)]
    for ticket, seconds in zip(tickets, (3.0, 40.0, 5.0), strict=True):
        report(traffic, ticket, HeldBack((Refusal(Scope.UNKNOWN, seconds),)))
    assert wait(traffic).seconds == 40.0


def test_without_retry_after_the_wait_doubles_until_something_passes() -> None:
    traffic = traffic_of()
    now_s, waits = T, []
    for _ in range(4):
        report(traffic, enter(traffic, READ, at_s=now_s), HeldBack((Refusal(),)), at_s=now_s)
        waits.append(wait(traffic, READ, at_s=now_s).seconds)
        now_s += waits[-1] or 0.0
    assert waits == [1, 2, 4, 8]
    report(traffic, enter(traffic, READ, at_s=now_s), HeldBack((Refusal(),), some_passed=True), at_s=now_s)
    assert wait(traffic, READ, at_s=now_s).seconds == 1


def test_the_next_call_goes_to_the_application_with_the_most_room() -> None:
    traffic = traffic_of(3)
    assert [enter(traffic).lane for _ in range(6)] == [0, 1, 2, 0, 1, 2]
    traffic = traffic_of(2)
    for _ in range(3):
        enter(traffic, only=0)
    assert [enter(traffic).lane for _ in range(3)] == [1, 1, 1]


def test_the_tenant_has_one_allowance_for_all() -> None:
    traffic = traffic_of(2, Quota(tenant_writes=Allowance(60, 6)))
    for _ in range(3):
        report(traffic, enter(traffic), Passed())
    paced = wait(traffic)
    assert (paced.seconds, paced.held_by) == (pytest.approx(2.0), HeldBy.PACING)
    assert enter(traffic, READ), "reading takes no writes"


def test_the_pace_is_that_of_all_applications_together() -> None:
    for applications, rate, at_once in ((1, 20, 3_000), (3, 60, 9_000), (7, 60, 18_000)):
        pace = traffic_of(applications).pace(T)
        assert (pace.waiting_s, pace.held_by) == (0, HeldBy.NOBODY)
        assert (pace.people_per_s, pace.at_once) == (rate, at_once)


def test_the_pace_says_who_holds_us_back_and_for_how_long() -> None:
    traffic = traffic_of(1, Quota(app_writes=Allowance(20, 10)))
    report(traffic, enter(traffic), Passed())
    pace = traffic.pace(T)
    assert (pace.held_by, pace.at_once, pace.waiting_s) == (
        HeldBy.PACING,
        0,
        pytest.approx(0.5, abs=0.001),
    )
    ticket = enter(traffic, READ)
    report(traffic, ticket, HeldBack((Refusal(Scope.UNKNOWN, 30.0),)))
    pace = traffic.pace(T)
    assert (pace.held_by, pace.waiting_s) == (HeldBy.TENANT, 30.0)


def test_a_dearer_creation_makes_fewer_people_of_the_same_writes() -> None:
    pace = traffic_of(1, Quota(creation_writes=5)).pace(T)
    assert (pace.people_per_s, pace.at_once) == (4, 600)


def test_a_change_costs_a_write_however_dear_a_creation_is() -> None:
    pace = traffic_of(1, Quota(creation_writes=5)).pace(T, cost=WRITE)
    assert (pace.people_per_s, pace.at_once, pace.burst) == (20, 3_000, 3_000)


def test_while_one_application_tries_the_others_need_not_wait_out_a_long_hold() -> None:
    traffic = _one_held_for_an_hour_while_the_other_tries()
    held = wait(traffic, at_s=T + 6)
    assert (held.seconds, held.held_by) == (3_594.0, HeldBy.TENANT)
    assert held.listens, "it may go on as soon as the other one is answered"
    alone = wait(traffic, at_s=T + 6, only=0)
    assert not alone.listens


def test_the_pace_is_that_of_the_application_that_tries_and_not_of_the_one_that_is_held_for_an_hour() -> None:
    pace = _one_held_for_an_hour_while_the_other_tries().pace(T + 6)
    assert (pace.waiting_s, pace.held_by) == (0, HeldBy.PACING)
    assert (pace.people_per_s, pace.burst) == (20, 3_000)
    assert pace.at_once <= 3_000


def test_the_pace_counts_everybody_who_goes_on_soon_after_the_first() -> None:
    traffic = traffic_of(3)
    for lane, hold_s in ((0, 3_600.0), (1, 3_600.0 + 149), (2, 3_600.0 + 151)):
        refusal = Refusal(Scope.APPLICATION_ELSEWHERE, hold_s)
        report(traffic, enter(traffic, only=lane), HeldBack((refusal,)))
    pace = traffic.pace(T)
    assert (pace.waiting_s, pace.held_by) == (3_600, HeldBy.TENANT)
    assert (pace.people_per_s, pace.burst) == (40, 6_000)
    assert pace.seconds_for(100_000) == 3_600 + (100_000 - 6_000) / 40


def _one_held_for_an_hour_while_the_other_tries(*, free: int = 0) -> Traffic:
    """Six seconds after T; `free` applications stand beside them, unused and failing like the rest."""
    traffic = traffic_of(2)
    for lane, hold_s in ((0, 3_600.0), (1, 5.0)):
        refusal = Refusal(Scope.APPLICATION_ELSEWHERE, hold_s)
        report(traffic, enter(traffic, only=lane), HeldBack((refusal,)))
    assert enter(traffic, at_s=T + 6).lane == 1
    return traffic
