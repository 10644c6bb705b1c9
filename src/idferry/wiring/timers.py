"""What the service does from time to time beside its answers. It decides nothing about what is done.

It may take hours, or call a directory that gives no answer, so it takes no thread from those who answer, and keeps the
process from nothing: its own threads are left behind when the service ends.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from idferry.service.doors import Books


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that is done from time to time as long as the service runs, in a thread that ends with the process.

    `at_once`: when the service starts as well, while nobody waits for it.
    """

    name: str
    every: timedelta
    do: Callable[[], None]
    at_once: bool = False


async def keep_doing(timer: Timer, *, books: Books) -> None:
    """Until it is cancelled. What fails is told and done again the next time."""
    pause_s = 0.0 if timer.at_once else timer.every.total_seconds()
    while True:
        await asyncio.sleep(pause_s)
        pause_s = timer.every.total_seconds()
        try:
            await _done_aside(timer)
        except Exception as error:  # noqa: BLE001  whatever it is: the service goes on, and somebody hears of it
            books.metrics.alert("timer_failed")
            kind = getattr(error, "code", "") or type(error).__name__
            books.log.warning("timer_failed", timer=timer.name, kind=kind)


async def _done_aside(timer: Timer) -> None:
    """Do it in a thread of its own. Raises what it raises."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if ended.done():  # nobody waits for it any more
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def work() -> None:
        failure: Exception | None = None
        try:
            timer.do()
        except Exception as error:  # noqa: BLE001  it is told where the timers are kept
            failure = error
        with suppress(RuntimeError):  # the service has ended meanwhile
            loop.call_soon_threadsafe(tell, failure)

    threading.Thread(target=work, name=f"timer-{timer.name}", daemon=True).start()
    await ended
