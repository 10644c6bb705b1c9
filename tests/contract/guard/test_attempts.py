"""What one name, one address and everybody may try, and what each ending gives back."""

from datetime import timedelta
from ipaddress import ip_network

import pytest
from tests.contract.guard.conftest import OpenAny
from tests.support.any_guard import (
    AT,
    HOME,
    AnyGuard,
    addresses,
    begin,
    fail_from_anywhere,
    guess,
    later,
)

from idferry.ports.sign_ins import Booking, Settlement
from idferry.rules.attempts import EveryoneLimit, GuardRules
from idferry.rules.lockout import Lane, Schedule

DAY_S = 86_400


# --- one name at one address -------------------------------------------------------------------------------------


def test_five_are_free_and_then_each_locks_twice_as_long(guard: AnyGuard) -> None:
    assert [guess(guard, AT) for _ in range(6)] == [Booking.BOOKED] * 5 + [Booking.LOCKED]
    assert guess(guard, later(0.9)) is Booking.LOCKED
    assert guess(guard, later(1)) is Booking.BOOKED
    assert guess(guard, later(2.9)) is Booking.LOCKED
    assert guess(guard, later(3)) is Booking.BOOKED


def test_what_is_refused_while_locked_is_not_counted(guard: AnyGuard) -> None:
    for _ in range(5):
        guess(guard, AT)
    assert {guess(guard, later(0.5)) for _ in range(50)} == {Booking.LOCKED}
    assert guess(guard, later(1)) is Booking.BOOKED


def test_silence_brings_the_free_attempts_back(guard: AnyGuard) -> None:
    for _ in range(5):
        guess(guard, AT)
    assert [guess(guard, later(1 + 900)) for _ in range(6)] == [Booking.BOOKED] * 5 + [Booking.LOCKED]


def test_another_person_and_another_address_are_free(guard: AnyGuard) -> None:
    for _ in range(6):
        guess(guard, AT)
    assert guess(guard, AT, name="ben") is Booking.BOOKED
    assert guess(guard, AT, address="203.0.113.9") is Booking.BOOKED


@pytest.mark.parametrize(
    ("ending", "kept"),
    [(Settlement.FAILED, 1), (Settlement.NEVER_SENT, 0), (Settlement.ABORTED, 0), (Settlement.MATCHED, 0)],
)
def test_what_an_ending_keeps_of_the_name(guard: AnyGuard, ending: Settlement, kept: int) -> None:
    guess(guard, AT, ending=ending)
    assert guard.standing("anna", at=AT).failures == kept


def test_an_unsettled_attempt_is_a_failed_one(guard: AnyGuard) -> None:
    begin(guard, AT)
    assert guard.standing("anna", at=AT).failures == 1


def test_the_second_settlement_of_a_ticket_changes_nothing(guard: AnyGuard) -> None:
    ticket = begin(guard, AT)
    guard.settle(ticket, Settlement.FAILED, at=AT)
    for ending in Settlement:
        guard.settle(ticket, ending, at=later(1))
    assert guard.standing("anna", at=later(1)).failures == 1
    assert guard.standing("anna", at=later(1)).known_addresses == 0


def test_a_verdict_that_comes_too_late_gives_nothing_back_but_a_match_still_counts(guard: AnyGuard) -> None:
    tickets = {
        ending: begin(guard, AT, address=at)
        for ending, at in zip(Settlement, addresses(), strict=False)
        if ending in (Settlement.NEVER_SENT, Settlement.ABORTED)
    }
    for ending, ticket in tickets.items():
        guard.settle(ticket, ending, at=later(16))
    assert guard.standing("anna", at=later(16)).failures == 2
    late = begin(guard, later(20))
    guard.settle(late, Settlement.MATCHED, at=later(60))
    assert guard.standing("anna", at=later(60)).failures == 0


def test_calls_that_nobody_answered_are_forgiven_only_so_often(guard: AnyGuard) -> None:
    for _ in range(4):
        assert guess(guard, AT, ending=Settlement.ABORTED) is Booking.BOOKED
    assert guard.standing("anna", at=AT).failures == 1


