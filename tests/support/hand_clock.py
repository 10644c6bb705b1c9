"""A clock that a test turns by hand: sleeping moves it on, nothing ever waits."""

import threading
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import UTC, datetime, timedelta
from typing import Any


class HandClock:
    """Satisfies `ports.Clock`. `slept` lists every wait in seconds, for tests that count them."""

    def __init__(self, start: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def elapsed(self) -> float:
        return self._elapsed_s

    def sleep(self, seconds: float, *, unless: Future[None] | None = None) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._elapsed_s += max(seconds, 0.0)

    def wait_for(self, futures: Collection[Future[Any]], seconds: float) -> Collection[Future[Any]]:
        # What others do takes real time, whatever the hand says.
        return wait(futures, timeout=seconds, return_when=FIRST_COMPLETED).done

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._elapsed_s += seconds
