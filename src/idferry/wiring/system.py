"""Time and chance of the machine: the only readings of its clock and of its entropy in the whole product."""

import secrets
import time
from datetime import UTC, datetime, timedelta

import httpx2

from idferry.errors import Unreachable
from idferry.ports import Clock
from idferry.settings import Settings

CLOCK_TIMEOUT_SECONDS = 5.0
# What an answer that tells no time raises on its way to one: no JSON, no object, no "now", no text, no time zone.
_OTHER_SHAPES = (ValueError, KeyError, TypeError, OverflowError, RecursionError)


def random_below(exclusive_upper_bound: int) -> int:
    """A secure random number below the bound: what random passwords are drawn with."""
    return secrets.randbelow(exclusive_upper_bound)


def random_bytes(count: int) -> bytes:
    """So many secure random bytes: for the ledger's key and the ids of runs."""
    return secrets.token_bytes(count)


class SystemClock:
    """The machine's time, moved by `offset`."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def now(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(UTC) + self._offset  # noqa: TID251  this is the Clock

    def elapsed(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def clock_of(settings: Settings) -> Clock:
    """The system's time, or an emulator's shifted one where `[clock] url` names it.

    Raises:
        Unreachable: the emulator does not tell its time.
    """
    if not settings.clock.url:
        return SystemClock()
    system = SystemClock()
    try:
        # It is on this machine: a proxy that the environment names has nothing to do with it.
        answer = httpx2.get(settings.clock.url, timeout=CLOCK_TIMEOUT_SECONDS, trust_env=False)
        shifted = datetime.fromisoformat(answer.raise_for_status().json()["now"])
        offset = shifted - system.now()
    except (httpx2.HTTPError, httpx2.InvalidURL, *_OTHER_SHAPES) as error:
        raise Unreachable(
            f"the clock at {settings.clock.url} does not tell the time",
            remedy="Start the emulator, or remove [clock].",
        ) from error
    return SystemClock(offset)
