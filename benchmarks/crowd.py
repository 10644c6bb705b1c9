"""Good clients beside thousands of connections that ask nothing, or ask without end."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import part_of_ours
from benchmarks.rows import Bench, Row, at_most
from benchmarks.status_service import PRODUCT, SETTINGS, STATUS, make_ledger, server, write_requests

PEOPLE = 1_000
SILENT, SLOW = 5_000, 500
SILENT_MIN, SLOW_MIN = 700, 60  # still more than may be open at once
RATE, CONNECTIONS = 200, 16
SECONDS = 8.0
SECONDS_MIN = 0.5
REPETITIONS = 3
P95_FACTOR_MAX = 2.0


def rows(bench: Bench) -> Iterator[Row]:
    """What good clients wait for, and how many were refused; stretches with the crowd and without it take turns."""
    full = min(bench.part, 1.0)
    silent, slow = max(round(SILENT * full), SILENT_MIN), max(round(SLOW * full), SLOW_MIN)
    seconds = max(SECONDS * full, SECONDS_MIN)
    allow_many_files(silent + slow)
    make_ledger(bench.folder, PEOPLE)
    (bench.folder / "idferry.toml").write_text(SETTINGS, encoding="utf-8")
    asked = write_requests(bench.folder / "asked", STATUS, PEOPLE)
    quiet, beside, statuses = [], [], Counter[str]()
    with server(PRODUCT, bench.folder) as service:
        for _ in range(REPETITIONS):
            quiet.append(_p95_ms(service.address, asked, seconds, Counter()))
            with _crowd(service.address, silent, slow):
                beside.append(_p95_ms(service.address, asked, seconds, statuses))
    crowd = f"{silent:,} silent connections and {slow:,} with heads that never end"
    yield at_most(
        min(beside) / min(quiet),
        target=P95_FACTOR_MAX,
        what=f"p95 of good clients beside {crowd}",
        compared_with="without them",
        figures=(f"{min(beside):.1f} ms", f"{min(quiet):.1f} ms", f"{RATE} requests a second"),
    )
    refused = statuses.total() - statuses["200"] - statuses["409"]
    yield Row(
        what=f"good clients without an answer beside {crowd}",
        compared_with="-",
        target="0",
        measured=f"{refused}",
        holds=refused == 0,
        figures=(f"of {statuses.total():,} requests",),
    )


def allow_many_files(count: int) -> None:
    """Let this process and those that it starts have so many files, and some more. Raises RuntimeError."""
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count + 200:
        raise RuntimeError(f"{count} connections need as many open files, and {most} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))


def _p95_ms(address: str, asked: Path, seconds: float, statuses: Counter[str]) -> float:
    command = part_of_ours("open_loop", address, str(asked), str(RATE), "0", str(CONNECTIONS))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("nothing was sent")
        time.sleep(seconds)
        told = json.loads(process.communicate()[0])
    statuses.update(told["statuses"])
    times = sorted(told["times_ms"])
    return float(times[int(0.95 * (len(times) - 1))])


@contextmanager
def _crowd(address: str, silent: int, slow: int) -> Iterator[None]:
    """All of them have been opened, and most of them ended, before it begins."""
    command = part_of_ours("silent_crowd", address, str(silent), str(slow))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("the crowd did not come")
        yield
        process.communicate()
