"""The first day: whether tenant, verifier and writes carry the people who sign in for the first time.

Reckoned, not measured. A first sign-in costs the tenant some requests, our endpoint one call, a verifier one password
check, and in mode B Graph one write. Whichever runs out first decides how many people an hour may bring.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from idferry.rules.account import TenantKind
from idferry.rules.quota import PUBLISHED, Quota

HOUR_SECONDS = 3600.0
PEAK_FACTOR_ASSUMED = 2.0
"""People do not come evenly: the busiest minutes of an hour are taken for twice its average."""
TRIES_ASSUMED = 1.3
"""Password checks per person: some mistype."""

# https://learn.microsoft.com/entra/external-id/customers/reference-service-limits: custom authentication extensions
# https://learn.microsoft.com/azure/active-directory-b2c/service-limits: requests per tenant and address, per journey
PASSWORD_SUBMIT_CALLS_PER_S = 50.0
TENANT_REQUESTS_PER_S = 200.0
TRIAL_REQUESTS_PER_S = 20.0
ADDRESS_REQUESTS_PER_S = 20.0
JOURNEY_REQUESTS = {TenantKind.B2C: 3.0, TenantKind.EXTERNAL: 4.0}
"""A custom policy's local sign-in (2) and its token (1); a sign-in in External ID."""
RETRY_REQUESTS_ASSUMED = 1.0
"""Who mistypes sends the page again; the pages that count the requests of a sign-in do not speak of that."""

VERIFY_MS: dict[str, float] = {
    "asp-net-v2": 1,
    "phpass": 9,
    "keycloak-argon2": 19,
    "asp-net-v3": 53,
    "firebase-scrypt": 55,
    "bcrypt-10": 59,
    "argon2id": 114,
    "bcrypt-11": 124,
    "bcrypt-12": 238,
    "pbkdf2-sha256-600k": 302,
    "bcrypt-13": 470,
}
"""Milliseconds of one core per check: measured once on a shared machine, so orders of magnitude."""


class Mode(StrEnum):
    """Who writes the password at a first sign-in: the tenant itself, or our service through Graph (mode B)."""

    TENANT = "tenant"
    GRAPH = "graph"


class Basis(StrEnum):
    """What a figure stands on."""

    DOCUMENTED = "documented"
    MEASURED = "measured"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class FirstDay:
    """What is asked about: `people_per_hour` sign in for the first time, on `cores` that check passwords.

    `verify_name`: the scheme that takes `verify_ms` of a core; `quota`: what the tenant grants to everybody together;
    `import_writes_per_s`: writes, not people, that a premigration takes of it while it runs at full speed. `trial`
    speaks of External ID, whose pages alone give a figure for it; mode B of B2C.
    """

    people_per_hour: float
    kind: TenantKind
    trial: bool = False
    mode: Mode = Mode.TENANT
    verify_ms: float = 0.0
    verify_name: str = ""
    verify_basis: Basis = Basis.MEASURED
    cores: int = 1
    import_writes_per_s: float = 0.0
    quota: Quota = PUBLISHED


@dataclass(frozen=True, slots=True)
class Bound:
    """One thing that may give way: how many people a second it carries, and what it is made of.

    `shared_with_import`: it carries more as soon as the import is slower, or done.
    """

    name: str
    people_per_s: float
    basis: Basis
    explanation: str
    shared_with_import: bool = False


@dataclass(frozen=True, slots=True)
class FirstDayForecast:
    """`average_per_s` and `peak_per_s` are people; `bounds` come tightest first."""

    average_per_s: float
    peak_per_s: float
    bounds: Sequence[Bound]

    @property
    def tightest(self) -> Bound:
        """What gives way first."""
        return self.bounds[0]

    @property
    def fits(self) -> bool:
        """Whether everything carries the busiest minutes."""
        return self.peak_per_s <= self.tightest.people_per_s

    @property
    def people_per_hour_max(self) -> float:
        """How many people an hour may bring before the first thing gives way."""
        return self.tightest.people_per_s / PEAK_FACTOR_ASSUMED * HOUR_SECONDS


def forecast_first_day(day: FirstDay) -> FirstDayForecast:
    """Reckon one hour of first sign-ins."""
    bounds = [_requests(day), *_password_submit(day), *_verifier(day), *_graph_writes(day)]
    average = day.people_per_hour / HOUR_SECONDS
    return FirstDayForecast(
        average_per_s=average,
        peak_per_s=average * PEAK_FACTOR_ASSUMED,
        bounds=sorted(bounds, key=lambda bound: bound.people_per_s),
    )


def people_per_s_behind_one_address(kind: TenantKind) -> float:
    """How many people a second may sign in who share one address, such as an office or a carrier."""
    return ADDRESS_REQUESTS_PER_S / JOURNEY_REQUESTS[kind]


def _requests(day: FirstDay) -> Bound:
    granted = TRIAL_REQUESTS_PER_S if day.trial else TENANT_REQUESTS_PER_S
    journey = JOURNEY_REQUESTS[day.kind]
    what = (
        f"{granted:.0f} requests a second for the tenant, {journey:.0f} for each sign-in and "
        f"{RETRY_REQUESTS_ASSUMED:.0f} for each further try"
    )
    each = journey + (TRIES_ASSUMED - 1) * RETRY_REQUESTS_ASSUMED
    return Bound("requests", granted / each, Basis.DOCUMENTED, what)


def _password_submit(day: FirstDay) -> list[Bound]:
    if day.kind is not TenantKind.EXTERNAL:
        return []
    what = f"{PASSWORD_SUBMIT_CALLS_PER_S:.0f} calls a second for the tenant, retries included"
    return [Bound("onPasswordSubmit", PASSWORD_SUBMIT_CALLS_PER_S / TRIES_ASSUMED, Basis.DOCUMENTED, what)]


def _verifier(day: FirstDay) -> list[Bound]:
    if not day.verify_ms:
        return []
    checks_per_s = day.cores * 1000 / day.verify_ms
    cores = f"{day.cores} core{'s' if day.cores > 1 else ''}"
    scheme = f" of {day.verify_name}" if day.verify_name else ""
    what = f"{cores}, {day.verify_ms:g} ms for each check{scheme}"
    return [Bound("verifier", checks_per_s / TRIES_ASSUMED, day.verify_basis, what)]


def _graph_writes(day: FirstDay) -> list[Bound]:
    """Our own writes at sign-in share what the tenant grants with a premigration that still runs."""
    if day.mode is not Mode.GRAPH:
        return []
    granted = day.quota.tenant_writes.per_s
    left = max(min(granted - day.import_writes_per_s, day.quota.app_writes.per_s), 0.0)
    what = f"one write each: {granted:g} a second for the tenant, {day.quota.app_writes.per_s:g} for one application"
    if day.import_writes_per_s:
        what += f"; an import at full speed takes {day.import_writes_per_s:g} of the tenant's"
    return [Bound("graph writes", left, Basis.DOCUMENTED, what, bool(day.import_writes_per_s))]
