"""Passwords that wait for their turn to be captured: few, for seconds, in memory alone.

A person who signs in at the front must not wait for the directory. What does not fit, what waited too long and what a
crash drops is lost on purpose: the flag is still up, and the next sign-in is taken.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

WAITING_MAX = 200
WAITING_SECONDS_MAX = 30.0


class CaptureQueue:
    """So many threads and so many who wait. `too_old` hears of each one whose turn came too late."""

    def __init__(
        self,
        *,
        threads: int,
        elapsed: Callable[[], float],
        too_old: Callable[[], None],
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="capture")
        self._room = threading.Semaphore(waiting_max)
        self._elapsed = elapsed
        self._too_old = too_old

    def put(self, do: Callable[[], None]) -> bool:
        """Do it as soon as a thread is free, within WAITING_SECONDS_MAX; False: there is no room, nothing will be done."""
        if not self._room.acquire(blocking=False):
            return False
        came_s = self._elapsed()
        try:
            self._pool.submit(self._turn, do, came_s)
        except RuntimeError:
            # It is being closed; or the system gives no more threads, and it stands in the queue all the same: then its
            # turn gives the room back, and nobody else may.
            return False
        return True

    def close(self) -> None:
        """Begin nothing any more; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _turn(self, do: Callable[[], None], came_s: float) -> None:
        self._room.release()
        if self._elapsed() - came_s > WAITING_SECONDS_MAX:
            self._too_old()
            return
        do()
