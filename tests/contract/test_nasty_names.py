"""S9 for what is kept in SQL: whatever is typed is a value, never a part of a statement, and nobody else's."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from tests.support.any_guard import addresses, guess
from tests.support.any_ledger import counting_bytes, move, plan
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT, PROJECT, TENANT, wanted
from tests.support.nasty_strings import EVERY_NASTY, EVERY_NASTY_MIN

from idferry.ledger import open_ledger
from idferry.ledger.reset_status import LedgerPlace
from idferry.ledger.sign_ins import LedgerSignIns
from idferry.ports.sign_ins import Booking
from idferry.rules.attempts import GuardRules
from idferry.rules.lifecycle import State
from idferry.stores.guard_opening import open_guard


def content_of(file: Path) -> list[str]:
    """Every statement that would make the file anew."""
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def test_s9_whatever_is_looked_for_in_the_ledger_changes_nothing(tmp_path: Path) -> None:
    assert len(EVERY_NASTY) >= EVERY_NASTY_MIN
    clock, path = HandClock(), tmp_path / "contoso.ledger"
    with open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT) as ledger:
        plan(ledger, wanted("1", "ana@example.com"))
        move(ledger, "1", State.AWAITING_PASSWORD)
    before = content_of(path)
    place = LedgerPlace(
        path=path,
        tenant_id=TENANT,
        project=PROJECT,
        random_bytes=counting_bytes(),
        now=clock.now,
        elapsed=clock.elapsed,
    )
    people = LedgerSignIns(place)
    known = people.by_sign_in_name("ana@example.com")
    assert known is not None
    for nasty in EVERY_NASTY:
        assert people.by_sign_in_name(nasty) is None, repr(nasty)
        assert people.by_object_id(nasty) is None, repr(nasty)
        assert people.by_legacy_id(nasty) is None, repr(nasty)
        assert people.by_sign_in_name(f"ana@example.com{nasty}") is None, repr(nasty)
    assert people.by_object_id(known.object_id) == known
    people.close()
    assert content_of(path) == before


def test_s9_each_name_is_counted_by_itself(tmp_path: Path) -> None:
    """No two of them share a count, and no address made of one is anybody else's."""
    fresh, rules = addresses(), GuardRules()
    with open_guard(tmp_path / "guard", rules=rules, random_bytes=counting_bytes()) as guard:
        for number, nasty in enumerate(EVERY_NASTY):
            # Minutes apart, so that the total of everybody is not what is met.
            at = AT + timedelta(minutes=number)
            assert guess(guard, at, name=nasty, address=next(fresh)) is Booking.BOOKED, repr(nasty)
            assert guard.standing(nasty, at=at).failures == 1, repr(nasty)
            assert guess(guard, at, name=f"x{number}", address=nasty) is Booking.BOOKED, repr(nasty)
