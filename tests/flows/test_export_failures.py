"""Exporting the records of people who failed: those and nobody else, each once, whatever became of the source."""

from collections.abc import Iterator

import pytest
from tests.support.builders import MemorySource, World, with_password

from idferry.errors import Stopped
from idferry.flows.export_failures import ExportReport, export_failures
from idferry.ports import SourceRecord, Take
from idferry.rules.entry import Selection, TakeUp
from idferry.rules.lifecycle import State

GROUP = 7


class Copier:
    """`ports.RecordCopier` over a source in memory: a record is written as its key."""

    def __init__(self, source: MemorySource) -> None:
        self.source = source

    def copy(self, take: Take) -> Iterator[bytes]:
        keys = [one.user.key for one in self.source.records() if isinstance(one, SourceRecord)]
        for start in range(0, len(keys), GROUP):
            group = keys[start : start + GROUP]
            wanted = set(take(group))
            yield from (key.encode() for key in group if key in wanted)


def failed(world: World, *keys: str) -> World:
    for key in keys:
        person = world.ledger.report._shelves.by_key[world.source.name, key, 0]
        person.state, person.code = State.FAILED, "invalid_value"
    return world


def export(
    world: World, selection: Selection | None = None, **more: object
) -> tuple[ExportReport, str, list[str]]:
    pieces: list[bytes] = []
    keys: list[str] = []
    report = export_failures(
        source_name=world.source.name,
        copier=Copier(world.source),
        records=world.ledger.records,
        selection=selection or Selection(),
        write=pieces.append,
        write_key=keys.append,
        tell=lambda _happening: None,
        **more,  # type: ignore[arg-type]
    )
    return report, b" ".join(pieces).decode(), keys


def world_of(people: int = 30) -> World:
    world = World(MemorySource([with_password(n) for n in range(people)]))
    world.premigrate(take_up=TakeUp(cohort="pilot"))
    return world


def test_only_people_who_failed_are_written_in_source_order() -> None:
    world = failed(world_of(), "k23", "k4", "k5")
    assert export(world) == (ExportReport(3), "k4 k5 k23", ["k4", "k5", "k23"])


def test_a_record_that_comes_again_is_written_once() -> None:
    world = failed(world_of(), "k4")
    world.source.humans.append(with_password(4))
    assert export(world)[2] == ["k4"]


def test_a_person_without_a_record_is_not_written() -> None:
    world = failed(world_of(), "k4", "k5")
    del world.source.humans[4]
    assert export(world)[0] == ExportReport(1)


@pytest.mark.parametrize(("cohort", "keys"), [("pilot", ["k4"]), ("other", [])])
def test_a_selection_restricts(cohort: str, keys: list[str]) -> None:
    world = failed(world_of(), "k4")
    assert export(world, Selection(cohort=cohort))[2] == keys
    assert export(world, Selection(run="2026-01-01-beef"))[2] == []


def test_people_of_another_source_with_the_same_key_are_not_written() -> None:
    world = failed(world_of(), "k4")
    world.source.name = "shop"
    assert export(world)[2] == []


def test_it_can_be_stopped() -> None:
    with pytest.raises(Stopped):
        export(failed(world_of(), "k4"), stop=lambda: True)
