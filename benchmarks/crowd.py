"""Good clients beside thousands of connections that ask nothing, or ask without end."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
FULL_PART_MIN = 0.1  # smaller runs show that it works
P95_FACTOR_MAX = 2.0


@dataclass(slots=True)
class Beside:
    """What good clients waited for in each turn, in milliseconds, and what the crowd let them hear."""

    quiet_ms: list[float] = field(default_factory=list)
    beside_ms: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    @property
    def factor(self) -> float:
        """The best p95 beside the crowd by the best without it."""
        return min(self.beside_ms) / min(self.quiet_ms)

    @property
    def unanswered(self) -> int:
        """Requests beside the crowd without a proper answer."""
        return self.statuses.total() - self.statuses["200"] - self.statuses["409"]


def rows(bench: Bench) -> Iterator[Row]:
    """What good clients wait for, and how many were refused."""
    full = min(bench.part, 1.0)
    silent, slow = max(round(SILENT * full), SILENT_MIN), max(round(SLOW * full), SLOW_MIN)
    turns = REPETITIONS if full >= FULL_PART_MIN else 1
    found = measured(
        bench.folder, silent=silent, slow=slow, seconds=max(SECONDS * full, SECONDS_MIN), turns=turns
    )
    crowd = f"{silent:,} silent connections and {slow:,} with heads that never end"
    yield at_most(
        found.factor,
        target=P95_FACTOR_MAX,
        what=f"p95 of good clients beside {crowd}",
        compared_with="without them",
        figures=(
            f"{min(found.beside_ms):.1f} ms",
            f"{min(found.quiet_ms):.1f} ms",
            f"{RATE} requests a second",
        ),
    )
    yield Row(
        what=f"good clients without an answer beside {crowd}",
        compared_with="-",
        target="0",
        measured=f"{found.unanswered}",
        holds=found.unanswered == 0,
        figures=(f"of {found.statuses.total():,} requests",),
    )


def measured(folder: Path, *, silent: int, slow: int, seconds: float, turns: int) -> Beside:
    """Stretches of so many seconds without the crowd and with it, in turns."""
    allow_many_files(silent + slow)
    make_ledger(folder, PEOPLE)
    (folder / "idferry.toml").write_text(SETTINGS, encoding="utf-8")
    asked = write_requests(folder / "asked", STATUS, PEOPLE)
    found = Beside()
    with server(PRODUCT, folder) as service:
        for _ in range(turns):
            found.quiet_ms.append(_p95_ms(service.address, asked, seconds, Counter()))
            with _crowd(service.address, silent, slow):
                found.beside_ms.append(_p95_ms(service.address, asked, seconds, found.statuses))
    return found


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
