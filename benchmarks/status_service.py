"""A service that is asked who must reset the password: its ledger, its settings, the questions, and the process."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import product
from idferry.ledger.opening import open_ledger
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.entry import EventKind, Observation, PlanItem, TakeUp
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.lifecycle import State
from idferry.rules.names import local_identity
from idferry.rules.plan import Planned
from idferry.wiring.system import SystemClock, random_bytes

AWAITING_EACH = 5  # one in so many must reset
NAMES = 1_000
STEP = 997  # of no common measure with AWAITING_EACH, so that people of both kinds are asked about
STATUS = "/api/PrePasswordReset/LoalAccountSignIn"
PRODUCT = product("serve", "--port", "0", "--admin-port", "0", "--exit-with-parent", "--json")
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


def make_ledger(folder: Path, people: int) -> None:
    """A ledger of so many people with accounts, in this folder."""
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
            items = [item_of(number) for number in range(start, min(start + 1_000, people))]
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


def item_of(number: int) -> PlanItem:
    """The plan of one person."""
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


def request_of(path: str, body: bytes) -> bytes:
    """A request of the caller, as it goes over the wire."""
    told = base64.b64encode(f"policy:{SECRET}".encode()).decode()
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    head += f"authorization: Basic {told}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def write_requests(file: Path, path: str, people: int) -> Path:
    """Questions about some of them, as they go over the wire, separated by a NUL."""
    asked = [{"email": f"Person{number * STEP % people}@example.com"} for number in range(min(NAMES, people))]
    file.write_bytes(b"\0".join(request_of(path, json.dumps(one).encode()) for one in asked))
    return file


@dataclass(frozen=True, slots=True)
class Served:
    """A process that answers at this address."""

    address: str
    process_id: int


@contextmanager
def server(command: list[str], folder: Path) -> Iterator[Served]:
    """The process of this command, until the block ends."""
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    try:
        line = process.stdout.readline().decode().strip() if process.stdout else ""
        address = json.loads(line)["service"] if line.startswith("{") else line
        yield Served(address, process.pid)
    finally:
        process.terminate()
        process.communicate()
        log.close()
