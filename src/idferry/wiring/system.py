"""Time and chance of the machine: the only readings of its clock and of its entropy in the whole product."""

import gc
import secrets
import time
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from idferry.errors import Unreachable
from idferry.ports import Clock
from idferry.settings import Settings

CLOCK_TIMEOUT_SECONDS = 5.0
SLICE_SECONDS = 0.1
# What an answer that tells no time raises on its way to one: no JSON, no object, no "now", no text, no time zone.
_OTHER_SHAPES = (ValueError, KeyError, TypeError, OverflowError, RecursionError)


GARBAGE_OBJECTS = 50_000
"""How many new objects are made before the collector looks for cycles among them; Python's own 700 are gone through
again and again while a batch of people is held, which makes none: an eighth of planning's time."""


def collect_garbage_rarely() -> None:
    """Let the collector of this process look for cycles every GARBAGE_OBJECTS."""
    gc.set_threshold(GARBAGE_OBJECTS)


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

    def sleep(self, seconds: float, *, unless: "Future[None] | None" = None) -> None:
        """Wait, or until `unless` is done."""
        if unless is None:
            time.sleep(seconds)
            return
        until = self.elapsed() + seconds
        while (left := until - self.elapsed()) > 0 and not unless.done():
            # On Windows a long wait for another thread hears no Ctrl-C.
            wait([unless], timeout=min(left, SLICE_SECONDS))

    def wait_for(self, futures: "Collection[Future[Any]]", seconds: float) -> "Collection[Future[Any]]":
        """Those futures that are done as soon as one is, or after so long."""
        return wait(futures, timeout=seconds, return_when=FIRST_COMPLETED).done


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
        told = answer.raise_for_status().json()
        shifted = datetime.fromisoformat(told["now"])
        offset = shifted - system.now()
    except (httpx2.HTTPError, httpx2.InvalidURL, *_OTHER_SHAPES) as error:
        raise Unreachable(
            f"the clock at {settings.clock.url} does not tell the time",
            remedy="Start the emulator, or remove [clock].",
        ) from error
    if told.get("from") == "requests":
        raise Unreachable(
            f"the clock at {settings.clock.url} takes its time from requests: there is none to follow",
            remedy="Start the emulator without --time from-requests, or remove [clock].",
        )
    return SystemClock(offset)
