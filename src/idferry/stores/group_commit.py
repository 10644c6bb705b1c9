"""Several threads on one SQLite connection, whose waiting changes share one transaction and one write to the disk.

Whoever comes first does the work of everybody who waits; the others find theirs done. No thread of its own. What need
not outlive a power cut waits for no disk. It must not know what the tables mean, and no message may carry more of
SQLite's own than the name of its error.
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

_FULL, _NORMAL = 2, 1  # https://sqlite.org/pragma.html#pragma_synchronous

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]


class StoreBroken(Exception):
    """The file cannot be used; `reason` is the name of SQLite's error, or what kept this thread from it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Turn(Generic[Result]):
    """One thread's work, and what came of it."""

    __slots__ = ("error", "is_done", "is_given_up", "must_last", "result", "work")

    def __init__(self, work: Work[Result], *, must_last: bool) -> None:
        self.work = work
        self.must_last = must_last
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
        self._is_lowered = False

    def run(self, work: Work[Result]) -> Result:
        """Do this inside a transaction; what it changed is on disk when this returns.

        Raises:
            StoreBroken: nothing of it was done, or nobody can tell.
        """
        return self._done(_Turn(work, must_last=True))

    def run_unsynced(self, work: Work[Result]) -> Result:
        """Do this inside a transaction that ends with this process at the latest: it is on disk after the next `run`.

        A power cut may undo it, never in part. Raises as `run` does.
        """
        return self._done(_Turn(work, must_last=False))

    def _done(self, turn: _Turn[Result]) -> Result:
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
            self._sync(must_last=any(turn.must_last for turn in turns))
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

    def _sync(self, *, must_last: bool) -> None:
        """Whether the next transaction is written through to the disk, which takes 0.3 ms of CPU and longer to wait for.

        What is believed errs to the safe side, wherever this is interrupted. A file that was opened without such writes
        keeps none.
        """
        if must_last and self._is_lowered:
            self._connection.execute(f"PRAGMA synchronous = {_FULL}")
            self._is_lowered = False
        elif not must_last and not self._is_lowered:
            level = self._connection.execute("PRAGMA synchronous").fetchone()[0]
            self._is_lowered = level == _FULL
            if self._is_lowered:
                self._connection.execute(f"PRAGMA synchronous = {_NORMAL}")


def _told(error: BaseException) -> BaseException:
    """What the waiting threads hear. Ctrl-C belongs to the thread that was interrupted."""
    if isinstance(error, Exception) and not isinstance(error, sqlite3.Error):
        return error
    broken = StoreBroken(getattr(error, "sqlite_errorname", type(error).__name__))
    broken.__cause__ = error
    return broken
