"""The threads in which synchronous flows run, so that one that waits does not stop the event loop.

Both the threads and those who wait for one are bounded. Nobody is begun who would probably be answered too late: under
overload all threads would work for callers who are about to leave.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

from idferry.rules.call_times import CallTimes

Result = TypeVar("Result")


class Overloaded(Exception):
    """Every thread is busy, and there is no room to wait or no time: nothing was begun."""


class Workers:
    """So many threads, and so many calls waiting for one, first come first served. `name` is what a debugger shows.

    A call whose caller went away or gave up keeps its thread until it returns, so the bound holds whatever hangs; one that
    only waited for a thread makes room at once. `elapsed` tells seconds; the event loop's own by default.
    """

    def __init__(
        self, *, threads: int, waiting_max: int, name: str, elapsed: Callable[[], float] | None = None
    ) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._threads = threads
        self._waiting_max = waiting_max
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._times = CallTimes()
        self._elapsed = elapsed

    @property
    def calls(self) -> int:
        """Calls that run or wait."""
        return self._running + len(self._waiting)

    async def run(self, function: Callable[[], Result], *, within_s: float | None = None) -> Result:
        """What the function returns, or raises. To be awaited on the event loop.

        Raises:
            Overloaded: too many calls are under way for this one to end in time.
            TimeoutError: it did not return in time; if it was begun it goes on, and nobody hears it.
        """
        loop = asyncio.get_running_loop()
        elapsed = self._elapsed or loop.time
        until_s = None if within_s is None else elapsed() + within_s
        async with asyncio.timeout(within_s):
            if self._running < self._threads:
                self._running += 1
            else:
                await self._turn(within_s)
                if until_s is not None and not self._times.ends_within(until_s - elapsed()):
                    self._pass_on()
                    raise Overloaded
            return await self._call(function, loop, elapsed, is_timed=within_s is not None)

    async def _turn(self, within_s: float | None) -> None:
        """Wait for a thread; it is the caller's when this returns."""
        if len(self._waiting) >= self._waiting_max:
            raise Overloaded
        ahead = len(self._waiting)
        if within_s is not None and not self._times.ends_within_behind(
            ahead, within_s, at_once=self._threads
        ):
            raise Overloaded
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # it was just passed over
                    self._waiting.remove(turn)
            else:  # the caller gave up in the very moment in which the turn came
                self._pass_on()
            raise

    async def _call(
        self,
        function: Callable[[], Result],
        loop: asyncio.AbstractEventLoop,
        elapsed: Callable[[], float],
        *,
        is_timed: bool,
    ) -> Result:
        began_s = elapsed()
        result: asyncio.Future[Result] = loop.create_future()

        def ended(call: "Future[Result]") -> None:
            if is_timed:  # what nobody waits for takes as long as it likes
                self._times = self._times.after(elapsed() - began_s)
            self._pass_on()
            _tell(result, call)

        def ended_in_thread(call: "Future[Result]") -> None:
            # Only the loop's thread may count. A loop that is closed has nobody left who waits for a turn.
            try:
                loop.call_soon_threadsafe(ended, call)
            except RuntimeError:
                self._pass_on()

        errand = _Errand(function)
        try:
            call = self._pool.submit(errand)
        except RuntimeError:
            # It is closed; or the system gives no more threads, and the errand stands in the queue of those there are.
            errand.is_dropped = True
            self._pass_on()
            raise Overloaded from None
        call.add_done_callback(ended_in_thread)
        return await result

    def _pass_on(self) -> None:
        """A thread is free: it belongs to the one who has waited longest, or to the next one who comes."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1

    def close(self) -> None:
        """Begin nothing any more; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Errand(Generic[Result]):
    """What a thread is to do, unless its caller was told that nothing was begun."""

    __slots__ = ("_function", "is_dropped")

    def __init__(self, function: Callable[[], Result]) -> None:
        self._function = function
        self.is_dropped = False

    def __call__(self) -> Result:
        """Do it."""
        if self.is_dropped:
            raise Overloaded
        return self._function()


def _tell(result: "asyncio.Future[Result]", call: "Future[Result]") -> None:
    """What became of the call; where its caller has left, an error is nobody's: unheard it would be printed as a bug."""
    if result.done():
        return
    if call.cancelled():
        result.cancel()
    elif (error := call.exception()) is not None:
        result.set_exception(error)
    else:
        result.set_result(call.result())
