"""Pacing with the real client over HTTP, in stepped time, against the emulator's published limits and less.

What `tests/simulation/test_pacing.py` proves of traffic alone holds for gate, threads, batches and headers too.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.emulator import Emulator, running_emulator

from idferry.graph.address import Address
from idferry.graph.credentials import ClientSecret
from idferry.graph.directory import Directory, DirectoryLimits, Registration, open_directory
from idferry.graph.machine import Machine
from idferry.ports import CreateOrder
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.answers import CreateAnswer, Created, Postponed
from idferry.rules.names import local_identity
from idferry.rules.password import Password
from idferry.rules.quota import PUBLISHED, duration_of
from idferry.wiring.stepped_time import SteppedClock, open_stepped_client

pytestmark = pytest.mark.xdist_group("stepped-pacing")

CHUNK = 20
CONNECTIONS = 4


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator(tenant_kind="b2c", time_from="from-requests") as running:
        yield running


class Sender:
    """Creates people through `applications` and hears everything to the end, in stepped time."""

    def __init__(self, emulator: Emulator, *, applications: int) -> None:
        emulator.reset()
        emulator.post("latency", {"base_ms": 200.0, "jitter_ms": 200.0, "seed": 1})
        self.emulator = emulator
        self.tenant = emulator.tenant("b2c")
        self.clock = SteppedClock(datetime(2026, 3, 1, tzinfo=UTC))
        self.registrations = [
            Registration("first", self.tenant.client_id, ClientSecret(self.tenant.client_secret))
        ]
        for number in range(1, applications):
            made = emulator.application(self.tenant, display_name=f"import {number}")
            secret = ClientSecret(made["client_secret"])
            self.registrations.append(Registration(f"import {number}", made["client_id"], secret))

    def open(self) -> Directory:
        connections = CONNECTIONS * len(self.registrations)
        timeout = timedelta(seconds=60)
        return open_directory(
            address=Address(
                tenant_id=self.tenant.tenant_id,
                domain=self.tenant.domain,
                authority=self.tenant.graph_http,
                graph_url=self.tenant.graph_http,
                extension_app_id=self.tenant.extension_app_id,
                local=True,
            ),
            applications=self.registrations,
            machine=Machine(self.clock, jitter=lambda: 0.5, crew=self.clock),
            limits=DirectoryLimits(connections=CONNECTIONS, timeout=timeout),
            http=open_stepped_client(self.clock, connections=connections + 3, timeout=timeout),
        )

    def create(self, people: int) -> float:
        """How many stepped seconds it took to create everybody."""
        with self.open() as directory:
            for name, kind in (("legacyId", "String"), ("requiresMigration", "Boolean")):
                directory.inspector.create_attribute(name, kind)
            began_s = self.clock.elapsed()
            waiting = deque(order(number) for number in range(people))
            under_way: dict[Future[Any], list[CreateOrder]] = {}
            while waiting or under_way:
                while waiting and len(under_way) < 2 * CONNECTIONS * len(self.registrations):
                    chunk = [waiting.popleft() for _ in range(min(CHUNK, len(waiting)))]
                    under_way[directory.writer.create(chunk)] = chunk
                for done in self.clock.wait_for(list(under_way), 60.0):
                    waiting += put_off(under_way.pop(done), done.result())
            return self.clock.elapsed() - began_s

    def requests(self) -> int:
        return int(self.emulator.get("counts")["received"]["users.create"])

    def early(self) -> int:
        """Calls that came while a Retry-After ran."""
        return int(self.emulator.get("counts")["early"])


def order(number: int) -> CreateOrder:
    identity = local_identity(f"p{number}@example.com")
    return CreateOrder(
        AccountDraft(f"p:s:{number}", "P", (identity,), PasswordPlan.KNOWN), Password("Correct-Horse-1")
    )


def put_off(chunk: list[CreateOrder], answers: list[CreateAnswer]) -> list[CreateOrder]:
    assert {type(answer) for answer in answers} <= {Created, Postponed}, answers
    return [one for one, answer in zip(chunk, answers, strict=True) if isinstance(answer, Postponed)]


@pytest.mark.parametrize("applications", [1, 3])
def test_the_published_quota_is_used_to_the_full(emulator: Emulator, applications: int) -> None:
    sender = Sender(emulator, applications=applications)
    emulator.throttle(profile="published")
    people = 4_000 * applications
    seconds = sender.create(people)
    ideal_s = duration_of(people, applications=applications, quota=PUBLISHED).total_seconds()
    assert seconds <= ideal_s + 2
    assert sender.requests() == people
    assert len(emulator.dump(sender.tenant)) == people


@pytest.mark.parametrize(
    ("kind", "retry_after"),
    [
        ("bucket", "decimal"),
        ("fixed-window", "http-date"),
        ("sliding-window", "seconds"),
        ("bucket", "missing"),
    ],
)
def test_what_a_tenant_grants_below_the_published_quota_is_found_out(
    emulator: Emulator, kind: str, retry_after: str
) -> None:
    sender = Sender(emulator, applications=2)
    writes = {"app_writes": (1_800, 150.0), "tenant_writes": (10_800, 300.0)}
    emulator.throttle(profile="published", kind=kind, limits=writes, retry_after=retry_after)
    people = 6_000
    seconds = sender.create(people)
    granted = replace(PUBLISHED, app_writes=PUBLISHED.app_writes.times(0.6))
    ideal_s = duration_of(people, applications=2, quota=granted).total_seconds()
    assert seconds <= (ideal_s + 10 if kind == "bucket" else ideal_s + 150)
    assert sender.requests() <= 1.15 * people, "the refused ones stay few though the run is short"
    assert sender.early() == 0
    assert len(emulator.dump(sender.tenant)) == people
