"""The arithmetic of the forecast."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.hash_forecast import HashKind, forecast_sign_ins


def kind(seconds: float, count: int) -> HashKind:
    return HashKind("bcrypt", str(seconds), count, seconds)


def test_quantiles_are_of_people_and_not_of_kinds() -> None:
    found = forecast_sign_ins([kind(1.0, 2), kind(0.1, 94), kind(0.5, 4)], threads=2, deadline_s=2.0)
    assert (found.people, found.p95_s, found.p99_s, found.slowest_s) == (100, 0.5, 1.0, 1.0)
    assert found.mean_s == pytest.approx((2 + 9.4 + 2) / 100)
    assert found.per_second == pytest.approx(0.8 * 2 / found.mean_s)


@pytest.mark.parametrize(
    ("slowest", "deadline", "reply_at"),
    [(0.06, 1.6, 0.15), (0.5, 1.6, 1.05), (0.8, 1.6, 1.5), (1.5, 1.6, 0.0), (3.0, 1.6, 0.0)],
)
def test_answers_that_are_no_match_leave_when_two_slow_checks_are_done(
    slowest: float, deadline: float, reply_at: float
) -> None:
    found = forecast_sign_ins([kind(slowest, 1)], threads=2, deadline_s=deadline)
    assert found.negative_reply_at_s == pytest.approx(reply_at)
    assert found.fits is (reply_at > 0)


@given(
    st.lists(st.tuples(st.floats(0.0, 5.0), st.integers(1, 10_000)), min_size=1, max_size=8),
    st.floats(0.2, 10.0),
)
def test_a_proposal_lies_between_the_slowest_check_and_the_deadline(
    kinds: list[tuple[float, int]], deadline: float
) -> None:
    found = forecast_sign_ins([kind(*one) for one in kinds], threads=2, deadline_s=deadline)
    assert 0 <= found.p95_s <= found.p99_s <= found.slowest_s
    if found.fits:
        assert found.slowest_s <= found.negative_reply_at_s <= deadline - 0.099
