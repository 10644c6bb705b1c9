import pytest
from msgspec import structs
from tests.unit.rules.test_update import ENTRY, HELD

from idferry.rules.departure import Departures, WhenBarred, WhenVanished, name_the_same_people


@pytest.mark.parametrize(
    ("threatened", "people", "agrees"),
    [
        (0, 0, True),
        (1, 1, False),
        (1, 2, True),
        (20, 20, False),
        (20, 39, False),
        (20, 40, True),
        (21, 21, False),
        (21, 419, False),
        (21, 420, True),
        (50, 1000, True),
        (51, 1000, False),
    ],
)
def test_a_few_may_go_unasked(threatened: int, people: int, agrees: bool) -> None:
    assert Departures().agrees_to(threatened, people=people) is agrees


@pytest.mark.parametrize(("agreed", "agrees"), [(100, True), (99, False), (101, False), (0, False)])
def test_many_go_by_their_exact_number_only(agreed: int, agrees: bool) -> None:
    assert Departures(agreed=agreed).agrees_to(100, people=100) is agrees


def test_a_number_that_is_wrong_is_refused_even_where_none_was_needed() -> None:
    assert not Departures(agreed=3).agrees_to(2, people=100)


@pytest.mark.parametrize(
    ("vanished", "enabled", "threatens"),
    [
        (WhenVanished.LIST, True, False),
        (WhenVanished.DISABLE, True, True),
        (WhenVanished.DISABLE, False, False),
        (WhenVanished.REMOVE, True, True),
        (WhenVanished.REMOVE, False, True),
    ],
)
def test_who_would_lose_the_account(vanished: WhenVanished, enabled: bool, threatens: bool) -> None:
    entry = structs.replace(ENTRY, draft=structs.replace(HELD, enabled=enabled))
    assert Departures(vanished, WhenBarred.LIST).threatens_vanished(entry) is threatens


@pytest.mark.parametrize(
    ("cleared", "people", "agreed", "agrees"),
    [
        ({}, 0, None, True),
        ({"city": 20, "tier": 20}, 40, None, True),
        ({"city": 1, "tier": 21}, 40, None, False),
        ({"city": 50}, 1000, None, True),
        ({"city": 51}, 1000, None, False),
        ({"city": 51, "tier": 2}, 1000, 53, True),
        ({"city": 51, "tier": 2}, 1000, 51, False),
        ({"city": 1}, 1000, 2, False),
        ({}, 1000, 0, True),
    ],
)
def test_a_column_is_emptied_by_the_exact_number_only(
    cleared: dict[str, int], people: int, agreed: int | None, agrees: bool
) -> None:
    assert Departures(agreed_cleared=agreed).agrees_to_clear(cleared, people=people) is agrees


@pytest.mark.parametrize(
    ("strangers", "keys", "the_same"),
    [
        (0, 0, True),
        (0, 1, True),
        (1, 1, False),
        (1, 2, True),
        (5, 9, False),
        (20, 40, True),
        (21, 41, False),
        (50, 1000, True),
        (51, 1000, False),
    ],
)
def test_keys_that_mostly_name_others_are_not_those_of_before(
    strangers: int, keys: int, the_same: bool
) -> None:
    assert name_the_same_people(strangers, keys=keys) is the_same
