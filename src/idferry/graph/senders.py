"""A few threads that carry calls, so that the flow's thread never waits for the network.

They are daemons: an answer that never comes must not keep a stopped process alive. No flow code runs in them.
"""

import contextlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from idferry.graph.machine import Crew, NobodyCounts

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], Any]
    future: "Future[Any]"

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.work())
        except BaseException as error:  # noqa: BLE001  whoever waits for the answer must hear of every failure
            self.future.set_exception(error)


class Senders:
    """A fixed number of threads, started when the first job comes."""

    def __init__(self, *, threads: int, name: str, crew: Crew | None = None) -> None:
        """`crew` hears of every thread that has something to do, from the moment it was given to it."""
        self._crew = crew or NobodyCounts()
        self._unfinished = 0
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(1, threads + 1)
        ]
        self._closed = False
        self._lock = threading.Lock()

    def submit(self, work: Callable[[], Answer]) -> "Future[Answer]":
        """Have `work` done by the next free thread, after closing by the caller's.

        The future carries its result or its exception.
        """
        future: Future[Answer] = Future()
        job = _Job(work, future)
        if not self._queued(job):
            job.run()
        return future

    def close(self, *, wait: timedelta) -> None:
        """Do what is queued in this thread, then end the threads, and wait for them at most so long.

        Whoever closes has seen to it that nothing queued takes long any more. A thread whose call takes longer is
        left behind.
        """
        with self._lock:
            self._closed = True
        with contextlib.suppress(queue.Empty):
            while job := self._jobs.get_nowait():
                self._do(job)
        for _ in self._threads:
            self._jobs.put(None)
        share_s = wait.total_seconds() / len(self._threads)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(share_s)

    def _queued(self, job: _Job) -> bool:
        """Give it to the threads, started once; False when they were told to end.

        Under the lock, so that no job comes behind the last word to the threads and waits for ever.
        """
        with self._lock:
            if self._closed:
                return False
            for thread in self._threads:
                if thread.ident is None:
                    thread.start()
            self._unfinished += 1
            if self._unfinished <= len(self._threads):
                self._crew.begin()
            self._jobs.put(job)
            return True

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._do(job)

    def _do(self, job: _Job) -> None:
        """Do it, and only then count it as done: whoever waits for it is at work again by now."""
        job.run()
        with self._lock:
            self._unfinished -= 1
            if self._unfinished < len(self._threads):
                self._crew.end()
