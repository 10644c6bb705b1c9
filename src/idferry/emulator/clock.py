"""The emulator's only source of time: system time plus an offset that the control API moves.

Every notion of "now" (token expiry, allowances, replication lag, time stamps, the Date header) comes from one
`Clock`, so that a test can move a whole tenant a month ahead. No other module here may read system time.
"""

import asyncio
import time
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

ON_THE_WAY_S = 0.1


class Clock:
    """Tells the emulated time in seconds since 1970 and waits in emulated time."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._speed = 1.0
        self._hurried_at_s = 0.0

    @property
    def offset_s(self) -> float:
        """Seconds by which the emulated time is ahead of the system's."""
        return self._ahead_s(_system_s())

    @property
    def speed(self) -> float:
        """How many emulated seconds pass in one of the system's."""
        return self._speed

    @property
    def on_the_way_s(self) -> float:
        """How long an answer may be on its way: requests that left meanwhile cannot know of it."""
        return ON_THE_WAY_S * self._speed

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC, emulated."""
        system_s = _system_s()
        return system_s + self._ahead_s(system_s)

    def _ahead_s(self, system_s: float) -> float:
        return self._offset_s + (system_s - self._hurried_at_s) * (self._speed - 1.0)

    def reset(self) -> None:
        """Back to the system's time."""
        self.hurry(1.0)
        self.set_offset(0.0)

    def hurry(self, speed: float) -> None:
        """Lets emulated time pass so many times as fast from now on."""
        now_s = self.now_s()
        self._speed, self._hurried_at_s = speed, _system_s()
        self._offset_s = now_s - self._hurried_at_s

    def advance(self, seconds: float) -> None:
        """Moves the emulated time by `seconds` (negative: back)."""
        self._offset_s += seconds

    def set_offset(self, seconds: float) -> None:
        """Sets the distance to system time, as it is now."""
        self._hurried_at_s = _system_s()
        self._offset_s = seconds

    async def pause(self, seconds: float) -> None:
        """Lets `seconds` pass for the caller; other requests go on."""
        await asyncio.sleep(seconds / self._speed)

    def told_with_answers(self) -> list[tuple[bytes, bytes]]:
        """Headers about time that every answer carries, beside its date: none."""
        return []


def _system_s() -> float:
    return time.time()  # noqa: TID251  this is the clock that everybody else asks


def stamp(moment_s: float) -> str:
    """Graph's form of a moment: `2026-11-20T09:06:39Z`, whole seconds."""
    return _stamp(int(moment_s))


@lru_cache(maxsize=8)  # a batch is twenty accounts of the same second
def _stamp(whole_s: int) -> str:
    return datetime.fromtimestamp(whole_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def zoneless(moment_s: float) -> str:
    """The form in error bodies, without a zone: `2026-11-20T09:06:39`."""
    return stamp(moment_s)[:-1]


def http_date(moment_s: float) -> str:
    """The form of HTTP headers: `Fri, 20 Nov 2026 09:06:39 GMT`."""
    return formatdate(moment_s, usegmt=True)
