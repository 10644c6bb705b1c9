"""The status endpoint at 64 connections, against the same server with a route that reads the body and answers 200."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import part_of_ours, product
from benchmarks.rows import Bench, Row
from idferry.ledger.opening import open_ledger
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.entry import EventKind, Observation, PlanItem, TakeUp
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.lifecycle import State
from idferry.rules.names import local_identity
from idferry.rules.plan import Planned
from idferry.wiring.system import SystemClock, random_bytes

PEOPLE = 100_000
AWAITING_EACH = 5  # one in so many must reset
CONNECTIONS = 64
NAMES = 1_000
STEP = 997  # of no common measure with AWAITING_EACH, so that people of both kinds are asked about
SECONDS = 6.0
SECONDS_MIN = 0.3
REPETITIONS = 3
RATIO_MIN = 0.40
P99_MS_MAX = 20.0
SECRET = "Not-a-real-secret-of-at-least-32-bytes"
SETTINGS = f"""
project = "bench"
[tenant]
id = "11111111-2222-3333-4444-555555555555"
domain = "contoso.onmicrosoft.com"
authority = "https://localhost:1"
graph = "https://localhost:1"
[ledger]
path = "bench.ledger"
[service]
trusted_proxies = ["127.0.0.1"]
status_conflicts_per_minute = 1000000
[[service.caller]]
name = "policy"
kind = "basic"
user = "policy"
secrets = ["{SECRET}"]
"""


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
    _make_ledger(bench.folder, people)
    (bench.folder / "idferry.toml").write_text(SETTINGS, encoding="utf-8")
    ask = _requests(bench.folder / "ask", "/api/PrePasswordReset/LoalAccountSignIn", people)
    bare = _requests(bench.folder / "bare", "/", people)
    with (
        _server(_product_command(), bench.folder) as ours,
        _server(part_of_ours("bare_server"), bench.folder) as plain,
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


def _product_command() -> list[str]:
    return product("serve", "--port", "0", "--admin-port", "0", "--exit-with-parent", "--json")


def _make_ledger(folder: Path, people: int) -> None:
    at = SystemClock().now()
    with open_ledger(
        folder / "bench.ledger",
        tenant_id="11111111-2222-3333-4444-555555555555",
        project="bench",
        random_bytes=random_bytes,
        at=at,
    ) as ledger:
        ledger.plan.begin_planning()
        for start in range(0, people, 1_000):
            items = [_item(number) for number in range(start, min(start + 1_000, people))]
            list(ledger.plan.plan(items, run="run-1", take_up=TakeUp(), at=at))
        waiting = list(range(1, people + 1))
        for start in range(0, people, 500):
            some = waiting[start : start + 500]
            ledger.send.turn(run="run-1", observed=(), sending=some, at=at)
            seen = [
                Observation(one, EventKind.CREATED, _state(one), object_id=f"object-{one}") for one in some
            ]
            ledger.send.turn(run="run-1", observed=seen, sending=(), at=at)


def _state(number: int) -> State:
    return State.COMPLETE if number % AWAITING_EACH else State.AWAITING_PASSWORD


def _item(number: int) -> PlanItem:
    identity = local_identity(f"person{number}@example.com")
    user = LegacyUser(
        source="bench",
        key=str(number),
        place=Place("people.jsonl", number + 1, number),
        identities=(identity,),
        display_name=f"Person {number}",
        record_digest=str(number).encode(),
    )
    draft = AccountDraft(
        legacy_id=f"bench:bench:{number}",
        display_name=user.display_name,
        identities=user.identities,
        password_plan=PasswordPlan.RANDOM,
    )
    return PlanItem(user, Planned(draft))


def _requests(file: Path, path: str, people: int) -> Path:
    told = base64.b64encode(f"policy:{SECRET}".encode()).decode()
    requests = []
    for number in range(min(NAMES, people)):
        body = json.dumps({"email": f"Person{number * STEP % people}@example.com"})
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += f"authorization: Basic {told}\r\ncontent-length: {len(body)}\r\n\r\n"
        requests.append((head + body).encode())
    file.write_bytes(b"\0".join(requests))
    return file


@dataclass(frozen=True, slots=True)
class _Served:
    address: str
    process_id: int


@contextmanager
def _server(command: list[str], folder: Path) -> Iterator[_Served]:
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    try:
        line = process.stdout.readline().decode().strip() if process.stdout else ""
        address = json.loads(line)["service"] if line.startswith("{") else line
        yield _Served(address, process.pid)
    finally:
        process.terminate()
        process.communicate()
        log.close()


def _load(served: _Served, requests: Path, seconds: float, *, statuses: Set[str]) -> Load:
    command = part_of_ours("closed_loop", served.address, str(requests), str(seconds), str(CONNECTIONS))
    before = _cpu_s(served.process_id)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout)
    if set(told["statuses"]) != statuses:
        raise RuntimeError(f"answers of another kind: {told['statuses']}")
    cpu_s = _cpu_s(served.process_id) - before
    return Load(told["answers"], seconds, max(cpu_s, 1e-9), told["p50_ms"], told["p99_ms"])


def _cpu_s(process_id: int) -> float:
    """User and system time of a process so far, in seconds; Linux only, as the other figures of processes are."""
    if sys.platform != "linux":
        raise RuntimeError("the CPU time of another process is read from /proc")
    import os

    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