def test_an_outage_that_never_reached_the_legacy_system_costs_nothing(guard: AnyGuard) -> None:
    assert {guess(guard, AT, ending=Settlement.NEVER_SENT) for _ in range(300)} == {Booking.BOOKED}


# --- under way at the same time ----------------------------------------------------------------------------------


def test_one_check_of_a_name_from_one_address_at_a_time(guard: AnyGuard) -> None:
    ticket = begin(guard, AT)
    assert guess(guard, later(1)) is Booking.BUSY
    assert guess(guard, later(1), name="ben") is Booking.BOOKED
    guard.settle(ticket, Settlement.FAILED, at=later(2))
    assert guess(guard, later(2)) is Booking.BOOKED


def test_three_checks_of_a_name_at_a_time(guard: AnyGuard) -> None:
    tickets = [begin(guard, AT, address=at) for at, _ in zip(addresses(), range(3), strict=False)]
    assert guess(guard, later(1), address="203.0.113.9") is Booking.BUSY
    guard.settle(tickets[1], Settlement.FAILED, at=later(2))
    assert guess(guard, later(2), address="203.0.113.9") is Booking.BOOKED


def test_a_check_that_nobody_settles_makes_room_when_it_must_have_been_aborted(guard: AnyGuard) -> None:
    begin(guard, AT)
    assert guess(guard, later(14.9)) is Booking.BUSY
    assert guess(guard, later(15)) is Booking.BOOKED
    assert guard.standing("anna", at=later(15)).failures == 2


def test_what_others_have_under_way_when_somebody_succeeds_still_counts(guard: AnyGuard) -> None:
    tickets = [begin(guard, AT, address=at) for at, _ in zip(addresses(), range(2), strict=False)]
    guess(guard, AT, ending=Settlement.MATCHED)
    for ticket in tickets:
        guard.settle(ticket, Settlement.FAILED, at=AT)
    assert guard.standing("anna", at=AT).failures == 2


# --- one name from anywhere --------------------------------------------------------------------------------------


def test_above_the_bound_a_name_is_locked_for_everybody_and_at_most_fifteen_minutes(guard: AnyGuard) -> None:
    assert fail_from_anywhere(guard, 31, AT) == [Booking.BOOKED] * 30 + [Booking.LOCKED]
    assert guard.locked_until("anna", at=AT) == later(60)
    now, longest = 60.0, 0.0
    for _ in range(12):
        assert guess(guard, later(now), address=f"192.0.2.{int(now) % 250}") is Booking.BOOKED
        until = guard.locked_until("anna", at=later(now))
        assert until is not None
        longest = max(longest, (until - later(now)).total_seconds())
        now = (until - AT).total_seconds()
    assert longest == 900
    assert guard.locked_until("ben", at=AT) is None


def test_one_attacker_does_not_use_up_what_all_addresses_share(guard: AnyGuard) -> None:
    """Two weeks from one address, at every moment at which something goes through."""
    now = 0.0
    while now < 14 * DAY_S:
        if guess(guard, later(now), address="203.0.113.66") is not Booking.BOOKED:
            now += 450
    assert guess(guard, later(now)) is Booking.BOOKED


def test_after_a_hundred_failures_nothing_goes_through_until_a_day_has_passed(guard: AnyGuard) -> None:
    now, through = 0.0, 0
    while guard.standing("anna", at=later(now)).failures < 100:
        through += fail_from_anywhere(guard, 1, later(now)) == [Booking.BOOKED]
        now += 60
    assert through == 100
    last = guard.standing("anna", at=later(now)).last_at
    assert last is not None
    assert guard.locked_until("anna", at=last) == last + timedelta(days=1)
    assert fail_from_anywhere(guard, 1, last + timedelta(hours=23)) == [Booking.LOCKED]
    assert fail_from_anywhere(guard, 1, last + timedelta(days=1)) == [Booking.BOOKED]
    assert guard.standing("anna", at=last + timedelta(days=1)).failures == 1


