"""Runs, intents and observations: the same for every ledger."""

from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.any_ledger import AnyLedger, move, people, person, plan, snapshot
from tests.support.ledger_records import AT, in_order, wanted

from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State


def test_the_same_command_with_the_same_source_continues_the_open_run(ledger: AnyLedger) -> None:
    asked = {"command": "premigrate", "source": "shop", "source_digest": "d1", "cohort": ""}
    run, resumed = ledger.runs.open_run(**asked, at=AT)
    assert not resumed
    assert run.run.startswith("2026-03-01-")
    assert len(run.run) == len("2026-03-01-abcd")
    later = AT + timedelta(days=1)
    assert ledger.runs.open_run(**asked, at=later) == (run, True)
    other, resumed = ledger.runs.open_run(**{**asked, "source_digest": "d2"}, at=later)
    assert not resumed
    assert other.run != run.run
    ledger.runs.close_run(run.run, at=later)
    third, resumed = ledger.runs.open_run(**asked, at=later)
    assert not resumed
    assert [one.run for one in ledger.report.runs()] == [third.run, other.run, run.run]
    assert ledger.report.runs()[-1].ended_at == later


def test_planned_people_come_in_source_order_page_by_page(ledger: AnyLedger) -> None:
    items = in_order(*(wanted(str(number), f"p{number}@x.org") for number in range(5)))
    plan(ledger, *items[3:])
    plan(ledger, *items)
    first = ledger.send.planned("run-1", after=-1, limit=3)
    rest = ledger.send.planned("run-1", after=first[-1].ordinal, limit=3)
    assert [entry.ordinal for entry in (*first, *rest)] == [0, 1, 2, 3, 4]


def test_a_turn_records_intents_and_observations(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(wanted("1", "a@x.org"), wanted("2", "b@x.org")))
    one, two = (entry.person_id for entry in people(ledger))
    ledger.send.turn(run="run-1", observed=(), sending=[one], at=AT)
    assert [entry.person_id for entry in ledger.send.under_way(after=0, limit=9)] == [one]
    assert ledger.send.count_to_send("run-1") == 2
    later = AT + timedelta(seconds=3)
    seen = Observation(
        one,
        EventKind.CREATED,
        State.AWAITING_PASSWORD,
        object_id="object-1",
        written={"city": "digest"},
    )
    ledger.send.turn(run="run-1", observed=[seen], sending=[two], at=later)
    entry = person(ledger, "1")
    assert (entry.state, entry.object_id) == (State.AWAITING_PASSWORD, "object-1")
    assert (entry.created_by_run, entry.created_at) == ("run-1", later)
    assert entry.written == {"city": "digest"}
    story = [(event.at, event.run, event.kind) for event in ledger.report.events(one)]
    assert story == [(AT, "run-1", EventKind.SENT), (later, "run-1", EventKind.CREATED)]
    assert ledger.send.under_way(after=one, limit=9) == [person(ledger, "2")]
    assert ledger.send.count_to_send("run-1") == 1


