"""Updating, rebuilding and exporting stream: four times the people in the memory of the few, over the ledger on disk."""

import gc
import tracemalloc
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.support.builders import PROJECT, SOURCE, MemorySource, without_password
from tests.support.hand_clock import HandClock
from tests.support.memory_directory import FLAG, MemoryInspector, MemoryTenant

from idferry.flows.export_ids import export_ids
from idferry.flows.plan_people import plan_people
from idferry.flows.plan_update import plan_update
from idferry.flows.rebuild_ledger import RebuildLedgers, rebuild_ledger
from idferry.flows.update_people import UpdateLedgers, UpdatePorts, update_people
from idferry.ledger import Ledger, open_ledger
from idferry.ledger.wanted import wanted_drafts
from idferry.ports import SourceRecord
from idferry.rules.account import Account, AccountChange, TenantKind, written_digests
from idferry.rules.departure import Departures
from idferry.rules.entry import EventKind, Observation, Selection
from idferry.rules.lifecycle import State
from idferry.rules.plan import PasswordFacts, Planned, PlanRules, plan_person
from idferry.rules.quota import UNPACED, Pace

FEW, MANY = 2_000, 8_000
PHOTO_CHARACTERS = 20_000
GROWTH_BYTES_MAX = 2_000_000  # six thousand people more, held as Python objects, would be 12 MB
RULES = PlanRules(project=PROJECT, tenant_kind=TenantKind.B2C, attribute_names={"photo": ""})


@dataclass
class Crowd(MemorySource):
    """So many people, made while they are read; their city may have changed."""

    people: int = 0
    city: str = "Oslo"
    photo_characters: int = 0

    def digest(self) -> str:
        return f"{self.people} {self.city}"

    def records(self) -> Iterator[SourceRecord]:  # type: ignore[override]
        for number in range(self.people):
            attributes = {"city": self.city, "photo": "j" * self.photo_characters}
            human = replace(without_password(number), attributes=attributes)
            yield human.record(number, source=SOURCE)


@dataclass
class Directory:
    """The accounts of a crowd, made while they are read: reader and updater."""

    crowd: Crowd

    def every(self, _value_names: Collection[str]) -> Iterator[Account]:
        for number, record in enumerate(self.crowd.records(), start=1):
            plan = plan_person(record.user, PasswordFacts(present=False), RULES)
            assert isinstance(plan, Planned)
            draft = plan.draft
            yield Account(
                object_id(number),
                draft.identities,
                draft.legacy_id,
                flag=True,
                enabled=True,
                values=draft.values,
            )

    def by_ids(self, object_ids: Sequence[str], _names: Collection[str]) -> Mapping[str, Account]:
        assert not object_ids, "reading everybody takes fewer calls"
        return {}

    def update(self, changes: Sequence[AccountChange]) -> "Future[Mapping[str, str]]":
        done: Future[Mapping[str, str]] = Future()
        done.set_result({change.object_id: "" for change in changes})
        return done

    def pace(self) -> Pace:
        return UNPACED


class Inspector(MemoryInspector):
    """The directory holds as many accounts as the crowd."""

    def __init__(self, people: int) -> None:
        super().__init__(MemoryTenant())
        self.tenant.stored = dict.fromkeys(map(str, range(people)))  # type: ignore[arg-type]


def object_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def opened(folder: Path, people: int) -> Ledger:
    path = folder / f"{people}.ledger"
    return open_ledger(
        path, tenant_id="t", project=PROJECT, random_bytes=lambda count: b"k" * count, at=HandClock().now()
    )


def migrate(ledger: Ledger, people: int) -> None:
    clock, after = HandClock(), -1
    plan_people(
        source=Crowd([], people=people),
        ledger=ledger.plan,
        rules=RULES,
        clock=clock,
        tell=lambda _happening: None,
        run="run",
    )
    while entries := ledger.send.planned("run", after=after, limit=1000):
        after = entries[-1].ordinal
        ledger.send.turn(run="run", observed=(), sending=[one.person_id for one in entries], at=clock.now())
        created = [
            Observation(
                one.person_id,
                EventKind.CREATED,
                State.AWAITING_PASSWORD,
                object_id=object_id(one.person_id),
                written=written_digests(one.draft) if one.draft else None,
            )
            for one in entries
        ]
        ledger.send.turn(run="run", observed=created, sending=(), at=clock.now())


def update(ledger: Ledger, people: int) -> int:
    before, later = Crowd([], people=people), Crowd([], people=people, city="Turku")
    directory = Directory(before)
    with wanted_drafts() as wanted:
        plan = plan_update(
            source=later,
            ledger=ledger.report,
            wanted=wanted,
            rules=RULES,
            departures=Departures(),
            in_pilot=lambda _user: True,
            limit=None,
            whole=True,
            tell=lambda _happening: None,
        )
        report = update_people(
            plan=plan,
            departures=Departures(),
            ledgers=UpdateLedgers(ledger.report, ledger.observations, wanted),
            directory=UpdatePorts(directory, directory, directory, Inspector(people)),  # type: ignore[arg-type]
            flag=FLAG,
            run="later",
            clock=HandClock(),
            tell=lambda _happening: None,
            execute=True,
        )
    report.values.changes.clear()
    return report.values.updated


def rebuild(ledger: Ledger, people: int) -> int:
    source = Crowd([], people=people)
    report = rebuild_ledger(
        source=source,
        rules=RULES,
        ledgers=RebuildLedgers(ledger.plan, ledger.runs, ledger.records, ledger.report, ledger.observations),
        inspector=Inspector(people),
        reader=Directory(source),  # type: ignore[arg-type]
        clock=HandClock(),
        tell=lambda _happening: None,
    )
    return report.awaiting_password


def export(ledger: Ledger, _people: int) -> int:
    return sum(1 for _ in export_ids(ledger=ledger.report, selection=Selection()))


def test_what_nobody_is_sent_is_not_held_with_a_batch_of_people(tmp_path: Path) -> None:
    peaks = []
    for photo_characters in (0, PHOTO_CHARACTERS):
        with opened(tmp_path, photo_characters) as ledger:
            gc.collect()
            tracemalloc.start()
            report = plan_people(
                source=Crowd([], people=FEW, photo_characters=photo_characters),
                ledger=ledger.plan,
                rules=RULES,
                clock=HandClock(),
                tell=lambda _happening: None,
            )
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert report.create == FEW
    assert peaks[1] - peaks[0] < GROWTH_BYTES_MAX  # held, they would be forty million


@pytest.mark.parametrize(("work", "is_new"), [(update, False), (rebuild, True), (export, False)])
def test_memory_does_not_grow_with_the_people(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Ledger, int], int],
    is_new: bool,
) -> None:
    monkeypatch.setattr("idferry.flows.update_values.LISTED_MAX", 100)
    # The few fill one batch, as 10,000 do.
    monkeypatch.setattr("idferry.flows.plan_people.BATCH_PEOPLE", FEW)
    monkeypatch.setattr("idferry.flows.plan_people.BATCH_PEOPLE_FIRST", FEW)
    peaks = []
    for people in (FEW, MANY):
        with opened(tmp_path, people) as ledger:
            if not is_new:
                migrate(ledger, people)
            gc.collect()
            tracemalloc.start()
            done = work(ledger, people)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert done == people
    print(work.__name__, peaks)  # noqa: T201
    assert peaks[1] - peaks[0] < GROWTH_BYTES_MAX
