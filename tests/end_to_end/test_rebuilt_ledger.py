"""The ledger is lost: a new one out of directory and export, without a single call that writes to the directory."""

import sqlite3
from contextlib import closing
from typing import Any

from tests.support.desk import PASSWORD, Desk, people
from tests.support.emulator import Emulator

PEOPLE = 40
REBUILD = ("ledger", "rebuild", "crm.jsonl")


def some_people(count: int = PEOPLE) -> list[dict[str, Any]]:
    records = [dict(one) for one in people(count)]
    for record in records[1::2]:
        del record["password"]
    return records


def lose_the_ledger(desk: Desk) -> None:
    for path in desk.folder.glob("idferry.ledger*"):
        path.unlink()


def writes(emulator: Emulator) -> int:
    reading = (".get", ".list", "batch", "token")
    received = emulator.counts()["received"]
    return sum(int(count) for name, count in received.items() if not name.endswith(reading))


def test_a_lost_ledger_comes_back_and_everything_works_as_before(desk: Desk, emulator: Emulator) -> None:
    records = some_people()
    desk.people("crm.jsonl", records)
    desk.ok("premigrate", "crm.jsonl", "--limit", 37, "--execute")
    emulator.advance(3600)
    lose_the_ledger(desk)
    before, written = emulator.dump(desk.tenant), writes(emulator)

    plan = desk.json(*REBUILD)
    assert (plan["run"], plan["complete"], plan["awaiting_password"], plan["missing"]) == (None, 19, 18, 3)
    assert not desk.ledger.exists()
    done = desk.json(*REBUILD, "--execute")
    assert (done["read"], done["complete"], done["awaiting_password"], done["missing"]) == (37, 19, 18, 3)
    assert (done["undecided"], done["changed_by_person"]) == (0, 0)
    assert (emulator.dump(desk.tenant), writes(emulator)) == (before, written), "reading only"
    with closing(sqlite3.connect(desk.ledger)) as ledger:
        kinds = {kind for (kind,) in ledger.execute("SELECT kind FROM event")}
    assert kinds == {"rebuilt"}
    assert {one["created_at"][:13] for one in _entries(desk, 37)} == {before[0]["createdDateTime"][:13]}

    created = desk.json("premigrate", "crm.jsonl", "--execute")
    assert (created["created"], created["adopted"]) == (3, 0)
    assert len(emulator.dump(desk.tenant)) == PEOPLE
    assert desk.json("verify", "--source", "crm.jsonl", "--strict")["differences"] == 0
    assert emulator.sign_in(desk.tenant, "p38@example.org", PASSWORD.format(38))["signed_in"]
    removed = desk.json("remove", "--run", done["run"], "--execute")
    assert (removed["removed"], removed["kept"]) == (37, {})


def _entries(desk: Desk, count: int) -> list[dict[str, Any]]:
    return [desk.json("person", f"p{number}@example.org")["entry"] for number in range(0, count, 9)]


def test_a_ledger_that_is_not_lost_is_refused(b2c_desk: Desk) -> None:
    b2c_desk.people("crm.jsonl", some_people(4))
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    files = b2c_desk.ledger_files()
    for command in (REBUILD, (*REBUILD, "--execute")):
        refused = b2c_desk.json(*command, code=2)["error"]
        assert "already holds 4 people" in refused["message"]
        assert "premigrate" in refused["remedy"]
    assert b2c_desk.ledger_files() == files


def test_what_cannot_be_decided_is_listed_and_told_to_people(b2c_desk: Desk, emulator: Emulator) -> None:
    tenant, records = b2c_desk.tenant, some_people(6)
    b2c_desk.people("crm.jsonl", records)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    lose_the_ledger(b2c_desk)
    [stranger] = emulator.seed(tenant, [tenant.local_account("new@example.org")])
    records[0]["signInName"] = "renamed@example.org"
    records[5] = {"key": "new", "signInName": "new@example.org", "displayName": "New"}
    b2c_desk.people("crm.jsonl", records)
    done = b2c_desk.json(*REBUILD, code=1)
    assert [one["legacy_id"] for one in done["nameless"]] == ["demo:crm:p0"]
    assert [one["legacy_id"] for one in done["unknown"]] == ["demo:crm:p5"]
    assert [(one["legacy_id"], one["id"]) for one in done["held"]] == [("demo:crm:new", stranger)]
    told = b2c_desk.ok(*REBUILD, "--execute", code=1).out
    assert "demo:crm:p0" in told
    assert "idferry find --id" in told
    after = b2c_desk.json("premigrate", "crm.jsonl", "--execute", code=1)
    assert (after["created"], after["states"]["failed"]) == (0, 2)
    assert {one["code"] for one in after["failures"]} == {"conflict", "conflict_undecided"}


def test_a_rebuilding_that_was_interrupted_goes_on(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", some_people(30))
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    lose_the_ledger(b2c_desk)
    emulator.faults({"operation": "users.list", "status": 403})
    assert b2c_desk.run(*REBUILD, "--execute").code == 3
    emulator.faults()
    assert b2c_desk.json("status")["states"] == {"planned": 30}
    done = b2c_desk.json(*REBUILD, "--execute")
    assert (done["complete"] + done["awaiting_password"], done["missing"]) == (30, 0)
    assert len({one["run"] for one in b2c_desk.json("status")["runs"]}) == 1
    assert b2c_desk.json("verify", "--source", "crm.jsonl")["differences"] == 0
