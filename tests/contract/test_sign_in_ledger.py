"""The ledger beside sign-ins: people are found at the last commit, and notes never make anybody wait or fail."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.support.any_ledger import counting_bytes, merge, move, person, plan
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT, PROJECT, TENANT, wanted

from idferry.errors import LedgerError
from idferry.ledger import Ledger, open_ledger, sign_ins
from idferry.ledger.database import Database
from idferry.ledger.reset_status import LedgerPlace
from idferry.ledger.sign_ins import NOTES_MAX, LedgerSignIns
from idferry.rules.entry import EventKind, Observation
from idferry.rules.legacy_user import LegacyUserKey
from idferry.rules.lifecycle import State
from idferry.rules.submission import key_of_person

SETTLES_WITHIN_S = 10.0
REFUSED = "the ledger does not take this one"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    path = tmp_path / "contoso.ledger"
    with open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT) as opened:
        plan(
            opened, wanted("1", "Ana@example.com", "ana"), wanted("2", "ben@example.com"), wanted("3", "kim")
        )
        move(opened, "1", State.AWAITING_PASSWORD)
        move(opened, "2")
        yield opened


def place(folder: Path) -> LedgerPlace:
    clock = HandClock()
    return LedgerPlace(
        path=folder / "contoso.ledger",
        tenant_id=TENANT,
        project=PROJECT,
        random_bytes=counting_bytes(),
        now=clock.now,
        elapsed=clock.elapsed,
    )


@pytest.fixture
def people(ledger: Ledger, tmp_path: Path) -> Iterator[LedgerSignIns]:
    opened = LedgerSignIns(place(tmp_path))
    yield opened
    opened.close()


def wait_for(condition: object, people: LedgerSignIns) -> None:
    until = time.monotonic() + SETTLES_WITHIN_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_person_is_found_by_account_legacy_id_and_any_name(people: LedgerSignIns, ledger: Ledger) -> None:
    entry = person(ledger, "1")
    found = people.by_object_id(entry.object_id)
    assert found is not None
    assert (found.person_id, found.legacy_id) == (entry.person_id, entry.legacy_id)
    assert list(found.legacy_users) == [LegacyUserKey("shop", "1")]
    assert list(found.sign_in_names) == ["Ana@example.com", "ana"]
    assert found.written_at is None
    assert people.by_sign_in_name("ana@example.com") == found == people.by_sign_in_name("ana")
    assert people.by_legacy_id(entry.legacy_id) == found


def test_of_merged_people_every_legacy_user_is_known_in_the_order_of_the_merge(
    people: LedgerSignIns, ledger: Ledger
) -> None:
    further = (LegacyUserKey("web", "z", ("ana.web@example.com",)), LegacyUserKey("app", "a"))
    merge(ledger, "1", *further, leading_names=["ana"])
    found = people.by_sign_in_name("ana")
    assert found is not None
    assert list(found.legacy_users) == [LegacyUserKey("shop", "1", ("ana",)), *further]
    assert people.by_object_id(person(ledger, "1").object_id) == found
    assert found.guard_key == key_of_person("shop", "1"), "the same as before the merge"


def test_who_has_no_account_is_not_found_except_by_the_legacy_id_of_a_creation_under_way(
    people: LedgerSignIns, ledger: Ledger
) -> None:
    assert people.by_sign_in_name("ben@example.com") is None
    assert people.by_sign_in_name("kim") is None
    assert people.by_legacy_id(person(ledger, "3").legacy_id) is None
    under_way = people.by_legacy_id(person(ledger, "2").legacy_id)
    assert under_way is not None
    assert under_way.object_id == ""


def test_a_commit_is_seen_at_once_and_so_is_another_ledger_in_its_place(
    people: LedgerSignIns, ledger: Ledger, tmp_path: Path
) -> None:
    assert people.by_sign_in_name("kim") is None
    move(ledger, "3", State.AWAITING_PASSWORD)
    assert people.by_sign_in_name("kim") is not None
    ledger.close()
    for name in ("contoso.ledger", "contoso.ledger.key"):
        (tmp_path / name).rename(tmp_path / f"old.{name}")
    with pytest.raises(LedgerError):
        people.by_sign_in_name("kim")
    with open_ledger(
        tmp_path / "contoso.ledger", tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
    ):
        assert people.by_sign_in_name("kim") is None


def test_notes_are_recorded_and_a_state_that_may_not_follow_is_left_out(
    people: LedgerSignIns, ledger: Ledger
) -> None:
    one = person(ledger, "1").person_id
    people.note(Observation(one, EventKind.PASSWORD_WRITTEN, State.COMPLETE), at=AT)
    people.note(Observation(one, EventKind.VOUCHED, State.CONFIRMING), at=AT + timedelta(seconds=1))
    wait_for(lambda: len(ledger.report.events(one)) == 4, people)
    assert [event.kind for event in ledger.report.events(one)][2:] == [
        EventKind.PASSWORD_WRITTEN,
        EventKind.VOUCHED,
    ]
    assert person(ledger, "1").state is State.COMPLETE
    found = people.by_sign_in_name("ana")
    assert found is not None
    assert found.written_at == AT


def test_neither_looks_nor_notes_wait_for_an_import_that_writes(
    people: LedgerSignIns, ledger: Ledger, tmp_path: Path
) -> None:
    one = person(ledger, "1").person_id
    writer = sqlite3.connect(tmp_path / "contoso.ledger", isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        for _ in range(20):
            people.note(Observation(one, EventKind.VOUCHED, State.CONFIRMING), at=AT)
            assert people.by_sign_in_name("ana") is not None
        assert time.monotonic() - began < 1.0
        writer.execute("COMMIT")
    finally:
        writer.close()
    wait_for(lambda: person(ledger, "1").state is State.CONFIRMING, people)


def test_too_many_notes_are_dropped_and_told(ledger: Ledger, tmp_path: Path) -> None:
    lost: list[int] = []
    people = LedgerSignIns(place(tmp_path), lost=lost.append)
    people._writer = type(people._writer)(target=lambda: None)  # nobody drains
    one = Observation(person(ledger, "1").person_id, EventKind.VOUCHED, State.CONFIRMING)
    noted = [people.note(one, at=AT) for _ in range(NOTES_MAX + 7)]
    assert sum(lost) == 7
    assert [one.result(0) for one in noted if one.done()] == [False] * 7


def test_a_ledger_that_is_gone_loses_notes_and_breaks_nothing(ledger: Ledger, tmp_path: Path) -> None:
    lost: list[int] = []
    gone = replace(place(tmp_path), path=tmp_path / "elsewhere.ledger")
    people = LedgerSignIns(gone, lost=lost.append)
    noted = people.note(Observation(1, EventKind.VOUCHED, State.CONFIRMING), at=AT)
    people.close()
    assert lost == [1]
    assert noted.result(0) is False
    with pytest.raises(LedgerError):
        people.by_sign_in_name("ana")


def test_a_note_that_is_waited_for_is_on_disk(people: LedgerSignIns, ledger: Ledger) -> None:
    one = person(ledger, "1").person_id
    noted = people.note(Observation(one, EventKind.PASSWORD_SENT), at=AT)
    assert noted.result(SETTLES_WITHIN_S) is True
    assert ledger.report.events(one)[-1].kind is EventKind.PASSWORD_SENT


def gathered(people: LedgerSignIns, kept: Sequence[Observation], patch: pytest.MonkeyPatch) -> list[int]:
    """Notes that come while nothing is to be written yet, then one that cannot wait; how many went into each transaction."""
    sizes: list[int] = []

    def counting(database: Database, notes: Sequence[tuple[Observation, datetime]]) -> None:
        sizes.append(len(notes))
        if any(observation.reason == REFUSED for observation, _ in notes):
            raise LedgerError("it contradicts itself")
        record(database, notes)

    record = sign_ins._record
    patch.setattr(sign_ins, "_record", counting)
    patch.setattr(sign_ins, "GATHERED_SECONDS", 3_600.0)
    first = Observation(kept[0].person_id, EventKind.VOUCHED, State.CONFIRMING)
    assert people.note(first, at=AT).result(SETTLES_WITHIN_S)
    noted = [people.note(one, at=AT) for one in kept]
    hurried = Observation(kept[0].person_id, EventKind.PASSWORD_SENT)
    assert people.note(hurried, at=AT).result(SETTLES_WITHIN_S)
    for one in noted:
        one.result(SETTLES_WITHIN_S)
    return sizes


def test_notes_that_nobody_waits_for_share_a_transaction(
    people: LedgerSignIns, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = person(ledger, "1").person_id
    vouched = [Observation(one, EventKind.VOUCHED, State.CONFIRMING)] * 20
    assert gathered(people, vouched, monkeypatch) == [1, 21]
    assert sum(event.kind is EventKind.VOUCHED for event in ledger.report.events(one)) == 21


def test_a_note_that_the_ledger_does_not_take_takes_no_other_with_it(
    people: LedgerSignIns, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = person(ledger, "1").person_id
    good = Observation(one, EventKind.VOUCHED)
    bad = Observation(one, EventKind.VOUCHED, reason=REFUSED)
    assert gathered(people, [good, bad, good], monkeypatch) == [1, 4, 1, 1, 1, 1]
    assert sum(event.kind is EventKind.VOUCHED for event in ledger.report.events(one)) == 3


def test_closing_writes_what_waits(ledger: Ledger, tmp_path: Path) -> None:
    people = LedgerSignIns(place(tmp_path))
    one = person(ledger, "1").person_id
    for _ in range(120):
        people.note(Observation(one, EventKind.VOUCHED, State.CONFIRMING), at=AT)
    people.close()
    assert sum(event.kind is EventKind.VOUCHED for event in ledger.report.events(one)) == 120
