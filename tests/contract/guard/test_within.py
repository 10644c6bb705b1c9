"""One more legacy system that is asked within an attempt counts for itself: nobody else pays, and no match elsewhere helps."""

import pytest
from tests.contract.guard.conftest import OpenAny
from tests.support.any_guard import AT, HOME, AnyGuard, guess, later

from idferry.ports.sign_ins import Booking, Settlement
from idferry.rules.attempts import AddressLimit, GuardRules

FREE = 5
NAMES_OF_AN_ADDRESS = 10


def ask(
    guard: AnyGuard, seconds: float, *, ending: Settlement = Settlement.FAILED, name: str = "window"
) -> Booking:
    """One question within an attempt that ends at once, as it does where it got through."""
    booked = guard.book(name_key=name, address=HOME, at=later(seconds), within=True)
    if booked.ticket:
        guard.settle(booked.ticket, ending, at=later(seconds))
    return booked.booking


def test_the_window_of_a_system_has_the_schedule_of_a_name(guard: AnyGuard) -> None:
    assert [ask(guard, 0) for _ in range(FREE + 1)] == [Booking.BOOKED] * FREE + [Booking.LOCKED]
    assert ask(guard, 1) is Booking.BOOKED
    assert ask(guard, 0, name="another") is Booking.BOOKED


def test_neither_the_address_nor_everybody_pays_for_it(guard: AnyGuard) -> None:
    for number in range(3 * NAMES_OF_AN_ADDRESS):
        assert ask(guard, number / 100, name=f"window {number}") is Booking.BOOKED
    names = [guess(guard, later(1), name=f"name {number}") for number in range(NAMES_OF_AN_ADDRESS + 1)]
    assert names == [Booking.BOOKED] * NAMES_OF_AN_ADDRESS + [Booking.ADDRESS_SPENT]


def test_it_is_booked_though_the_address_is_spent_because_the_attempt_was(guard: AnyGuard) -> None:
    for number in range(NAMES_OF_AN_ADDRESS):
        guess(guard, AT, name=f"name {number}")
    assert guess(guard, AT, name="one more") is Booking.ADDRESS_SPENT
    assert ask(guard, 0) is Booking.BOOKED


def test_what_is_given_back_is_given_back_to_the_window_alone(guard: AnyGuard) -> None:
    for number in range(NAMES_OF_AN_ADDRESS):
        guess(guard, AT, name=f"name {number}")
    for ending in (Settlement.MATCHED, Settlement.NEVER_SENT, Settlement.ABORTED) * NAMES_OF_AN_ADDRESS:
        assert ask(guard, 0.5, ending=ending) is Booking.BOOKED
    assert guess(guard, later(0.6), name="one more") is Booking.ADDRESS_SPENT


def test_a_match_of_a_window_forgives_the_address_nothing(open_any: OpenAny) -> None:
    guard = open_any(GuardRules(address=AddressLimit(failures_a_day=3)))
    for number in range(3):
        assert guess(guard, AT, name=f"name {number}") is Booking.BOOKED
    assert [ask(guard, 0, ending=Settlement.MATCHED) for _ in range(3)] == [Booking.BOOKED] * 3
    assert guess(guard, AT, name="one more") is Booking.ADDRESS_SPENT


@pytest.mark.parametrize("ending", [Settlement.FAILED, Settlement.MATCHED])
def test_a_match_elsewhere_forgives_nothing_here(guard: AnyGuard, ending: Settlement) -> None:
    for _ in range(FREE):
        ask(guard, 0)
        guess(guard, AT, name="person", ending=Settlement.MATCHED)
    assert ask(guard, 0) is Booking.LOCKED
    ask(guard, 1, ending=ending)
    second = ask(guard, 1)
    assert second is (Booking.BOOKED if ending is Settlement.MATCHED else Booking.LOCKED)
