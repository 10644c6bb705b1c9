"""How long the rest takes, by who was settled of late; whole runs are judged in tests/simulation/test_time_left.py."""

import pytest

from idferry.rules.quota import UNPACED, HeldBy, Pace
from idferry.rules.time_left import Lately, Moment, seconds_left

QUOTA = Pace(people_per_s=20.0)


def lately(*settled: tuple[float, int], now_s: float, began_s: float = 0.0) -> Lately:
    return Lately([Moment(*one) for one in settled], began_s=began_s, now_s=now_s)


def steady(per_s: int) -> Lately:
    return lately(*((float(second), per_s) for second in range(60)), now_s=60)


@pytest.mark.parametrize(
    ("pace", "measured", "left"),
    [
        (UNPACED, 10, 10.0),
        (UNPACED, 0, None),
        (Pace(0, HeldBy.NOBODY, 5.0, 0), 100, 20.0),  # the burst was fast, the rest will not be
        (Pace(0, HeldBy.NOBODY, 5.0, 50), 100, 10.0),
        (Pace(0, HeldBy.NOBODY, 5.0, 500), 2, 50.0),  # something else is slower than the quota
        (Pace(90, HeldBy.TENANT, 5.0, 500), 100, 90.0),
        (Pace(90, HeldBy.TENANT, None, 0), 0, 90.0),
    ],
)
def test_without_silence_the_slower_one_counts(pace: Pace, measured: int, left: float | None) -> None:
    told = seconds_left(100, lately=steady(measured), pace=pace)
    assert told == (None if left is None else pytest.approx(left, rel=0.05))


def test_nobody_is_left() -> None:
    assert seconds_left(0, lately=lately(now_s=1), pace=UNPACED) == 0


def window(at_s: float, people: int = 3_000) -> list[tuple[float, int]]:
    """What a window of the tenant grants, taken within ten seconds."""
    return [(at_s + second, people // 10) for second in range(10)]


@pytest.mark.parametrize(
    ("people", "now_s", "left"),
    [
        (3_000, 161, 300 + 9 - 161),  # just after a window: to the end of the next one
        (3_000, 290, 300 + 9 - 290),
        (9_000, 161, 600 + 9 - 161),
        (9_300, 161, 750 - 161),  # 300 more wait for one more window
        (8_690, 161, 600 + 8 - 161),
    ],
)
def test_with_a_silence_whole_periods_count(people: int, now_s: float, left: float) -> None:
    seen = lately(*window(0), *window(150), now_s=now_s, began_s=-100)
    assert seconds_left(people, lately=seen, pace=QUOTA) == left


def test_before_a_whole_period_was_seen_the_quota_alone_counts() -> None:
    """Other software, or an earlier run, may have taken the rest of this window."""
    seen = lately(*window(0, 500), now_s=100)
    assert seconds_left(4_000, lately=seen, pace=QUOTA) == 200
    held = Pace(700, HeldBy.TENANT, people_per_s=20.0, at_once=3_000, burst=3_000)
    assert seconds_left(2_000, lately=seen, pace=held) == 700


def test_a_tenant_that_grants_less_is_believed_when_it_did_so_twice() -> None:
    rich, lean = window(0), window(150, 1_800)
    once = lately(*rich, *lean, now_s=299, began_s=-100)
    assert seconds_left(6_000, lately=once, pace=QUOTA) == 450 + 9 - 299
    twice = lately(*rich, *lean, *window(300, 1_800), now_s=449, began_s=-100)
    assert seconds_left(5_400, lately=twice, pace=QUOTA) == 750 + 9 - 449


def test_no_more_than_the_quota_comes_back() -> None:
    """The first period may have seen two windows."""
    seen = lately(*window(0), *window(50), *window(200), now_s=300, began_s=-100)
    assert seconds_left(6_000, lately=seen, pace=QUOTA) == 500 + 9 - 300
    unpaced = seconds_left(12_000, lately=seen, pace=UNPACED)
    assert unpaced == 500 + 9 - 300, "nothing is known but what came"


def test_as_long_as_some_are_held_back_the_others_tell_nothing() -> None:
    one_of_three = Pace(people_per_s=60.0, all_go_in_s=90)
    assert seconds_left(6_000, lately=steady(20), pace=one_of_three) == 100
    free = Pace(people_per_s=60.0)
    assert seconds_left(6_000, lately=steady(20), pace=free) == pytest.approx(300, rel=0.05)


def test_in_the_long_run_whole_periods_count_without_a_silence() -> None:
    """One application flows at 20 a second, the windows of another open every 150 seconds."""
    seen = [(float(second), 20 + (300 if second % 150 < 10 else 0)) for second in range(500)]
    told = seconds_left(6_300, lately=lately(*seen, now_s=500), pace=Pace(people_per_s=40.0))
    assert told == pytest.approx(150 + 15, abs=1), "a whole period, and 300 of the next one"


def test_a_long_hold_outlasts_what_came_before() -> None:
    seen = lately(*window(0), *window(150), now_s=290, began_s=-100)
    held = Pace(700, HeldBy.TENANT, people_per_s=20.0)
    assert seconds_left(3_000, lately=seen, pace=held) == 700


def test_whoever_is_late_is_given_time_by_the_quota() -> None:
    seen = lately(*window(0), *window(150), now_s=320, began_s=-100)
    assert seconds_left(100, lately=seen, pace=QUOTA) == 5


def test_the_rate_is_that_of_the_second_half() -> None:
    seen = lately((0, 3_000), (10, 20), (55, 20), (58, 30), now_s=60)
    assert seen.per_s() == (20 + 30) / 50
    assert lately((0, 3_000), (10, 20), now_s=60).per_s() == 3_020 / 60, "nobody since"
    assert lately((0, 3_000), now_s=301).per_s() == 0, "too long ago"
    assert lately(now_s=60).per_s() == 0
