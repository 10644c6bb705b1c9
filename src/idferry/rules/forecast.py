"""What a migration will take, reckoned: time by applications, room in the tenant, time for phone methods.

Computed from Microsoft's published limits, each with its source, and from nothing that was measured; a rehearsal
measures beside it. Whoever shows these figures says which of them nobody documents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from idferry.rules.account import TenantKind
from idferry.rules.quota import CREATION_UNITS, Allowance, Quota, duration_of

APPLICATIONS_COMPUTED = (1, 2, 3)
"""A third application fills the tenant's own allowance: a fourth adds nothing."""
# Reported practice, per application; nobody documents it.
PHONE_METHODS = Allowance(30, 10)


@dataclass(frozen=True, slots=True)
class Computed:
    """How long creating takes at least with so many applications, starting with full allowances.

    `pessimistic`: if the four extra units that creating costs in B2C count as writes too. Microsoft's page names them
    under resource units; None where the tenant has no such surcharge.
    """

    applications: int
    duration: timedelta
    pessimistic: timedelta | None


@dataclass(frozen=True, slots=True)
class ObjectLimit:
    """How many objects such a tenant holds, and whether everybody fits beside what is there."""

    objects_max: int
    condition: str
    fits: bool


# https://learn.microsoft.com/azure/active-directory-b2c/service-limits
# https://learn.microsoft.com/entra/external-id/customers/reference-service-limits
_OBJECT_LIMITS = {
    TenantKind.B2C: ((1_250_000, "by default"), (5_250_000, "with a verified custom domain")),
    TenantKind.EXTERNAL: ((10_000, "in a trial tenant"), (300_000, "by default")),
}


def compute_durations(people: int, *, kind: TenantKind, quota: Quota) -> tuple[Computed, ...]:
    """How long so many people take with one, two and three applications."""
    dear = replace(quota, creation_writes=CREATION_UNITS)
    return tuple(
        Computed(
            applications,
            duration_of(people, applications=applications, quota=quota),
            duration_of(people, applications=applications, quota=dear) if kind is TenantKind.B2C else None,
        )
        for applications in APPLICATIONS_COMPUTED
    )


def object_limits(objects: int, *, kind: TenantKind) -> Sequence[ObjectLimit]:
    """The documented limits of such a tenant, smallest first; `objects` are those there and those to come."""
    return [ObjectLimit(most, condition, fits=objects <= most) for most, condition in _OBJECT_LIMITS[kind]]


def phone_methods_duration(phones: int, *, applications: int) -> timedelta:
    """How long it takes to register so many phone numbers as methods, beside everything else."""
    return timedelta(seconds=PHONE_METHODS.times(applications).seconds_for(phones))
