"""What a rehearsal works with: the user's own settings, pointed at an emulated tenant, in stepped time.

Project, sources, shapes, passwords and limits are the user's; tenant, applications and ledger never are. Nothing of
the user's real tenant is so much as named to the emulator.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import httpx2

from idferry.errors import Unreachable
from idferry.graph.directory import Directory
from idferry.graph.machine import Machine
from idferry.ledger.opening import Ledger as LedgerParts
from idferry.ledger.opening import scratch_copy
from idferry.settings import Application, ClockSettings, Settings, Tenant
from idferry.wiring.directories import directory_of
from idferry.wiring.stepped_time import SteppedClock, open_stepped_client
from idferry.wiring.system import random_bytes

CONTROL_TIMEOUT_SECONDS = 60.0
# The tenant of a rehearsal is never full: whether the real one has room is reckoned beside it.
OBJECTS_MAX = 100_000_000
LAG_SECONDS_MAX = 30.0  # and never beyond half of what the settings wait for
BROKEN_CALLS = (
    {"operation": "batch", "kind": "status", "status": 503},
    {"operation": "users.create", "kind": "status", "status": 503, "item": True},
    {"operation": "batch", "kind": "cut_after"},
    {"operation": "batch", "kind": "cut_before"},
    {"operation": "users.create", "kind": "status", "status": 504, "item": True, "after_write": True},
)
"""Ways in which answers go wrong, in equal shares of a rehearsal's fault rate."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the emulated tenant behaves: latency of each answer, and the share of calls that go wrong."""

    applications: int
    latency: timedelta
    fault_rate: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Spent:
    """What the emulated tenant counted: write units, resource units, and calls it put off with 429."""

    writes: int
    units: int
    put_off: int


class EmulatedStage:
    """An emulated tenant that takes its time from requests, made ready for one rehearsal."""

    def __init__(self, ready: Mapping[str, Any], settings: Settings, conditions: Conditions) -> None:
        """`ready` is what `idferry emulator --json` says. Raises Unreachable."""
        self._tenant: Mapping[str, Any] = ready["tenants"][0]
        self._control = httpx2.Client(
            base_url=ready["control"], timeout=CONTROL_TIMEOUT_SECONDS, trust_env=False
        )
        self._conditions = conditions
        self._limits = settings.limits
        self._prepare()
        self.settings = self._settings_of(settings)

    def close(self) -> None:
        """Let go of the control API."""
        self._control.close()

    def open_directory(self, clock: SteppedClock) -> Directory:
        """The directory, opened with the real client; a context manager."""
        chance = Random(self._conditions.seed)  # noqa: S311  it spreads waits, and shall do so alike each time
        limits = self.settings.limits
        return directory_of(
            self.settings,
            clock,
            machine=Machine(clock, jitter=chance.random, crew=clock),
            http=open_stepped_client(
                clock,
                connections=4 * limits.connections * len(self.settings.applications),
                timeout=timedelta(seconds=limits.timeout_seconds),
            ),
        )

    def open_ledger(self, at: datetime) -> AbstractContextManager[LedgerParts]:
        """An empty ledger of which nothing stays."""
        return scratch_copy(
            None,
            tenant_id=self.settings.need_tenant().id,
            project=self.settings.project,
            random_bytes=random_bytes,
            at=at,
        )

    def spent(self) -> Spent:
        """What the tenant has counted so far."""
        spent, outcomes = self._get("spent"), self._get("counts")["outcomes"]
        put_off = sum(by_outcome.get("429", 0) for by_outcome in outcomes.values())
        return Spent(int(spent["writes"]), int(spent["units"]), put_off)

    # --- the emulated tenant -----------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        conditions, tenant_id = self._conditions, self._tenant["tenant_id"]
        self._post("tenant", {"tenant_id": tenant_id, "object_quota": OBJECTS_MAX})
        self._post("throttle", {"profile": "published"})
        self._post(
            "latency",
            {
                "base_ms": conditions.latency / timedelta(milliseconds=1),
                "seed": conditions.seed,
            },
        )
        if conditions.fault_rate:
            rate = conditions.fault_rate / len(BROKEN_CALLS)
            rules = [{**rule, "rate": rate} for rule in BROKEN_CALLS]
            self._post("faults", {"rules": rules, "seed": conditions.seed})
            lag = (0.0, min(LAG_SECONDS_MAX, self._limits.settle_seconds / 2))
            self._post("lag", {"get_s": lag, "filter_s": lag, "seed": conditions.seed})

    def _settings_of(self, settings: Settings) -> Settings:
        """The user's settings with another tenant, other applications and no ledger that exists."""
        tenant = self._tenant
        emulated = Tenant(
            id=tenant["tenant_id"],
            domain=tenant["domain"],
            kind=tenant["kind"],
            authority=tenant["graph_http"],
            graph=tenant["graph_http"],
            **({"migration_flag": settings.tenant.migration_flag} if settings.tenant else {}),
        )
        applications = tuple(
            self._application(number) for number in range(1, self._conditions.applications + 1)
        )
        return replace(settings, tenant=emulated, applications=applications, clock=ClockSettings())

    def _application(self, number: int) -> Application:
        made = self._post("applications", {"tenant_id": self._tenant["tenant_id"]})
        return Application(
            client_id=made["client_id"], name=f"rehearsal-{number}", secret=made["client_secret"]
        )

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._answer(lambda: self._control.post(f"/{path}", json=body))

    def _get(self, path: str) -> Any:
        return self._answer(lambda: self._control.get(f"/{path}"))

    def _answer(self, ask: Any) -> Any:
        try:
            return ask().raise_for_status().json()
        except httpx2.HTTPError as error:
            raise Unreachable("the emulated tenant does not answer") from error
