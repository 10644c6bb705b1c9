"""The schedule's worst case is computed; here it is compared with every way of waiting, on small clocks."""

from datetime import timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.lockout import (
    EMPTY,
    Lane,
    LaneState,
    LegacyLockout,
    Schedule,
    fits,
    most_forwarded,
    schedule_that_fits,
)

UNDER_WAY = timedelta(seconds=15)
MINUTE = timedelta(minutes=1)
ALONE = Lane(attempts=1, lock_s=900.0, stop=1)


def only(lane: Lane, forgiven: int = 0) -> Schedule:
    return Schedule(address=lane, anywhere=lane, known=ALONE, known_addresses=0, forgiven=forgiven)


def through_one_lane(lane: Lane, window_s: float, forgiven: int = 0) -> int:
    return most_forwarded(only(lane, forgiven), timedelta(seconds=window_s))


def small_lanes() -> st.SearchStrategy[Lane]:
    def lane(attempts: int, lock: int, longer: int, silence: int, stop: int, rest: int) -> Lane:
        most = lock * longer
        return Lane(attempts, float(lock), float(most), float(silence), stop, float(most + silence + rest))

    small = st.integers(min_value=1, max_value=4)
    return st.builds(lane, small, small, small, st.integers(1, 8), st.integers(1, 7), st.integers(0, 8))


def by_trying_everything(lane: Lane, window_s: int) -> int:
    """The most attempts within a window, over all ways of waiting whole seconds."""

    @cache
    def most(state: LaneState, now: int) -> int:
        if now > window_s:
            return 0
        waits = most(state, now + 1)
        fresh = lane.fresh(state, float(now))
        if lane.opens_at(fresh) > now:
            return waits
        return max(waits, 1 + most(fresh.booked(float(now)), now))

    return most(EMPTY, 0)


@given(small_lanes(), st.integers(0, 25))
def test_the_worst_case_is_exactly_what_trying_everything_finds(lane: Lane, window_s: int) -> None:
    assert through_one_lane(lane, window_s) == by_trying_everything(lane, window_s)


@given(
    small_lanes(),
    st.integers(0, 3),
    st.lists(st.tuples(st.sampled_from("0123fastLSR"), st.sampled_from(["failed", "aborted", "unsent"]))),
    st.integers(1, 60),
)
def test_no_sequence_of_guesses_gets_more_through(
    lane: Lane, forgiven: int, steps: list[tuple[str, str]], window_s: int
) -> None:
    """Any waiting, any endings: what was sent within any window stays within the computed number."""
    state, now, sent = EMPTY, 0.0, []
    waits = {
        "f": 0.5,
        "L": lane.lock_s_max,
        "S": lane.silence_s,
        "R": lane.rest_s,
        "a": 7.0,
        "s": 0.0,
        "t": 13.0,
    }
    for wait, ending in steps:
        now += waits.get(wait, float(ord(wait) - ord("0")))
        state = lane.fresh(state, now)
        if lane.opens_at(state) > now:
            continue
        state = state.booked(now)
        match ending:
            case "failed":
                sent.append(now)
            case "aborted":
                sent.append(now)
                state = state.aborted(forgiven)
            case _:
                state = state.unsent()
    most = max((sum(1 for one in sent if begin <= one <= begin + window_s) for begin in sent), default=0)
    assert most <= through_one_lane(lane, window_s, forgiven)


def test_five_free_then_doubling_forwards_fourteen_in_ten_minutes() -> None:
    assert through_one_lane(Lane(), 600) == 14
    assert through_one_lane(Lane(), 0) == 5
    assert most_forwarded(Schedule(forgiven=0, known_addresses=0), 10 * MINUTE, addresses=1) == 14


def test_what_is_forgiven_goes_through_too_once_per_rest() -> None:
    lane = Lane(attempts=2, rest_s=2_000.0)
    assert [
        through_one_lane(lane, at, forgiven=3) - through_one_lane(lane, at) for at in (0, 1_999, 2_000)
    ] == [3, 3, 6]
    state, sent = EMPTY, 0
    while lane.opens_at(state) <= 0:
        state = state.booked(0.0).aborted(3)
        sent += 1
    assert sent == through_one_lane(lane, 0, forgiven=3) == 5


