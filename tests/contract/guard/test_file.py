"""The guard's file: private, its own, durable, shared by threads and processes, and never silently absent."""

import os
import secrets
import sqlite3
import subprocess
import sys
import threading
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.any_guard import AT, begin, fail_from_anywhere, guess, later

from idferry.errors import GuardUnavailable
from idferry.ports.sign_ins import Booking, Settlement
from idferry.rules.attempts import GuardRules
from idferry.stores.group_commit import GroupCommit, StoreBroken
from idferry.stores.guard import PRUNED_EVERY, SqliteGuard
from idferry.stores.guard_opening import open_guard


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sign-ins.guard"


def opened(path: Path) -> SqliteGuard:
    return open_guard(path, rules=GuardRules(), random_bytes=secrets.token_bytes)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes of this kind")
def test_every_file_is_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with opened(path) as guard:
            guess(guard, AT)
            modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes.keys() >= {"sign-ins.guard", "sign-ins.guard.key", "sign-ins.guard-wal"}
    assert set(modes.values()) == {0o600}


def test_names_and_addresses_are_in_no_file(path: Path) -> None:
    with opened(path) as guard:
        guess(guard, AT, name="name anna@x.org", address="198.51.100.23", ending=Settlement.MATCHED)
        begin(guard, AT, name="name anna@x.org", address="198.51.100.24")
        content = b"".join(one.read_bytes() for one in path.parent.iterdir())
    for secret in (b"anna", b"x.org", b"198.51.100", bytes([198, 51, 100, 23])):
        assert secret not in content


def test_every_booking_is_on_disk_when_it_returns_and_its_settlement_may_be_later(path: Path) -> None:
    with opened(path) as guard:
        connection = guard._store._connection
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        for _ in range(2):
            ticket = begin(guard, AT)
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
            guard.settle(ticket, Settlement.MATCHED, at=AT)
            assert connection.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL


def test_what_was_counted_is_there_after_a_restart(path: Path) -> None:
    with opened(path) as guard:
        for _ in range(5):
            guess(guard, AT)
        ticket = begin(guard, AT, address="203.0.113.1")
        guess(guard, AT, name="ben", ending=Settlement.MATCHED)
    with opened(path) as guard:
        assert guess(guard, AT) is Booking.LOCKED
        assert guard.standing("anna", at=AT).failures == 6
        assert guard.standing("ben", at=AT).known_addresses == 1
        assert guess(guard, AT, address="203.0.113.1") is Booking.BUSY
        guard.settle(ticket, Settlement.NEVER_SENT, at=AT)
        assert guard.standing("anna", at=AT).failures == 5


def test_two_processes_count_together(path: Path) -> None:
    with opened(path) as one, opened(path) as other:
        said = [guess(guard, AT) for guard in (one, other) * 3]
    assert said == [Booking.BOOKED] * 5 + [Booking.LOCKED]


def test_threads_get_no_more_through_than_one_after_the_other(path: Path) -> None:
    with opened(path) as guard:
        with ThreadPoolExecutor(16) as pool:
            said = Counter(
                pool.map(lambda n: guess(guard, AT, address=f"10.0.{n // 250}.{n % 250}"), range(600))
            )
        assert 3 <= said[Booking.BOOKED] <= 30
        assert said.keys() <= {Booking.BOOKED, Booking.BUSY, Booking.LOCKED}
        rest = fail_from_anywhere(guard, 30, AT).count(Booking.BOOKED)
    assert said[Booking.BOOKED] + rest == 30


