"""What the time of an answer tells an attacker: kinds of sign-in that must look alike, interleaved, before the real service.

`idferry serve` answers a B2C policy at its fixed time; the legacy system is a hash store, a real slapd or a web service
that takes its time. The oracle is Welch's t of each pair of kinds and the gap of their medians.
"""

import asyncio
import base64
import hashlib
import json
import math
import random
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import Any

import argon2
import bcrypt
import httpx2
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp
from tests.support.scripted_server import Seen, answer, scripted_server
from tests.support.service_process import RunningService, running_service
from tests.support.slapd import SUFFIX, person, running_slapd

RIGHT, WRONG = "Old-Password-1", "Not-the-password-2"
"""`WRONG` gets a number: the same wrong password again would not be asked for again."""
PATH = "/api/migration/sign-in"
T_MAX = 4.5
"""Welch's t from which two kinds count as told apart, as usual for side channels."""
GAP_MS_MAX = 5.0
FEW = 10
"""Of those kinds whose people may come again: nothing is counted against them."""
BUSY_PEOPLE = 40
SETTINGS = """
[clock]
url = "{clock}"
[guard]
attempts = 1
lock_seconds = 900
failures_per_minute = 1000
[service]
negative_reply_at = {reply_at}
{verifier}
"""
HASHES = """
[hashes]
key = "a key of the operator, of thirty-two characters"
[sources.people]
path = "people.jsonl"
exported_at = "2026-01-02T00:00:00Z"
[[verifier]]
name = "old"
kind = "hashes"
legacy_frozen_at = "2026-01-01T00:00:00Z"
"""
LOCKOUT = "legacy_lockout = { threshold = 1000000, window_seconds = 60 }\n"


class Sort(StrEnum):
    """Kinds of sign-in that must not be told apart."""

    UNKNOWN = "unknown"
    UNFLAGGED = "unflagged"
    WRONG = "wrong"
    LOCKED = "locked"
    SLOW = "slow"
    """Wrong, and the legacy system takes particularly long to say so."""


CAUSES: Mapping[Sort, str] = {
    Sort.UNKNOWN: "unknown_here",
    Sort.UNFLAGGED: "not_flagged",
    Sort.WRONG: "mismatch",
    Sort.LOCKED: "locked",
    Sort.SLOW: "mismatch",
}


@dataclass(frozen=True)
class Timings:
    """What was measured, in seconds. `busy`: right sign-ins that were answered meanwhile."""

    taken: Mapping[Sort, Sequence[float]]
    busy: int

    @property
    def worst_t(self) -> float:
        """The largest Welch's t of two kinds, as an absolute value."""
        return max(abs(welch(a, b)) for a, b in combinations(self.taken.values(), 2))

    @property
    def gap_ms(self) -> float:
        """The distance between the largest and the smallest median."""
        medians = [statistics.median(one) for one in self.taken.values()]
        return 1_000 * (max(medians) - min(medians))

    @property
    def tells(self) -> bool:
        """Whether a stopwatch tells the kinds apart."""
        return self.worst_t >= T_MAX or self.gap_ms >= GAP_MS_MAX


def welch(a: Sequence[float], b: Sequence[float]) -> float:
    """Welch's t for two samples."""
    spread = statistics.variance(a) / len(a) + statistics.variance(b) / len(b)
    return (statistics.fmean(a) - statistics.fmean(b)) / math.sqrt(spread)


@dataclass(frozen=True)
class Load:
    """How hard the service is worked: sign-ins of each kind, how many a second, and who else signs in.

    `others` sign in one time after the other, each resting for `rest_s` in between.
    """

    samples: int
    per_second: float
    others: int = 0
    rest_s: float = 0.0


