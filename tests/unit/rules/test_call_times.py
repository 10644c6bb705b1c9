"""What a queue expects of the calls in front of it."""

import pytest

from idferry.rules.call_times import CallTimes


def after(*seconds: float) -> CallTimes:
    times = CallTimes()
    for one in seconds:
        times = times.after(one)
    return times


def test_as_long_as_nothing_is_known_nobody_is_refused() -> None:
    assert CallTimes().ends_within(0.0)
    assert CallTimes().ends_within_behind(31, 0.0, at_once=16)


def test_the_average_follows_a_system_that_becomes_slow_within_a_round_of_calls() -> None:
    slow = after(*[0.01] * 100, *[1.0] * 16)
    assert 0.85 < slow.usual_s < 1.0
    assert after(*[1.0] * 100, *[0.01] * 16).usual_s < 0.2


@pytest.mark.parametrize(
    ("ahead", "left_s", "ends"), [(0, 1.5, True), (7, 1.5, True), (8, 1.5, False), (31, 3.0, True)]
)
def test_who_waits_behind_others_waits_for_their_share_of_a_round(
    ahead: int, left_s: float, ends: bool
) -> None:
    times = CallTimes(usual_s=1.0)
    assert times.ends_within_behind(ahead, left_s, at_once=16) is ends
    assert times.ends_within(1.0)
    assert not times.ends_within(0.99)
