"""Who is planned, who keeps a name, and who is left alone: the same for every ledger."""

from collections.abc import Sequence

import pytest
from tests.support.any_ledger import PLANNED, AnyLedger, move, people, person, plan, snapshot
from tests.support.ledger_records import AT, federated, in_order, kept_back, wanted

from idferry.rules.entry import EventKind, Observation, PlanEffect, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.outcomes import LeftOut, Refused
from idferry.rules.plan import Planned

DUPLICATE = LeftOut.DUPLICATE_SIGN_IN_NAME


def test_a_planned_person_keeps_draft_and_record(ledger: AnyLedger) -> None:
    item = wanted("1", "Anna@Example.com", federated("google.com", "g-1"), ordinal=4)
    assert plan(ledger, item, take_up=TakeUp(cohort="pilot")) == [PLANNED]
    [entry] = ledger.send.planned("run-1", after=-1, limit=10)
    assert isinstance(item.plan, Planned)
    assert entry.draft == item.plan.draft
    assert (entry.source, entry.key, entry.ordinal) == ("shop", "1", 4)
    assert entry.record_digest == item.user.record_digest
    assert entry.legacy_id == "contoso:shop:1"
    assert (entry.cohort, entry.created_by_run, entry.object_id, entry.written) == ("pilot", "", "", {})
    assert entry.created_at is None


def test_people_kept_back_are_recorded_with_their_reason(ledger: AnyLedger) -> None:
    items = [kept_back("1", "a@x.org"), kept_back("2", code=Refused.NO_IDENTITY)]
    assert plan(ledger, *items) == [
        PlanEffect(State.LEFT_OUT, LeftOut.NO_PASSWORD),
        PlanEffect(State.REFUSED, Refused.NO_IDENTITY),
    ]
    first, second = people(ledger)
    assert (first.state, first.code, first.reason) == (State.LEFT_OUT, "no_password", "the rules say so")
    assert (second.state, second.draft, second.legacy_id) == (State.REFUSED, None, "")


SAME_NAME = [
    ("anna@example.com", "ANNA@Example.COM"),
    ("anna@example.com", "  anna@example.com\t"),
    ("zoë@example.com", "zoe\N{COMBINING DIAERESIS}@example.com"),
    ("ZOË@example.com", "zoë@example.com"),
]
OTHER_NAME = [
    ("straße@example.com", "strasse@example.com"),
    ("ilker@example.com", "ılker@example.com"),
    ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}lker@example.com", "ilker@example.com"),
]


@pytest.mark.parametrize(("first", "second"), SAME_NAME)
def test_one_name_in_two_spellings_is_kept_once(ledger: AnyLedger, first: str, second: str) -> None:
    effects = plan(ledger, *in_order(wanted("1", first), wanted("2", second)))
    assert effects == [PLANNED, PlanEffect(State.LEFT_OUT, DUPLICATE, "shop:1")]
    assert "shop:1" in person(ledger, "2").reason


@pytest.mark.parametrize(("first", "second"), OTHER_NAME)
def test_look_alikes_are_two_people(ledger: AnyLedger, first: str, second: str) -> None:
    effects = plan(ledger, *in_order(wanted("1", first), wanted("2", second)))
    assert effects == [PLANNED, PlanEffect(State.PLANNED, look_alike_key="shop:1")]


def test_letters_of_another_script_are_another_name(ledger: AnyLedger) -> None:
    names = ("\N{KELVIN SIGN}im@example.com", "кim@example.com")
    assert plan(ledger, *in_order(*map(wanted, "12", names))) == [PLANNED, PLANNED]


def test_federated_identities_compare_the_issuer_without_case_and_the_id_with_it(ledger: AnyLedger) -> None:
    effects = plan(
        ledger,
        *in_order(
            wanted("1", federated("google.com", "Abc")),
            wanted("2", federated("Google.COM", "Abc")),
            wanted("3", federated("google.com", "abc")),
            wanted("4", "google.com|Abc"),
        ),
    )
    assert [effect.state for effect in effects] == [
        State.PLANNED,
        State.LEFT_OUT,
        State.PLANNED,
        State.PLANNED,
    ]


def test_any_shared_name_makes_a_duplicate_and_claims_nothing(ledger: AnyLedger) -> None:
    effects = plan(
        ledger,
        *in_order(wanted("1", "a@x.org"), wanted("2", "b@x.org", "a@x.org"), wanted("3", "b@x.org")),
    )
    assert [effect.kept_key for effect in effects] == ["", "shop:1", ""]
    assert [effect.state for effect in effects] == [State.PLANNED, State.LEFT_OUT, State.PLANNED]


