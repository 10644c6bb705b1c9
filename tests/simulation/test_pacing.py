"""Pacing against tenants that count by buckets and by windows, that grant what is published and less, in events.

The ideal is what a tenant grants whose allowances are full at the start: `duration_of` of its real quota. A tenant
that counts by windows grants it in lumps of 150 seconds, so only long runs are compared with it there.
"""

from dataclasses import replace

import pytest
from tests.support.metered_tenant import Journey, Tenant

from idferry.emulator.graph.allowances import AllowanceKind
from idferry.rules.quota import PUBLISHED, Quota, duration_of, rate_of

KINDS: tuple[AllowanceKind, ...] = ("bucket", "fixed-window", "sliding-window")
MANY = 297_000  # a multiple of what windows grant at once, to one application and to three


def granted(scale: float) -> Quota:
    return replace(
        PUBLISHED,
        app_writes=PUBLISHED.app_writes.times(scale),
        tenant_writes=PUBLISHED.tenant_writes.times(scale),
    )


def ideal_s(journey: Journey) -> float:
    quota = granted(journey.tenant.scale)
    return duration_of(journey.people, applications=journey.applications, quota=quota).total_seconds()


@pytest.mark.parametrize(("applications", "says_when"), [(1, True), (1, False), (3, True)])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_published_is_used_to_the_full(
    kind: AllowanceKind, applications: int, says_when: bool, seed: int
) -> None:
    tenant = Tenant(kind, says_when=says_when)
    people = 60_000 * applications if kind == "bucket" else MANY
    journey = Journey(people=people, tenant=tenant, applications=applications, seed=seed)
    assert journey.run() <= 1.01 * ideal_s(journey)
    assert journey.requests <= 1.01 * journey.people
    assert journey.while_held == 0


@pytest.mark.parametrize(("applications", "says_when"), [(1, True), (1, False), (3, True)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_tenant_that_grants_less_than_published_is_used_to_the_full(
    kind: AllowanceKind, applications: int, says_when: bool, seed: int
) -> None:
    tenant = Tenant(kind, scale=0.6, says_when=says_when)
    journey = Journey(people=50_000 * applications, tenant=tenant, applications=applications, seed=seed)
    journey.run()
    assert journey.refused_first
    refused_at_s, done = journey.refused_first
    rate = rate_of(granted(0.6), applications=applications)
    assert journey.people - done >= 0.95 * rate * (journey.seconds - refused_at_s)
    assert journey.requests <= 1.05 * journey.people
    assert journey.while_held == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("people", [2_000, 5_000])
def test_few_people_wait_for_nothing_but_the_tenant(kind: AllowanceKind, people: int, seed: int) -> None:
    journey = Journey(people=people, tenant=Tenant(kind), seed=seed)
    seconds = journey.run()
    if people <= 3_000 or kind == "bucket":
        assert seconds <= ideal_s(journey) + 15
    else:
        assert seconds <= 150 + 30, "the second window"
    assert journey.requests <= 1.05 * people


def test_no_bucket_as_published_ever_refuses(seed: int) -> None:
    for latency_s in (0.02, 0.3, 2.0):
        journey = Journey(people=20_000, latency_s=latency_s, applications=2, connections=6, seed=seed)
        journey.run()
        assert journey.requests == journey.people


def test_other_software_comes_and_goes(seed: int) -> None:
    """It takes 60 % of the allowances away in the middle of the run, and gives them back."""
    journey = Journey(people=60_000, seed=seed)
    changes = [(900.0, 0.4), (2100.0, 2.5)]
    speed: dict[float, int] = {}

    def watch(journey: Journey) -> None:
        if changes and journey.seconds >= changes[0][0]:
            journey.meter.scale_to(changes.pop(0)[1])
        speed[journey.seconds // 300] = journey.done

    journey.watch = watch
    journey.run()
    assert speed[6] - speed[3] == pytest.approx(0.4 * 20 * 900, rel=0.05), "less is granted, and used"
    # More is tried ever more rarely: half an hour at most after the other software has stopped.
    assert speed[max(speed) - 1] - speed[max(speed) - 2] == pytest.approx(20 * 300, rel=0.05)
    assert journey.requests <= 1.05 * journey.people


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_reserved_share_is_never_touched(share: float, seed: int) -> None:
    journey = Journey(people=8_000, quota=PUBLISHED.leaving(share), applications=3, seed=seed)
    seconds = journey.run()
    assert seconds == pytest.approx(
        duration_of(8_000, applications=3, quota=journey.quota).total_seconds(), rel=0.05, abs=15
    )
    assert journey.requests == journey.people


def test_the_tenant_counts_for_all_applications_together(seed: int) -> None:
    """Five applications may create 100 a second, each for itself; the tenant takes 60."""
    journey = Journey(people=60_000, applications=5, seed=seed)
    assert journey.run() <= 1.02 * ideal_s(journey)
    assert journey.requests <= 1.01 * journey.people


def test_a_dearer_creation_is_found_out(seed: int) -> None:
    """Where the surcharge of B2C counts as writes too, 3,000 writes are 600 people and 4 a second."""
    journey = Journey(people=10_000, tenant=Tenant(scale=0.2), seed=seed)
    assert journey.run() <= 1.02 * ideal_s(journey)
    assert journey.requests <= 1.05 * journey.people