@dataclass
class TimingStand:
    """The service and those who can sign in to it."""

    service: RunningService
    chance: random.Random
    used: int = 0
    """How many of each kind have signed in: nobody's guesses come twice."""

    def measure(self, load: Load) -> Timings:
        """Everybody's sign-ins in one random order, at an even pace, whatever the answers take."""
        return asyncio.run(_measured(self, load))

    def causes(self) -> Counter[str]:
        """How often which cause stands in the service's log."""
        return Counter(line["cause"] for line in self.service.lines() if line.get("cause"))


async def _measured(stand: TimingStand, load: Load) -> Timings:
    order = [(sort, stand.used + number) for sort in Sort for number in range(load.samples)]
    stand.used += load.samples
    stand.chance.shuffle(order)
    taken: dict[Sort, list[float]] = {sort: [] for sort in Sort}
    bodies: set[bytes] = set()
    busy = 0
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(
        base_url=stand.service.address, limits=limits, timeout=30, trust_env=False
    ) as http:

        async def other(number: int) -> None:
            nonlocal busy
            while True:
                # A journey of its own, or it would hear what the last one heard.
                body = _body(f"busy{number}", RIGHT, f"10.9.9.{number}")
                said = await http.post(PATH, json={**body, "correlationId": f"{number} {busy}"})
                assert said.status_code == 200, said.text
                busy += 1
                await asyncio.sleep(load.rest_s)

        async def one(sort: Sort, number: int) -> None:
            body = _question(sort, number)
            began = perf_counter()
            said = await http.post(PATH, json=body)
            taken[sort].append(perf_counter() - began)
            assert said.status_code == 409, (sort, said.text)
            bodies.add(said.content)

        others = [asyncio.create_task(other(number)) for number in range(load.others)]
        asked = []
        for sort, number in order:
            asked.append(asyncio.create_task(one(sort, number)))
            await asyncio.sleep(1 / load.per_second)
        await asyncio.gather(*asked)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    assert len(bodies) == 1, "the answers differ"
    return Timings(taken, busy)


def _question(sort: Sort, number: int) -> dict[str, str]:
    address = f"10.{1 + list(Sort).index(sort)}.{number // 250}.{number % 250}"
    match sort:
        case Sort.UNKNOWN:
            return _body(f"nobody{number}", RIGHT, address)
        case Sort.UNFLAGGED:
            return _body(f"unflagged{number % FEW}", RIGHT, address)
        case Sort.LOCKED:
            return _body(f"locked{number % FEW}", f"{WRONG}{number}", _locked_address(number % FEW))
        case Sort.WRONG | Sort.SLOW:
            return _body(f"{sort}{number}", WRONG, address)


def _locked_address(number: int) -> str:
    return f"10.8.8.{number}"


def _body(name: str, password: str, address: str) -> dict[str, str]:
    return {"signInName": f"{name}@example.com", "password": password, "ipAddress": address}


@contextmanager
def timing_stand(
    folder: Path, emulator: Emulator, kind: str, *, samples: int, reply_at: float, seed: int
) -> Iterator[TimingStand]:
    """The service over a legacy system of this kind ("hashes", "ldap", "web_service"), with everybody in place.

    `samples`: how many of each sort there are for all measurements; `reply_at`: seconds, 0 switches the fixed time off.
    """
    emulator.reset()
    tenant = emulator.tenant("b2c")
    names = [f"{sort}{n}" for sort in (Sort.WRONG, Sort.SLOW) for n in range(samples)]
    names += [f"{sort}{n}" for sort in (Sort.UNFLAGGED, Sort.LOCKED) for n in range(FEW)]
    names += [f"busy{n}" for n in range(BUSY_PEOPLE)]
    chance = random.Random(seed)  # noqa: S311  it must be repeatable
    with _LEGACY[kind](folder, names, chance) as verifier:
        records = (_record(name, kind, number) for number, name in enumerate(names))
        (folder / "people.jsonl").write_text(
            "".join(json.dumps(one) + "\n" for one in records), encoding="utf-8"
        )
        more = SETTINGS.format(clock=f"{emulator.control_url}/clock", reply_at=reply_at, verifier=verifier)
        (folder / "idferry.toml").write_text(f"{tenant.settings}\n{more}", encoding="utf-8")
        command = [sys.executable, "-m", "idferry", "premigrate", "people", "--execute"]
        if kind != "hashes":
            command[4] = "people.jsonl"
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        _lower_flags(emulator, tenant)
        with running_service(folder, "--insecure-loopback") as service:
            stand = TimingStand(service, chance)
            _lock(service)
            yield stand