def test_unlocking_forgets_what_a_name_has_failed(guard: AnyGuard) -> None:
    fail_from_anywhere(guard, 30, AT)
    for _ in range(5):
        guess(guard, AT, name="ben")
    guard.unlock("anna", at=later(1))
    assert guard.locked_until("anna", at=later(1)) is None
    assert fail_from_anywhere(guard, 31, later(2)) == [Booking.BOOKED] * 30 + [Booking.LOCKED]
    assert guess(guard, AT, name="ben") is Booking.LOCKED
    guard.unlock("ben", at=AT)
    assert guess(guard, AT, name="ben") is Booking.BOOKED
    guard.unlock("nobody", at=AT)


def test_unlocking_does_not_forget_what_is_under_way(guard: AnyGuard) -> None:
    ticket = begin(guard, AT)
    guard.unlock("anna", at=AT)
    guard.settle(ticket, Settlement.FAILED, at=later(1))
    assert guard.standing("anna", at=later(1)).failures == 1


# --- addresses from which somebody has signed in before ----------------------------------------------------------


def sign_in(guard: AnyGuard, at_s: float, address: str = HOME) -> None:
    assert guess(guard, later(at_s), address=address, ending=Settlement.MATCHED) is Booking.BOOKED


def test_a_known_address_goes_through_while_a_name_is_locked(guard: AnyGuard) -> None:
    sign_in(guard, -DAY_S)
    fail_from_anywhere(guard, 31, AT)
    assert guess(guard, AT, address="203.0.113.9") is Booking.LOCKED
    assert guess(guard, AT) is Booking.BOOKED


def test_a_known_address_has_a_bound_of_its_own_and_costs_the_others_nothing(guard: AnyGuard) -> None:
    sign_in(guard, -DAY_S)
    assert [guess(guard, AT) for _ in range(6)] == [Booking.BOOKED] * 5 + [Booking.LOCKED]
    assert guard.standing("anna", at=AT).failures == 0
    assert guard.standing("anna", at=AT).locked_addresses == 1


@pytest.mark.parametrize("ending", [Settlement.NEVER_SENT, Settlement.ABORTED])
def test_what_a_known_address_gives_back_the_others_do_not_get(guard: AnyGuard, ending: Settlement) -> None:
    sign_in(guard, -DAY_S)
    fail_from_anywhere(guard, 2, AT)
    guess(guard, AT, ending=ending)
    assert guard.standing("anna", at=AT).failures == 2


def test_three_checks_of_strangers_do_not_keep_a_known_address_waiting(guard: AnyGuard) -> None:
    sign_in(guard, -DAY_S)
    for at, _ in zip(addresses(), range(3), strict=False):
        begin(guard, AT, address=at)
    assert guess(guard, AT) is Booking.BOOKED


def test_the_last_three_addresses_are_known_and_each_for_thirty_days(guard: AnyGuard) -> None:
    for number in range(4):
        sign_in(guard, number * 60, address=f"198.51.100.{number}")
    assert guard.standing("anna", at=later(300)).known_addresses == 3
    fail_from_anywhere(guard, 31, later(300))
    through = [guess(guard, later(300), address=f"198.51.100.{number}") for number in range(4)]
    assert through == [Booking.LOCKED, *[Booking.BOOKED] * 3]
    assert guard.standing("anna", at=later(31 * DAY_S)).known_addresses == 0


def test_an_address_is_known_for_one_name_only(guard: AnyGuard) -> None:
    sign_in(guard, 0)
    fail_from_anywhere(guard, 31, AT, name="ben")
    assert guess(guard, AT, name="ben") is Booking.LOCKED


def test_an_address_that_nobody_told_is_never_known(guard: AnyGuard) -> None:
    sign_in(guard, 0, address="")
    assert guard.standing("anna", at=AT).known_addresses == 0


# --- one address, many names -------------------------------------------------------------------------------------


