"""Stepped time: it stands still while anybody is at work, and jumps to the earliest wake-up when nobody is."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from idferry.errors import UnexpectedAnswer
from idferry.graph.machine import Machine, Turn
from idferry.graph.senders import Senders
from idferry.wiring.stepped_time import SteppedClock, SteppedTransport

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


def crew_of(clock: SteppedClock, threads: int) -> Senders:
    return Senders(threads=threads, name="test", crew=clock)


def test_sleeping_alone_takes_no_time(clock: SteppedClock) -> None:
    began = time.perf_counter()
    clock.sleep(13 * 3600.0)
    assert clock.elapsed() == 13 * 3600.0
    assert clock.now() == START + timedelta(hours=13)
    assert time.perf_counter() - began < 1


def test_nothing_passes_while_somebody_computes(clock: SteppedClock) -> None:
    computing = threading.Event()

    def compute() -> float:
        computing.wait(5)
        return clock.elapsed()

    senders = crew_of(clock, 1)
    answer = senders.submit(compute)
    threading.Timer(0.1, computing.set).start()
    assert clock.wait_for([answer], 3600.0) == {answer}
    assert answer.result() == 0.0, "the sleeper's hour passed while somebody was at work"
    assert clock.elapsed() == 0.0


def test_a_job_counts_from_the_moment_it_was_queued(clock: SteppedClock) -> None:
    """However late the system lets its thread run."""
    senders = crew_of(clock, 1)
    for _ in range(200):
        began = clock.elapsed()
        answer = senders.submit(clock.elapsed)
        clock.wait_for([answer], 60.0)
        assert answer.result(0) == began


def test_jobs_beyond_the_threads_wait_in_stepped_time(clock: SteppedClock) -> None:
    senders = crew_of(clock, 2)
    ended: list[float] = []

    def rest(seconds: float) -> Callable[[], None]:
        def job() -> None:
            clock.sleep(seconds)
            ended.append(clock.elapsed())

        return job

    answers = [senders.submit(rest(seconds)) for seconds in (10.0, 30.0, 5.0, 100.0)]
    while not all(answer.done() for answer in answers):
        clock.wait_for([one for one in answers if not one.done()], 1000.0)
    assert ended == [10.0, 15.0, 30.0, 115.0]
    clock.sleep(1.0)
    assert clock.elapsed() == 116.0, "threads without a job count as at work"


def test_whoever_waits_for_a_future_wakes_at_the_moment_it_is_done(clock: SteppedClock) -> None:
    senders = crew_of(clock, 1)
    answer = senders.submit(lambda: clock.sleep(7.5))
    assert clock.wait_for([answer], 2.0) == set()
    assert clock.elapsed() == 2.0
    assert clock.wait_for([answer], 60.0) == {answer}
    assert clock.elapsed() == 7.5


def test_nobody_to_wait_for_returns_at_once(clock: SteppedClock) -> None:
    assert clock.wait_for([], 60.0) == set()
    done: Future[None] = Future()
    done.set_result(None)
    assert clock.wait_for([done], 60.0) == {done}
    assert clock.elapsed() == 0.0


def test_closing_wakes_a_pause(clock: SteppedClock) -> None:
    machine = Machine(clock, crew=clock)
    senders = crew_of(clock, 1)
    resting = senders.submit(lambda: machine.pauses.rest(3000.0))
    clock.sleep(5.0)
    machine.pauses.close()
    clock.wait_for([resting], 3600.0)
    assert "closed" in str(resting.exception(0))
    assert clock.elapsed() == 5.0


def test_a_turn_that_takes_time_holds_nobody_up(clock: SteppedClock) -> None:
    turn, senders = Turn(clock), crew_of(clock, 3)
    ended: list[float] = []

    def work() -> None:
        with turn.taken():
            clock.sleep(2.0)
            ended.append(clock.elapsed())

    answers = [senders.submit(work) for _ in range(3)]
    while not all(answer.done() for answer in answers):
        clock.wait_for([one for one in answers if not one.done()], 1000.0)
    assert ended == [2.0, 4.0, 6.0]


def test_waiting_often_for_the_same_future_keeps_nothing(clock: SteppedClock) -> None:
    never: Future[None] = Future()
    for _ in range(1000):
        clock.sleep(1.0, unless=never)
    assert sum(len(waiting) for waiting in clock._awaited.values()) == 0
    assert clock._alarms == []


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_same_story_is_told_every_time(threads: int) -> None:
    def story() -> list[tuple[int, float]]:
        clock = SteppedClock(START)
        senders = crew_of(clock, threads)
        told: list[tuple[int, float]] = []

        def job(number: int) -> Callable[[], None]:
            def work() -> None:
                clock.sleep(0.3 + (number * 7919 % 13) / 10)
                told.append((number, clock.elapsed()))

            return work

        answers = [senders.submit(job(number)) for number in range(40)]
        while not all(answer.done() for answer in answers):
            clock.wait_for([one for one in answers if not one.done()], 0.2)
        return told

    first = story()
    assert all(sorted(story()) == sorted(first) for _ in range(5))


# --- the transport --------------------------------------------------------------------------------------------------


def client(clock: SteppedClock, took: str | None, *, timeout: float = 60.0) -> httpx2.Client:
    def answer(request: httpx2.Request) -> httpx2.Response:
        said = {"x-emulator-took": took} if took else {}
        return httpx2.Response(200, text=request.headers["x-emulator-now"], headers=said)

    transport = SteppedTransport(httpx2.MockTransport(answer), clock)
    return httpx2.Client(transport=transport, timeout=timeout)


def test_a_request_carries_the_time_and_the_answer_takes_some(clock: SteppedClock) -> None:
    http = client(clock, "0.25")
    clock.sleep(10.0)
    assert float(http.get("http://localhost/").text) == (START + timedelta(seconds=10)).timestamp()
    assert clock.elapsed() == 10.25


def test_an_answer_beyond_the_timeout_does_not_come(clock: SteppedClock) -> None:
    with pytest.raises(httpx2.ReadTimeout):
        client(clock, "90.0", timeout=20.0).get("http://localhost/")
    assert clock.elapsed() == 20.0


def test_a_lost_answer_takes_as_long_as_the_last_one(clock: SteppedClock) -> None:
    answers = iter([httpx2.Response(200, headers={"x-emulator-took": "0.5"})])

    def answer(_: httpx2.Request) -> httpx2.Response:
        found = next(answers, None)
        if found is None:
            raise httpx2.ReadError("cut")
        return found

    http = httpx2.Client(transport=SteppedTransport(httpx2.MockTransport(answer), clock))
    http.get("http://localhost/")
    with pytest.raises(httpx2.ReadError):
        http.get("http://localhost/")
    assert clock.elapsed() == 1.0


def test_whoever_has_a_time_of_its_own_is_refused(clock: SteppedClock) -> None:
    with pytest.raises(UnexpectedAnswer):
        client(clock, None).get("http://localhost/")