def test_a_person_may_be_observed_and_sent_again_in_one_turn(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    person_id = move(ledger, "1")
    lost = Observation(person_id, EventKind.UNANSWERED, reason="cut")
    ledger.send.turn(run="run-2", observed=[lost], sending=[person_id], at=AT)
    kinds = [event.kind for event in ledger.report.events(person_id)]
    assert kinds == [EventKind.SENT, EventKind.UNANSWERED, EventKind.SENT]
    assert ledger.send.count_to_send("run-2") == 1


def test_what_was_seen_of_one_person_in_one_turn_counts_in_that_order(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    person_id = move(ledger, "1", State.FAILED)
    again = Observation(person_id, EventKind.PLANNED_AGAIN, State.PLANNED, code="later", reason="taken up")
    found = Observation(
        person_id, EventKind.REBUILT, State.COMPLETE, object_id="object-1", written={"city": "digest"}
    )
    ledger.observations.observe(run="run-2", observed=[again, found], at=AT)
    entry = person(ledger, "1")
    assert (entry.state, entry.code, entry.reason) == (State.COMPLETE, "", "")
    assert (entry.object_id, entry.written) == ("object-1", {"city": "digest"})


def test_a_run_counts_whom_an_earlier_one_of_its_source_left_in_the_middle(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(*(wanted(str(number), f"p{number}@x.org") for number in range(4))))
    left, settled, *_ = (entry.person_id for entry in people(ledger))
    ledger.send.turn(run="run-1", observed=(), sending=[left, settled], at=AT)
    done = Observation(settled, EventKind.CREATED, State.COMPLETE, object_id="object-1")
    ledger.send.turn(run="run-1", observed=[done], sending=(), at=AT)
    asked = {"command": "premigrate --again", "source_digest": "d", "cohort": ""}
    run, _ = ledger.runs.open_run(**asked, source=person(ledger, "0").source, at=AT)
    assert ledger.send.count_to_send(run.run) == 1
    other, _ = ledger.runs.open_run(**asked, source="another", at=AT)
    assert ledger.send.count_to_send(other.run) == 0


@pytest.mark.parametrize("illegal", [State.COMPLETE, State.REMOVED, State.FAILED])
def test_an_illegal_step_is_a_bug_and_changes_nothing(ledger: AnyLedger, illegal: State) -> None:
    plan(ledger, *in_order(wanted("1", "a@x.org"), wanted("2", "b@x.org")))
    one, two = (entry.person_id for entry in people(ledger))
    before = snapshot(ledger)
    wrong = Observation(two, EventKind.CREATED, illegal)
    with pytest.raises(AssertionError):
        ledger.send.turn(run="run-1", observed=[wrong], sending=[one], at=AT)
    with pytest.raises(AssertionError):
        ledger.send.turn(run="run-1", observed=(), sending=[one, 99], at=AT)
    assert snapshot(ledger) == before


def test_an_observation_without_a_state_only_adds_to_the_story(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    person_id = move(ledger, "1", State.COMPLETE)
    before = person(ledger, "1")
    kept = Observation(person_id, EventKind.KEPT, code="used", reason="signed in since")
    ledger.observations.observe(run="run-9", observed=[kept], at=AT)
    assert person(ledger, "1") == before
    last = ledger.report.events(person_id)[-1]
    assert (last.kind, last.code, last.reason, last.run) == (
        EventKind.KEPT,
        "used",
        "signed in since",
        "run-9",
    )


def test_a_restored_account_remembers_who_made_it(ledger: AnyLedger) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    person_id = move(ledger, "1", State.COMPLETE, State.REMOVED)
    restored = Observation(person_id, EventKind.RESTORED, State.COMPLETE)
    ledger.observations.observe(run="run-9", observed=[restored], at=AT)
    assert person(ledger, "1").created_by_run == "run-1"


def test_what_is_written_later_replaces_the_draft_and_the_digests(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(wanted("1", "a@x.org"), wanted("2", "b@x.org")))
    person_id = move(ledger, "1", State.COMPLETE)
    before = person(ledger, "1")
    assert before.draft is not None
    later = structs.replace(before.draft, display_name="Later", attributes={"city": "Turku"}, enabled=False)
    seen = Observation(person_id, EventKind.UPDATED, written={"city": "new"}, draft=later)
    ledger.observations.observe(run="run-2", observed=[seen], at=AT)
    assert person(ledger, "1") == structs.replace(before, draft=later, written={"city": "new"})
    assert person(ledger, "2").draft != later


def test_an_account_that_is_found_comes_with_its_own_age_and_may_be_disowned_again(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(wanted("1", "a@x.org"), wanted("2", "b@x.org")))
    one, two = (entry.person_id for entry in people(ledger))
    before = person(ledger, "1")
    born, later = AT - timedelta(days=9), AT + timedelta(days=1)
    found = [
        Observation(
            number,
            EventKind.REBUILT,
            state,
            object_id=f"object-{number}",
            written={"city": "x"},
            created_at=born,
        )
        for number, state in ((one, State.COMPLETE), (two, State.AWAITING_PASSWORD))
    ]
    ledger.observations.observe(run="run-2", observed=found, at=later)
    made = structs.replace(
        before,
        state=State.COMPLETE,
        object_id=f"object-{one}",
        created_by_run="run-2",
        created_at=born,
        written={"city": "x"},
    )
    assert person(ledger, "1") == made
    doubtful = Observation(one, EventKind.REBUILT, State.FAILED, "conflict_undecided", "two accounts")
    ledger.observations.observe(run="run-2", observed=[doubtful], at=later)
    failed = structs.replace(before, state=State.FAILED, code="conflict_undecided", reason="two accounts")
    assert person(ledger, "1") == failed
    assert person(ledger, "2").object_id == f"object-{two}"


@pytest.mark.parametrize("state", [State.COMPLETE, State.AWAITING_PASSWORD, State.FAILED])
def test_only_rebuilding_finds_an_account_without_an_intent(ledger: AnyLedger, state: State) -> None:
    plan(ledger, wanted("1", "a@x.org"))
    person_id, before = person(ledger, "1").person_id, snapshot(ledger)
    for kind in set(EventKind) - {EventKind.REBUILT}:
        with pytest.raises(AssertionError):
            ledger.observations.observe(run="", observed=[Observation(person_id, kind, state)], at=AT)
    assert snapshot(ledger) == before