def test_people_kept_back_own_no_names(ledger: AnyLedger) -> None:
    effects = plan(ledger, *in_order(kept_back("1", "a@x.org"), wanted("2", "a@x.org")))
    assert effects[1] == PLANNED


def test_duplicates_are_found_across_calls_and_sources(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    effects = plan(ledger, wanted("1", "A@x.org", source="crm"), run="run-2")
    assert effects == [PlanEffect(State.LEFT_OUT, DUPLICATE, "shop:1")]


def test_a_key_that_comes_twice_loses_nobody(ledger: AnyLedger) -> None:
    items = in_order(wanted("1", "a@x.org"), wanted("1", "b@x.org"), wanted("1", "A@x.org"))
    effects = plan(ledger, *items)
    assert effects == [
        PLANNED,
        PlanEffect(State.LEFT_OUT, LeftOut.DUPLICATE_KEY, "shop:1"),
        PlanEffect(State.LEFT_OUT, DUPLICATE, "shop:1"),
    ]
    assert [entry.key for entry in people(ledger)] == ["1", "1#1", "1#2"]
    before = snapshot(ledger)
    assert plan(ledger, *items) == effects
    assert snapshot(ledger) == before


def test_a_repeated_key_takes_no_place_of_another_record(ledger: AnyLedger) -> None:
    items = in_order(wanted("1", "a@x.org"), wanted("1", "b@x.org"), wanted("1#1", "c@x.org"))
    assert [effect.state for effect in plan(ledger, *items)] == [
        State.PLANNED,
        State.LEFT_OUT,
        State.PLANNED,
    ]


def test_a_mended_record_is_taken_up_and_a_broken_one_lets_its_name_go(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(wanted("1", "a@x.org"), wanted("2", "a@x.org"), kept_back("3", "c@x.org")))
    broken = in_order(kept_back("1", "a@x.org"), wanted("2", "a@x.org"), wanted("3", "c@x.org"))
    assert [effect.state for effect in plan(ledger, *broken, run="run-2")] == [
        State.LEFT_OUT,
        State.PLANNED,
        State.PLANNED,
    ]
    assert person(ledger, "1").draft is None
    owner = ledger.report.entry_of_sign_in_name("a@x.org")
    assert owner
    assert owner.key == "2"


def test_a_changed_name_frees_the_old_one(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(wanted("1", "a@x.org"), wanted("2", "a@x.org")))
    assert plan(ledger, *in_order(wanted("1", "new@x.org"), wanted("2", "a@x.org"))) == [PLANNED, PLANNED]
    assert ledger.report.entry_of_sign_in_name("new@x.org") == person(ledger, "1")


def test_the_first_in_source_order_keeps_a_name_after_an_interrupted_pass(ledger: AnyLedger) -> None:
    first, second = in_order(wanted("1", "a@x.org"), wanted("2", "a@x.org"))
    plan(ledger, second)
    assert plan(ledger, first, second) == [PLANNED, PlanEffect(State.LEFT_OUT, DUPLICATE, "shop:1")]
    assert [entry.state for entry in people(ledger)] == [State.LEFT_OUT, State.PLANNED]
    plan(ledger, second)
    assert plan(ledger, first)[0].state is State.PLANNED
    assert "shop:1" in person(ledger, "2").reason


@pytest.mark.parametrize(
    "states", [(), (State.COMPLETE,), (State.AWAITING_PASSWORD,), (State.AWAITING_PASSWORD, State.CONFIRMING)]
)
def test_people_with_an_account_or_on_the_way_are_not_touched(
    ledger: AnyLedger, states: Sequence[State]
) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    move(ledger, "1", *states)
    before = person(ledger, "1")
    changed = wanted("1", "a@x.org", "b@x.org", ordinal=9, digest=b"changed")
    effects = plan(ledger, changed, run="run-2", take_up=TakeUp(cohort="late", again=True, retry_failed=True))
    assert effects == [PlanEffect(before.state)]
    after = person(ledger, "1")
    assert (after.ordinal, after.record_digest) == (9, before.record_digest)
    assert (after.draft, after.state, after.cohort) == (before.draft, before.state, "")
    assert plan(ledger, wanted("2", "a@x.org", ordinal=10))[0].kept_key == "shop:1"


def test_failed_people_wait_for_retry_failed(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    person_id = move(ledger, "1", State.FAILED, code="conflict")
    assert plan(ledger, wanted("1", "a@x.org"), run="run-2") == [PlanEffect(State.FAILED, "conflict")]
    assert plan(ledger, wanted("1", "a@x.org"), run="run-2", take_up=TakeUp(retry_failed=True)) == [PLANNED]
    entry = person(ledger, "1")
    assert (entry.state, entry.code, entry.reason) == (State.PLANNED, "", "")
    assert ledger.report.events(person_id)[-1].kind is EventKind.PLANNED_AGAIN
    assert ledger.send.count_to_send("run-2") == 1


def test_removed_people_wait_for_again(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    move(ledger, "1", State.COMPLETE, State.REMOVED)
    assert plan(ledger, wanted("1", "a@x.org")) == [PlanEffect(State.LEFT_OUT, LeftOut.REMOVED)]
    assert person(ledger, "1").state is State.REMOVED
    again = TakeUp(again=True)
    refused = plan(ledger, kept_back("1", "a@x.org"), take_up=again)
    assert refused == [PlanEffect(State.LEFT_OUT, LeftOut.NO_PASSWORD)]
    assert person(ledger, "1").state is State.REMOVED
    assert plan(ledger, wanted("1", "a@x.org"), run="run-2", take_up=again) == [PLANNED]
    entry = person(ledger, "1")
    assert ledger.report.events(entry.person_id)[-1].kind is EventKind.PLANNED_AGAIN


def test_the_removed_account_is_remembered_until_there_is_another(ledger: AnyLedger) -> None:
    """It may lie in the recycle bin and hold the sign-in name: only its id tells whose it is."""
    plan(ledger, wanted("1", "a@x.org"))
    person_id = move(ledger, "1", State.COMPLETE, State.REMOVED)
    removed = person(ledger, "1")
    again = TakeUp(again=True, retry_failed=True)
    for run in ("run-2", "run-3"):
        plan(ledger, wanted("1", "a@x.org"), run=run, take_up=again)
        move(ledger, "1", State.FAILED, run=run, code="conflict_deleted")
        failed = person(ledger, "1")
        assert failed.state is State.FAILED
        assert (failed.object_id, failed.created_by_run, failed.created_at, failed.written) == (
            removed.object_id,
            removed.created_by_run,
            removed.created_at,
            removed.written,
        )
    plan(ledger, wanted("1", "a@x.org"), run="run-4", take_up=again)
    created = Observation(person_id, EventKind.CREATED, State.COMPLETE, object_id="another", written={})
    ledger.send.turn(run="run-4", observed=(), sending=[person_id], at=AT)
    ledger.send.turn(run="run-4", observed=[created], sending=(), at=AT)
    entry = person(ledger, "1")
    assert (entry.object_id, entry.created_by_run) == ("another", "run-4")


@pytest.mark.parametrize("state", [State.COMPLETE, State.AWAITING_PASSWORD])
def test_a_failed_person_gets_the_removed_account_back(ledger: AnyLedger, state: State) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    person_id = move(ledger, "1", State.COMPLETE, State.REMOVED)
    before = person(ledger, "1")
    plan(ledger, wanted("1", "a@x.org"), run="run-2", take_up=TakeUp(again=True))
    move(ledger, "1", State.FAILED, run="run-2", code="conflict_deleted")
    restored = Observation(person_id, EventKind.RESTORED, state, object_id=before.object_id)
    ledger.observations.observe(run="", observed=[restored], at=AT)
    after = person(ledger, "1")
    assert (after.state, after.code, after.reason) == (state, "", "")
    assert (after.object_id, after.created_by_run) == (before.object_id, "run-1")


def test_removed_people_own_no_sign_in_names(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    move(ledger, "1", State.COMPLETE, State.REMOVED)
    assert plan(ledger, wanted("2", "a@x.org", ordinal=1), run="run-2") == [PLANNED]
    assert person(ledger, "1").state is State.REMOVED
    assert ledger.report.entry_of_sign_in_name("a@x.org") == person(ledger, "2")
    move(ledger, "2", State.COMPLETE)
    taken = plan(ledger, wanted("1", "a@x.org"), run="run-3", take_up=TakeUp(again=True))
    assert taken == [PlanEffect(State.LEFT_OUT, DUPLICATE, "shop:2")]


def test_another_run_takes_over_what_is_planned(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(wanted("1", "a@x.org"), wanted("2", "b@x.org")), take_up=TakeUp(cohort="pilot"))
    plan(ledger, wanted("2", "b@x.org", ordinal=1), run="run-2")
    assert [entry.key for entry in ledger.send.planned("run-1", after=-1, limit=9)] == ["1"]
    assert [entry.key for entry in ledger.send.planned("run-2", after=-1, limit=9)] == ["2"]
    assert person(ledger, "2").cohort == "pilot"
