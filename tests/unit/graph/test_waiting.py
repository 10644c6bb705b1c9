"""How long to wait."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from idferry.graph.waiting import BACKOFF_SECONDS_MAX, backoff_seconds, retry_after_seconds, time_told

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", 30.0),
        ("0.249", 0.249),
        (" 7 ", 7.0),
        ("7200", 7200.0),
        (format_datetime(NOW.replace(minute=2), usegmt=True), 120.0),
        ("99999999", 86_400.0),
        ("inf", 86_400.0),
        (format_datetime(NOW.replace(hour=11), usegmt=True), None),
        ("0", None),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("Thu, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Thu, 99999999999999999999 Jan 2026 00:00:00 GMT", None),
        ("Thu, 01 Jan 2026 00:00:00 +99999999999999999999", None),
        ("Thu, 01 Jan 0001 00:00:00 +2300", None),
        ("Thu, 01 Jan 9999 00:00:00 -2359", 86_400.0),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_every_form(text: str | None, expected: float | None) -> None:
    assert retry_after_seconds(text, now=NOW) == expected


def test_backoff_doubles_up_to_its_limit_and_jitter_takes_at_most_half() -> None:
    whole = [backoff_seconds(failures, jitter=1.0) for failures in range(1, 8)]
    assert whole == [1, 2, 4, 8, 16, 30, 30]
    assert backoff_seconds(10_000, jitter=0.0) == BACKOFF_SECONDS_MAX / 2


@pytest.mark.parametrize("text", [None, "", "soon", "99 Foo 2026"])
def test_a_date_that_is_none_tells_no_time(text: str | None) -> None:
    assert time_told(text) is None


def test_a_date_tells_its_time() -> None:
    assert time_told("Sun, 01 Mar 2026 12:00:00 GMT") == datetime(2026, 3, 1, 12, tzinfo=UTC)
