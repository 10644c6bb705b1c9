"""Both ledgers in tests, and the few lines every test about them begins with."""

import json
from collections.abc import Callable, Sequence

from tests.support.ledger_records import AT
from tests.support.memory_ledger import MemoryLedger

from idferry.ledger import Ledger
from idferry.rules.entry import Entry, EventKind, Observation, PlanEffect, PlanItem, Selection, TakeUp
from idferry.rules.legacy_user import LegacyUserKey
from idferry.rules.lifecycle import State

AnyLedger = Ledger | MemoryLedger

PLANNED = PlanEffect(State.PLANNED)
ALL = Selection()
TAKE_NOBODY_UP = TakeUp()


def counting_bytes() -> Callable[[int], bytes]:
    drawn = iter(range(1_000_000))
    return lambda count: next(drawn).to_bytes(count, "big")


def plan(
    ledger: AnyLedger, *items: PlanItem, run: str = "run-1", take_up: TakeUp = TAKE_NOBODY_UP
) -> list[PlanEffect]:
    ledger.plan.begin_planning()
    return list(ledger.plan.plan(items, run=run, take_up=take_up, at=AT))


def people(ledger: AnyLedger, selection: Selection = ALL) -> list[Entry]:
    return list(ledger.report.entries(selection))


def person(ledger: AnyLedger, key: str) -> Entry:
    return next(entry for entry in people(ledger) if entry.key == key)


def move(ledger: AnyLedger, key: str, *states: State, run: str = "run-1", code: str = "") -> int:
    """Take a planned person through these states, the first of which is `creating`."""
    person_id = person(ledger, key).person_id
    move_person(ledger, person_id, *states, run=run, code=code)
    return person_id


def move_person(
    ledger: AnyLedger, person_id: int, *states: State, run: str = "run-1", code: str = ""
) -> None:
    ledger.send.turn(run=run, observed=(), sending=[person_id], at=AT)
    for state in states:
        kind = EventKind.REJECTED if state is State.FAILED else EventKind.CREATED
        seen = Observation(person_id, kind, state, code, object_id="" if code else f"object-{person_id}")
        ledger.send.turn(run=run, observed=[seen], sending=(), at=AT)


def snapshot(ledger: AnyLedger) -> tuple[object, ...]:
    stories = [ledger.report.events(entry.person_id) for entry in people(ledger)]
    return people(ledger), stories, ledger.report.states(ALL)


def merge(ledger: AnyLedger, key: str, *further: LegacyUserKey, leading_names: Sequence[str] = ()) -> None:
    """Give a person more legacy users, as merging will: in this order, behind the leading one."""
    entry = person(ledger, key)
    if isinstance(ledger, MemoryLedger):
        leading = LegacyUserKey(entry.source, entry.key, tuple(leading_names))
        shelves = ledger.report._shelves
        owner = shelves.people[entry.person_id]
        owner.merged = (leading, *further)
        shelves.by_key.update({(one.source, one.key, 0): owner for one in further})
        return
    with ledger._database.writing() as connection:
        names = json.dumps(leading_names) if leading_names else ""
        connection.execute(
            "UPDATE legacy_user SET sign_in_names = ? WHERE person_id = ?", (names, entry.person_id)
        )
        # Neither the keys' order nor that of the rows is the merge's.
        for rank, one in reversed(list(enumerate(further, 1))):
            connection.execute(
                "INSERT INTO legacy_user (source, key, repeat, person_id, ordinal, planning_pass, rank, sign_in_names)"
                " VALUES (?, ?, 0, ?, 0, 0, ?, ?)",
                (
                    one.source,
                    one.key,
                    entry.person_id,
                    rank,
                    json.dumps(one.sign_in_names) if one.sign_in_names else "",
                ),
            )
