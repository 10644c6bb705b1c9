"""Runs the command line in forked children that may be ended at any point or moment, by SIGKILL.

A program of its own (`python -m tests.support.crash_driver`): orders come as JSON lines on standard input, answers go to
standard output. What is done to the product inside a child stands in `interference`.
"""

import gc
import io
import json
import os
import resource
import signal
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.support.interference import Point, Temper, interfere

from idferry.cli.app import run

# The exit code by which Python tells of a death by SIGKILL.
KILLED = -signal.SIGKILL
LOOK_SECONDS = 0.002
TRACEBACK = 70


@dataclass(frozen=True)
class Order:
    """One command to run in `folder`; its output goes to files in `output`.

    `kill_after_s` is real time from the start; `user` is the id to run under (0: unchanged), because root may write
    everywhere; `files_max` is how many files the process may have open (0: unchanged).
    """

    folder: str
    output: str
    arguments: list[str]
    point: Point | None = None
    temper: Temper = field(default_factory=Temper)
    kill_after_s: float = 0.0
    user: int = 0
    files_max: int = 0

    def as_json(self) -> str:
        """One line for the driver."""
        return json.dumps(asdict(self))


def order_of(line: str) -> Order:
    """The order in a line."""
    fields = json.loads(line)
    point, temper = fields.pop("point"), fields.pop("temper")
    return Order(**fields, point=Point(**point) if point else None, temper=Temper(**temper))


def main() -> None:
    """Take orders until standard input ends."""
    gc.freeze()
    for line in sys.stdin:
        order = order_of(line)
        child = os.fork()
        if child == 0:
            obey(order)
        status = wait_for(child, order.kill_after_s)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def wait_for(child: int, kill_after_s: float) -> int:
    """The child's status when it has ended; after so many seconds (0: never) it is killed."""
    until = time.monotonic() + kill_after_s
    while kill_after_s and time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(LOOK_SECONDS)
    if kill_after_s:
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def obey(order: Order) -> None:
    """Be the command; this process ends with it."""
    code = TRACEBACK
    try:
        os.chdir(order.folder)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(Path(order.output, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        if order.user:
            _become(order.user)
        if order.files_max:
            resource.setrlimit(resource.RLIMIT_NOFILE, (order.files_max, order.files_max))
        interfere(order.temper, order.point)
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


if __name__ == "__main__":
    main()
