"""The Clock, over every implementation: waiting ends when it should, and no later."""

import threading
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest
from tests.support.hand_clock import HandClock

from idferry.ports import Clock
from idferry.wiring.stepped_time import SteppedClock
from idferry.wiring.system import SystemClock

LONG_S = 5.0
SLOW_ENOUGH_S = 0.05


@pytest.fixture(params=["system", "hand", "stepped"])
def clock(request: pytest.FixtureRequest) -> Clock:
    clocks = {
        "system": SystemClock,
        "hand": HandClock,
        "stepped": lambda: SteppedClock(datetime(2026, 3, 1, tzinfo=UTC)),
    }
    made: Clock = clocks[request.param]()
    return made


@pytest.fixture
def worker(clock: Clock) -> "Worker":
    return Worker(clock)


class Worker:
    """A thread that has something to do, counted where somebody counts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def soon(self) -> Future[None]:
        """Done a little later."""
        future: Future[None] = Future()
        crew = self._clock if isinstance(self._clock, SteppedClock) else None
        if crew:
            crew.begin()

        def work() -> None:
            future.set_result(None)
            if crew:
                crew.end()

        threading.Timer(SLOW_ENOUGH_S, work).start()
        return future


def done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future


def test_now_has_a_zone_and_elapsed_never_goes_back(clock: Clock) -> None:
    assert clock.now().utcoffset() is not None
    before_s = clock.elapsed()
    clock.sleep(0.01)
    assert clock.elapsed() > before_s


def test_sleeping_takes_that_long(clock: Clock) -> None:
    before_s = clock.elapsed()
    clock.sleep(SLOW_ENOUGH_S)
    assert SLOW_ENOUGH_S * 0.9 <= clock.elapsed() - before_s < LONG_S
    clock.sleep(0.0)
    clock.sleep(-1.0 if not isinstance(clock, SystemClock) else 0.0)


def test_sleeping_unless_something_happens_ends_with_it(clock: Clock) -> None:
    never: Future[None] = Future()
    clock.sleep(SLOW_ENOUGH_S, unless=never)
    if isinstance(clock, HandClock):
        return  # nothing ever waits for a hand, so nothing can be cut short
    before_s = clock.elapsed()
    clock.sleep(LONG_S, unless=done())
    assert clock.elapsed() - before_s < LONG_S


def test_waiting_for_others_ends_with_the_first_of_them(clock: Clock, worker: Worker) -> None:
    first, never = worker.soon(), Future[None]()
    before_s = clock.elapsed()
    assert set(clock.wait_for([first, never], LONG_S)) == {first}
    assert clock.elapsed() - before_s < LONG_S


def test_waiting_in_vain_ends_in_time(clock: Clock) -> None:
    never: Future[None] = Future()
    assert set(clock.wait_for([never], SLOW_ENOUGH_S)) == set()


def test_what_is_done_need_not_be_waited_for(clock: Clock) -> None:
    ready = done()
    before_s = clock.elapsed()
    assert set(clock.wait_for([ready], LONG_S)) == {ready}
    assert set(clock.wait_for([], LONG_S)) == set()
    assert clock.elapsed() - before_s < LONG_S
