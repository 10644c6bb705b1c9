"""The threads in which synchronous flows run, so that one that waits does not stop the event loop.

Both the threads and those who wait for one are bounded: a queue of a few already costs more time than a caller has.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Overloaded(Exception):
    """Every thread is busy and as many wait as may: nothing was begun."""


class Workers:
    """So many threads, and so many calls waiting for one. `name` is what a debugger shows.

    A call whose caller went away or gave up keeps its thread until it returns, so the bound holds whatever hangs.
    """

    def __init__(self, *, threads: int, waiting_max: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        self._calls_max = threads + waiting_max
        self._calls = 0

    @property
    def calls(self) -> int:
        """Calls that run or wait."""
        return self._calls

    async def run(self, function: Callable[[], Result], *, within_s: float | None = None) -> Result:
        """What the function returns, or raises. To be awaited on the event loop.

        Raises:
            Overloaded: too many calls are under way.
            TimeoutError: it did not return in time; it goes on, and nobody hears it.
        """
        if self._calls >= self._calls_max:
            raise Overloaded
        loop = asyncio.get_running_loop()
        self._calls += 1
        call = self._pool.submit(function)
        call.add_done_callback(lambda done: self._count_down(loop, done))
        result = asyncio.wrap_future(call)
        result.add_done_callback(_hear)
        async with asyncio.timeout(within_s):
            return await asyncio.shield(result)

    def _count_down(self, loop: asyncio.AbstractEventLoop, _done: "Future[Result]") -> None:
        # It is called in the worker's thread, and only the loop's thread may count.
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._one_less)

    def _one_less(self) -> None:
        self._calls -= 1

    def close(self) -> None:
        """Begin nothing any more; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _hear(done: "asyncio.Future[Result]") -> None:
    """An error that comes after its caller gave up is nobody's: unheard it would be printed as a bug."""
    if not done.cancelled():
        done.exception()
