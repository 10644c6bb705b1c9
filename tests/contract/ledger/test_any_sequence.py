"""Whatever records come in whatever order and however often: one owner per name, and both ledgers agree."""

from contextlib import AbstractContextManager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import memory_ledger
from tests.support.any_ledger import counting_bytes, move_person, people, plan, snapshot
from tests.support.ledger_records import AT, PROJECT, TENANT, federated, in_order, kept_back, wanted
from tests.support.memory_ledger import MemoryLedger, marks_of

from idferry.ledger import Ledger, desk, scratch_copy
from idferry.rules.entry import PlanEffect, PlanItem, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.names import LOOK_ALIKE_NAMES_MAX
from idferry.rules.outcomes import Refused

LOCAL = ("a@x.org", "A@x.org", "ä@x.org", "a\N{COMBINING DIAERESIS}@x.org", "á@x.org", "b@x.org", "c@x.org")
FEDERATED = (federated("google.com", "1"), federated("Google.com", "1"), federated("google.com", "2"))
NAMES = st.sampled_from((*LOCAL, *FEDERATED))
KEYS = st.sampled_from(["1", "2", "3", "4", "1#1"])
RECORDS = st.one_of(
    st.builds(lambda key, names: wanted(key, *names), KEYS, st.lists(NAMES, min_size=1, max_size=3)),
    st.builds(lambda key, name: kept_back(key, name), KEYS, NAMES),
    st.builds(lambda key: kept_back(key, code=Refused.NO_IDENTITY), KEYS),
)
SOURCES = st.lists(RECORDS, max_size=12).map(lambda items: in_order(*items))
OUTCOMES = st.sampled_from(
    [(), (State.COMPLETE,), (State.AWAITING_PASSWORD,), (State.FAILED,), (State.COMPLETE, State.REMOVED)]
)
TAKES = st.builds(
    TakeUp, cohort=st.sampled_from(["", "pilot"]), again=st.booleans(), retry_failed=st.booleans()
)
STEPS = st.lists(st.tuples(SOURCES, TAKES, st.lists(OUTCOMES, max_size=3)), min_size=1, max_size=4)


def sqlite_ledger() -> AbstractContextManager[Ledger]:
    return scratch_copy(None, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT)


def first_come(items: list[PlanItem]) -> list[bool]:
    """Which records must be planned in an empty ledger: said again, without a ledger."""
    keys: set[str] = set()
    taken: set[tuple[str, str]] = set()
    planned = []
    for item in items:
        marks = set(marks_of(item.user.identities))
        free = hasattr(item.plan, "draft") and item.user.key not in keys and not marks & taken
        planned.append(free)
        keys.add(item.user.key)
        taken |= marks if free else set()
    return planned


@settings(max_examples=60, deadline=None)
@given(SOURCES, st.integers(1, 5))
def test_exactly_the_first_in_order_is_planned(items: list[PlanItem], batch: int) -> None:
    with sqlite_ledger() as ledger:
        for _ in range(2):  # planning the same records again changes nothing
            ledger.plan.begin_planning()
            effects: list[PlanEffect] = []
            for start in range(0, len(items), batch):
                some = items[start : start + batch]
                effects += ledger.plan.plan(some, run="run-1", take_up=TakeUp(), at=AT)
            assert [effect.state is State.PLANNED for effect in effects] == first_come(items)
            assert len(people(ledger)) == len(items)


@pytest.mark.parametrize("names_max", [LOOK_ALIKE_NAMES_MAX, 1])
@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_both_ledgers_tell_the_same_story(
    names_max: int,
    steps: list[tuple[list[PlanItem], TakeUp, list[tuple[State, ...]]]],
) -> None:
    with sqlite_ledger() as sqlite, pytest.MonkeyPatch.context() as patched:
        patched.setattr(desk, "LOOK_ALIKE_NAMES_MAX", names_max)
        patched.setattr(memory_ledger, "LOOK_ALIKE_NAMES_MAX", names_max)
        memory = MemoryLedger()
        for number, (items, take_up, outcomes) in enumerate(steps):
            run = f"run-{number}"
            assert plan(memory, *items, run=run, take_up=take_up) == plan(
                sqlite, *items, run=run, take_up=take_up
            )
            waiting = memory.send.planned(run, after=-1, limit=len(outcomes))
            for entry, states in zip(waiting, outcomes, strict=False):
                for ledger in (memory, sqlite):
                    move_person(
                        ledger, entry.person_id, *states, run=run, code="x" if State.FAILED in states else ""
                    )
            assert snapshot(memory) == snapshot(sqlite)
            assert memory.send.count_to_send(run) == sqlite.send.count_to_send(run)
        for name in ("a@x.org", "ä@x.org", "b@x.org", "c@x.org"):
            owners = [one.report.entry_of_sign_in_name(name) for one in (memory, sqlite)]
            assert owners[0] == owners[1]


@settings(max_examples=100, deadline=None)
@given(SOURCES, SOURCES)
def test_an_interrupted_pass_does_not_change_who_comes_first(
    earlier: list[PlanItem], items: list[PlanItem]
) -> None:
    """As long as nothing was sent, what was planned from part of a source, or another version, leaves no trace."""
    fresh, used = MemoryLedger(), MemoryLedger()
    plan(used, *earlier)
    assert plan(used, *items) == plan(fresh, *items)
