"""Small parts of the service, each alone."""

import asyncio
import gc

import pytest
from tests.support.hand_clock import HandClock

from idferry.service.equal_answers import reply_at
from idferry.service.hardening import keep_for_good
from idferry.service.limits import Budget, BudgetByKey
from idferry.service.messages import TEXTS, Text, texts_of


@pytest.mark.parametrize("took", [0.0, 0.2, 1.39])
def test_a_negative_answer_leaves_at_its_moment_however_long_it_took(took: float) -> None:
    clock = HandClock()
    arrival = clock.elapsed()
    clock.advance(took)

    async def pause(seconds: float) -> None:
        clock.advance(seconds)

    assert asyncio.run(reply_at(arrival_s=arrival, seconds=1.4, clock=clock, pause=pause))
    assert clock.elapsed() - arrival == pytest.approx(1.4)


def test_an_answer_that_is_late_says_so_and_waits_no_longer() -> None:
    clock = HandClock()
    arrival = clock.elapsed()
    clock.advance(1.5)
    assert asyncio.run(reply_at(arrival_s=arrival, seconds=1.4, clock=clock)) is False
    assert asyncio.run(reply_at(arrival_s=arrival, seconds=0.0, clock=clock)) is True
    assert clock.elapsed() - arrival == pytest.approx(1.5)


def test_a_budget_fills_up_again_and_never_beyond_its_most() -> None:
    clock = HandClock()
    budget = Budget(most=3, per_s=30, elapsed=clock.elapsed)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    clock.advance(10)
    assert [budget.take() for _ in range(2)] == [True, False]
    clock.advance(10_000)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]


def test_budgets_are_kept_for_so_many_keys_only() -> None:
    clock = HandClock()
    budgets = BudgetByKey(most=1, per_s=60, elapsed=clock.elapsed, keys_max=2)
    assert [budgets.take(key) for key in ("a", "a", "b", "a", "c", "b")] == [
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    assert len(budgets._budgets) == 2


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_has_every_sentence(language: str) -> None:
    assert set(TEXTS[language]) == set(Text)
    assert len(set(TEXTS[language].values())) == len(Text)
    assert all(sentence.isprintable() and sentence for sentence in TEXTS[language].values())


def test_own_sentences_take_the_place_of_ours() -> None:
    assert texts_of("de", {"wrong": "Nein."})[Text.WRONG] == "Nein."
    for own in ({"unknown": "x"}, {"wrong": ""}, {"wrong": "a\nb"}, {"wrong": "x" * 501}):
        with pytest.raises(ValueError, match="text"):
            texts_of("en", own)


def test_what_a_service_is_made_of_is_not_gone_through_again() -> None:
    before = gc.get_freeze_count()
    try:
        keep_for_good()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
