"""The time left that is told is right within 10 %, in the run and in `status`, at every kind of tenant.

A bucket is known at once, whatever it grants. Windows are known when four of them were seen; before
that the run may be one window off, and a tenant that grants less than it publishes is believed to grant that.
"""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.simulation.time_left import Told, share_right, watch, worst
from tests.support.metered_tenant import Journey, Tenant

from idferry.emulator.graph.allowances import AllowanceKind

WINDOWS_KNOWN_S = 600.0
LAST_REST_S = 15.0


def wrong_when_known(told: Sequence[Told]) -> Sequence[Told]:
    """What was wrong by more than 10 %, and by more than the rest of somebody who is refused at the very end."""
    known = [one for one in told if one.at_s >= WINDOWS_KNOWN_S]
    assert len(known) > 20, "too little was told"
    return [one for one in known if not one.is_right and one.off_s > LAST_REST_S]


@pytest.mark.parametrize("scale", [1.0, 0.6])
@pytest.mark.parametrize("applications", [1, 3])
def test_a_tenant_that_counts_by_buckets(applications: int, scale: float, seed: int) -> None:
    tenant = Tenant(scale=scale)
    told = watch(Journey(people=14_000 * applications, applications=applications, tenant=tenant, seed=seed))
    for one in (told.run, told.status):
        assert share_right(one) == 1, worst(one)


@pytest.mark.parametrize(
    ("kind", "applications"), [("fixed-window", 1), ("fixed-window", 3), ("sliding-window", 1)]
)
def test_a_tenant_that_counts_by_windows(kind: AllowanceKind, applications: int, seed: int) -> None:
    journey = Journey(people=26_500 * applications, applications=applications, tenant=Tenant(kind), seed=seed)
    told = watch(journey)
    assert share_right(told.run) >= 0.8, worst(told.run)
    assert wrong_when_known(told.run) == []
    assert wrong_when_known(told.status) == []


@pytest.mark.parametrize(
    ("kind", "applications"), [("fixed-window", 1), ("fixed-window", 3), ("sliding-window", 1)]
)
def test_windows_that_grant_less_than_published(kind: AllowanceKind, applications: int, seed: int) -> None:
    tenant = Tenant(kind, scale=0.6)
    journey = Journey(people=13_000 * applications, applications=applications, tenant=tenant, seed=seed)
    told = watch(journey)
    assert wrong_when_known(told.run) == []
    assert wrong_when_known(told.status) == []


def test_status_is_right_soon_after_a_run_was_taken_up_again(seed: int) -> None:
    told = watch(Journey(people=14_000, seed=seed), began_before=timedelta(hours=9))
    assert share_right(told.status) == 1, worst(told.status)
