"""The emulator's only source of time: system time plus an offset that the control API moves.

Every notion of "now" (token expiry, allowances, replication lag, time stamps, the Date header) comes from one
`Clock`, so that a test can move a whole tenant a month ahead. No other module here may read system time.
"""

import asyncio
import time
from datetime import UTC, datetime
from email.utils import formatdate


class Clock:
    """Tells the emulated time in seconds since 1970 and waits in emulated time."""

    def __init__(self) -> None:
        self._offset_s = 0.0

    @property
    def offset_s(self) -> float:
        """Seconds by which the emulated time is ahead of the system's."""
        return self._offset_s

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC, emulated."""
        return time.time() + self._offset_s  # noqa: TID251  this is the clock that everybody else asks

    def advance(self, seconds: float) -> None:
        """Moves the emulated time by `seconds` (negative: back)."""
        self._offset_s += seconds

    def set_offset(self, seconds: float) -> None:
        """Sets the distance to system time."""
        self._offset_s = seconds

    async def pause(self, seconds: float) -> None:
        """Lets `seconds` pass for the caller; other requests go on."""
        await asyncio.sleep(seconds)


def stamp(moment_s: float) -> str:
    """Graph's form of a moment: `2026-11-20T09:06:39Z`, whole seconds."""
    return datetime.fromtimestamp(int(moment_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def zoneless(moment_s: float) -> str:
    """The form in error bodies, without a zone: `2026-11-20T09:06:39`."""
    return stamp(moment_s)[:-1]


def http_date(moment_s: float) -> str:
    """The form of HTTP headers: `Fri, 20 Nov 2026 09:06:39 GMT`."""
    return formatdate(moment_s, usegmt=True)
