"""Figures and people read back: the same for every ledger."""

from datetime import timedelta

from tests.support.any_ledger import ALL, AnyLedger, move, people, person, plan, snapshot
from tests.support.ledger_records import AT, federated, in_order, kept_back, wanted

from idferry.rules.entry import EventKind, FailureGroup, Observation, Selection, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity, compared_form, local_identity


def test_reports_count_what_was_selected(ledger: AnyLedger) -> None:
    pilot = TakeUp(cohort="pilot")
    names = ("1", "2", "3", "4")
    plan(ledger, *in_order(*(wanted(key, f"{key}@x.org") for key in names)), take_up=pilot)
    plan(ledger, wanted("9", "9@x.org", source="crm"), kept_back("8", source="crm"), run="run-2")
    move(ledger, "1", State.COMPLETE)
    move(ledger, "2", State.FAILED, code="conflict")
    move(ledger, "3", State.FAILED, code="conflict")
    move(ledger, "4", State.FAILED, code="invalid_value")
    reports = ledger.report
    assert reports.states(ALL) == {
        State.COMPLETE: 1,
        State.FAILED: 3,
        State.PLANNED: 1,
        State.LEFT_OUT: 1,
    }
    assert reports.states(Selection(run="run-2")) == {State.PLANNED: 1, State.LEFT_OUT: 1}
    assert reports.states(Selection(source="crm", states=(State.PLANNED,))) == {State.PLANNED: 1}
    assert reports.states(Selection(cohort="pilot", source="crm")) == {}
    assert reports.failures(Selection(cohort="pilot")) == [
        FailureGroup("conflict", 2),
        FailureGroup("invalid_value", 1),
    ]
    assert reports.failures(Selection(states=(State.LEFT_OUT, State.REFUSED))) == [
        FailureGroup("no_password", 1)
    ]
    failed = Selection(run="run-1", states=(State.FAILED, State.COMPLETE))
    assert [entry.key for entry in people(ledger, failed)] == ["1", "2", "3", "4"]
    assert reports.settled_since(AT, ALL) == [(AT, 4)]
    assert reports.settled_since(AT + timedelta(seconds=1), ALL) == []
    assert reports.settled_since(AT, Selection(cohort="pilot")) == [(AT, 4)]
    assert reports.settled_since(AT, Selection(run="run-2")) == []
    assert reports.settled_since(AT, Selection(states=(State.COMPLETE,))) == [(AT, 1)]


def test_who_was_settled_is_counted_second_by_second(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(*(wanted(key, f"{key}@x.org") for key in "12345")))
    after_s = {"1": 7.0, "2": 0.0, "3": 0.2, "4": 0.9, "5": 1.0}
    for key, seconds in sorted(after_s.items(), key=lambda one: one[1]):
        person_id, at = person(ledger, key).person_id, AT + timedelta(seconds=seconds)
        ledger.send.turn(run="run-1", observed=(), sending=[person_id], at=at)
        seen = Observation(person_id, EventKind.CREATED, State.COMPLETE, object_id=f"object-{key}")
        ledger.send.turn(run="run-1", observed=[seen], sending=(), at=at)
    second, seventh = AT + timedelta(seconds=1), AT + timedelta(seconds=7)
    assert ledger.report.settled_since(AT, ALL) == [(AT, 3), (second, 1), (seventh, 1)]
    late = AT + timedelta(seconds=0.5)
    assert ledger.report.settled_since(late, ALL) == [
        (AT + timedelta(seconds=0.9), 1),
        (second, 1),
        (seventh, 1),
    ]


def test_entries_stream_while_the_ledger_is_written(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(*(wanted(str(number), f"p{number}@x.org") for number in range(1_201))))
    seen = 0
    for entry in ledger.report.entries(Selection(states=(State.PLANNED, State.CREATING))):
        if seen % 300 == 0:
            ledger.send.turn(run="run-1", observed=(), sending=[entry.person_id], at=AT)
        seen += 1
    assert seen == 1_201


def test_entries_are_found_by_legacy_id_and_by_sign_in_name(ledger: AnyLedger) -> None:
    plan(ledger, *in_order(wanted("1", "Zoë@Example.com"), kept_back("2", "b@x.org")))
    found = ledger.report.entries_of_legacy_ids(["contoso:shop:1", "contoso:shop:2", "", "x"])
    assert found == {"contoso:shop:1": person(ledger, "1")}
    name = compared_form("ZOE\N{COMBINING DIAERESIS}@example.com ")
    assert ledger.report.entry_of_sign_in_name(name) == person(ledger, "1")
    assert ledger.report.entry_of_sign_in_name("b@x.org") is None


def test_strange_texts_survive(ledger: AnyLedger) -> None:
    keys = ["a\0b", "'; DROP TABLE person; --", "🙂" * 50, "", "x" * 5_000]
    items = in_order(
        *(wanted(key, f"p{number}+tag'o@x.org", digest=bytes([number])) for number, key in enumerate(keys))
    )
    plan(ledger, *items)
    assert [entry.key for entry in people(ledger)] == keys
    before = snapshot(ledger)
    plan(ledger, *items)
    assert snapshot(ledger) == before


def test_people_are_found_by_any_identity_they_own(ledger: AnyLedger) -> None:
    google = federated("Google.com", "Subject-1")
    plan(
        ledger,
        *in_order(
            wanted("1", "a@x.org", google),
            wanted("2", "b@x.org"),
            kept_back("3", "c@x.org"),
            wanted("4", federated("google.com", "Subject-4")),
        ),
    )

    def found(*identities: Identity) -> list[str]:
        return sorted(entry.key for entry in ledger.report.entries_of_identities(identities))

    assert found() == []
    assert found(local_identity("A@X.org"), google, local_identity("b@x.org")) == ["1", "2"]
    assert found(federated("google.com", "Subject-4"), federated("google.com", "subject-1")) == ["4"]
    assert found(local_identity("c@x.org"), local_identity("nobody@x.org")) == []
    many = [local_identity(f"p{number}@x.org") for number in range(997)]
    assert found(*many, local_identity("b@x.org")) == ["2"]
