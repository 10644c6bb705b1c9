"""How much a tenant grants, and what follows from it: the rate that lasts, what may go at once, how long people take.

Microsoft publishes amounts and periods (https://learn.microsoft.com/graph/throttling-limits, "Identity and access
service limits"). Nothing here counts calls: what is believed to be left at a moment is known where calls are sent.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

# Creating an account in a B2C tenant costs 5 resource units; whether External ID has the surcharge is not said.
CREATION_UNITS = 5.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """So much may be spent within a period; it may all be spent at once."""

    amount: float
    period_s: float

    @property
    def per_s(self) -> float:
        """What may be spent per second for ever."""
        return self.amount / self.period_s

    def seconds_for(self, cost: float) -> float:
        """How long it takes to spend so much, when nothing was spent before."""
        return max(cost - self.amount, 0.0) / self.per_s

    def times(self, factor: float) -> "Allowance":
        """The same period, another amount."""
        return replace(self, amount=self.amount * factor)


@dataclass(frozen=True, slots=True)
class Quota:
    """What a tenant grants: writes and resource units to each application, writes to all of them together.

    `creation_writes`: what creating one account costs. The defaults are the published figures; units are those of the
    smallest tenants.
    """

    app_writes: Allowance = Allowance(3_000, 150)
    tenant_writes: Allowance = Allowance(18_000, 300)
    app_units: Allowance = Allowance(3_500, 10)
    creation_writes: float = 1.0

    def leaving(self, share: float) -> "Quota":
        """The quota without this share of the writes, which is left to sign-ins and other software."""
        kept = 1.0 - share
        return replace(
            self, app_writes=self.app_writes.times(kept), tenant_writes=self.tenant_writes.times(kept)
        )


PUBLISHED = Quota()


def rate_of(quota: Quota, *, applications: int) -> float:
    """People per second that may be created for ever with so many applications."""
    return min(
        applications * quota.app_writes.per_s / quota.creation_writes,
        quota.tenant_writes.per_s / quota.creation_writes,
        applications * quota.app_units.per_s / CREATION_UNITS,
    )


def burst_of(quota: Quota, *, applications: int) -> float:
    """People who may be created at the start without waiting for writes, when nothing was spent before."""
    return min(applications * quota.app_writes.amount, quota.tenant_writes.amount) / quota.creation_writes


def duration_of(people: int, *, applications: int, quota: Quota) -> timedelta:
    """How long creating so many people takes at least, when nothing was spent before."""
    writes = people * quota.creation_writes
    return timedelta(
        seconds=max(
            quota.app_writes.times(applications).seconds_for(writes),
            quota.tenant_writes.seconds_for(writes),
            quota.app_units.times(applications).seconds_for(people * CREATION_UNITS),
        )
    )


class HeldBy(StrEnum):
    """Who holds the next call back."""

    NOBODY = "nobody"
    PACING = "pacing"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast people may be created from now on, as far as is known.

    `waiting_s`: until the next call may leave, and who holds it back. `people_per_s`: what all applications together
    may go on with; None: nothing limits them. `at_once`: people who may be created now without waiting, and while we
    wait their number grows up to `burst`. `period_s`: after which what was granted is granted again.
    `all_go_in_s`: until the last of the applications may go on.
    """

    waiting_s: float = 0.0
    held_by: HeldBy = HeldBy.NOBODY
    people_per_s: float | None = None
    at_once: float = 0.0
    burst: float = float("inf")
    period_s: float = PUBLISHED.app_writes.period_s
    all_go_in_s: float = 0.0

    def seconds_for(self, people: float) -> float:
        """How long so many people take at least."""
        if self.people_per_s is None:
            return self.waiting_s
        then_at_once = min(self.burst, self.at_once + self.people_per_s * self.waiting_s)
        return self.waiting_s + max(people - then_at_once, 0.0) / self.people_per_s


UNPACED = Pace()
