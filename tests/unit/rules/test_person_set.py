from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.person_set import PersonSet


@given(st.lists(st.integers(1, 100_000)), st.integers(1, 200_000))
def test_it_is_a_set_of_numbers(added: list[int], asked: int) -> None:
    people = PersonSet()
    for one in added:
        people.add(one)
    assert len(people) == len(set(added))
    assert all(one in people for one in added)
    assert (asked in people) == (asked in set(added))


def test_a_million_people_cost_little() -> None:
    people = PersonSet()
    people.add(1_000_000)
    assert len(people._bits) < 150_000
    assert 999_999 not in people
