"""The gate, with a clock turned by hand: threads wait as long as traffic says, and no longer than they must."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest
from tests.support.hand_clock import HandClock

from idferry.errors import Stopped
from idferry.graph.costs import FREE, Cost
from idferry.graph.machine import Machine, Pauses
from idferry.graph.pacing import Gate
from idferry.graph.senders import Senders
from idferry.graph.traffic import HeldBack, Passed, Refusal, Scope, Stumbled, Ticket, Traffic
from idferry.rules.quota import PUBLISHED, Allowance, HeldBy, Quota
from idferry.wiring.stepped_time import SteppedClock

CREATE = Cost(20, 100)
READ = Cost(0, 1)
SMALL = Quota(app_writes=Allowance(40, 10), tenant_writes=Allowance(1000, 10))


class Setting:
    """A gate for so many applications, and what belongs to it."""

    def __init__(self, quota: Quota = PUBLISHED, *, applications: int = 1) -> None:
        self.clock = HandClock()
        self.machine = Machine(self.clock, jitter=lambda: 1.0)
        self.traffic = Traffic(quota, applications=applications, jitter=lambda: 1.0)
        self.gate = Gate(self.machine, self.traffic)

    def enter(self, cost: Cost = CREATE) -> Ticket:
        return self.gate.enter(cost, pauses=self.machine.pauses)

    def pass_one(self, cost: Cost = CREATE) -> Ticket:
        ticket = self.enter(cost)
        self.gate.report(ticket, Passed(), spent=cost)
        return ticket


def test_calls_pass_without_waiting_while_there_is_room() -> None:
    setting = Setting()
    for _ in range(30):
        setting.pass_one()
    assert setting.clock.elapsed() == 0
    assert setting.gate.pace().held_by is HeldBy.NOBODY


def test_an_allowance_that_is_used_up_is_waited_for_to_the_point() -> None:
    setting = Setting(SMALL)
    for _ in range(4):
        setting.pass_one()
    assert setting.clock.elapsed() == pytest.approx(10.0), "40 at once, then 4 a second"


def test_a_refused_call_holds_everybody_back_for_as_long_as_the_tenant_says() -> None:
    setting = Setting()
    first, second = setting.enter(), setting.enter()
    setting.gate.report(first, HeldBack((Refusal(retry_after_s=17.0),)))
    setting.gate.report(second, Passed(), spent=CREATE)
    pace = setting.gate.pace()
    assert (pace.waiting_s, pace.held_by) == (17.0, HeldBy.TENANT)
    setting.pass_one(READ)
    assert setting.clock.elapsed() == pytest.approx(17.0)


def test_whoever_must_leave_by_a_moment_waits_no_longer_than_it_is_worth() -> None:
    setting = Setting()
    setting.gate.report(setting.enter(), HeldBack((Refusal(retry_after_s=17.0),)))
    with pytest.raises(Stopped):
        setting.gate.enter(READ, pauses=setting.machine.pauses, leave_by_s=10.0)
    assert setting.clock.elapsed() == 0, "it is known beforehand that it would be too late"
    setting.gate.report(setting.gate.enter(READ, pauses=setting.machine.pauses, leave_by_s=18.0), Passed())
    assert setting.clock.elapsed() == pytest.approx(17.0)
    with pytest.raises(Stopped):
        setting.gate.enter(READ, pauses=setting.machine.pauses, leave_by_s=17.0)


def test_while_the_directory_fails_one_call_at_a_time_tries() -> None:
    setting = Setting()
    setting.gate.report(setting.enter(), Stumbled(), spent=CREATE)
    probe = setting.enter()
    entered: Future[Ticket] = Future()
    other = threading.Thread(target=lambda: entered.set_result(setting.enter()))
    other.start()
    with pytest.raises(TimeoutError):
        entered.result(0.1)
    setting.gate.report(probe, Passed(), spent=CREATE)
    entered.result(5)
    other.join()


def test_a_call_that_did_not_leave_costs_nothing() -> None:
    setting = Setting(SMALL)
    for _ in range(10):
        setting.gate.give_back(setting.enter())
    assert setting.clock.elapsed() == 0


def test_a_ticket_is_void_once_somebody_else_was_refused() -> None:
    setting = Setting()
    held, refused = setting.enter(), setting.enter()
    assert setting.gate.is_open(held)
    setting.gate.report(refused, HeldBack((Refusal(retry_after_s=5.0),)), spent=FREE)
    assert not setting.gate.is_open(held)


@pytest.mark.parametrize("seconds", [3000.0, None])
def test_closing_wakes_whoever_waits(seconds: float | None) -> None:
    class Standing(HandClock):
        """A clock that stands still: whoever waits for it waits until something happens."""

        def sleep(self, seconds: float, *, unless: Future[None] | None = None) -> None:
            assert unless
            unless.result(10)

    setting = Setting()
    machine = Machine(Standing(), jitter=lambda: 1.0)
    setting.gate = Gate(machine, setting.traffic)
    setting.gate.report(setting.enter(), HeldBack((Refusal(retry_after_s=seconds),)))
    pauses = Pauses(clock=machine.clock)
    heard: list[BaseException] = []

    def wait() -> None:
        try:
            setting.gate.enter(CREATE, pauses=pauses)
        except Stopped as error:
            heard.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    pauses.close()
    waiting.join(5)
    assert not waiting.is_alive()
    assert len(heard) == 1
    with pytest.raises(Stopped):
        pauses.rest(1)


def test_no_sender_sleeps_out_the_hold_of_an_application_that_others_do_not_share() -> None:
    clock = SteppedClock(datetime(2026, 1, 1, tzinfo=UTC))
    machine = Machine(clock, crew=clock, jitter=lambda: 0.5)
    gate = Gate(machine, Traffic(PUBLISHED, applications=2, jitter=lambda: 0.5))
    senders = Senders(threads=8, name="sender", crew=clock)
    asked_s: list[float] = []

    def refusal(ticket: Ticket) -> float | None:
        """From the second second on one application is refused for an hour, the other one for five seconds."""
        now_s = clock.elapsed()
        if now_s <= 2:
            return None
        return 3_600.0 if ticket.lane == 0 else 7 - now_s if now_s < 6.5 else None

    def carried(cost: Cost) -> Callable[[], float]:
        def carry() -> float:
            began_s = clock.elapsed()
            while True:
                ticket = gate.enter(cost, pauses=machine.pauses)
                clock.sleep(0.3)
                seconds = refusal(ticket)
                if seconds is None:
                    gate.report(ticket, Passed(), spent=cost)
                    return clock.elapsed() - began_s
                asked_s.append(seconds)
                gate.report(ticket, HeldBack((Refusal(Scope.APPLICATION_ELSEWHERE, seconds),)))

        return carry

    calls: set[Future[float]] = {senders.submit(carried(CREATE)) for _ in range(250)}
    waiting: set[Future[float]] = set(calls)
    while waiting:
        waiting -= set(clock.wait_for(waiting, 10.0))
    assert max(asked_s) == 3_600
    assert min(asked_s) < 10, "both were refused"
    assert max(call.result() for call in calls) < 10, "how long any one of them took"