def test_an_address_fails_with_ten_names_in_ten_minutes(guard: AnyGuard) -> None:
    spray = [guess(guard, later(n), name=f"p{n}") for n in range(12)]
    assert spray == [Booking.BOOKED] * 10 + [Booking.ADDRESS_SPENT] * 2
    assert guess(guard, later(20), name="p3") is Booking.BOOKED
    assert guess(guard, later(600), name="p12") is Booking.BOOKED


def test_names_that_succeed_or_were_never_sent_are_not_counted(guard: AnyGuard) -> None:
    for ending in (Settlement.MATCHED, Settlement.NEVER_SENT):
        office = [guess(guard, AT, name=f"{ending} {n}", ending=ending) for n in range(250)]
        assert set(office) == {Booking.BOOKED}


def test_a_name_that_failed_stays_counted_when_a_later_try_was_never_sent(guard: AnyGuard) -> None:
    guess(guard, AT, name="p0")
    guess(guard, AT, name="p0", ending=Settlement.NEVER_SENT)
    spray = [guess(guard, AT, name=f"p{n}") for n in range(1, 11)]
    assert spray == [Booking.BOOKED] * 9 + [Booking.ADDRESS_SPENT]


def test_calls_that_nobody_answered_count_against_the_address(guard: AnyGuard) -> None:
    spray = [guess(guard, AT, name=f"p{n}", ending=Settlement.ABORTED) for n in range(11)]
    assert spray == [Booking.BOOKED] * 10 + [Booking.ADDRESS_SPENT]


def test_an_address_fails_a_hundred_times_a_day_and_is_forgiven_evenly(guard: AnyGuard) -> None:
    spray = [guess(guard, later(n * 61), name=f"p{n}") for n in range(130)]
    through = spray.count(Booking.BOOKED)
    assert through == 100 + 129 * 61 // 864
    assert set(spray[-10:]) == {Booking.BOOKED, Booking.ADDRESS_SPENT}


def test_subscribers_of_ipv6_have_one_address_and_a_port_makes_no_other(guard: AnyGuard) -> None:
    same = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "[2001:db8:1:2::3]:443", "2001:db8:1:2::4%eth0"]
    for number, address in enumerate(same):
        guess(guard, AT, address=address)
        assert guard.standing("anna", at=AT).failures == number + 1
    assert [guess(guard, AT, address=same[0]) for _ in range(2)] == [Booking.BOOKED, Booking.LOCKED]
    assert guess(guard, AT, address="2001:db8:1:3::1") is Booking.BOOKED
    for address in (
        "192.0.2.1",
        "192.0.2.1:50123",
        "::ffff:192.0.2.1",
        " 192.0.2.1 ",
        "[::ffff:192.0.2.1]:9",
    ):
        guess(guard, AT, name="ben", address=address)
    assert guess(guard, AT, name="ben", address="192.0.2.1") is Booking.LOCKED


def test_without_an_address_the_day_of_one_is_not_spent_but_names_lock(guard: AnyGuard) -> None:
    for nonsense in ("", "unknown", "1.2.3", "::1::2"):
        many = [guess(guard, AT, name=f"{nonsense} {n}", address=nonsense) for n in range(20)]
        assert set(many) == {Booking.BOOKED}
    assert [guess(guard, AT, address="") for _ in range(6)] == [Booking.BOOKED] * 5 + [Booking.LOCKED]


def test_a_network_of_many_people_can_be_spared(open_any: OpenAny) -> None:
    guard = open_any(GuardRules(spared=(ip_network("198.51.100.0/24"),)))
    office = [guess(guard, later(n), name=f"p{n}", ending=end) for n in range(150) for end in Settlement]
    assert set(office) == {Booking.BOOKED}
    assert [guess(guard, AT) for _ in range(6)] == [Booking.BOOKED] * 5 + [Booking.LOCKED]
    sign_in(guard, DAY_S)
    assert guard.standing("anna", at=later(DAY_S)).known_addresses == 1


# --- everybody ---------------------------------------------------------------------------------------------------


def storm(guard: AnyGuard, at_s: float, guesses: int) -> None:
    fresh = addresses()
    for number in range(guesses):
        guess(guard, later(at_s + number / 50), name=f"stuffed {number}", address=next(fresh))


