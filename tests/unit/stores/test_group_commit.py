"""What shares a transaction, and which transactions are written through to the disk."""

import sqlite3
import threading
from collections.abc import Iterator

import pytest

from idferry.stores.group_commit import GroupCommit

OFF, NORMAL, FULL = 0, 1, 2


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", check_same_thread=False)
    yield opened
    opened.close()


def level(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA synchronous").fetchone()[0])


def test_only_what_must_last_is_written_through(connection: sqlite3.Connection) -> None:
    store = GroupCommit(connection)
    ways = [store.run, store.run_unsynced, store.run_unsynced, store.run, store.run]
    assert [way(level) for way in ways] == [FULL, NORMAL, NORMAL, FULL, FULL]


def test_work_that_fails_leaves_the_next_booking_written_through(connection: sqlite3.Connection) -> None:
    store = GroupCommit(connection)
    with pytest.raises(ZeroDivisionError):
        store.run_unsynced(lambda _: 1 // 0)
    assert store.run(level) == FULL


def test_one_that_must_last_writes_its_whole_group_through(connection: sqlite3.Connection) -> None:
    store = GroupCommit(connection)
    levels: list[int] = []
    ways = [store.run_unsynced, store.run, store.run_unsynced]
    threads = [threading.Thread(target=lambda way=way: levels.append(way(level))) for way in ways]
    with store._lock:
        for thread in threads:
            thread.start()
        while len(store._waiting) < len(ways):
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join()
    assert levels == [FULL] * len(ways)


def test_a_file_that_was_opened_without_writing_through_stays_so(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = OFF")
    store = GroupCommit(connection)
    assert [way(level) for way in (store.run_unsynced, store.run)] == [OFF, OFF]
