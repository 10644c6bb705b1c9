"""An export that was made anew while calls were unsettled: nobody gets the password of somebody else."""

from dataclasses import replace

import pytest
from tests.support.builders import MemorySource, World, with_password

from idferry.rules.lifecycle import State
from idferry.rules.outcomes import LeftOut

ANN, BOB, CARL = with_password(1), with_password(2), with_password(3)
WRITES_UNTIL_INTENTS = 4  # open the run, begin the pass, plan, first intents


def numbered(*humans: object) -> list[object]:
    """Keys as some exports give them: the number of the row."""
    return [replace(human, key=str(row)) for row, human in enumerate(humans, start=1)]  # type: ignore[type-var]


def killed_with_intents(world: World) -> None:
    world.killed_at(WRITES_UNTIL_INTENTS)
    assert world.states() == {State.CREATING: 2}


def test_a_row_inserted_at_the_top_gives_nobody_the_password_of_the_row_before() -> None:
    world = World(MemorySource(numbered(ANN, BOB)))  # type: ignore[arg-type]
    killed_with_intents(world)
    world.source = MemorySource(numbered(CARL, ANN, BOB))  # type: ignore[arg-type]
    report = world.premigrate(accept_changes=True)
    assert report.plan.left_out == {LeftOut.KEY_REUSED: 2, LeftOut.DUPLICATE_SIGN_IN_NAME: 1}
    assert report.send.left_creating == 2
    for human, other in ((ANN, CARL), (BOB, ANN), (CARL, ANN), (CARL, BOB)):
        assert not world.tenant.opens(human.email, other.password)
    world.source = MemorySource(numbered(ANN, BOB))  # type: ignore[arg-type]
    world.premigrate()
    for human in (ANN, BOB):
        assert world.tenant.opens(human.email, human.password)


def test_a_record_that_was_mended_meanwhile_is_still_the_same_person() -> None:
    world = World(MemorySource([ANN, BOB]))
    killed_with_intents(world)
    world.source = MemorySource([BOB, replace(ANN, display_name="Ann, newly named")])
    world.premigrate(accept_changes=True)
    assert world.states() == {State.COMPLETE: 2}
    assert world.tenant.opens(ANN.email, ANN.password)


@pytest.mark.parametrize("password_of", [ANN, BOB])
def test_a_key_used_again_for_somebody_else_is_told_and_leaves_the_first_alone(password_of: object) -> None:
    world = World(MemorySource([ANN]))
    world.premigrate()
    other = replace(BOB, key=ANN.key, password=password_of.password)  # type: ignore[attr-defined]
    world.source = MemorySource([other])
    report = world.premigrate()
    assert report.plan.left_out == {LeftOut.KEY_REUSED: 1}
    assert report.plan.examples[LeftOut.KEY_REUSED] == [f"{ANN.key} (kept: crm:{ANN.key})"]
    assert world.tenant.opens(ANN.email, ANN.password)
