"""Several threads on one SQLite connection, whose waiting changes share one transaction and one write to the disk.

Whoever comes first does the work of everybody who waits; the others find theirs done. No thread of its own. It must not
know what the tables mean, and no message may carry more of SQLite's own than the name of its error.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

GROUP_MAX = 64
WAIT_S_MAX = 2.0
"""A sign-in has less time than this anyway; what waits longer fails closed."""

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]


class StoreBroken(Exception):
    """The file cannot be used; `reason` is the name of SQLite's error, or what kept this thread from it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Turn(Generic[Result]):
    """One thread's work, and what came of it."""

    __slots__ = ("error", "is_done", "is_given_up", "result", "work")

    def __init__(self, work: Work[Result]) -> None:
        self.work = work
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.is_done = False
        self.is_given_up = False


class GroupCommit:
    """A connection in autocommit mode, for any number of threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None  # transactions begin and end below, nowhere else
        self._connection = connection
        self._waiting: deque[_Turn[Any]] = deque()
        self._lock = threading.Lock()

    def run(self, work: Work[Result]) -> Result:
        """Do this inside a transaction; what it changed is on disk when this returns.

        Raises:
            StoreBroken: nothing of it was done, or nobody can tell.
        """
        turn = _Turn(work)
        self._waiting.append(turn)
        if not self._lock.acquire(timeout=WAIT_S_MAX):
            turn.is_given_up = True
            raise StoreBroken("busy")
        try:
            while not turn.is_done:
                if not self._waiting:  # somebody was interrupted in the very moment of taking it
                    raise StoreBroken("interrupted")
                self._take_turns()
        finally:
            self._lock.release()
        if turn.error is not None:
            raise turn.error
        return cast("Result", turn.result)

    def close(self) -> None:
        """Give the file back; nothing works afterwards."""
        with self._lock:
            self._connection.close()

    def _take_turns(self) -> None:
        """One transaction for those who wait: all of it, or nothing."""
        turns = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_MAX))]
        turns = [turn for turn in turns if not turn.is_given_up]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for turn in turns:
                turn.result = turn.work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):  # the first error is the one to tell
                self._connection.rollback()
            for turn in turns:
                turn.error = _told(error)
                turn.is_done = True
            if not isinstance(error, Exception):
                raise
            return
        for turn in turns:
            turn.is_done = True


def _told(error: BaseException) -> BaseException:
    """What the waiting threads hear. Ctrl-C belongs to the thread that was interrupted."""
    if isinstance(error, Exception) and not isinstance(error, sqlite3.Error):
        return error
    broken = StoreBroken(getattr(error, "sqlite_errorname", type(error).__name__))
    broken.__cause__ = error
    return broken
