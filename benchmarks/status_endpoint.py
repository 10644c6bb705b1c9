"""The status endpoint at 64 connections, against the same server with a route that reads the body and answers 200."""

import json
import subprocess
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import cpu_s_of, part_of_ours
from benchmarks.rows import Bench, Row
from benchmarks.status_service import PRODUCT, SETTINGS, STATUS, Served, make_ledger, server, write_requests

PEOPLE = 100_000
CONNECTIONS = 64
SECONDS = 6.0
SECONDS_MIN = 0.3
REPETITIONS = 3
RATIO_MIN = 0.40
P99_MS_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the load was answered, and the server's CPU seconds meanwhile."""

    answers: int
    seconds: float
    cpu_s: float
    p50_ms: float
    p99_ms: float

    @property
    def each_us(self) -> float:
        """CPU of the server for one answer."""
        return self.cpu_s / self.answers * 1e6


def rows(bench: Bench) -> Iterator[Row]:
    """Answers for each CPU second of the server, which is what one process gives when it has a core of its own."""
    people, seconds = bench.people(PEOPLE), max(SECONDS * min(bench.part, 1.0), SECONDS_MIN)
    make_ledger(bench.folder, people)
    (bench.folder / "idferry.toml").write_text(SETTINGS, encoding="utf-8")
    ask = write_requests(bench.folder / "ask", STATUS, people)
    bare = write_requests(bench.folder / "bare", "/", people)
    with (
        server(PRODUCT, bench.folder) as ours,
        server(part_of_ours("bare_server"), bench.folder) as plain,
    ):
        runs = [
            (
                _load(ours, ask, seconds, statuses={"200", "409"}),
                _load(plain, bare, seconds, statuses={"200"}),
            )
            for _ in range(REPETITIONS)
        ]
    best, base = (min(some, key=lambda one: one.each_us) for some in zip(*runs, strict=True))
    quiet, plainest = (min(one.p99_ms for one in some) for some in zip(*runs, strict=True))
    ratio = base.each_us / best.each_us
    yield Row(
        target=f">= {RATIO_MIN:.0%}",
        measured=f"{ratio:.0%}",
        holds=ratio >= RATIO_MIN,
        what=f"status endpoint, answers for each CPU second ({people:,} people, Basic caller, metrics and log on)",
        compared_with="the same server with a route that reads the body and answers 200",
        figures=(
            f"{best.each_us:.0f} us and {best.answers / best.seconds:,.0f} answers/s",
            f"compared: {base.each_us:.0f} us and {base.answers / base.seconds:,.0f} answers/s",
        ),
    )
    yield Row(
        what=f"status endpoint at {CONNECTIONS} connections, p99",
        compared_with="",
        target=f"< {P99_MS_MAX:g} ms",
        measured=f"{quiet:.1f} ms",
        holds=quiet < P99_MS_MAX,
        figures=(
            f"p50 {best.p50_ms:.1f} ms",
            f"the compared route: {plainest:.1f} ms",
            "server and load on the same machine",
        ),
    )


def _load(served: Served, requests: Path, seconds: float, *, statuses: Set[str]) -> Load:
    command = part_of_ours("closed_loop", served.address, str(requests), str(seconds), str(CONNECTIONS))
    before = cpu_s_of(served.process_id)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout)
    if set(told["statuses"]) != statuses:
        raise RuntimeError(f"answers of another kind: {told['statuses']}")
    cpu_s = cpu_s_of(served.process_id) - before
    return Load(told["answers"], seconds, max(cpu_s, 1e-9), told["p50_ms"], told["p99_ms"])
