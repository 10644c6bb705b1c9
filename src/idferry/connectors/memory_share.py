"""How much memory all checks together may take: costly ones wait for each other instead of taking the service's own.

First come, first served, so that a large one is not overtaken for ever. It measures nothing: each check says what it takes.
"""

import threading
from collections import deque
from concurrent.futures import Future

from idferry.ports import Clock, Deadline


class MemoryShare:
    """So many KiB for checks; safe to use from several threads."""

    def __init__(self, *, kib: int, clock: Clock) -> None:
        self._kib = kib
        self._free_kib = kib
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, Future[None]]] = deque()

    def take(self, kib: int, deadline: Deadline) -> bool:
        """Whether so much is the caller's now, who gives it back; False: not before the deadline, or never."""
        if not kib:
            return True
        if kib > self._kib:
            return False
        turn: Future[None] = Future()
        with self._lock:
            self._waiting.append((kib, turn))
            self._grant()
        if not turn.done():
            self._clock.wait_for([turn], deadline.seconds_left(self._clock))
        with self._lock:
            if turn.done():
                return True
            self._waiting.remove((kib, turn))
            self._grant()  # whoever stood behind may fit
            return False

    def give_back(self, kib: int) -> None:
        """What was taken."""
        with self._lock:
            self._free_kib += kib
            self._grant()

    def _grant(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free_kib:
            kib, turn = self._waiting.popleft()
            self._free_kib -= kib
            turn.set_result(None)
