"""Threads that are bounded, whatever hangs, and work for those only whom they can still answer in time."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest
from tests.support.hand_clock import HandClock

from idferry.service.workers import Overloaded, Workers

LONG_S = 60.0  # of the machine's time: nothing here comes near


class Calls:
    """Calls that hang until they are let go, by the hand clock's time; what became of each, in the order of asking."""

    def __init__(self, workers: Workers, clock: HandClock) -> None:
        self.workers, self.clock = workers, clock
        self.begun: list[int] = []
        self.told: dict[int, str] = {}
        self._go: dict[int, threading.Event] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def ask(self, number: int, *, within_s: float | None = LONG_S) -> None:
        self._go[number] = threading.Event()
        before = self.workers.calls

        def hang() -> None:
            self.begun.append(number)
            self._go[number].wait(LONG_S)

        async def asked() -> None:
            try:
                await self.workers.run(hang, within_s=within_s)
                self.told[number] = "done"
            except Overloaded:
                self.told[number] = "refused"
            except TimeoutError:
                self.told[number] = "late"

        self._tasks[number] = asyncio.create_task(asked())
        await until(lambda: number in {*self.begun, *self.told} or self.workers.calls > before)

    async def answer(self, number: int, *, after_s: float = 0.0) -> None:
        """Let it return, so long after it was asked."""
        await until(lambda: number in self.begun)
        self.clock.advance(after_s)
        self._go[number].set()
        await self._tasks[number]

    def let_all_go(self) -> None:
        for one in self._go.values():
            one.set()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def played(clock: HandClock) -> Iterator[Callable[[Callable[[Calls], Awaitable[None]]], Calls]]:
    """Plays a story with two threads, and room for four who wait."""
    workers = Workers(threads=2, waiting_max=4, name="test", elapsed=clock.elapsed)
    calls = Calls(workers, clock)

    def play(story: Callable[[Calls], Awaitable[None]]) -> Calls:
        async def whole() -> None:
            try:
                await story(calls)
            finally:
                calls.let_all_go()
                await until(lambda: not workers.calls)

        asyncio.run(whole())
        return calls

    yield play
    calls.let_all_go()
    workers.close()


Play = Callable[[Callable[[Calls], Awaitable[None]]], Calls]


def test_whoever_finds_no_thread_and_no_room_is_refused(played: Play) -> None:
    async def story(calls: Calls) -> None:
        for number in range(7):
            await calls.ask(number)
        await until(lambda: bool(calls.told))
        assert calls.told == {6: "refused"}
        assert calls.workers.calls == 6
        for number in range(6):
            await calls.answer(number)

    calls = played(story)
    assert calls.begun == [0, 1, 2, 3, 4, 5]
    assert list(calls.told.values()).count("done") == 6


def test_whoever_gives_up_waiting_makes_room_and_is_never_begun(played: Play) -> None:
    async def story(calls: Calls) -> None:
        for number in range(2):
            await calls.ask(number)
        for number in range(2, 6):
            await calls.ask(number, within_s=0.01)
        await until(lambda: len(calls.told) == 4)
        assert calls.workers.calls == 2
        await calls.ask(6)
        await calls.answer(0)
        await calls.answer(1)
        await calls.answer(6)

    calls = played(story)
    assert set(calls.begun) == {0, 1, 6}
    assert [calls.told[number] for number in range(2, 6)] == ["late"] * 4


def test_a_call_that_hangs_keeps_its_thread_though_its_caller_has_gone(played: Play) -> None:
    async def story(calls: Calls) -> None:
        for number in range(2):
            await calls.ask(number, within_s=0.01)
        await until(lambda: len(calls.told) == 2)
        assert calls.workers.calls == 2
        await calls.ask(2)
        assert calls.begun == [0, 1]
        calls.let_all_go()
        await until(lambda: 2 in calls.begun)

    assert played(story).told[0] == "late"


def test_whoever_would_be_answered_too_late_is_refused_at_once(played: Play) -> None:
    async def story(calls: Calls) -> None:
        for number in range(40):  # a second is what they usually take
            await calls.ask(number)
            await calls.answer(number, after_s=1.0)
        for number in (40, 41):
            await calls.ask(number, within_s=1.4)
        await calls.ask(42, within_s=1.4)
        await calls.ask(43, within_s=1.6)  # half a round, and a second
        await calls.ask(44, within_s=1.6)
        await until(lambda: len(calls.told) == 42)
        assert (calls.told[42], calls.told[44]) == ("refused", "refused")
        for number in (40, 41, 43):
            await calls.answer(number)

    assert played(story).told[43] == "done"


def test_whose_turn_comes_too_late_lets_the_next_one_have_it(played: Play) -> None:
    async def story(calls: Calls) -> None:
        await calls.ask(0)
        await calls.ask(1)
        for number in (2, 3):  # nothing is known yet, so they wait
            await calls.ask(number, within_s=2.0)
        await calls.ask(4, within_s=LONG_S)
        await calls.answer(0, after_s=8.0)
        await until(lambda: 4 in calls.begun)
        assert calls.begun == [0, 1, 4]
        await calls.answer(1)
        await calls.answer(4)

    calls = played(story)
    assert [calls.told[number] for number in range(5)] == ["done", "done", "refused", "refused", "done"]


def test_what_a_function_raises_reaches_who_waits_for_it(clock: HandClock) -> None:
    workers = Workers(threads=1, waiting_max=0, name="test", elapsed=clock.elapsed)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(workers.run(lambda: 1 // 0))
    workers.close()


def test_a_system_without_threads_is_an_overload_and_what_was_refused_is_never_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers, done = Workers(threads=2, waiting_max=2, name="test"), list[str]()

    def no_more(_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def story() -> None:
        with monkeypatch.context() as short:
            short.setattr(threading.Thread, "start", no_more)
            for _ in range(5):
                with pytest.raises(Overloaded):
                    await workers.run(lambda: done.append("refused"))
        assert workers.calls == 0
        for _ in range(3):
            await workers.run(lambda: done.append("taken"))

    asyncio.run(story())
    workers.close()
    assert done == ["taken"] * 3
