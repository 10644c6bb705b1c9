"""Accounts that sign-ins were making when the service ended: told in words by every command, and settled by the next run."""

from collections.abc import Callable

import pytest
from tests.support.desk import Desk
from tests.support.emulator import Emulator

from idferry.ledger.claims import LedgerClaims
from idferry.settings import read_settings
from idferry.stores.settled_hashes import unheard
from idferry.wiring import clock_of
from idferry.wiring.sign_ins import ledger_place_of

PEOPLE = [
    {"key": str(one), "signInName": f"p{one}@example.com", "displayName": f"Person {one}"} for one in range(3)
]
MADE, LOST = "p0@example.com", "p1@example.com"
OVERDUE_S = 11 * 60


@pytest.fixture
def planned(b2c_desk: Desk, emulator: Emulator) -> Desk:
    """Everybody is planned and nobody was sent: the run stopped before. Commands follow the emulated time."""
    b2c_desk.write_settings(more=f'\n[clock]\nurl = "{emulator.control_url}/clock"\n')
    b2c_desk.people("people.jsonl", PEOPLE)
    emulator.options(b2c_desk.tenant, object_quota=1)
    b2c_desk.run("premigrate", "people.jsonl", "--execute")
    emulator.options(b2c_desk.tenant, object_quota=1_000)
    assert b2c_desk.json("status")["states"] == {"planned": 3}
    return b2c_desk


def claim(desk: Desk) -> Callable[[str], None]:
    """What a sign-in does before it answers; then the service is gone."""
    settings = read_settings(desk.settings_file)
    claims = LedgerClaims(ledger_place_of(settings, clock_of(settings), recorded=unheard))

    def do(name: str) -> None:
        entry = claims.entry_of_sign_in_name(name)
        assert entry is not None
        assert claims.claim(entry.person_id, at=clock_of(settings).now())

    return do


def words(desk: Desk, *command: str, code: int = 0) -> str:
    return " ".join(desk.ok(*command, code=code).out.split())


def test_a_claim_is_told_until_the_next_run_has_asked_the_directory(
    planned: Desk, emulator: Emulator
) -> None:
    desk, tenant = planned, planned.tenant
    for name in (MADE, LOST):
        claim(desk)(name)
    legacy_id = desk.json("person", MADE)["entry"]["legacy_id"]
    account = {**tenant.local_account(MADE), tenant.extension("legacyId"): legacy_id}
    emulator.seed(tenant, [account | {tenant.extension("requiresMigration"): False}])

    status = desk.json("status")
    assert (status["claimed"], status["claims_overdue"]) == (2, 0)
    assert "2 in `creating` are claimed by sign-ins, whose account the tenant makes at the moment" in words(
        desk, "status"
    )
    assert desk.json("person", LOST)["claimed_since"]
    assert "until" in words(desk, "person", LOST)
    assert "nobody else creates the account" in words(desk, "person", LOST)
    verified = desk.json("verify")
    assert (verified["claimed"], verified["differences"]) == (2, 0)
    assert "being created 2" in words(desk, "verify")

    emulator.advance(OVERDUE_S)
    status = desk.json("status")
    assert (status["claimed"], status["claims_overdue"]) == (2, 2)
    assert "nothing will come of it" in words(desk, "status")
    assert "nothing has been heard since" in words(desk, "person", LOST)
    late = desk.json("verify", "--source", "people.jsonl", code=1)
    assert late["claimed"] == 0
    reasons = {one["legacy_id"]: one["reason"] for one in late["missing"]}
    assert any("a sign-in claimed it at" in one for one in reasons.values()), reasons

    desk.ok("premigrate", "people.jsonl", "--execute")
    status = desk.json("status")
    assert (status["claimed"], status["states"]) == (0, {"awaiting_password": 2, "complete": 1})
    accounts = {one["identities"][0]["issuerAssignedId"] for one in emulator.dump(tenant)}
    assert accounts == {one["signInName"] for one in PEOPLE}
    assert desk.json("person", MADE)["claimed_since"] is None
    assert desk.json("verify", "--source", "people.jsonl")["differences"] == 0
