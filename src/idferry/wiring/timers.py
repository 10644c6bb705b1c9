"""What the service does from time to time beside its answers. It decides nothing about what is done."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from idferry.service.doors import Books
from idferry.service.workers import Workers


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that is done from time to time as long as the service runs, in a worker's thread.

    `at_once`: when the service starts as well, while nobody waits for it.
    """

    name: str
    every: timedelta
    do: Callable[[], None]
    at_once: bool = False


async def keep_doing(timer: Timer, *, books: Books, workers: Workers) -> None:
    """Until it is cancelled. What fails is told and done again the next time."""
    pause_s = 0.0 if timer.at_once else timer.every.total_seconds()
    while True:
        await asyncio.sleep(pause_s)
        pause_s = timer.every.total_seconds()
        try:
            await workers.run(timer.do)
        except Exception as error:  # noqa: BLE001  whatever it is: the service goes on, and somebody hears of it
            books.metrics.alert("timer_failed")
            kind = getattr(error, "code", "") or type(error).__name__
            books.log.warning("timer_failed", timer=timer.name, kind=kind)
