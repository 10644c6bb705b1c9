"""The first day: what gives way first, against figures worked out by hand."""

from dataclasses import replace

import pytest

from idferry.rules.account import TenantKind
from idferry.rules.first_day import (
    VERIFY_MS,
    Basis,
    FirstDay,
    Mode,
    forecast_first_day,
    people_per_s_behind_one_address,
)
from idferry.rules.quota import PUBLISHED, Allowance, rate_of

B2C = FirstDay(people_per_hour=3_600, kind=TenantKind.B2C)
EXTERNAL = replace(B2C, kind=TenantKind.EXTERNAL)


def carried(day: FirstDay) -> dict[str, float]:
    return {bound.name: round(bound.people_per_s, 2) for bound in forecast_first_day(day).bounds}


def test_b2c_carries_200_requests_a_second_at_three_for_each_journey_and_one_for_each_further_try() -> None:
    assert carried(B2C) == {"requests": round(200 / 3.3, 2)}


def test_external_id_takes_four_requests_and_fifty_calls() -> None:
    assert carried(EXTERNAL) == {"requests": round(200 / 4.3, 2), "onPasswordSubmit": round(50 / 1.3, 2)}


def test_a_trial_carries_a_tenth() -> None:
    assert carried(replace(EXTERNAL, trial=True))["requests"] == round(20 / 4.3, 2)


@pytest.mark.parametrize(
    ("scheme", "people_per_s"), [("bcrypt-12", 4 / 0.238 / 1.3), ("bcrypt-10", 4 / 0.059 / 1.3)]
)
def test_cores_and_hashes_bound_the_verifier(scheme: str, people_per_s: float) -> None:
    day = replace(B2C, verify_ms=VERIFY_MS[scheme], cores=4)
    assert carried(day)["verifier"] == round(people_per_s, 2)


def test_our_writes_share_the_tenants_with_the_import() -> None:
    alone = replace(B2C, mode=Mode.GRAPH)
    assert carried(alone)["graph writes"] == 20.0, "one application of its own"
    beside_two = replace(alone, import_writes_per_s=rate_of(PUBLISHED, applications=2))
    assert carried(beside_two)["graph writes"] == 20.0
    beside_three = replace(alone, import_writes_per_s=rate_of(PUBLISHED, applications=3))
    assert carried(beside_three)["graph writes"] == 0.0
    forecast = forecast_first_day(beside_three)
    assert not forecast.fits
    assert forecast.tightest.shared_with_import


def test_writes_are_those_of_the_quota_that_is_given() -> None:
    """3,000 writes in 300 seconds are 10 a second; somebody else takes 4 of them."""
    day = replace(B2C, mode=Mode.GRAPH, quota=replace(PUBLISHED, tenant_writes=Allowance(3_000, 300)))
    assert carried(day)["graph writes"] == 10.0
    assert carried(replace(day, import_writes_per_s=4.0))["graph writes"] == 6.0


def test_the_tightest_comes_first_and_decides() -> None:
    """3,600 an hour are one a second, two in the busiest minutes."""
    day = replace(EXTERNAL, verify_ms=1000.0, cores=2, verify_basis=Basis.GIVEN)
    forecast = forecast_first_day(day)
    assert (forecast.average_per_s, forecast.peak_per_s) == (1.0, 2.0)
    assert forecast.tightest.name == "verifier"
    assert forecast.tightest.basis is Basis.GIVEN
    assert not forecast.fits, "two cores do 1.5 people a second"
    assert round(forecast.people_per_hour_max) == round(2 / 1.3 / 2 * 3600)
    at_the_edge = replace(day, people_per_hour=forecast.people_per_hour_max)
    assert forecast_first_day(at_the_edge).fits
    assert not forecast_first_day(replace(day, people_per_hour=forecast.people_per_hour_max + 1)).fits


def test_an_office_shares_twenty_requests() -> None:
    assert people_per_s_behind_one_address(TenantKind.EXTERNAL) == 5.0
    assert round(people_per_s_behind_one_address(TenantKind.B2C), 1) == 6.7
