"""A key that names somebody else the next time: nobody is lost in silence, and nobody gets another's password."""

import pytest
from tests.support.any_ledger import PLANNED, AnyLedger, move, person, plan
from tests.support.ledger_records import wanted

from idferry.rules.entry import PlanEffect, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.outcomes import LeftOut

REUSED = PlanEffect(State.LEFT_OUT, LeftOut.KEY_REUSED, "shop:1")


@pytest.mark.parametrize("state", [State.CREATING, State.COMPLETE, State.AWAITING_PASSWORD])
def test_a_key_of_somebody_with_an_account_under_other_names_is_told(ledger: AnyLedger, state: State) -> None:
    plan(ledger, wanted("1", "ann@x.org", digest=b"ann"))
    move(ledger, "1", *(() if state is State.CREATING else (state,)))
    assert plan(ledger, wanted("1", "carl@x.org", digest=b"carl")) == [REUSED]
    entry = person(ledger, "1")
    assert (entry.state, entry.record_digest) == (state, b"ann")
    assert plan(ledger, wanted("1", "ann@x.org", "second@x.org")) == [PlanEffect(state)]


def test_the_digest_of_an_entry_is_of_the_record_its_draft_was_made_from(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "ann@x.org", digest=b"first"))
    plan(ledger, wanted("1", "ann@x.org", digest=b"second"))
    assert person(ledger, "1").record_digest == b"second"
    move(ledger, "1")
    plan(ledger, wanted("1", "ann@x.org", digest=b"third"))
    assert person(ledger, "1").record_digest == b"second"


def test_a_failed_person_gives_way_when_the_key_was_corrected(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "ann@x.org"))
    move(ledger, "1", State.FAILED, code="invalid_value")
    assert plan(ledger, wanted("01", "ann@x.org"), run="run-2", take_up=TakeUp(retry_failed=True)) == [
        PLANNED
    ]
    assert person(ledger, "1").state is State.LEFT_OUT
