"""The gate, with a clock turned by hand."""

import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from tests.support.hand_clock import HandClock

from idferry.errors import Stopped
from idferry.graph.machine import Machine
from idferry.graph.pacing import (
    BACKOFF_SECONDS_MAX,
    Gate,
    HeldBack,
    Passed,
    Stumbled,
    backoff_seconds,
    retry_after_seconds,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def gate_with(clock: HandClock) -> Gate:
    return Gate(Machine(clock, jitter=lambda: 1.0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", 30.0),
        ("0.249", 0.249),
        (" 7 ", 7.0),
        (format_datetime(NOW.replace(minute=2), usegmt=True), 120.0),
        ("99999999", 3600.0),
        ("inf", 3600.0),
        (format_datetime(NOW.replace(hour=11), usegmt=True), None),
        ("0", None),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("Thu, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Thu, 99999999999999999999 Jan 2026 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 00:00:00 +99999999999999999999", None),
        ("Thu, 01 Jan 0001 00:00:00 +2300", None),
        ("Thu, 01 Jan 9999 00:00:00 -2359", 3600.0),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_every_form(text: str | None, expected: float | None) -> None:
    assert retry_after_seconds(text, now=NOW) == expected


def test_backoff_doubles_up_to_its_limit_and_jitter_takes_at_most_half() -> None:
    whole = [backoff_seconds(failures, jitter=1.0) for failures in range(1, 8)]
    assert whole == [1, 2, 4, 8, 16, 30, 30]
    assert backoff_seconds(10_000, jitter=0.0) == BACKOFF_SECONDS_MAX / 2


def test_calls_pass_without_waiting_while_all_goes_well() -> None:
    clock = HandClock()
    gate = gate_with(clock)
    for _ in range(100):
        gate.report(gate.enter(), Passed())
    assert clock.elapsed() == 0
    assert gate.waiting_seconds() == 0


def test_a_throttled_call_holds_everybody_back_for_as_long_as_the_tenant_says() -> None:
    clock = HandClock()
    gate = gate_with(clock)
    first, second = gate.enter(), gate.enter()
    gate.report(first, HeldBack(17.0))
    gate.report(second, Passed())
    assert gate.waiting_seconds() == 17.0
    gate.report(gate.enter(), Passed())
    assert clock.elapsed() == pytest.approx(17.0)
    assert gate.waiting_seconds() == 0


def test_the_longest_of_several_waits_counts() -> None:
    gate = gate_with(HandClock())
    tickets = [gate.enter() for _ in range(3)]
    for ticket, seconds in zip(tickets, (3.0, 40.0, 5.0), strict=True):
        gate.report(ticket, HeldBack(seconds))
    assert gate.waiting_seconds() == 40.0


def test_without_retry_after_the_wait_doubles_until_something_passes() -> None:
    clock = HandClock()
    gate = gate_with(clock)
    waits = []
    for _ in range(4):
        gate.report(gate.enter(), HeldBack(None))
        waits.append(gate.waiting_seconds())
    assert waits == pytest.approx([1, 2, 4, 8])
    gate.report(gate.enter(), HeldBack(None, some_passed=True))
    assert gate.waiting_seconds() == pytest.approx(1)


def test_failures_heard_by_calls_that_were_under_way_together_count_once() -> None:
    gate = gate_with(HandClock())
    tickets = [gate.enter() for _ in range(8)]
    for ticket in tickets:
        gate.report(ticket, Stumbled())
    assert gate.waiting_seconds() == 1.0


def test_while_the_directory_fails_one_call_at_a_time_tries() -> None:
    gate = gate_with(HandClock())
    gate.report(gate.enter(), Stumbled())
    probe = gate.enter()
    entered = threading.Event()

    def enter() -> None:
        gate.enter()
        entered.set()

    other = threading.Thread(target=enter)
    other.start()
    assert not entered.wait(0.25)
    gate.report(probe, Passed())
    assert entered.wait(5)
    other.join()


def test_closing_wakes_whoever_waits() -> None:
    class RealWait(HandClock):
        """A clock that stands still and lets real time pass a little."""

        def sleep(self, seconds: float, *, unless: Future[None] | None = None) -> None:
            threading.Event().wait(min(seconds, 0.01))

    machine = Machine(RealWait(), jitter=lambda: 1.0)
    gate = Gate(machine)
    gate.report(gate.enter(), HeldBack(3000.0))
    heard: list[BaseException] = []

    def wait() -> None:
        try:
            gate.enter()
        except Stopped as error:
            heard.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    machine.pauses.close()
    waiting.join(5)
    assert not waiting.is_alive()
    assert len(heard) == 1
    with pytest.raises(Stopped):
        machine.pauses.rest(1)
