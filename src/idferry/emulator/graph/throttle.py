"""What a request costs and when the directory says 429, with the headers and bodies of the published limits.

https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits and
https://learn.microsoft.com/graph/throttling. The product's pacing must not import or copy these figures.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from idferry.emulator.clock import http_date
from idferry.emulator.entropy import seeded
from idferry.emulator.graph.allowances import Allowance, AllowanceKind, new_allowance
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.graph.exchange import Call
from idferry.emulator.graph.operations import Operation

LimitName = Literal[
    "app_units", "app_writes", "app_everywhere_units", "app_everywhere_writes", "tenant_writes"
]
RetryAfter = Literal["seconds", "decimal", "http-date", "missing"]

SMALL_TENANT = 50
LARGE_TENANT = 500
UNITS_BY_SIZE: Mapping[str, float] = {"S": 3_500, "M": 5_000, "L": 8_000}
UNITS_PERIOD_S = 10.0
PUBLISHED: Mapping[str, tuple[float, float]] = {
    "app_writes": (3_000, 150.0),
    "app_everywhere_units": (150_000, 20.0),
    "app_everywhere_writes": (35_000, 300.0),
    "tenant_writes": (18_000, 300.0),
}
TOP_THAT_IS_SMALL = 20
CREATE_IN_B2C_UNITS = 4
PERCENTAGE_FROM = 0.8
PERCENTAGE_MAX = 1.8
SHED_FROM = 0.9  # used share from which requests of low priority are refused, where shedding is switched on


class ThrottleProfile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How the tenants limit their callers; amounts are [units, seconds]."""

    profile: Literal["off", "published"] = "off"
    kind: AllowanceKind = "bucket"
    scale: float = 1.0
    limits: dict[LimitName, tuple[float, float]] = {}
    retry_after: RetryAfter = "seconds"
    batch_retry_after: RetryAfter | None = None  # None: as retry_after
    charge_refused: bool = True
    shed_low: bool = False
    creation_costs_writes: bool = False  # the pessimistic reading: the 4 extra units count as writes too
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Limit:
    """One allowance that a caller draws on: in writes, or in resource units."""

    allowance: Allowance
    scope: str
    information: str


