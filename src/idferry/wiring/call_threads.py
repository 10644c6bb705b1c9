"""Threads for calls that may outlive their callers: as many as are under way, and kept for the next ones.

They are daemons: a legacy system that hangs must not keep the service from ending. They bound nothing; whoever gives them
work does. To begin a thread for each call cost a sign-in a twentieth of its time.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], None]


class CallThreads:
    """Any number of threads may give work; the thread that was last at work gets it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Work]] = []

    def begin(self, work: Work) -> None:
        """Have it done now. It must raise nothing. Raises RuntimeError: the system gives no more threads."""
        with self._lock:
            jobs = self._idle.pop() if self._idle else None
        if jobs is not None:
            jobs.put(work)
            return
        jobs = SimpleQueue()
        jobs.put(work)
        threading.Thread(target=self._work, args=(jobs,), name=self._name, daemon=True).start()

    def _work(self, jobs: "SimpleQueue[Work]") -> None:
        while True:
            jobs.get()()
            with self._lock:
                self._idle.append(jobs)
