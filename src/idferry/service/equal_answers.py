"""Answers that must not be told apart by their time: they leave at one fixed moment after the request arrived.

A random pause or a grid of several slots would leak which slot an answer took. Only negative answers wait; a match
leaves at once.

An answer that waits keeps its connection and no thread: of the connections there is a bound (`connections`), and so of
these.
"""

import asyncio
from collections.abc import Awaitable, Callable

from idferry.ports import Clock

Pause = Callable[[float], Awaitable[None]]
"""Waits so many seconds without keeping a thread: `asyncio.sleep`, or a test's own."""


async def reply_at(*, arrival_s: float, seconds: float, clock: Clock, pause: Pause = asyncio.sleep) -> bool:
    """Wait until `seconds` after `arrival_s` (on the clock's `elapsed` scale); at once where `seconds` is 0.

    False when that moment had already passed: the answer is late and can be told from the others.
    """
    if not seconds:
        return True
    left = arrival_s + seconds - clock.elapsed()
    if left <= 0:
        return False
    await pause(left)
    return True