def _record(name: str, kind: str, number: int) -> dict[str, str]:
    record = {"key": str(number), "signInName": f"{name}@example.com"}
    if kind == "hashes":
        mixed = _hashes()
        record["passwordHash"] = mixed[-1] if name.startswith(Sort.SLOW) else mixed[number % (len(mixed) - 1)]
    return record


@cache
def _hashes() -> Sequence[str]:
    """The same password by several schemes, the slowest last."""
    password = RIGHT.encode()
    made = [bcrypt.hashpw(password, bcrypt.gensalt(cost)).decode() for cost in (10, 12, 13)]
    argon = argon2.PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1).hash(RIGHT)
    derived = base64.b64encode(hashlib.pbkdf2_hmac("sha256", password, b"salt", 100_000)).decode()
    return [made[0], made[1], argon, f"pbkdf2_sha256$100000$salt${derived}", made[2]]


def _lower_flags(emulator: Emulator, tenant: EmulatedTenant) -> None:
    client, flag = GraphHttp(tenant), tenant.extension("requiresMigration")
    for account in emulator.dump(tenant):
        if any(one["issuerAssignedId"].startswith(Sort.UNFLAGGED) for one in account["identities"]):
            assert client.patch(f"/users/{account['id']}", {flag: False}).status_code == 204
    client.close()


def _lock(service: RunningService) -> None:
    def lock(number: int) -> None:
        for guess in range(2):
            body = _body(f"locked{number}", f"before {guess}", _locked_address(number))
            assert http.post(PATH, json=body).status_code == 409

    with (
        httpx2.Client(base_url=service.address, timeout=30, trust_env=False) as http,
        ThreadPoolExecutor(FEW) as pool,
    ):
        list(pool.map(lock, range(FEW)))


@contextmanager
def _hash_store(folder: Path, names: Sequence[str], chance: random.Random) -> Iterator[str]:
    yield HASHES


@contextmanager
def _slapd(folder: Path, names: Sequence[str], chance: random.Random) -> Iterator[str]:
    (folder / "slapd").mkdir()
    people = "\n".join(person(name, RIGHT) for name in names)
    with running_slapd(folder / "slapd", people, {}) as slapd:
        yield (
            f'[[verifier]]\nname = "old"\nkind = "ldap"\nurl = "{slapd.tls_url}"\nbase = "{SUFFIX}"\n'
            f'ca_file = "{slapd.ca.file}"\n{LOCKOUT}'
        )


@contextmanager
def _web_service(folder: Path, names: Sequence[str], chance: random.Random) -> Iterator[str]:
    def says(seen: Seen) -> Any:
        is_right = seen.json["password"] == RIGHT
        late_s = 1.35 if seen.json["identifier"].startswith(Sort.SLOW) else _log_normal(chance)
        said = answer(200, {"status": "password_match"}) if is_right else answer(403)
        return [late_s, *said]

    with scripted_server(says) as legacy:
        yield f'[[verifier]]\nname = "old"\nkind = "web_service"\nurl = "{legacy.url}/check"\n{LOCKOUT}'


def _log_normal(chance: random.Random) -> float:
    """50 to 1,400 ms, most of them about 250."""
    return min(max(chance.lognormvariate(math.log(0.25), 0.6), 0.05), 1.4)


_LEGACY: Mapping[str, Callable[..., Any]] = {
    "hashes": _hash_store,
    "ldap": _slapd,
    "web_service": _web_service,
}