def test_a_day_ends_at_the_stop() -> None:
    assert through_one_lane(Lane(), 86_400 - 1) == 100


def test_more_addresses_help_only_up_to_what_all_of_them_may() -> None:
    schedule = Schedule(forgiven=0, known_addresses=2)
    known = 2 * through_one_lane(schedule.known, 600)
    counted = [most_forwarded(schedule, 10 * MINUTE, addresses=number) for number in (0, 1, 2, 3, 50)]
    anywhere = through_one_lane(schedule.anywhere, 600)
    assert counted == [known, known + 14, known + 28, known + anywhere, known + anywhere]
    assert most_forwarded(schedule, 10 * MINUTE) == known + anywhere


def test_the_default_does_not_fit_a_common_legacy_lock() -> None:
    assert not fits(Schedule(), LegacyLockout(10, 10 * MINUTE), under_way=UNDER_WAY)
    assert fits(Schedule(), LegacyLockout(1_000, 10 * MINUTE), under_way=UNDER_WAY)


@pytest.mark.parametrize("threshold", [2, 3, 5, 10, 30, 100])
@pytest.mark.parametrize("minutes", [1, 10, 30, 60, 1_440])
def test_a_schedule_is_found_for_every_lock_and_fits(threshold: int, minutes: int) -> None:
    lockout = LegacyLockout(threshold, minutes * MINUTE)
    found = schedule_that_fits(lockout, under_way=UNDER_WAY)
    assert found is not None
    assert fits(found, lockout, under_way=UNDER_WAY)
    assert most_forwarded(found, lockout.window + UNDER_WAY) < threshold
    # One attacker at one address leaves something to everybody else, where there is anything to leave.
    if found.anywhere.attempts >= 3:
        assert found.address.attempts < found.anywhere.attempts
    assert found.anywhere.lock_s_max <= 900


def test_no_schedule_fits_a_system_that_locks_at_once() -> None:
    assert schedule_that_fits(LegacyLockout(1, MINUTE), under_way=UNDER_WAY) is None


def test_guesses_that_were_booked_before_the_window_may_arrive_within_it() -> None:
    lane = Lane(attempts=2, lock_s=65.0)
    lockout = LegacyLockout(3, MINUTE)
    assert fits(only(lane), lockout, under_way=timedelta())
    assert not fits(only(lane), lockout, under_way=UNDER_WAY)


def test_the_lock_doubles_up_to_a_quarter_of_an_hour() -> None:
    locks = [Lane().lock_after(level) for level in range(1, 60)]
    assert locks[:8] == [0, 0, 0, 0, 1, 2, 4, 8]
    assert max(locks) == 900
    assert all(later >= earlier for earlier, later in pairwise(locks))


def test_the_lock_itself_is_no_silence() -> None:
    lane = Lane()
    locked = LaneState(level=20, streak=20, last_at=0.0)
    assert lane.fresh(locked, 900.0 + 899.0).level == 20
    assert lane.fresh(locked, 900.0 + 900.0) == LaneState(0, 20, 0, 0.0)


def test_a_clock_that_went_back_locks_nobody_for_as_long_as_it_was_wrong() -> None:
    lane = Lane()
    state = lane.fresh(LaneState(level=6, streak=6, last_at=1_000_000.0), 5.0)
    assert lane.opens_at(state) == 5.0 + 2.0


def test_what_was_never_sent_is_given_back_and_what_nobody_answered_only_so_often() -> None:
    state = LaneState().booked(1.0)
    assert state.unsent() == LaneState(0, 0, 0, 1.0)
    assert state.aborted(1) == LaneState(0, 0, 1, 1.0)
    assert state.aborted(1).booked(2.0).aborted(1) == LaneState(1, 1, 1, 2.0)
