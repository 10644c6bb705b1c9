"""A survey without a ledger tells what a survey on an empty ledger tells, however the records come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.ledger.test_any_sequence import SOURCES, sqlite_ledger
from tests.support.ledger_records import AT, in_order, wanted
from tests.support.memory_ledger import MemoryLedger

from idferry.ledger import one_pass, open_one_pass
from idferry.ports import PlanLedger
from idferry.rules.entry import PlanEffect, PlanItem, TakeUp


def planned(ledger: PlanLedger, items: list[PlanItem], batch: int) -> list[PlanEffect]:
    ledger.begin_planning()
    effects: list[PlanEffect] = []
    for start in range(0, len(items), batch):
        effects += ledger.plan(items[start : start + batch], run="", take_up=TakeUp(), at=AT)
    return effects


@pytest.mark.parametrize("recent_max", [1, 50_000])
@pytest.mark.parametrize("names_max", [20, 1])
@settings(max_examples=100, deadline=None)
@given(SOURCES, st.integers(1, 5))
def test_it_answers_as_an_empty_ledger(
    recent_max: int, names_max: int, items: list[PlanItem], batch: int
) -> None:
    with sqlite_ledger() as scratch, open_one_pass() as alone, pytest.MonkeyPatch.context() as patched:
        patched.setattr(one_pass, "RECENT_TEXTS_MAX", recent_max)
        for module in ("idferry.ledger.one_pass", "idferry.ledger.desk", "tests.support.memory_ledger"):
            patched.setattr(f"{module}.LOOK_ALIKE_NAMES_MAX", names_max)
        effects = planned(alone, items, batch)
        assert effects == planned(scratch.plan, items, batch)
        assert effects == planned(MemoryLedger().plan, items, batch)
        assert planned(alone, items, batch) == effects, "the pass before left something behind"


def test_a_filter_that_says_maybe_of_everything_changes_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    items = in_order(*(wanted(str(n % 7), f"p{n % 11}@x.org", f"q{n % 5}") for n in range(60)))
    with open_one_pass() as alone:
        expected = planned(alone, items, 10)
    monkeypatch.setattr(one_pass, "FILTER_BYTES", 1)
    monkeypatch.setattr(one_pass, "_SPOTS", 7)
    monkeypatch.setattr(one_pass, "RECENT_TEXTS_MAX", 3)
    with open_one_pass() as alone:
        assert planned(alone, items, 10) == expected
    assert {effect.code for effect in expected} == {"", "duplicate_sign_in_name"}


@pytest.mark.parametrize("recent_max", [1, 4, 50_000])
def test_a_key_with_the_letter_that_ends_a_text_in_the_table_is_a_key_like_others(
    recent_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["a", "a\0b", "a\1b", "a\1\2b", "a\0", "b"]
    items = in_order(*(wanted(key, f"p{number}@x.org") for number, key in enumerate([*keys, *keys])))
    monkeypatch.setattr(one_pass, "RECENT_TEXTS_MAX", recent_max)
    with open_one_pass() as alone:
        effects = planned(alone, items, 2)
    assert [effect.code for effect in effects] == [""] * len(keys) + ["duplicate_key"] * len(keys)
    assert [effect.kept_key.partition(":")[2] for effect in effects[len(keys) :]] == keys
