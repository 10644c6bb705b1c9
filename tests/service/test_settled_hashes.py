"""Whoever has a password now has no hash any more: at the sign-in or reset itself, not with the next sweep."""

import asyncio
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.any_ledger import counting_bytes, move, plan
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT, PROJECT, SHOP, TENANT, wanted
from tests.support.scripted_server import wait_until
from tests.support.service_stage import BASIC, SECRET, UPDATED, asgi_call

from idferry.ledger import open_ledger
from idferry.ledger.claims import LedgerClaims
from idferry.ledger.sign_ins import LedgerSignIns
from idferry.ports import HashRow
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.settings import Settings, parse_settings
from idferry.wiring.hash_store import hash_store_of
from idferry.wiring.service import ServiceParts, service_parts_of
from idferry.wiring.sign_ins import ledger_place_of

PEOPLE = {"1": "ana@example.com", "2": "ben@example.com"}


@dataclass
class Place:
    """A service over a real ledger and hash store, with both people waiting for a password."""

    settings: Settings
    parts: ServiceParts
    log: io.BytesIO
    clock: HandClock

    @property
    def with_hash(self) -> set[str]:
        with hash_store_of(self.settings) as store:
            return {row.key for row in store.rows()}

    @property
    def notes(self) -> LedgerSignIns:
        recorded = self.parts.context.hashes.recorded
        return LedgerSignIns(ledger_place_of(self.settings, self.clock, recorded=recorded))

    def lines(self, event: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [one for one in told if one["event"] == event]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    raw = {
        "project": PROJECT,
        "tenant": {
            "id": TENANT,
            "domain": "contoso.onmicrosoft.com",
            "authority": "https://localhost:1",
            "graph": "https://localhost:1",
        },
        "ledger": {"path": "contoso.ledger"},
        "hashes": {"key": "Not-a-real-key-of-at-least-32-characters"},
        "service": {
            "trusted_proxies": ["127.0.0.1"],
            "caller": [{"name": "policy", "kind": "basic", "user": "policy", "secrets": [SECRET]}],
        },
    }
    settings = parse_settings(raw, file=None, folder=tmp_path)
    ledger = open_ledger(
        settings.ledger_path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT
    )
    with ledger, hash_store_of(settings) as store:
        plan(ledger, *(wanted(key, name) for key, name in PEOPLE.items()))
        for key in PEOPLE:
            move(ledger, key, State.AWAITING_PASSWORD)
        store.put([HashRow(SHOP, key, "bcrypt", f"hash {key}") for key in PEOPLE])
    clock, log = HandClock(), io.BytesIO()
    parts = service_parts_of(settings, clock, log_stream=log)
    yield Place(settings, parts, log, clock)
    parts.close()


def test_a_reset_before_the_first_sign_in_takes_the_hash_away_at_once(place: Place) -> None:
    body = json.dumps({"email": PEOPLE["1"], "objectId": ""}).encode()
    answer = asyncio.run(asgi_call(place.parts.tenant, "POST", UPDATED, [body], headers=[BASIC]))
    assert answer.status == 200
    wait_until(lambda: place.with_hash == {"2"})
    wait_until(lambda: [one["hashes"] for one in place.lines("hashes_deleted")] == [1])


def test_a_password_that_was_written_takes_the_hash_away_and_one_that_was_vouched_for_does_not(
    place: Place,
) -> None:
    notes, at = place.notes, place.clock.now()
    ana, ben = (notes.by_sign_in_name(name) for name in PEOPLE.values())
    assert ana
    assert ben
    notes.note(Observation(ben.person_id, EventKind.VOUCHED, State.CONFIRMING), at=at)
    notes.note(Observation(ana.person_id, EventKind.PASSWORD_WRITTEN, State.COMPLETE), at=at)
    notes.close()
    wait_until(lambda: place.with_hash == {"2"})
    place.parts.close()
    assert place.with_hash == {"2"}, "who is confirming may have to be asked again"


def test_an_account_that_is_found_after_a_sign_up_takes_the_hash_away(place: Place) -> None:
    claims = LedgerClaims(
        ledger_place_of(place.settings, place.clock, recorded=place.parts.context.hashes.recorded)
    )
    ana = claims.entry_of_sign_in_name(PEOPLE["1"])
    assert ana
    claims.record(Observation(ana.person_id, EventKind.ADOPTED, State.COMPLETE), at=place.clock.now())
    wait_until(lambda: place.with_hash == {"2"})


def test_a_store_that_cannot_be_used_is_an_alert_and_disturbs_nobody(place: Place) -> None:
    (place.settings.folder / "idferry.hashes").write_bytes(b"no database at all" * 100)
    body = json.dumps({"email": PEOPLE["1"], "objectId": ""}).encode()
    answer = asyncio.run(asgi_call(place.parts.tenant, "POST", UPDATED, [body], headers=[BASIC]))
    assert answer.status == 200
    wait_until(lambda: bool(place.lines("hashes_kept")))
    [told] = place.lines("hashes_kept")
    assert (told["people"], told["cause"]) == (1, "hash_store_unavailable")
    assert b'idferry_alerts_total{alert="hashes_kept"} 1.0' in place.parts.context.books.metrics.text()
