"""People without an account, claimed by a sign-in: the same for every ledger, and never against a run."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.any_ledger import ALL, AnyLedger, counting_bytes, move, person, plan
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT, PROJECT, TENANT, in_order, wanted
from tests.support.memory_ledger import MemoryLedger

from idferry.errors import LedgerError
from idferry.ledger.claims import LedgerClaims
from idferry.ledger.reset_status import LedgerPlace
from idferry.ports import ClaimLedger
from idferry.rules.entry import CLAIM_KEPT, EventKind, Observation, Selection
from idferry.rules.lifecycle import State
from idferry.rules.observations import AS_DRAFTED


def claims_at(folder: Path) -> LedgerClaims:
    clock = HandClock()
    place = LedgerPlace(
        path=folder / "contoso.ledger",
        tenant_id=TENANT,
        project=PROJECT,
        random_bytes=counting_bytes(),
        now=clock.now,
        elapsed=clock.elapsed,
    )
    return LedgerClaims(place)


@pytest.fixture
def claims(ledger: AnyLedger, tmp_path: Path) -> ClaimLedger:
    plan(ledger, *in_order(*(wanted(str(one), f"p{one}@x.org") for one in range(4))))
    return ledger.claims if isinstance(ledger, MemoryLedger) else claims_at(tmp_path)


def states(ledger: AnyLedger) -> list[State]:
    return [person(ledger, str(one)).state for one in range(4)]


def test_a_planned_person_is_found_in_every_way_and_claimed(ledger: AnyLedger, claims: ClaimLedger) -> None:
    entry = person(ledger, "0")
    assert claims.entry_of_sign_in_name("p0@x.org") == entry == claims.entry_of_legacy_id(entry.legacy_id)
    assert claims.entry_of_sign_in_name("nobody@x.org") is None is claims.entry_of_legacy_id("nobody")
    assert claims.claim(entry.person_id, at=AT)
    assert claims.claim(entry.person_id, at=AT + timedelta(seconds=3)), "the same person tries again"
    claimed = person(ledger, "0")
    assert claimed.state is State.CREATING
    assert claims.entry_of_sign_in_name("p0@x.org") == claimed
    assert list(claims.claimed(after=0, limit=9)) == [(claimed, AT + timedelta(seconds=3))]
    assert not claims.claimed(after=entry.person_id, limit=9)
    assert [one.kind for one in ledger.report.events(entry.person_id)] == [EventKind.CLAIMED] * 2


def test_whom_a_run_is_creating_or_has_created_is_not_claimed(ledger: AnyLedger, claims: ClaimLedger) -> None:
    one = move(ledger, "0")
    two = move(ledger, "1", State.AWAITING_PASSWORD)
    three = move(ledger, "2", State.FAILED, code="conflict")
    assert [claims.claim(each, at=AT) for each in (one, two, three)] == [False, False, False]
    assert states(ledger) == [State.CREATING, State.AWAITING_PASSWORD, State.FAILED, State.PLANNED]
    assert not claims.claimed(after=0, limit=9)


def test_a_run_holds_back_whom_a_sign_in_has_claimed(ledger: AnyLedger, claims: ClaimLedger) -> None:
    ids = [person(ledger, str(one)).person_id for one in range(4)]
    claims.claim(ids[1], at=AT)
    claims.claim(ids[2], at=AT)
    seen = Observation(ids[2], EventKind.ADOPTED, State.COMPLETE, object_id="object", written=AS_DRAFTED)
    claims.record(seen, at=AT)
    held = ledger.send.turn(run="run-1", observed=(), sending=ids, at=AT + timedelta(minutes=1))
    assert set(held) == {ids[1], ids[2]}
    assert states(ledger) == [State.CREATING, State.CREATING, State.COMPLETE, State.CREATING]
    assert [one.kind for one in ledger.report.events(ids[1])] == [EventKind.CLAIMED]
    assert not claims.claim(ids[0], at=AT + timedelta(minutes=1)), "the run has it now"


def test_a_claim_of_which_nothing_came_is_the_runs_after_a_while(
    ledger: AnyLedger, claims: ClaimLedger
) -> None:
    one = person(ledger, "0").person_id
    claims.claim(one, at=AT)
    late = AT + CLAIM_KEPT
    assert not ledger.send.turn(run="run-1", observed=(), sending=[one], at=late)
    assert not claims.claim(one, at=late)
    assert not claims.claimed(after=0, limit=9)


def test_a_claim_that_ended_is_planned_in_its_own_run_again(ledger: AnyLedger, claims: ClaimLedger) -> None:
    one = person(ledger, "0").person_id
    claims.claim(one, at=AT)
    claims.record(Observation(one, EventKind.CLAIM_ENDED, State.PLANNED), at=AT)
    assert one in [entry.person_id for entry in ledger.send.planned("run-1", after=-1, limit=9)]
    assert claims.claim(one, at=AT)


def test_a_state_that_may_not_follow_is_left_out(ledger: AnyLedger, claims: ClaimLedger) -> None:
    one = move(ledger, "0", State.COMPLETE)
    claims.record(Observation(one, EventKind.CLAIM_ENDED, State.PLANNED), at=AT)
    assert person(ledger, "0").state is State.COMPLETE
    assert ledger.report.events(one)[-1].kind is EventKind.CLAIM_ENDED


def test_without_a_ledger_nobody_is_claimed(tmp_path: Path) -> None:
    with pytest.raises(LedgerError):
        claims_at(tmp_path).claim(1, at=AT)
    with pytest.raises(LedgerError):
        claims_at(tmp_path).entry_of_sign_in_name("p0@x.org")


def test_refused_captures_are_counted_until_the_person_has_a_password(
    ledger: AnyLedger, claims: ClaimLedger
) -> None:
    waiting, settled = move(ledger, "0", State.AWAITING_PASSWORD), move(ledger, "1", State.AWAITING_PASSWORD)
    planned = person(ledger, "2").person_id
    for one in (waiting, waiting, settled, planned):
        claims.record(Observation(one, EventKind.CAPTURE_REFUSED), at=AT)
    assert ledger.captures.captures_refused(ALL) == 3
    assert ledger.captures.captures_refused(Selection(states=(State.PLANNED,))) == 1
    claims.record(Observation(settled, EventKind.PASSWORD_WRITTEN, State.COMPLETE), at=AT)
    assert ledger.captures.captures_refused(ALL) == 2
    claims.record(Observation(settled, EventKind.FLAG_RAISED, State.AWAITING_PASSWORD), at=AT)
    assert ledger.captures.captures_refused(ALL) == 2


def test_claims_that_stand_are_told_with_their_moments(ledger: AnyLedger, claims: ClaimLedger) -> None:
    first, second, third = (person(ledger, str(one)).person_id for one in range(3))
    later = AT + timedelta(minutes=1)
    for one, at in ((second, later), (first, AT), (third, AT)):
        claims.claim(one, at=at)
    claims.record(Observation(third, EventKind.CLAIM_ENDED, State.PLANNED), at=AT)
    move(ledger, "3")
    assert list(ledger.captures.claimed(ALL)) == [AT, later]
    assert list(ledger.captures.claimed(Selection(states=(State.PLANNED,)))) == []
