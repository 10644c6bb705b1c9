"""What is believed of one allowance, moment by moment."""

from itertools import pairwise

import pytest

from idferry.graph.grants import Grant
from idferry.rules.quota import Allowance

HUNDRED = Allowance(100, 10)  # 10 a second
T = 1_000.0


def spend(
    grant: Grant, cost: float, at_s: float, *, took_s: float = 0.0, accepted: float | None = None
) -> None:
    grant.reserve(cost, at_s)
    grant.settle(cost, accepted=cost if accepted is None else accepted, left_at_s=at_s, now_s=at_s + took_s)


def refuse(grant: Grant, at_s: float, *, retry_after_s: float | None = 1.0) -> None:
    """A call of one leaves, and is refused at once."""
    spend(grant, 1, at_s, accepted=0)
    grant.refuse(left_at_s=at_s, retry_after_s=retry_after_s, now_s=at_s)


def by_window() -> Grant:
    """A hundred went through at once, and the tenant asks to wait for nearly the whole period."""
    grant = Grant(HUNDRED)
    spend(grant, 100, T)
    refuse(grant, T + 0.5, retry_after_s=9.5)
    return grant


def test_all_of_it_may_be_spent_at_once_and_flows_back_evenly() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 100, T)
    assert grant.room(T) == 0
    assert grant.wait_s(20, T) == pytest.approx(2.0)
    assert grant.room(T + 3) == pytest.approx(30)
    assert grant.wait_s(20, T + 3) == 0
    assert grant.room(T + 1000) == 100, "no more than full"


def test_what_is_under_way_counts_and_fills_nothing_before_it_was_answered() -> None:
    grant = Grant(HUNDRED)
    grant.reserve(100, T)
    assert grant.wait_s(20, T + 5) is None, "the tenant may not have counted it yet"
    grant.settle(100, accepted=100, left_at_s=T, now_s=T + 6)
    assert grant.wait_s(20, T + 6) == pytest.approx(2.0)


def test_more_than_there_ever_is_waits_for_all_there_is() -> None:
    grant = Grant(Allowance(10, 10))
    assert grant.wait_s(20, T) == 0
    spend(grant, 10, T)
    assert grant.wait_s(20, T) == pytest.approx(10)


def test_what_was_not_accepted_was_not_spent() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 20, T, accepted=5)
    assert grant.room(T) == 95


def test_a_long_wait_is_that_of_a_window() -> None:
    grant = by_window()
    assert grant.by_window
    assert grant.room(T + 5) == 0, "nothing flows back before a period is over"
    assert grant.wait_s(20, T + 5) == pytest.approx(5)
    assert grant.room(T + 10.1) == 100


def test_a_short_wait_is_that_of_a_bucket() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 100, T)
    refuse(grant, T + 0.5, retry_after_s=1.0)
    assert not grant.by_window
    assert grant.room(T + 1.5) == pytest.approx(10)


def test_a_tenant_that_does_not_say_how_long_counts_by_windows_if_all_went_through_at_once() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 97, T)
    refuse(grant, T + 0.5, retry_after_s=None)
    assert grant.by_window


def test_a_tenant_that_does_not_say_how_long_counts_by_windows_if_nothing_follows() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 60, T)
    refuse(grant, T + 0.5, retry_after_s=None)
    assert not grant.by_window
    refuse(grant, T + 3, retry_after_s=None)
    assert grant.by_window


def test_windows_that_begin_sooner_than_a_period_later_begin_afresh() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 100, T)
    refuse(grant, T + 0.5, retry_after_s=4.0)
    assert grant.by_window
    assert grant.room(T + 4.5) == 100


def test_a_tenant_that_does_not_say_when_the_next_window_begins_is_tried_by_one_call_at_a_time() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 97, T)
    refuse(grant, T + 0.5, retry_after_s=None)
    assert grant.wait_s(20, T + 1.5) == 0
    grant.reserve(20, T + 1.5)
    assert grant.wait_s(20, T + 1.5) is None
    grant.settle(20, accepted=20, left_at_s=T + 1.5, now_s=T + 1.6)
    assert grant.room(T + 1.7) == 80, "that window began, and nothing else counts in it"