def test_in_a_storm_of_failures_only_those_pass_from_whose_address_no_other_name_has_failed(
    guard: AnyGuard,
) -> None:
    sign_in(guard, -DAY_S)
    guess(guard, later(-60), name="ben", address="203.0.113.5")
    storm(guard, 0, 130)
    assert guess(guard, later(3), name="cid", address="203.0.113.5") is Booking.GLOBAL_LIMIT
    assert guess(guard, later(3), name="cid", address="203.0.113.6") is Booking.BOOKED
    assert guess(guard, later(3), name="ben", address="") is Booking.GLOBAL_LIMIT
    assert guess(guard, later(3), name="dee", address="") is Booking.BOOKED
    assert {guess(guard, later(3), name="eve") for _ in range(3)} == {
        Booking.BOOKED
    }  # who mistypes may go on
    assert guess(guard, later(3), name="fay") is Booking.GLOBAL_LIMIT
    assert guess(guard, later(3)) is Booking.BOOKED


def test_a_storm_passes(guard: AnyGuard) -> None:
    storm(guard, 0, 400)
    assert guess(guard, later(9), name="zoe", address="10.0.0.1") is Booking.GLOBAL_LIMIT
    assert guess(guard, later(120), name="zoe", address="10.0.0.1") is Booking.BOOKED


def test_people_who_mostly_succeed_are_no_storm(guard: AnyGuard) -> None:
    """A first hour: five sign-ins a second, four of ten wrong at first."""
    said = []
    fresh = addresses()
    for number in range(1_000):
        now, home = later(number / 5), next(fresh)
        if number % 10 < 4:
            said.append(guess(guard, now, name=f"p{number}", address=home))
        said.append(guess(guard, now, name=f"p{number}", address=home, ending=Settlement.MATCHED))
    assert set(said) == {Booking.BOOKED}


def test_what_is_usual_here_is_learned(open_any: OpenAny) -> None:
    limit = EveryoneLimit(
        failures_per_minute=20, times_learned=1.5, share_min=0.1, share_max=0.9, learning_s=60
    )
    guard = open_any(GuardRules(everyone=limit))
    fresh = addresses()
    said: list[Booking] = []
    for number in range(3_000):  # from one of forty to one of three, slowly
        share = 40 - 37 * min(number, 2_500) // 2_500
        ending = Settlement.FAILED if number % share == 0 else Settlement.MATCHED
        said.append(guess(guard, later(number), name=f"p{number}", address=next(fresh), ending=ending))
    dirty = [guess(guard, later(3_000), name="x", address="203.0.113.7") for _ in range(2)]
    assert {*said, *dirty} == {Booking.BOOKED}


# --- clocks ------------------------------------------------------------------------------------------------------


def test_a_clock_that_was_a_year_ahead_locks_nobody_for_a_year(guard: AnyGuard) -> None:
    ahead = timedelta(days=365)
    for _ in range(5):
        guess(guard, AT + ahead)
    assert guess(guard, AT) is Booking.LOCKED
    assert guess(guard, later(1)) is Booking.BOOKED
    storm(guard, ahead.total_seconds(), 400)
    guess(guard, AT, name="zoe", address="203.0.113.5")
    assert guess(guard, later(600), name="zoe", address="203.0.113.5") is Booking.BOOKED


def test_a_schedule_of_ones_own(open_any: OpenAny) -> None:
    lane = Lane(attempts=1, lock_s=10, lock_s_max=10, silence_s=60, stop=3, rest_s=100)
    guard = open_any(GuardRules(schedule=Schedule(lane, lane, lane, known_addresses=0, forgiven=0)))
    said = [guess(guard, later(n)) for n in range(0, 30, 5)]
    assert said == [Booking.BOOKED, Booking.LOCKED] * 3
    assert guess(guard, later(119)) is Booking.LOCKED
    assert guess(guard, later(120)) is Booking.BOOKED
    sign_in(guard, 300)
    assert guard.standing("anna", at=later(300)).known_addresses == 0
