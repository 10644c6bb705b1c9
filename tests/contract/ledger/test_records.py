"""What a ledger remembers of records, and runs that give way to another one: the same for every ledger."""

from datetime import timedelta

from tests.support.any_ledger import AnyLedger, move, people, person, plan
from tests.support.ledger_records import AT, SHOP, in_order, kept_back, wanted

from idferry.rules.entry import Run, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.outcomes import LeftOut

LATER = AT + timedelta(hours=1)


def begin(ledger: AnyLedger, digest: str, *, command: str = "premigrate", source: str = SHOP) -> Run:
    asked = {"command": command, "source": source, "source_digest": digest, "cohort": ""}
    return ledger.runs.open_run(**asked, place=f"/exports/{source}", at=AT)[0]


def plan_in(ledger: AnyLedger, run: Run, *items: object, cohort: str = "") -> None:
    ledger.plan.begin_planning()
    ledger.plan.plan(in_order(*items), run=run.run, take_up=TakeUp(cohort=cohort), at=AT)  # type: ignore[arg-type]


def test_a_run_remembers_where_its_source_was(ledger: AnyLedger) -> None:
    run = begin(ledger, "d1")
    assert run.place == "/exports/shop"
    assert ledger.report.runs() == [run]
    assert begin(ledger, "d1") == run


def test_open_runs_are_those_of_one_command_and_one_source(ledger: AnyLedger) -> None:
    first, second = begin(ledger, "d1"), begin(ledger, "d2")
    begin(ledger, "d1", command="premigrate --limit 3")
    begin(ledger, "d1", source="crm")
    assert ledger.records.open_runs(command="premigrate", source=SHOP) == [second, first]
    ledger.runs.close_run(second.run, at=LATER)
    assert ledger.records.open_runs(command="premigrate", source=SHOP) == [first]
    assert ledger.records.open_runs(command="premigrate", source="nobody") == []


def test_known_records_are_the_first_of_their_key(ledger: AnyLedger) -> None:
    run = begin(ledger, "d1")
    items = (wanted("1", "a@x.org"), wanted("1", "b@x.org", digest=b"second"), kept_back("2", "c@x.org"))
    plan_in(ledger, run, *items, cohort="pilot")
    plan(ledger, wanted("3", "d@x.org", source="crm"))
    found = ledger.records.known_records(SHOP, {"1", "2", "3", "4"})
    assert {key: (one.key, one.state) for key, one in found.items()} == {
        "1": ("1", State.PLANNED),
        "2": ("2", State.LEFT_OUT),
    }
    one = found["1"]
    assert (one.record_digest, one.run, one.cohort) == (b"digest of 1", run.run, "pilot")
    assert one.person_id == person(ledger, "1").person_id


def test_records_of_a_run_are_those_it_decided_about(ledger: AnyLedger) -> None:
    first, second = begin(ledger, "d1"), begin(ledger, "d2")
    plan_in(ledger, first, wanted("1", "a@x.org"), wanted("1", "b@x.org"), wanted("2", "c@x.org"))
    plan_in(ledger, second, wanted("2", "c@x.org"), wanted("3", "d@x.org"))
    assert [one.key for one in ledger.records.records_of_run(first)] == ["1"]
    assert [one.key for one in ledger.records.records_of_run(second)] == ["2", "3"]


def test_a_run_that_gives_way_leaves_out_whose_record_is_gone(ledger: AnyLedger) -> None:
    old = begin(ledger, "d1")
    plan_in(ledger, old, *(wanted(str(n), f"p{n}@x.org") for n in range(4)))
    sent = move(ledger, "0")
    done = move(ledger, "1", State.COMPLETE)
    other = begin(ledger, "d1", command="premigrate --limit 3")
    new = begin(ledger, "d2")
    plan_in(ledger, new, *(wanted(str(n), f"p{n}@x.org") for n in (0, 1, 2)))
    ledger.runs.supersede_runs(by=new.run, at=LATER)
    states = {entry.key: entry.state for entry in people(ledger)}
    assert states == {
        "0": State.CREATING,
        "1": State.COMPLETE,
        "2": State.PLANNED,
        "3": State.LEFT_OUT,
    }
    assert person(ledger, "0").person_id == sent
    assert person(ledger, "1").person_id == done
    gone = person(ledger, "3")
    assert (gone.code, gone.draft, gone.legacy_id) == (LeftOut.RECORD_GONE, None, "")
    assert old.run in gone.reason
    by_run = {run.run: run for run in ledger.report.runs()}
    assert (by_run[old.run].ended_at, by_run[old.run].superseded_by) == (LATER, new.run)
    assert (by_run[other.run].ended_at, by_run[new.run].ended_at) == (None, None)


def test_the_names_of_a_record_that_is_gone_are_free_again(ledger: AnyLedger) -> None:
    old = begin(ledger, "d1")
    plan_in(ledger, old, wanted("1", "straße@x.org"), wanted("2", "b@x.org"))
    new = begin(ledger, "d2")
    plan_in(ledger, new, wanted("2", "b@x.org"))
    ledger.runs.supersede_runs(by=new.run, at=LATER)
    assert ledger.report.entry_of_sign_in_name("straße@x.org") is None
    plan(ledger, wanted("9", "straße@x.org"), wanted("8", "strasse@x.org", ordinal=1))
    assert person(ledger, "9").state is State.PLANNED


def test_a_run_without_older_ones_changes_nothing(ledger: AnyLedger) -> None:
    run = begin(ledger, "d1")
    plan_in(ledger, run, wanted("1", "a@x.org"))
    ledger.runs.supersede_runs(by=run.run, at=LATER)
    assert person(ledger, "1").state is State.PLANNED
    assert ledger.report.runs() == [run]
