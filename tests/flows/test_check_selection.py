"""Names on the command line that nobody has: refused, with the nearest ones that somebody has."""

import pytest
from tests.support.builders import MemorySource, World, crowd

from idferry.errors import UsageError
from idferry.flows.check_selection import check_selection
from idferry.rules.entry import Selection, TakeUp


def test_what_somebody_has_passes() -> None:
    world = World(MemorySource(crowd(4)))
    run = world.premigrate(take_up=TakeUp(cohort="pilot")).run
    for selection in (Selection(), Selection(run=run, source="crm", cohort="pilot")):
        check_selection(runs=world.ledger.report, selection=selection)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(source="crm.jsonl"), "no source 'crm.jsonl'"),
        (Selection(cohort="Pilot"), "no cohort 'Pilot'"),
        (Selection(run="2026-03-01-9999", source="crm"), "no run '2026-03-01-9999'"),
    ],
)
def test_what_nobody_has_is_refused_with_the_nearest_names(selection: Selection, message: str) -> None:
    world = World(MemorySource(crowd(4)))
    for number in range(7):
        world.premigrate(take_up=TakeUp(cohort=f"pilot {number}"), command=f"{number}")
    with pytest.raises(UsageError, match=message) as refused:
        check_selection(runs=world.ledger.report, selection=selection)
    named = refused.value.remedy.removeprefix("There are, nearest first: ").rstrip(".").split(", ")
    assert 1 <= len(named) <= 5


def test_an_empty_ledger_has_nobody() -> None:
    world = World(MemorySource([]))
    with pytest.raises(UsageError) as refused:
        check_selection(runs=world.ledger.report, selection=Selection(run="x"))
    assert refused.value.remedy == "There is none yet."
