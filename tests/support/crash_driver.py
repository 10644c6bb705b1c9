"""Runs the command line in forked children that may end themselves at one exact point, by SIGKILL.

A program of its own (`python -m tests.support.crash_driver`): orders come as JSON lines on standard input, answers go to
standard output. Nothing of it lies in the product: each child wraps the places where the product writes to its
ledger and talks to the directory, and counts. It can also make the product's clock run faster than the real one.
"""

import gc
import io
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from idferry.cli.app import run
from idferry.graph.transport import Transport
from idferry.ledger import key_file, opening
from idferry.ledger.database import Database
from idferry.wiring.system import SystemClock

# The exit code by which Python tells of a death by SIGKILL.
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Point:
    """Where to end: the n-th `write` to the ledger, `call` to the directory, or making of the ledger's `files`.

    `when`: before it begins, inside (a write that was made but not committed), or after it.
    """

    kind: str
    when: str
    number: int


@dataclass(frozen=True)
class Order:
    """One command to run in `folder`; its output goes to files in `output`.

    `speed` is that of the product's clock; `user` is the id to run under (0: unchanged), because root may write
    everywhere.
    """

    folder: str
    output: str
    arguments: list[str]
    point: Point | None = None
    speed: float = 1.0
    user: int = 0

    def as_json(self) -> str:
        """One line for the driver."""
        return json.dumps(asdict(self))


def main() -> None:
    """Take orders until standard input ends."""
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        point = Point(**order.pop("point")) if order["point"] else order.pop("point")
        child = os.fork()
        if child == 0:
            _obey(Order(**order, point=point))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _obey(order: Order) -> None:
    code = 70
    try:
        os.chdir(order.folder)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(Path(order.output, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        if order.user:
            _become(order.user)
        _hurry(order.speed)
        if order.point:
            _watch(order.point)
        code = run(order.arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become(user: int) -> None:
    """What is imported late is imported before: another user may not be let in to where Python lives."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        run(["survey", "no-such-file"])
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def _hurry(speed: float) -> None:
    if speed != 1.0:
        SystemClock.elapsed = lambda _self: time.monotonic() * speed  # type: ignore[method-assign]
        SystemClock.sleep = lambda _self, seconds, unless=None: time.sleep(seconds / speed)  # type: ignore[method-assign]


def _watch(point: Point) -> None:
    def reached(when: str, number: int) -> None:
        if (when, number) == (point.when, point.number):
            os.kill(os.getpid(), signal.SIGKILL)

    match point.kind:
        case "write":
            _watch_writes(reached)
        case "call":
            _watch_calls(reached)
        case "files":
            _watch_files(reached)
        case other:
            raise AssertionError(other)


def _watch_writes(reached: Callable[[str, int], None]) -> None:
    original: Callable[[Database], AbstractContextManager[Connection]] = Database.writing
    numbers = itertools.count(1)

    @contextmanager
    def writing(self: Database) -> Iterator[Connection]:
        number = next(numbers)
        reached("before", number)
        with original(self) as connection:
            yield connection
            reached("inside", number)
        reached("after", number)

    Database.writing = writing  # type: ignore[method-assign]


def _watch_calls(reached: Callable[[str, int], None]) -> None:
    original: Callable[..., Any] = Transport._over_http
    numbers = itertools.count(1)

    def over_http(self: Transport, *arguments: Any) -> Any:
        number = next(numbers)
        reached("before", number)
        answer = original(self, *arguments)
        reached("after", number)
        return answer

    Transport._over_http = over_http  # type: ignore[method-assign]


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


if __name__ == "__main__":
    main()
