"""People sign in while an import commits to the same ledger at full speed, and while a legacy system hangs.

Everything is the product's own: `idferry serve`, `idferry premigrate --execute`. Stretches of the same load, quiet and
beside something, take turns; what an import into another ledger does to the same figures is the machine's, not ours.
"""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.constant_server import APP_ID
from benchmarks.export import write_export
from benchmarks.measuring import part_of_ours, product, taken_by
from benchmarks.rows import Bench, Row, at_most
from benchmarks.status_service import SECRET, STATUS, request_of
from benchmarks.tenants import constant_tenant, large_emulated_tenant

PEOPLE = 150_000  # in all imports into the ledger of the sign-ins
TURNS = 3
FULL_PART_MIN = 0.1  # smaller runs show that it works, for which one turn will do
SECONDS = 12.0
SECONDS_MIN = 0.5
FACTOR_MAX = 2.0
MEMBERS = 3_000
MEMBERS_MIN = 100
ASKED_NAMES = 1_000
STATUS_RATE, SIGN_IN_RATE, RESET_RATE, HUNG_RATE = 200, 30, 5, 10
PASSWORD = "Any-Password-is-right-7"
SIGN_IN = "/api/migration/sign-in"
RESET = "/api/PrePasswordReset/PasswordUpdated"
SERVICE = """
[service]
trusted_proxies = ["127.0.0.1"]
status_conflicts_per_minute = 1000000
[[service.caller]]
name = "policy"
kind = "basic"
user = "policy"
secrets = ["{secret}"]
[[verifier]]
name = "club"
kind = "web_service"
email_domains = ["club.example.com"]
url = "{legacy}/prompt"
legacy_lockout = {{ threshold = 1000, window_seconds = 60 }}
[[verifier]]
name = "shop"
kind = "web_service"
email_domains = ["shop.example.com"]
url = "{legacy}/silent"
legacy_lockout = {{ threshold = 1000, window_seconds = 60 }}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent, and how often."""

    name: str
    requests: Path
    rate: int
    connections: int