def test_waiting_threads_share_one_write_to_the_disk(path: Path) -> None:
    with opened(path) as guard:
        commits = []
        guard._store._connection.set_trace_callback(
            lambda statement: commits.append(statement) if statement == "COMMIT" else None
        )
        together = threading.Barrier(8)

        def guess_together(number: int) -> None:
            together.wait()
            for round_ in range(20):
                begin(guard, AT, name=f"{number} {round_}", address="")

        threads = [threading.Thread(target=guess_together, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert guard.standing("7 19", at=AT).failures == 1
    assert len(commits) < 161


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of this kind")
def test_a_full_disk_fails_closed_and_says_so(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.guard_process", "fill", path, str(AT.timestamp())],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    *booked, last = done.stdout.splitlines()
    code, number = last.split()
    assert (code, set(booked)) == ("guard_unavailable", {"booked"})
    with opened(path) as guard:
        assert guard.standing(f"p{int(number) - 1}", at=AT).failures == 1
        assert guard.standing(f"p{number}", at=AT).failures == 0


def test_a_file_that_somebody_else_holds_fails_closed_and_heals(path: Path) -> None:
    with opened(path) as guard:
        guard._store._connection.execute("PRAGMA busy_timeout = 10")
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(GuardUnavailable, match="SQLITE_BUSY"):
            guess(guard, AT)
        with pytest.raises(GuardUnavailable):
            guard.unlock("anna", at=AT)
        holder.execute("COMMIT")
        holder.close()
        assert guess(guard, AT) is Booking.BOOKED
        assert guard.standing("anna", at=AT).failures == 1


def test_a_damaged_file_fails_closed(path: Path) -> None:
    opened(path).close()
    path.write_bytes(b"not a database at all" * 400)
    with pytest.raises(GuardUnavailable, match="SQLITE_NOTADB"):
        opened(path)


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    opened(path).close()
    for leftover in path.parent.glob("sign-ins.guard*"):
        if leftover.suffix != ".key":
            leftover.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (one)")
    connection.close()
    with pytest.raises(GuardUnavailable, match="no guard"):
        opened(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


def test_a_newer_guard_is_refused(path: Path) -> None:
    opened(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(GuardUnavailable, match="schema 99"):
        opened(path)


@pytest.mark.parametrize("key", [None, b"short", bytes(32)])
def test_a_guard_without_its_own_key_is_refused(path: Path, key: bytes | None) -> None:
    opened(path).close()
    key_file = path.with_name("sign-ins.guard.key")
    key_file.unlink()
    if key is not None:
        key_file.write_bytes(key)
    with pytest.raises(GuardUnavailable) as refused:
        opened(path)
    assert "key" in str(refused.value)


def test_a_folder_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(GuardUnavailable, match="folder is missing") as refused:
        opened(tmp_path / "nowhere" / "guard")
    assert refused.value.remedy


def test_what_a_crash_left_half_made_is_taken_over(path: Path) -> None:
    path.with_name("sign-ins.guard.key").write_bytes(b"half")
    path.touch()
    with opened(path) as guard:
        assert guess(guard, AT) is Booking.BOOKED


def test_what_is_forgotten_leaves_the_file(path: Path) -> None:
    with opened(path) as guard:
        guard._store._connection.execute("PRAGMA synchronous = OFF")
        sign_in_days = [1, 40]
        for day in sign_in_days:
            guess(guard, later(-86_400 * day), name=f"day {day}", ending=Settlement.MATCHED)
        for number in range(300):
            begin(
                guard, later(-172_800), name=f"old {number}", address=f"10.1.{number // 250}.{number % 250}"
            )
        fail_from_anywhere(guard, 3, AT)
        for number in range(PRUNED_EVERY * 12):
            guess(guard, later(number), name=f"n {number}", address="", ending=Settlement.NEVER_SENT)
        guard._store._connection.execute("PRAGMA wal_checkpoint")
    connection = sqlite3.connect(path)
    counted = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  names of this test
        for table in ("address", "ticket")
    }
    names = connection.execute("SELECT count(*) FROM name WHERE last_at < ?", (AT.timestamp() - 86_400,))
    known = connection.execute("SELECT count(*) FROM pair WHERE known_at IS NOT NULL")
    assert (names.fetchone(), known.fetchone()) == ((0,), (1,))
    assert counted == {"address": 3, "ticket": 0}
    connection.close()


def test_a_bug_in_one_change_undoes_all_of_its_transaction() -> None:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    store = GroupCommit(connection)
    store.run(lambda one: one.execute("CREATE TABLE t (n)"))

    def broken(one: sqlite3.Connection) -> None:
        one.execute("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run(broken)
    with pytest.raises(StoreBroken, match="SQLITE_ERROR"):
        store.run(lambda one: one.execute("INSERT INTO nowhere VALUES (1)"))
    assert store.run(lambda one: one.execute("SELECT count(*) FROM t").fetchone()) == (0,)
    store.close()


def test_a_turn_that_was_lost_with_another_thread_is_told_and_not_waited_for() -> None:
    class Lossy(deque[object]):
        def append(self, turn: object) -> None:
            """As if a thread had taken it and been interrupted."""

    store = GroupCommit(sqlite3.connect(":memory:", check_same_thread=False))
    store._waiting = Lossy()
    with pytest.raises(StoreBroken, match="interrupted"):
        store.run(lambda _: None)
    store.close()


def test_who_waits_too_long_gives_up_and_nothing_of_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idferry.stores.group_commit.WAIT_S_MAX", 0.05)
    store = GroupCommit(sqlite3.connect(":memory:", check_same_thread=False))
    held, go_on, done = threading.Event(), threading.Event(), []

    def slow(_: sqlite3.Connection) -> None:
        held.set()
        go_on.wait(10)

    holder = threading.Thread(target=store.run, args=[slow])
    holder.start()
    held.wait(10)
    with pytest.raises(StoreBroken, match="busy"):
        store.run(lambda _: done.append(1))
    go_on.set()
    holder.join()
    store.run(lambda _: None)
    assert done == []
    store.close()