def test_two_windows_that_grant_the_same_are_believed() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 60, T)
    refuse(grant, T + 0.5, retry_after_s=5.0)
    spend(grant, 61, T + 5.6)
    refuse(grant, T + 6.0, retry_after_s=9.5)
    assert grant.per_s == pytest.approx(6.1)


def test_what_windows_grant_is_what_was_accepted_within_a_period() -> None:
    grant = by_window()
    spend(grant, 60, T + 10.1)
    refuse(grant, T + 10.5, retry_after_s=9.5)
    assert grant.per_s == pytest.approx(6.0)


def test_an_answer_that_is_heard_after_the_refusal_belongs_to_what_was_granted() -> None:
    grant = by_window()
    spend(grant, 40, T + 10.1)
    grant.reserve(20, T + 10.2)
    refuse(grant, T + 10.5, retry_after_s=9.5)
    grant.settle(20, accepted=20, left_at_s=T + 10.2, now_s=T + 10.7)
    assert grant.per_s == pytest.approx(6.0)


def test_what_was_spent_before_our_time_does_not_count_as_little_granted() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 5, T)
    refuse(grant, T + 0.5, retry_after_s=8.0)
    refuse(grant, T + 1.0, retry_after_s=None)
    assert grant.per_s == 10.0


def test_between_two_refusals_a_bucket_gives_what_flows_into_it() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 80, T)
    refuse(grant, T + 1)
    for second in range(2, 6):
        spend(grant, 6, T + second)
    refuse(grant, T + 5)
    assert grant.per_s == pytest.approx(6.0)


def test_a_bucket_that_filled_up_meanwhile_gives_what_it_holds() -> None:
    """What flowed in before is not measured: most of it was lost."""
    grant = Grant(HUNDRED)
    spend(grant, 100, T)
    refuse(grant, T + 1)
    spend(grant, 80, T + 200)
    refuse(grant, T + 200.5)
    assert grant.per_s == 8.0


def test_refusals_heard_by_calls_that_were_under_way_together_count_once() -> None:
    grant = by_window()
    spend(grant, 60, T + 10.1)
    for _ in range(3):
        grant.reserve(20, T + 10.2)
    for _ in range(3):
        grant.settle(20, accepted=0, left_at_s=T + 10.2, now_s=T + 10.5)
        grant.refuse(left_at_s=T + 10.2, retry_after_s=9.5, now_s=T + 10.5)
    assert grant.per_s == pytest.approx(6.0)
    spend(grant, 60, T + 20.2)
    assert grant.wait_s(3, T + 20.2) == 0, "one twentieth more is tried"
    assert grant.wait_s(4, T + 20.2), "once"


def test_more_is_tried_ever_faster_until_all_that_is_published_is_granted_again() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 100, T)
    refuse(grant, T + 1)
    spend(grant, 20, T + 5)
    refuse(grant, T + 5)
    learned = grant.per_s
    assert learned < 10
    rates = []
    for second in range(6, 60):
        grant.wait_s(1_000, T + second)
        rates.append(grant.per_s)
    assert rates[0] == learned
    assert rates == sorted(rates)
    assert rates[-1] == 10.0


def test_a_failed_try_is_repeated_ever_more_rarely() -> None:
    grant = Grant(HUNDRED)
    spend(grant, 100, T)
    refuse(grant, T + 1)
    spend(grant, 20, T + 5)
    refuse(grant, T + 5)
    tried, at_s = [], T + 5
    while len(tried) < 5:
        before = grant.per_s
        at_s += 0.1
        assert grant.wait_s(1_000, at_s), "more is tried only where more is wanted"
        spend(grant, min(grant.room(at_s), 20), at_s)
        if grant.per_s > before:
            tried.append(at_s)
            refuse(grant, at_s + 0.1)
    distances = [later - earlier for earlier, later in pairwise(tried)]
    assert distances == sorted(distances)
    assert distances[-1] > 4 * distances[0]


def test_more_than_published_may_be_tried_where_nobody_says_what_is_granted() -> None:
    grant = Grant(HUNDRED, times_max=2.0)
    for second in range(30):
        spend(grant, grant.room(T + second), T + second)
        assert grant.wait_s(10, T + second)
    assert grant.per_s == 20.0
