"""What a migration will take, against figures worked out by hand from the published limits."""

from datetime import timedelta

import pytest

from idferry.rules.account import TenantKind
from idferry.rules.forecast import compute_durations, object_limits, phone_methods_duration
from idferry.rules.quota import PUBLISHED

MILLION = 1_000_000


def minutes(duration: timedelta | None) -> int:
    assert duration is not None
    return round(duration / timedelta(minutes=1))


def test_a_million_people_by_applications() -> None:
    """13 h 51 min with one application (3,000 of them at once), 4 h 33 min with three (18,000 of the tenant's at once)."""
    one, two, three = compute_durations(MILLION, kind=TenantKind.B2C, quota=PUBLISHED)
    assert [one.applications, two.applications, three.applications] == [1, 2, 3]
    assert minutes(one.duration) == round((MILLION - 3_000) / 20 / 60)
    assert minutes(two.duration) == round((MILLION - 6_000) / 40 / 60)
    assert minutes(three.duration) == round((MILLION - 9_000) / 60 / 60)


def test_the_pessimistic_reading_is_four_people_a_second() -> None:
    one, _, three = compute_durations(MILLION, kind=TenantKind.B2C, quota=PUBLISHED)
    assert minutes(one.pessimistic) == round((MILLION - 600) / 4 / 60)
    assert minutes(three.pessimistic) == round((MILLION - 1_800) / 12 / 60)


def test_external_id_has_no_pessimistic_reading() -> None:
    assert all(
        one.pessimistic is None
        for one in compute_durations(MILLION, kind=TenantKind.EXTERNAL, quota=PUBLISHED)
    )


def test_a_handful_takes_no_time() -> None:
    assert compute_durations(500, kind=TenantKind.B2C, quota=PUBLISHED)[0].duration == timedelta()


@pytest.mark.parametrize(
    ("kind", "objects", "fits"),
    [
        (TenantKind.B2C, 1_250_000, [True, True]),
        (TenantKind.B2C, 1_250_001, [False, True]),
        (TenantKind.B2C, 5_250_001, [False, False]),
        (TenantKind.EXTERNAL, 10_000, [True, True]),
        (TenantKind.EXTERNAL, 10_001, [False, True]),
        (TenantKind.EXTERNAL, 300_001, [False, False]),
    ],
)
def test_room_is_what_the_limits_say(kind: TenantKind, objects: int, fits: list[bool]) -> None:
    assert [one.fits for one in object_limits(objects, kind=kind)] == fits


def test_two_million_phones_take_a_week() -> None:
    """7.7 days with one application: about 30 in 10 seconds."""
    assert round(phone_methods_duration(2_000_000, applications=1) / timedelta(days=1), 1) == 7.7
    assert phone_methods_duration(0, applications=1) == timedelta()
