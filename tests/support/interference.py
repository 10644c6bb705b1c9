"""What is done to the product inside a process that a test controls: ends at exact points, a hurried or wrong clock.

Nothing of it lies in the product. Functions of its edges (the ledger's transactions, the HTTP client, the clock) are
wrapped in this process only, and only count, note and end it.
"""

import itertools
import os
import signal
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import httpx2

from idferry.ledger import key_file, opening
from idferry.ledger.database import Database
from idferry.wiring.system import SystemClock

# Steps of one HTTP exchange -> what the HTTP library calls them (https://www.encode.io/httpcore/extensions/#trace).
CALL_STEPS = {
    "http11.send_request_headers.started": "before",
    "http11.send_request_body.complete": "sent",
    "http11.receive_response_headers.complete": "first byte",
    "http11.receive_response_body.complete": "last byte",
}
SHM_HEADER = struct.Struct("=16xI12x8s")
SHM_BACKFILL = struct.Struct("=96xI28xI")


@dataclass(frozen=True)
class Point:
    """Where to end: the n-th `write` to the ledger, `call` over HTTP, or making of the ledger's `files`.

    `when`: before it begins, inside (a write that was made but not committed), after it; for calls a value of
    CALL_STEPS. `delay_s`: how long after that, while other threads go on. `method`: of the calls that count; all if empty.
    """

    kind: str
    when: str
    number: int
    delay_s: float = 0.0
    method: str = ""


@dataclass(frozen=True)
class Temper:
    """How the process is changed besides.

    `speed`: of its clock. `skew_s`: its time of day is wrong by this; `skew_turns` readings later by the opposite.
    `commits`: a file that tells after each commit how much of the ledger's log is on disk. `checkpoint_pages`: the
    log is written back so often. `pages_max`: the ledger cannot grow beyond. `disk_error`: (SQLite's name of an error, number of the write from which on).
    """

    speed: float = 1.0
    skew_s: float = 0.0
    skew_turns: int = 0
    commits: str = ""
    checkpoint_pages: int = 0
    pages_max: int = 0
    disk_error: tuple[str, int] | None = None


def interfere(temper: Temper, point: Point | None) -> None:
    """Change this process."""
    if temper.speed != 1.0 or temper.skew_s:
        _set_clock(temper)
    if temper.checkpoint_pages:
        opening._DURABLE = {**opening._DURABLE, "wal_autocheckpoint": str(temper.checkpoint_pages)}
    if temper.pages_max:
        opening._DURABLE = {**opening._DURABLE, "max_page_count": str(temper.pages_max)}
    if temper.commits:
        _note_commits(temper.commits)
    if temper.disk_error:
        _break_disk(*temper.disk_error)
    if point:
        _watch(point)


def _set_clock(temper: Temper) -> None:
    began_s, began = time.monotonic(), datetime.now(UTC)  # noqa: TID251  this stands in for the clock
    readings = itertools.count()

    def now(self: SystemClock) -> datetime:
        reading = next(readings)
        passed = timedelta(seconds=(time.monotonic() - began_s) * temper.speed)
        later = bool(temper.skew_turns) and reading >= temper.skew_turns
        # The first reading compares us with the emulator: what is wrong with the clock must not be put right there.
        skew_s = 0.0 if reading == 0 else (-temper.skew_s if later else temper.skew_s)
        return began + passed + timedelta(seconds=skew_s) + self._offset

    def sleep(_self: SystemClock, seconds: float, *, unless: "Future[None] | None" = None) -> None:
        if unless is None:
            time.sleep(seconds / temper.speed)
        else:
            wait([unless], timeout=seconds / temper.speed)

    def wait_for(
        _self: SystemClock, futures: "Collection[Future[Any]]", seconds: float
    ) -> "Collection[Future[Any]]":
        return wait(futures, timeout=seconds / temper.speed, return_when=FIRST_COMPLETED).done

    SystemClock.now = now  # type: ignore[method-assign]
    SystemClock.elapsed = lambda _self: time.monotonic() * temper.speed  # type: ignore[method-assign]
    SystemClock.sleep = sleep  # type: ignore[method-assign]
    SystemClock.wait_for = wait_for  # type: ignore[method-assign]