@dataclass(slots=True)
class Heard:
    """What came of the stretches of one kind, all turns together."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    times_ms: dict[str, list[float]] = field(default_factory=dict)
    statuses: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, load: Load, told: Mapping[str, Any]) -> None:
        """One run of a load."""
        self.times_ms.setdefault(load.name, []).extend(told["times_ms"])
        self.statuses.setdefault(load.name, Counter()).update(told["statuses"])

    def p99_ms(self, name: str) -> float:
        """Of the answers to this load."""
        return _p99(self.times_ms[name])

    def refused(self, name: str, *accepted: str) -> int:
        """Answers of another status, or none."""
        return sum(count for status, count in self.statuses[name].items() if status not in accepted)

    def count(self, name: str) -> int:
        """How many were sent."""
        return self.statuses[name].total()

    def bookings_ms(self, bookings: list[tuple[float, float]]) -> list[float]:
        """Of all bookings, those that began in a stretch of this kind."""
        return [1e3 * took for began, took in bookings if any(a <= began <= b for a, b in self.spans)]


@dataclass(slots=True)
class Stand:
    """Everything that is up, and what was heard."""

    bench: Bench
    service: str
    admin: str
    loads: dict[str, Load]
    heard: dict[str, Heard] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)

    def stretch(self, kind: str, during: Callable[[], object], *more: str) -> None:
        """The ordinary load while `during` runs; `more` names loads beside it whose answers nobody waits for."""
        heard = self.heard.setdefault(kind, Heard())
        loads = [self.loads[name] for name in ("status", "sign-ins", "resets")]
        with ExitStack() as stack:
            others = [stack.enter_context(self._sender(self.loads[name])) for name in more]
            running = [stack.enter_context(self._sender(one)) for one in loads]
            began_s = time.monotonic()
            during()
            heard.spans.append((began_s, time.monotonic()))
            told = [_end(one) for one in running]
            for one in others:
                one.kill()  # their answers come late, and are not looked at
        for load, facts in zip(loads, told, strict=True):
            heard.add(load, facts)
            self.sent[load.name] += facts["sent"]

    @contextmanager
    def _sender(self, load: Load) -> Iterator["subprocess.Popen[bytes]"]:
        facts = (str(load.requests), str(load.rate), str(self.sent[load.name]), str(load.connections))
        command = part_of_ours("open_loop", self.service, *facts)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError(f"{load.name} were not sent")
            yield process

    def alerts(self) -> Mapping[str, int]:
        """What the service says that an operator should look at."""
        text = httpx2.get(f"{self.admin}/metrics", trust_env=False).raise_for_status().text
        lines = [line for line in text.splitlines() if line.startswith("idferry_alerts_total{")]
        return {line.split('"')[1]: int(float(line.rpartition(" ")[2])) for line in lines}


def rows(bench: Bench) -> Iterator[Row]:
    """Bookings, the status endpoint, and who was refused: beside an import, and beside a system that hangs."""
    timings = bench.folder / "bookings.json"
    imports = bench.people(PEOPLE // TURNS)
    with _stand(bench, timings, people=imports) as stand:
        for turn in range(_turns(bench)):
            stand.stretch("quiet", lambda: time.sleep(_seconds(bench)))
            stand.stretch("import", lambda turn=turn: _import(bench, f"same{turn}"))  # type: ignore[misc]
            stand.stretch("elsewhere", lambda turn=turn: _import(bench, f"other{turn}"))  # type: ignore[misc]
        alerts = stand.alerts()
        # The same number of sign-ins at both: some of them meet a system that hangs, or none of them does.
        stand.stretch("answering", lambda: time.sleep(_seconds(bench)), "more")
        stand.stretch("hanging", lambda: time.sleep(2 * _seconds(bench)), "hung")
        stand.stretch("answering", lambda: time.sleep(_seconds(bench)), "more")
    bookings = [(began, took) for began, took in json.loads(timings.read_text(encoding="ascii"))]
    p99 = {kind: _p99(heard.bookings_ms(bookings)) for kind, heard in stand.heard.items()}
    people = f"an import of {imports:,} people at full speed into the same ledger"
    elsewhere = (
        f"into another ledger: {p99['elsewhere']:.1f} and {stand.heard['elsewhere'].p99_ms('status'):.1f} ms"
    )
    yield from _times(stand.heard, p99, ("quiet", "import"), people, elsewhere)
    lost = {name: alerts.get(name, 0) for name in ("reset_not_recorded", "notes_lost")}
    yield _refused(stand.heard["import"], people, *(f"{name}: {count}" for name, count in lost.items()))
    hangs = "a legacy system that takes every call and answers none"
    meet = f"{HUNG_RATE} sign-ins a second meet it"
    yield from _times(stand.heard, p99, ("answering", "hanging"), hangs, meet)
    yield _refused(stand.heard["hanging"], hangs, "of the people of another legacy system")


def _times(
    heard: Mapping[str, Heard],
    booked: Mapping[str, float],
    kinds: tuple[str, str],
    beside: str,
    figure: str,
) -> Iterator[Row]:
    """`kinds`: the stretches without and with it."""
    quiet, loud = kinds
    for what, p99 in (
        ("booking an attempt", booked),
        ("the status endpoint", {one: heard[one].p99_ms("status") for one in heard}),
    ):
        yield at_most(
            p99[loud] / p99[quiet],
            target=FACTOR_MAX,
            what=f"p99 of {what} beside {beside}",
            compared_with="the same load, quiet; stretches in turns",
            figures=(f"{p99[loud]:.1f} ms", f"quiet {p99[quiet]:.1f} ms", figure),
        )


def _refused(heard: Heard, beside: str, *figures: str) -> Row:
    refused = heard.refused("sign-ins", "200") + heard.refused("status", "200", "409")
    refused += heard.refused("resets", "200")
    counts = ", ".join(f"{heard.count(name):,} {name}" for name in ("sign-ins", "status", "resets"))
    return Row(
        what=f"sign-ins refused beside {beside}",
        compared_with="-",
        target="0",
        measured=f"{refused}",
        holds=refused == 0,
        figures=(counts, *figures),
    )


def _p99(times: list[float]) -> float:
    return sorted(times)[int(0.99 * (len(times) - 1))]


def _turns(bench: Bench) -> int:
    return TURNS if bench.part >= FULL_PART_MIN else 1


def _seconds(bench: Bench) -> float:
    return max(SECONDS * min(bench.part, 1.0), SECONDS_MIN)


def _end(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    out, _ = process.communicate()
    told: dict[str, Any] = json.loads(out)
    return told


@contextmanager
def _stand(bench: Bench, timings: Path, *, people: int) -> Iterator[Stand]:
    """People of two legacy systems in an emulated tenant, the service beside it, and exports for a faster one."""
    folder, members = bench.folder, max(bench.people(MEMBERS), MEMBERS_MIN)
    both = _members("club", members) + _members("shop", members)
    (folder / "members.jsonl").write_text(both, encoding="utf-8")
    with ExitStack() as stack:
        # It stays quiet: only what sign-ins read of accounts comes from it. The imports have a faster one.
        stack.enter_context(large_emulated_tenant(folder, people=2 * members))
        fast = stack.enter_context(constant_tenant())
        legacy = stack.enter_context(_printing("legacy_server"))
        settings = (folder / "idferry.toml").read_text(encoding="utf-8")
        taken_by(product("premigrate", "members.jsonl", "--execute"), folder=folder)
        asking = settings.replace('use = "import"', 'use = "sign-in"')
        (folder / "serve.toml").write_text(
            asking + SERVICE.format(secret=SECRET, legacy=legacy), encoding="utf-8"
        )
        for name in ("same", "other"):
            _write_import_settings(folder, settings, name, fast.address)
            _write_exports(folder, name, people)
        options = (
            "--settings",
            "serve.toml",
            "--port",
            "0",
            "--admin-port",
            "0",
            "--exit-with-parent",
            "--json",
        )
        told = json.loads(
            stack.enter_context(_printing("timed_service", str(timings), *options, folder=folder))
        )
        yield Stand(bench, told["service"], told["admin"], _loads(folder, members))


def _write_import_settings(folder: Path, settings: str, name: str, address: str) -> None:
    """The same tenant and project, at the address of a server that creates everybody at once."""
    lines = [line for line in settings.splitlines() if not line.startswith(("authority", "graph", "ca_file"))]
    text = "\n".join(lines).replace(
        "[tenant]",
        f'[tenant]\nauthority = "{address}"\ngraph = "{address}"\nextension_app_id = "{APP_ID}"',
    )
    if name == "other":
        text = text.replace('path = "idferry.ledger"', 'path = "other.ledger"')
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def _write_exports(folder: Path, name: str, people: int) -> None:
    """One for each turn, with nobody in it who stands in another one."""
    text = write_export(folder / "people.jsonl", people).read_text(encoding="utf-8")
    for turn in range(TURNS):
        own = text.replace("@example.com", f"@{name}{turn}.example.com")
        (folder / f"{name}{turn}.jsonl").write_text(own, encoding="utf-8")


def _import(bench: Bench, name: str) -> None:
    """One premigration of an export that nobody has seen before."""
    command = product("premigrate", f"{name}.jsonl", "--execute", "--settings", f"{name[:-1]}.toml")
    taken_by(command, folder=bench.folder)


def _members(source: str, people: int) -> str:
    lines = (
        {
            "key": f"{source}-{number}",
            "signInName": _member(source, number),
            "displayName": f"Member {number}",
        }
        for number in range(people)
    )
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _member(source: str, number: int) -> str:
    return f"member{number}@{source}.example.com"


def _loads(folder: Path, members: int) -> dict[str, Load]:
    """The questions are about people of the imports: some are not there yet, some are, some must reset."""
    asked = [{"email": f"jose.{number}@same{number % TURNS}.example.com"} for number in range(ASKED_NAMES)]
    resets = [{"email": _member("club", members - 1 - number)} for number in range(members)]
    return {
        one.name: one
        for one in (
            _load(folder, "status", STATUS, asked, STATUS_RATE, 16),
            _load(folder, "sign-ins", SIGN_IN, _sign_ins("club", members), SIGN_IN_RATE, 32),
            _load(folder, "resets", RESET, resets, RESET_RATE, 8),
            _load(folder, "hung", SIGN_IN, _sign_ins("shop", members), HUNG_RATE, 256),
            _load(folder, "more", SIGN_IN, _sign_ins("club", members)[::-1], HUNG_RATE, 256),
        )
    }


def _sign_ins(source: str, members: int) -> list[dict[str, str]]:
    """Each from an address of its own, and a journey of its own where somebody comes again."""
    return [
        {
            "email": _member(source, number % members),
            "password": PASSWORD,
            "correlationId": f"{source}-{number}",
            "ipAddress": f"10.{len(source)}.{number >> 8 & 255}.{number & 255}",
        }
        for number in range(2 * members)
    ]


def _load(
    folder: Path, name: str, path: str, bodies: list[dict[str, str]], rate: int, connections: int
) -> Load:
    file = folder / f"{name}.requests"
    file.write_bytes(b"\0".join(request_of(path, json.dumps(one).encode()) for one in bodies))
    return Load(name, file, rate, connections)


@contextmanager
def _printing(module: str, *arguments: str, folder: Path | None = None) -> Iterator[str]:
    """A part of ours in a process of its own; what it prints first. It ends when its standard input closes."""
    command = part_of_ours(module, *arguments)
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        line = process.stdout.readline().decode().strip() if process.stdout else ""
        if not line:
            raise RuntimeError(f"{module} did not start")
        yield line
        process.communicate()
