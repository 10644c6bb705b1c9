"""Attackers before the guard: what reaches the legacy system stays below its own lock, and people still get in.

The oracle is what the legacy system has counted. Time is made up, so that days take seconds. What `make soak` plays at
full length stands in `attack_stories`.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.attack_stories import (
    COMMON_LOCKS,
    HOME,
    MINUTE,
    VICTIM,
    OpenGuard,
    c5,
    guesses_at_a_lock,
    knows_the_limits,
    one_correlation_id,
    quick_guards,
    s1,
    s2,
    s3,
    s4,
    s7,
)
from tests.support.any_guard import addresses, guess, later
from tests.support.guessing import RIGHT, LegacySystem, Stage, most_within
from tests.support.memory_guard import MemoryGuard

from idferry.ports.sign_ins import Booking, Settlement
from idferry.rules.attempts import UNDER_WAY_MAX, GuardRules
from idferry.rules.lockout import (
    Lane,
    LegacyLockout,
    Schedule,
    fits,
    most_forwarded,
)
from idferry.rules.submission import external_submission
from idferry.rules.verdict import Match, Mismatch


@pytest.fixture
def open_quickly() -> Iterator[OpenGuard]:
    """The real guard on a disk that is not waited for."""
    with quick_guards() as opening:
        yield opening


# DECISIONS 1: a correlation id buys nothing, a retry costs nothing ------------------------------------------------


@pytest.mark.parametrize("many_addresses", [False, True])
def test_a_thousand_passwords_under_one_correlation_id_are_a_thousand_guesses(
    open_quickly: OpenGuard, many_addresses: bool
) -> None:
    one_correlation_id(open_quickly, guesses=1_000, many_addresses=many_addresses)


@pytest.mark.parametrize("nonces", [("n1", "n1"), ("n1", "n2")], ids=["same nonce", "new nonce"])
@pytest.mark.parametrize("after_s", [0.0, 1.0, 5.0], ids=["at once", "while it runs", "when it is over"])
@pytest.mark.parametrize("password", [RIGHT, "wrong"])
def test_a_retry_in_each_form_counts_once_and_makes_one_call(
    open_quickly: OpenGuard, nonces: tuple[str, str], after_s: float, password: str
) -> None:
    stage = Stage(open_quickly(GuardRules()), takes=lambda: 3.0)
    tries = [
        external_submission(
            correlation_id="c", nonce=nonce, person=VICTIM, mark=7, expires_at=later(600), at=later(0)
        )
        for nonce in nonces
    ]
    said = [stage.submit(n * after_s, one, password, HOME) for n, one in enumerate(tries)]
    stage.play()
    assert len(stage.legacy.calls) == 1
    assert [one.result for one in said] == [Match() if password == RIGHT else Mismatch()] * 2
    assert stage.guard.standing(VICTIM, at=later(9)).failures == (0 if password == RIGHT else 1)


def test_the_same_wrong_password_again_is_no_new_failure(open_quickly: OpenGuard) -> None:
    stage = Stage(open_quickly(GuardRules()))
    said = [stage.arrive(n, VICTIM, "sumer2019", HOME, ident=f"page {n}") for n in range(100)]
    stage.play()
    assert {one.result for one in said} == {Mismatch()}
    assert len(stage.legacy.calls) == 1
    assert stage.guard.standing(VICTIM, at=later(100)).failures == 1


def test_a_thousand_copies_at_once_make_one_call_and_one_booking(tmp_path: Path) -> None:
    s7(tmp_path, copies=1_000)


# DECISIONS 2 and 3: the legacy system's own lock is never reached -------------------------------------------------


@pytest.mark.parametrize("takes", [3.0, 9.9, 12.0], ids=lambda one: f"answers after {one} s")
@pytest.mark.parametrize(("threshold", "minutes"), COMMON_LOCKS)
def test_a_thousand_guesses_at_one_name_stay_below_the_legacy_lock(
    open_quickly: OpenGuard, threshold: int, minutes: int, takes: float
) -> None:
    guesses_at_a_lock(open_quickly, LegacyLockout(threshold, minutes * MINUTE), guesses=1_000, takes_s=takes)


@pytest.mark.parametrize(("threshold", "minutes"), COMMON_LOCKS)
def test_who_knows_the_limits_and_shares_every_address_of_the_victim_cannot_lock_it_either(
    open_quickly: OpenGuard, threshold: int, minutes: int
) -> None:
    knows_the_limits(
        open_quickly, LegacyLockout(threshold, minutes * MINUTE), days=1, seed=threshold * minutes
    )


def test_limits_that_do_not_fit_do_lock(open_quickly: OpenGuard) -> None:
    """The proof above proves something: with the limits that hold where nothing is said the lock is reached."""
    lockout = LegacyLockout(10, 10 * MINUTE)
    assert not fits(Schedule(), lockout, under_way=UNDER_WAY_MAX)
    stage = Stage(open_quickly(GuardRules()), LegacySystem(lockout), lambda: 3.0)
    fresh = addresses()
    for number in range(1_000):
        stage.arrive(number * 0.6, VICTIM, f"guess {number}", next(fresh))
    stage.play()
    assert stage.legacy.has_locked


# Property P5 ------------------------------------------------------------------------------------------------------

SMALL = Schedule(
    address=Lane(attempts=2, lock_s=2, lock_s_max=8, silence_s=60, stop=5, rest_s=200),
    anywhere=Lane(attempts=3, lock_s=4, lock_s_max=16, silence_s=60, stop=8, rest_s=300),
    known=Lane(attempts=1, lock_s=8, lock_s_max=8, silence_s=60, stop=4, rest_s=200),
    known_addresses=1,
    forgiven=1,
)
ATTACKS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.5, 2.0, 4.0, 8.0, 16.0, 61.0, 77.0, 200.0, 300.0]),
        st.sampled_from([HOME, "10.0.0.1", "10.0.0.2", "fresh", "fresh"]),
        st.sampled_from([one for one in Settlement if one is not Settlement.MATCHED]),
        st.sampled_from([0.0, 0.0, 3.0, 9.0]),
    ),
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(ATTACKS, st.booleans())
def test_whatever_is_tried_in_whatever_order_no_window_holds_more_than_was_computed(
    story: list[tuple[float, str, Settlement, float]], is_known: bool
) -> None:
    """P5: for any interleaving of guesses, addresses, endings and answers that take their time."""
    guard, fresh = MemoryGuard(GuardRules(schedule=SMALL)), addresses()
    if is_known:
        guess(guard, later(-1), address=HOME, ending=Settlement.MATCHED)
    now, sent, answers = 0.0, [], []
    for wait, address, ending, takes in story:
        now += wait
        for at_s, ticket, how in sorted(one for one in answers if one[0] <= now):
            guard.settle(ticket, how, at=later(at_s))
        answers = [one for one in answers if one[0] > now]
        booked = guard.book(
            name_key="anna", address=next(fresh) if address == "fresh" else address, at=later(now)
        )
        if booked.ticket:
            answers.append((now + takes, booked.ticket, ending))
            sent += [now] if ending is not Settlement.NEVER_SENT else []
    for seconds in (0, 1, 10, 60, 300, 1_000):
        window = timedelta(seconds=seconds)
        assert most_within(sent, window) <= most_forwarded(SMALL, window)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.02, 1.0, 30.0]), st.integers(0, 400), st.integers(1, 250), st.booleans()
        ),
        max_size=300,
    )
)
def test_whoever_types_right_is_not_delayed_by_attacks_on_others(
    story: list[tuple[float, int, int, bool]],
) -> None:
    """P5: at any moment of any attack on other names from other addresses, the first try goes through."""
    guard, now = MemoryGuard(), 0.0
    for number, (wait, name, address, settles) in enumerate(story):
        now += wait
        booked = guard.book(name_key=f"other {name}", address=f"10.0.0.{address}", at=later(now))
        if booked.ticket and settles:
            guard.settle(booked.ticket, Settlement.FAILED, at=later(now))
        if number % 20 == 0:
            home = f"192.0.2.{number // 20}"
            right = guess(guard, later(now), name=f"p {number}", address=home, ending=Settlement.MATCHED)
            assert right is Booking.BOOKED


@settings(deadline=None)
@given(st.lists(st.integers(0, 50_000), min_size=2, max_size=6))
def test_a_longer_window_never_holds_less(windows: list[int]) -> None:
    counted = [most_forwarded(Schedule(), timedelta(seconds=one)) for one in sorted(windows)]
    assert all(longer >= shorter for shorter, longer in pairwise(counted))


# Security behaviour S1 to S4 --------------------------------------------------------------------------------------


def test_s1_ten_thousand_guesses_at_one_name_from_one_address_in_a_day(open_quickly: OpenGuard) -> None:
    s1(open_quickly, guesses=10_000)


def test_s2_one_address_and_a_thousand_names(open_quickly: OpenGuard) -> None:
    s2(open_quickly, names=1_000)


def test_s3_stolen_passwords_from_thousands_of_addresses_while_people_sign_in(
    open_quickly: OpenGuard,
) -> None:
    s3(open_quickly, bots=2_500, seed=3)


@pytest.mark.parametrize(("threshold", "minutes"), COMMON_LOCKS)
def test_s4_a_victim_at_a_known_address_gets_in_at_the_first_try(
    open_quickly: OpenGuard, threshold: int, minutes: int
) -> None:
    s4(open_quickly, LegacyLockout(threshold, minutes * MINUTE), guesses=2_000)


# C5: killed between guesses ---------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill of this kind")
def test_c5_a_guard_that_is_killed_between_guesses_forgets_none(tmp_path: Path) -> None:
    c5(tmp_path / "sign-ins.guard", kills=10)