# --- the ledger's transactions ----------------------------------------------------------------------------------------


def _around_writes(
    *,
    before: Callable[[int], None] = lambda _: None,
    inside: Callable[[int, Connection], None] = lambda _, __: None,
    after: Callable[[int, Path], None] = lambda _, __: None,
) -> None:
    original: Callable[[Database], AbstractContextManager[Connection]] = Database.writing
    numbers = itertools.count(1)

    @contextmanager
    def writing(self: Database) -> Iterator[Connection]:
        number = next(numbers)
        before(number)
        with original(self) as connection:
            yield connection
            inside(number, connection)
        after(number, self._path)

    Database.writing = writing  # type: ignore[method-assign]


def _note_commits(file: str) -> None:
    """After each commit: whether it was synchronous, and what SQLite's index says is in the log (Commit in power_cut)."""
    notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def inside(_number: int, connection: Connection) -> None:
        nonlocal full
        full = connection.execute("PRAGMA synchronous").fetchone()[0] >= 2

    def after(_number: int, path: Path) -> None:
        index = path.with_name(path.name + "-shm")
        if index.exists():
            frames, salts = SHM_HEADER.unpack_from(index.read_bytes()[:64])
            os.write(notes, struct.pack("=I8sB", frames, salts, full))

    full = False
    _around_writes(inside=inside, after=after)


def _break_disk(name: str, from_number: int) -> None:
    """From this write on, the disk under the ledger fails when a transaction is to be committed."""
    code = getattr(sqlite3, name)

    def inside(number: int, _connection: Connection) -> None:
        if number >= from_number:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode, error.sqlite_errorname = code, name
            raise error

    _around_writes(inside=inside)


# --- points -----------------------------------------------------------------------------------------------------------


def _watch(point: Point) -> None:
    ended = threading.Event()

    def reached(when: str, number: int) -> None:
        # Not every call has every step: where the connection broke, the next one that has it counts.
        if when == point.when and number >= point.number and not ended.is_set():
            ended.set()
            _end(point.delay_s)

    match point.kind:
        case "write":
            _around_writes(
                before=lambda number: reached("before", number),
                inside=lambda number, _: reached("inside", number),
                after=lambda number, _: reached("after", number),
            )
        case "call":
            _watch_calls(reached, method=point.method)
        case "files":
            _watch_files(reached)
        case other:
            raise AssertionError(other)


def _end(delay_s: float) -> None:
    if delay_s:
        ender = threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGKILL))
        ender.daemon = True
        ender.start()
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def _watch_calls(reached: Callable[[str, int], None], *, method: str) -> None:
    original: Callable[..., Any] = httpx2.Client.send
    numbers = itertools.count(1)

    def send(self: httpx2.Client, request: httpx2.Request, **more: Any) -> Any:
        if method and request.method != method:
            return original(self, request, **more)
        number = next(numbers)

        def trace(event: str, _info: object) -> None:
            if event in CALL_STEPS:
                reached(CALL_STEPS[event], number)

        request.extensions = {**request.extensions, "trace": trace}
        return original(self, request, **more)

    httpx2.Client.send = send  # type: ignore[method-assign]


def _watch_files(reached: Callable[[str, int], None]) -> None:
    """Making the ledger's files: 1 is the key, 2 the empty ledger, 3 the first connection to it."""
    make_files = key_file.make_files
    connect = opening.sqlite3.connect

    def making(ledger: Any, random_bytes: Any) -> bytes:
        def drawn(count: int) -> bytes:
            reached("before", 1)
            return bytes(random_bytes(count))

        key = make_files(ledger, drawn)
        reached("after", 2)
        return key

    def connecting(*arguments: Any, **more: Any) -> Any:
        reached("before", 3)
        connection = connect(*arguments, **more)
        reached("after", 3)
        return connection

    key_file.make_files = making
    opening.sqlite3.connect = connecting