class Throttle:
    """The allowances of every application and tenant.

    Attributes:
        units, writes: what requests that passed have cost, all callers together.
    """

    def __init__(self) -> None:
        self.set_profile(ThrottleProfile())

    def spent(self) -> dict[str, object]:
        """What requests that passed have cost since the profile was set, and where each window stands in its period."""
        phases = {":".join(part for part in key if part): phase for key, phase in self._phases.items()}
        return {
            "units": self.units,
            "writes": self.writes,
            "phases": phases,
            "first_refusal_s": self._first_refusal_s,
        }

    def set_profile(self, profile: ThrottleProfile) -> None:
        """Starts again with full allowances."""
        self._profile = profile
        self._allowances: dict[tuple[str, ...], Allowance] = {}
        self._phases: dict[tuple[str, ...], float] = {}
        self._limits_of: dict[tuple[str, str, str], list[_Limit]] = {}
        self._chance = seeded(profile.seed)
        self.units = self.writes = 0
        self._first_refusal_s: float | None = None

    @property
    def off(self) -> bool:
        """Whether nothing is limited."""
        return self._profile.profile == "off"

    def pass_or_refuse(self, call: Call, operation: Operation) -> dict[str, str]:
        """The throttle headers of the answer; GraphError 429 when an allowance is used up."""
        units, writes = units_of(call, operation), self._writes(call, operation)
        headers = {"x-ms-resource-unit": str(units)}
        if self.off:
            self._count(units, writes)
            return headers
        limits = self._limits(call)
        costs: tuple[int, ...] = (units, units, writes, writes, writes) if writes else (units, units)
        drawn = [(limit.allowance, cost) for limit, cost in zip(limits, costs, strict=False)]
        waits = [allowance.wait_s(cost, now_s=call.now_s) for allowance, cost in drawn]
        longest = max(waits)
        share = max([allowance.used(now_s=call.now_s) for allowance, _ in drawn])
        if longest > 0 or self._sheds(call, share=share):
            tightest = limits[waits.index(longest)]
            if self._first_refusal_s is None:
                self._first_refusal_s = call.now_s
            if self._profile.charge_refused:
                limits[0].allowance.spend(units, now_s=call.now_s)
            raise self._refusal(call, tightest, wait_s=max(longest, 1.0), headers=headers)
        for allowance, cost in drawn:
            allowance.spend(cost, now_s=call.now_s)
        self._count(units, writes)
        if share > PERCENTAGE_FROM:
            headers["x-ms-throttle-limit-percentage"] = f"{min(share, PERCENTAGE_MAX):.2f}"
        return headers

    def _count(self, units: int, writes: int) -> None:
        self.units += units
        self.writes += writes

    def _writes(self, call: Call, operation: Operation) -> int:
        dear = self._profile.creation_costs_writes and operation.name == "users.create" and call.tenant.is_b2c
        return operation.writes + (CREATE_IN_B2C_UNITS if dear else 0)

    def _sheds(self, call: Call, *, share: float) -> bool:
        low = call.headers.get("x-ms-throttle-priority", "").lower() == "low"
        return self._profile.shed_low and low and share >= SHED_FROM

    def _limits(self, call: Call) -> list[_Limit]:
        """What this caller draws on: two allowances of units, then three of writes."""
        app, tenant, size = call.application.client_id, call.tenant.tenant_id, _size_class(call)
        limits = self._limits_of.get((app, tenant, size))
        if limits is None:
            limits = self._limits_of[app, tenant, size] = self._new_limits(app, tenant, size)
        return limits

    def _new_limits(self, app: str, tenant: str, size: str) -> list[_Limit]:
        both, units, writes = f"{app}/{tenant}", "ResourceUnitLimitExceeded", "WriteLimitExceeded"
        return [
            _Limit(self._of("app_units", size, app, tenant), f"Tenant_Application/ReadWrite/{both}", units),
            _Limit(self._of("app_everywhere_units", "", app), f"Application/ReadWrite/{both}", units),
            _Limit(self._of("app_writes", "", app, tenant), f"Tenant_Application/Write/{both}", writes),
            _Limit(self._of("app_everywhere_writes", "", app), f"Application/Write/{both}", writes),
            _Limit(self._of("tenant_writes", "", tenant), f"Tenant/Write/{both}", writes),
        ]

    def _of(self, name: LimitName, size: str, *owner: str) -> Allowance:
        key = (name, size, *owner)
        allowance = self._allowances.get(key)
        if allowance is None:
            published = (UNITS_BY_SIZE[size], UNITS_PERIOD_S) if size else PUBLISHED[name]
            amount, period_s = self._profile.limits.get(name, published)
            phase = self._phases[key] = self._chance.random()
            allowance = new_allowance(
                self._profile.kind,
                amount=amount * self._profile.scale,
                period_s=period_s,
                phase=phase,
            )
            self._allowances[key] = allowance
        return allowance

    def _refusal(self, call: Call, limit: _Limit, *, wait_s: float, headers: dict[str, str]) -> GraphError:
        form = self._profile.retry_after
        if call.in_batch:
            form = self._profile.batch_retry_after or form
        told = {
            **headers,
            "x-ms-throttle-scope": limit.scope,
            "x-ms-throttle-information": limit.information,
            "x-ms-throttle-limit-percentage": "1.00",
            **retry_after_header(form, wait_s=wait_s, now_s=call.now_s),
        }
        return too_many_requests(headers=told)


def units_of(call: Call, operation: Operation) -> int:
    """Resource units of this request by the published cost table; never below one."""
    units = operation.units
    if "$select" in call.query:
        units -= 1
    if "$expand" in call.query:
        units += 1
    top = call.query.get("$top", "")
    if top.isdigit() and int(top) < TOP_THAT_IS_SMALL:
        units -= 1
    if operation.name == "users.create" and call.tenant.is_b2c:
        units += CREATE_IN_B2C_UNITS
    return max(units, 1)


def retry_after_header(form: RetryAfter, *, wait_s: float, now_s: float) -> dict[str, str]:
    """The Retry-After header in this form, or nothing."""
    if form == "missing":
        return {}
    if form == "decimal":
        return {"Retry-After": f"{wait_s:.3f}"}
    if form == "http-date":
        return {"Retry-After": http_date(math.ceil(now_s + wait_s))}
    return {"Retry-After": str(math.ceil(wait_s))}


def too_many_requests(*, headers: Mapping[str, str]) -> GraphError:
    """429 in the shape of https://learn.microsoft.com/graph/throttling."""
    return GraphError(
        429,
        "TooManyRequests",
        "Please retry again later.",
        headers=headers,
        inner={"code": "429", "status": "429", "message": "Please retry after"},
    )


def _size_class(call: Call) -> str:
    if call.tenant.options.size_class is not None:
        return call.tenant.options.size_class
    live = call.tenant.directory.live
    if live < SMALL_TENANT:
        return "S"
    return "M" if live <= LARGE_TENANT else "L"
