"""The shelf of one update: the same in memory and over SQLite."""

from collections.abc import Iterator

import pytest
from tests.support.ledger_records import wanted
from tests.support.memory_wanted import MemoryWantedDrafts

from idferry.ledger.wanted import wanted_drafts
from idferry.ports import WantedDrafts
from idferry.rules.account import AccountDraft
from idferry.rules.plan import Planned

MANY = 1_203


@pytest.fixture(params=["memory", "sqlite"])
def shelf(request: pytest.FixtureRequest) -> Iterator[WantedDrafts]:
    if request.param == "memory":
        yield MemoryWantedDrafts()
        return
    with wanted_drafts() as opened:
        yield opened


def draft(key: str) -> AccountDraft:
    plan = wanted(key, f"{key}@example.com").plan
    assert isinstance(plan, Planned)
    return plan.draft


def test_drafts_come_back_as_they_went_in_order_of_the_people(shelf: WantedDrafts) -> None:
    assert (shelf.count(), shelf.page(after=0, limit=5), shelf.of([1])) == (0, [], {})
    shelf.put({7: draft("g"), 3: draft("c")})
    shelf.put({5: draft("e")})
    assert shelf.count() == 3
    assert shelf.page(after=0, limit=2) == [(3, draft("c")), (5, draft("e"))]
    assert shelf.page(after=5, limit=2) == [(7, draft("g"))]
    assert shelf.of([7, 8, 3]) == {3: draft("c"), 7: draft("g")}


def test_a_later_draft_replaces_the_earlier_one(shelf: WantedDrafts) -> None:
    shelf.put({1: draft("a")})
    shelf.put({1: draft("b")})
    assert (shelf.count(), shelf.of([1])) == (1, {1: draft("b")})


def test_more_people_than_one_statement_takes(shelf: WantedDrafts) -> None:
    shelf.put({number: draft(str(number)) for number in range(1, MANY + 1)})
    assert shelf.count() == MANY
    assert set(shelf.of(range(1, MANY + 1))) == set(range(1, MANY + 1))
    assert shelf.page(after=MANY - 1, limit=10) == [(MANY, draft(str(MANY)))]
