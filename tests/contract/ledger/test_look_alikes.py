"""Names that a reader takes for each other: told, with the record they belong to, and nothing else changes."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice, permutations, product

import pytest
from tests.support.any_ledger import PLANNED, AnyLedger, counting_bytes, move, person, plan, snapshot
from tests.support.ledger_records import AT, PROJECT, TENANT, federated, in_order, kept_back, wanted

from idferry.ledger import Ledger, scratch_copy
from idferry.ledger.desk import Desk
from idferry.rules.entry import PlanEffect, PlanItem, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.names import LOOK_ALIKE_NAMES_MAX, local_identity
from idferry.rules.outcomes import LeftOut

PLAIN, ACUTE, GRAVE = "jose@x.org", "josé@x.org", "josè@x.org"


def looks_like(key: str) -> PlanEffect:
    return PlanEffect(State.PLANNED, look_alike_key=key)


def one_by_one(ledger: AnyLedger, items: Sequence[PlanItem]) -> list[PlanEffect]:
    """One pass over a source, one record per call."""
    ledger.plan.begin_planning()
    return [ledger.plan.plan([item], run="run-1", take_up=TakeUp(), at=AT)[0] for item in items]


@pytest.mark.parametrize("names", list(permutations((PLAIN, ACUTE, GRAVE), 2)))
def test_the_later_of_two_look_alikes_names_the_earlier(ledger: AnyLedger, names: tuple[str, str]) -> None:
    items = in_order(*map(wanted, "12", names))
    for _ in range(2):  # planned again, both are known: that changes nothing
        assert one_by_one(ledger, items) == [PLANNED, looks_like("shop:1")]
        before = snapshot(ledger)
        assert plan(ledger, *items) == [PLANNED, looks_like("shop:1")]
        assert snapshot(ledger) == before


@pytest.mark.parametrize("names", list(permutations((PLAIN, ACUTE, GRAVE))))
def test_of_several_the_first_key_is_named(ledger: AnyLedger, names: tuple[str, ...]) -> None:
    items = in_order(*map(wanted, "213", names))
    expected = [PLANNED, looks_like("shop:2"), looks_like("shop:1")]
    assert plan(ledger, *items) == expected
    assert one_by_one(ledger, items) == expected


def test_another_order_of_the_source_leaves_no_trace(ledger: AnyLedger) -> None:
    first, second = wanted("1", PLAIN), wanted("2", ACUTE)
    assert plan(ledger, *in_order(second, first)) == [PLANNED, looks_like("shop:2")]
    assert plan(ledger, *in_order(first, second)) == [PLANNED, looks_like("shop:1")]


@pytest.mark.parametrize(("theirs", "ours"), [(PLAIN, ACUTE), (ACUTE, PLAIN), (ACUTE, GRAVE)])
def test_people_of_another_source_and_people_with_an_account_are_named(
    ledger: AnyLedger, theirs: str, ours: str
) -> None:
    plan(ledger, wanted("1", theirs))
    assert plan(ledger, wanted("9", ours, source="crm")) == [looks_like("shop:1")]
    move(ledger, "1", State.COMPLETE)
    assert plan(ledger, wanted("2", ours, source="hr", ordinal=1)) == [
        PlanEffect(State.LEFT_OUT, LeftOut.DUPLICATE_SIGN_IN_NAME, "crm:9")
    ]
    assert plan(ledger, wanted("9", ours, source="crm")) == [looks_like("shop:1")]


def test_a_person_is_not_told_about_themselves_nor_about_federated_ids(ledger: AnyLedger) -> None:
    items = in_order(
        wanted("1", PLAIN, ACUTE, GRAVE),
        wanted("2", federated("google.com", PLAIN)),
        wanted("3", federated("google.com", ACUTE)),
    )
    assert plan(ledger, *items) == [PLANNED] * 3
    assert plan(ledger, *items) == [PLANNED] * 3


def test_any_of_several_names_may_look_alike(ledger: AnyLedger) -> None:
    items = in_order(wanted("1", "a@x.org", ACUTE), wanted("2", "b@x.org", PLAIN), wanted("3", "ä@x.org"))
    assert plan(ledger, *items) == [PLANNED, looks_like("shop:1"), looks_like("shop:1")]


def test_people_who_own_no_names_are_not_told_about(ledger: AnyLedger) -> None:
    items = in_order(kept_back("1", ACUTE), wanted("2", PLAIN), wanted("3", PLAIN), wanted("4", GRAVE))
    assert plan(ledger, *items) == [
        PlanEffect(State.LEFT_OUT, LeftOut.NO_PASSWORD),
        PLANNED,
        PlanEffect(State.LEFT_OUT, LeftOut.DUPLICATE_SIGN_IN_NAME, "shop:2"),
        looks_like("shop:2"),
    ]


@pytest.mark.parametrize("now", [wanted("1", "new@x.org"), kept_back("1", ACUTE)])
def test_a_name_that_was_let_go_looks_like_nobodys(ledger: AnyLedger, now: PlanItem) -> None:
    plan(ledger, wanted("1", ACUTE))
    plan(ledger, now)
    assert plan(ledger, wanted("2", PLAIN, source="crm")) == [PLANNED]
    assert plan(ledger, wanted("3", ACUTE, source="crm", ordinal=1)) == [PLANNED]


def test_a_name_that_passes_to_another_person_passes_with_its_look(ledger: AnyLedger) -> None:
    plan(ledger, wanted("2", ACUTE, ordinal=1))
    assert plan(ledger, *in_order(wanted("1", ACUTE), wanted("2", ACUTE)))[0] == PLANNED
    assert person(ledger, "2").state is State.LEFT_OUT
    assert plan(ledger, wanted("9", PLAIN, source="crm")) == [looks_like("shop:1")]


def alike(count: int) -> list[str]:
    """So many addresses that differ only in accents."""
    letters = ("aáàâä", "eéèêë", "iíìîï", "oóòôö", "uúùûü", "yýÿ")
    return ["".join(name) + "@x.org" for name in islice(product(*letters), 1, count + 1)]


def test_of_more_than_are_remembered_the_first_to_come_are_looked_at(ledger: AnyLedger) -> None:
    names = alike(LOOK_ALIKE_NAMES_MAX + 10)
    # The smallest keys come last: they would be named if all were looked at.
    keys = [f"{number:03}" for number in reversed(range(len(names)))]
    items = in_order(*map(wanted, keys, names))
    expected = [PLANNED]
    expected += [
        looks_like(f"shop:{min(keys[:came][:LOOK_ALIKE_NAMES_MAX])}") for came in range(1, len(keys))
    ]
    assert plan(ledger, *items) == expected
    before = snapshot(ledger)
    assert one_by_one(ledger, items) == plan(ledger, *items) == expected
    assert snapshot(ledger) == before
    plain = in_order(*items, wanted("000a", "aeiouy@x.org"))
    assert plan(ledger, *plain)[-1] == expected[-1]
    fresh = in_order(wanted(keys[0], "new@x.org"), *items[1:], wanted("000a", "aeiouy@x.org"))
    assert plan(ledger, *fresh)[1:3] == [PLANNED, looks_like(f"shop:{keys[1]}")]  # others take the places


def test_thousands_of_look_alikes_cost_no_more_each_than_twenty() -> None:
    costs = []
    for count in (1_000, 5_000):
        with scratch_copy(
            None, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
        ) as ledger:
            items = in_order(*(wanted(f"{n}", name) for n, name in enumerate(alike(count))))
            steps = count_steps(ledger)
            for _ in range(2):
                ledger.plan.begin_planning()
                for start in range(0, count, 250):
                    ledger.plan.plan(items[start : start + 250], run="run-1", take_up=TakeUp(), at=AT)
            costs.append(steps["of SQLite"] / count)
            stored = ledger._database.connection.execute("SELECT count(*) FROM look_alike_name").fetchone()
            assert stored == (LOOK_ALIKE_NAMES_MAX,)
            desk = Desk(ledger._database.connection, run="run-1", cohort="", at="")
            marks = ledger.plan._marks.of_identities([local_identity("aeiouy@x.org")])
            desk.look_up((), marks, {})
            assert len(desk.look_alikes(marks)) == LOOK_ALIKE_NAMES_MAX
    few, many = costs
    assert many < 2 * few


def count_steps(ledger: Ledger) -> Counter[str]:
    """Counts thousands of steps of SQLite's machine from now on: what it reads and compares, whoever waits for it."""
    steps: Counter[str] = Counter()

    def count() -> int:
        steps["of SQLite"] += 1
        return 0

    ledger._database.connection.set_progress_handler(count, 1_000)
    return steps


def test_nothing_is_asked_as_long_as_no_name_looks_like_another() -> None:
    with scratch_copy(
        None, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
    ) as ledger:
        connection = ledger._database.connection
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        rows = "SELECT count(*) FROM look_alike_name"
        plan(ledger, *in_order(*(wanted(f"{n}", f"p{n}@x.org") for n in range(9))))
        assert not [one for one in asked if "look_alike_name AS" in one]
        plan(ledger, wanted("10", ACUTE))
        assert connection.execute(rows).fetchone() == (1,)
        asked.clear()
        plan(ledger, wanted("10", "new@x.org"))
        assert [one for one in asked if "look_alike_name AS" in one]
        assert connection.execute(rows).fetchone() == (0,)
