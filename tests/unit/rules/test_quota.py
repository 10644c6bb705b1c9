"""Rates, bursts and durations that follow from a quota."""

import math
from datetime import timedelta

import pytest

from idferry.rules.quota import (
    PUBLISHED,
    Allowance,
    HeldBy,
    Pace,
    Quota,
    burst_of,
    duration_of,
    rate_of,
)


@pytest.mark.parametrize(
    ("applications", "rate", "burst"), [(1, 20, 3_000), (2, 40, 6_000), (3, 60, 9_000), (9, 60, 18_000)]
)
def test_what_is_published(applications: int, rate: float, burst: float) -> None:
    assert rate_of(PUBLISHED, applications=applications) == rate
    assert burst_of(PUBLISHED, applications=applications) == burst


@pytest.mark.parametrize(
    ("people", "applications", "seconds"),
    [
        (0, 1, 0),
        (500, 1, 0),
        (3_000, 1, 33),  # the writes go at once, the units of a small tenant do not
        (10_000, 1, 350),
        (1_000_000, 1, 49_850),
        (1_000_000, 2, 24_850),
        (1_000_000, 3, 16_517),
        (1_000_000, 4, 16_367),
        (1_000_000, 40, 16_367),
    ],
)
def test_how_long_people_take(people: int, applications: int, seconds: int) -> None:
    took = duration_of(people, applications=applications, quota=PUBLISHED)
    assert math.isclose(took.total_seconds(), seconds, abs_tol=1)


def test_a_dearer_creation_takes_five_times_as_long() -> None:
    dear = Quota(creation_writes=5)
    assert rate_of(dear, applications=3) == 12
    assert duration_of(1_600, applications=1, quota=dear) == timedelta(seconds=250)


def test_a_share_is_left_to_others() -> None:
    kept = PUBLISHED.leaving(0.25)
    assert rate_of(kept, applications=3) == 45
    assert burst_of(kept, applications=1) == 2_250
    assert kept.app_units == PUBLISHED.app_units


def test_after_a_long_hold_no_more_than_one_full_amount_goes_at_once() -> None:
    held = Pace(3_600, HeldBy.TENANT, 20.0, 0, burst=3_000)
    assert held.seconds_for(100_000) == 3_600 + (100_000 - 3_000) / 20
    assert held.seconds_for(2_000) == 3_600
    short = Pace(50, HeldBy.TENANT, 20.0, 0, burst=3_000)
    assert short.seconds_for(100_000) == 100_000 / 20, "what flowed in meanwhile is not lost"
    assert Pace(50, HeldBy.TENANT, 20.0, 2_500, burst=3_000).seconds_for(100_000) == 50 + 97_000 / 20


def test_an_allowance_is_full_at_the_start() -> None:
    assert Allowance(100, 10).seconds_for(100) == 0
    assert Allowance(100, 10).seconds_for(150) == 5
