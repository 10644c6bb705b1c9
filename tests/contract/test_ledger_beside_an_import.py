"""The ledger while an import writes to it: whoever notes that somebody has reset the password gets a turn."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.test_reset_status import place
from tests.support.any_ledger import counting_bytes, move, person, plan
from tests.support.builders import MemorySource, federated_only
from tests.support.ledger_records import AT, PROJECT, TENANT, wanted

from idferry.flows.plan_people import plan_people
from idferry.ledger import Ledger, open_ledger
from idferry.ledger.claims import LedgerClaims
from idferry.ledger.reset_status import LedgerResetStatus
from idferry.ledger.sign_ins import LedgerSignIns
from idferry.rules.account import TenantKind
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.rules.plan import PlanRules
from idferry.wiring.system import SystemClock

# Asked every tenth of a second, as SQLite does, such a writer is met in the same two moments of its turn again and again.
HELD_S, FREE_S, ASKED_EVERY_S = 0.188, 0.012, 0.0005
RESETS = 6
PLANNED = 4_000
RULES = PlanRules(project=PROJECT, tenant_kind=TenantKind.B2C)


def ledger_of(folder: Path) -> Ledger:
    return open_ledger(
        folder / "contoso.ledger",
        tenant_id=TENANT,
        project=PROJECT,
        random_bytes=counting_bytes(),
        at=AT,
    )


def awaiting(ledger: Ledger, people: int) -> list[str]:
    """So many people who must reset, by their sign-in names."""
    names = [f"{number}@example.com" for number in range(people)]
    plan(ledger, *(wanted(str(number), name) for number, name in enumerate(names)))
    for number in range(people):
        move(ledger, str(number), State.AWAITING_PASSWORD)
    return names


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[threading.Thread]:
    """Work in a thread of its own, until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def holding(path: Path, held: threading.Event) -> Callable[[threading.Event], None]:
    """Long transactions, one close behind the other; `held` is set while there is one."""

    def hold(stop: threading.Event) -> None:
        writer = sqlite3.connect(path, isolation_level=None, timeout=0)
        while not stop.is_set():
            try:
                writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                stop.wait(ASKED_EVERY_S)
                continue
            held.set()
            stop.wait(HELD_S)
            held.clear()
            writer.execute("COMMIT")
            stop.wait(FREE_S)
        writer.close()

    return hold


def test_everybody_who_writes_for_a_sign_in_gets_in_between_two_long_transactions(tmp_path: Path) -> None:
    """SQLite's own way of waiting asks ten times a second, and misses the short moments between."""
    status, claims = LedgerResetStatus(place(tmp_path)), LedgerClaims(place(tmp_path))
    lost: list[int] = []
    sign_ins, held = LedgerSignIns(place(tmp_path), lost=lost.append), threading.Event()
    with ledger_of(tmp_path) as ledger:
        names = awaiting(ledger, RESETS)
        plan(ledger, wanted("new", "new@example.com"))
        newcomer, noted = person(ledger, "new").person_id, person(ledger, "0").person_id
        with beside(holding(tmp_path / "contoso.ledger", held)):
            for name in names:
                assert held.wait(10)
                status.settle(sign_in_name=name, object_id="")
                assert status.must_reset(name) is False
            assert held.wait(10)
            assert claims.claim(newcomer, at=AT)
            assert held.wait(10)
            sign_ins.note(Observation(noted, EventKind.VOUCHED), at=AT)
            sign_ins.close()
        assert lost == []
        assert {person(ledger, str(number)).state for number in range(RESETS)} == {State.COMPLETE}
        assert person(ledger, "new").state is State.CREATING
        assert EventKind.VOUCHED in [one.kind for one in ledger.report.events(noted)]
    status.close()


def test_no_reset_is_refused_while_thousands_of_people_are_planned(tmp_path: Path) -> None:
    status = LedgerResetStatus(place(tmp_path))
    source = MemorySource([federated_only(number) for number in range(PLANNED)])
    rounds: list[int] = []

    def work(stop: threading.Event) -> None:
        with ledger_of(tmp_path) as own:
            while not stop.is_set():
                report = plan_people(
                    source=source,
                    ledger=own.plan,
                    rules=RULES,
                    clock=SystemClock(),
                    tell=lambda _happening: None,
                )
                assert report.people == PLANNED
                rounds.append(1)

    with ledger_of(tmp_path) as ledger:
        names = awaiting(ledger, RESETS)
    with beside(work) as planner:
        for name in names:
            status.settle(sign_in_name=name, object_id="")
            assert status.must_reset(name) is False
        while not rounds and planner.is_alive():
            planner.join(0.01)
    assert rounds
    with ledger_of(tmp_path) as ledger:
        states = [person(ledger, str(number)).state for number in range(RESETS)]
    assert states == [State.COMPLETE] * RESETS
    status.close()
