"""A later export over the real command line: what changed comes in, what people set themselves stays."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.desk import PASSWORD, Desk, people
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp

PEOPLE = 40
UPDATE = ("premigrate", "crm.jsonl", "--update")
NEVER_CHANGED = ("identities", "userPrincipalName", "accountEnabled", "passwordPolicies", "createdDateTime")


def export(desk: Desk, records: list[dict[str, Any]]) -> Path:
    return desk.people("crm.jsonl", records)


def some_people(count: int = PEOPLE) -> list[dict[str, Any]]:
    """Half of them with a known password, half awaiting theirs."""
    records = [dict(one) for one in people(count)]
    for number, record in enumerate(records):
        record["attributes"] = {"city": "Oslo", "tier": "gold"}
        if number % 2:
            del record["password"]
    return records


def by_key(emulator: Emulator, tenant: EmulatedTenant) -> dict[str, dict[str, Any]]:
    name = tenant.extension("legacyId")
    return {one[name].rpartition(":")[2]: one for one in emulator.dump(tenant) if name in one}


def set_city(graph: GraphHttp, account: dict[str, Any], city: str | None) -> None:
    answer = graph.patch(f"/users/{account['id']}", {"city": city})
    assert answer.status_code == 204, answer.text


def test_ten_change_in_the_directory_ten_in_the_source_five_in_both(
    desk: Desk, emulator: Emulator, graph: GraphHttp
) -> None:
    """DECISIONS 18, word for word."""
    tenant, records = desk.tenant, some_people()
    export(desk, records)
    desk.ok("premigrate", "crm.jsonl", "--execute")
    for number in range(10):
        set_city(graph, by_key(emulator, tenant)[f"p{number}"], "Mine")
    for number in range(5, 15):
        records[number]["attributes"]["city"] = "Turku"
    export(desk, records)
    before = by_key(emulator, tenant)

    files = desk.ledger_files()
    plan = desk.json(*UPDATE)["update"]
    assert (plan["to_update"], plan["updated"], plan["changed_by_person_count"]) == (5, 0, 5)
    assert [(one["attribute"], one["before"], one["after"]) for one in plan["changes"]] == [
        ("city", "Oslo", "Turku")
    ] * 5
    assert (by_key(emulator, tenant), desk.ledger_files()) == (before, files)

    for updated in (5, 0):
        done = desk.json(*UPDATE, "--execute")
        update = done["update"]
        assert (done["created"], done["failed"]) == (0, 0)
        assert (update["updated"], update["failed"]) == (updated, 0)
        assert update["changed_by_person_count"] == len(update["changed_by_person"]) == 5
        assert {tuple(one["attributes"]) for one in update["changed_by_person"]} == {("city",)}

    after = by_key(emulator, tenant)
    assert [after[f"p{number}"]["city"] for number in range(PEOPLE)] == (
        ["Mine"] * 10 + ["Turku"] * 5 + ["Oslo"] * 25
    )
    flag = tenant.extension("requiresMigration")
    for key, account in after.items():
        for name in (*NEVER_CHANGED, flag, "lastPasswordChangeDateTime"):
            assert account.get(name) == before[key].get(name), (key, name)
    for number in range(0, PEOPLE, 2):
        signed_in = emulator.sign_in(tenant, f"p{number}@example.org", PASSWORD.format(number))
        assert signed_in["signed_in"]
    verified = desk.json("verify", "--source", "crm.jsonl")
    assert (verified["differences"], verified["changed_by_person"]) == (0, 10)


def test_new_people_are_created_and_new_attributes_declared(b2c_desk: Desk, emulator: Emulator) -> None:
    records = some_people(4)
    export(b2c_desk, records)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    records[0]["attributes"]["points"] = 7
    del records[1]["attributes"]["tier"]
    records.append({"key": "new", "signInName": "new@example.org", "displayName": "New"})
    export(b2c_desk, records)
    done = b2c_desk.json(*UPDATE, "--execute")
    assert (done["created"], done["update"]["updated"], done["update"]["people"]) == (1, 2, 4)
    found = by_key(emulator, b2c_desk.tenant)
    assert found["p0"][b2c_desk.tenant.extension("points")] == 7
    assert b2c_desk.tenant.extension("tier") not in found["p1"]
    assert b2c_desk.json("verify", "--source", "crm.jsonl")["differences"] == 0


def test_the_first_export_may_come_as_an_update_already(b2c_desk: Desk, emulator: Emulator) -> None:
    export(b2c_desk, some_people(4))
    assert b2c_desk.json(*UPDATE)["update"] is None
    done = b2c_desk.json(*UPDATE, "--execute")
    assert (done["created"], done["update"]) == (4, None)


def test_people_who_left_are_listed_disabled_or_removed(b2c_desk: Desk, emulator: Emulator) -> None:
    records = some_people(6)
    export(b2c_desk, records)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    records[0]["accountEnabled"] = False
    export(b2c_desk, records[:5])
    listed = b2c_desk.json(*UPDATE, "--execute")["update"]
    assert [one["legacy_id"] for one in listed["vanished"]] == ["demo:crm:p5"]
    assert [one["legacy_id"] for one in listed["barred"]] == ["demo:crm:p0"]
    assert all(one["accountEnabled"] for one in emulator.dump(b2c_desk.tenant))
    options = ("--vanished", "disable", "--barred", "disable")
    plan = b2c_desk.json(*UPDATE, *options)["update"]
    assert (plan["to_disable_or_remove"], plan["disabled"]) == (2, 0)
    done = b2c_desk.json(*UPDATE, *options, "--execute")["update"]
    assert (done["disabled"], done["failed"]) == (2, 0)
    found = by_key(emulator, b2c_desk.tenant)
    assert {key for key, one in found.items() if not one["accountEnabled"]} == {"p0", "p5"}
    verified = b2c_desk.json("verify", "--source", "crm.jsonl")
    assert (verified["differences"], verified["changed_by_person"], verified["vanished"]) == (0, 0, 1)
    records[0]["accountEnabled"] = True
    export(b2c_desk, records)
    back = b2c_desk.json(*UPDATE, *options, "--execute")["update"]
    assert {one["legacy_id"] for one in back["returned"]} == {"demo:crm:p0", "demo:crm:p5"}
    assert back["disabled"] == 0
    export(b2c_desk, records[:4])
    told = b2c_desk.json("person", "p5@example.org")
    assert [one["kind"] for one in told["events"]][-2:] == ["disable_sent", "disabled"]
    gone = b2c_desk.json(*UPDATE, "--vanished", "remove", "--execute")["update"]
    assert (gone["removed"], gone["kept"]) == (2, {})
    assert set(by_key(emulator, b2c_desk.tenant)) == {"p0", "p1", "p2", "p3"}


def test_a_truncated_export_disables_nobody_unless_the_number_is_named(
    b2c_desk: Desk, emulator: Emulator
) -> None:
    records = some_people(60)
    export(b2c_desk, records)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    records[0]["attributes"]["city"] = "Turku"
    records[30] = {"key": "new", "signInName": "new@example.org", "displayName": "New"}
    export(b2c_desk, records[:31])
    before = emulator.dump(b2c_desk.tenant)
    refused = b2c_desk.run(*UPDATE, "--vanished", "disable", "--execute")
    assert refused.code == 2
    assert "30 of 60 people" in refused.err
    assert "--vanished-count 30" in refused.err
    assert emulator.dump(b2c_desk.tenant) == before, "nobody was even created"
    done = b2c_desk.json(*UPDATE, "--vanished", "disable", "--vanished-count", 30, "--execute")
    assert (done["created"], done["update"]["disabled"], done["update"]["updated"]) == (1, 30, 1)


@pytest.mark.parametrize(
    "options",
    [("--vanished", "disable"), ("--barred", "disable"), ("--vanished-count", "3"), ("--cleared-count", "3")],
)
def test_options_of_an_update_need_it(b2c_desk: Desk, options: tuple[str, ...]) -> None:
    export(b2c_desk, some_people(1))
    refused = b2c_desk.run("premigrate", "crm.jsonl", *options)
    assert (refused.code, "--update" in refused.err) == (2, True)


def test_a_pilot_cannot_miss_anybody(b2c_desk: Desk) -> None:
    export(b2c_desk, some_people(4))
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    pilot = b2c_desk.json(*UPDATE, "--only", "key=p1")["update"]
    assert (pilot["in_source"], pilot["vanished"]) == (1, [])
    assert b2c_desk.run(*UPDATE, "--limit", 1, "--vanished", "remove").code == 2


def test_what_is_told_to_people(desk: Desk, emulator: Emulator, graph: GraphHttp) -> None:
    records = some_people(6)
    export(desk, records)
    desk.ok("premigrate", "crm.jsonl", "--execute")
    for number in (0, 1):
        records[number]["attributes"]["city"] = "Turku"
    set_city(graph, by_key(emulator, desk.tenant)["p1"], "Mine")
    records[2]["signInName"] = "other@example.org"
    export(desk, records[:5])
    plan = desk.ok(*UPDATE).out
    assert "'Oslo' -> 'Turku'" in plan
    assert "demo:crm:p0" in plan
    done = " ".join(desk.ok(*UPDATE, "--execute").out.split())
    for told in ("updated 1", "changed by person 1", "vanished 1", "never changes a sign-in name"):
        assert told in done
    assert "Mine" not in done, "what a person has set is nobody's business"


def test_a_refused_value_is_told_and_tried_again(b2c_desk: Desk, emulator: Emulator) -> None:
    records = some_people(4)
    export(b2c_desk, records)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    for record in records:
        record["attributes"]["city"] = "Turku"
    export(b2c_desk, records)
    emulator.faults({"operation": "users.patch", "status": 400, "count": 1, "item": True})
    failed = b2c_desk.json(*UPDATE, "--execute", code=1)["update"]
    assert (failed["updated"], failed["failed"]) == (3, 1)
    assert b2c_desk.json("verify", "--source", "crm.jsonl", code=1)["differences"] == 1
    assert b2c_desk.json(*UPDATE, "--execute")["update"]["updated"] == 1
    assert b2c_desk.json("verify", "--source", "crm.jsonl")["differences"] == 0


def test_a_permission_that_was_revoked_ends_it_with_a_sentence(b2c_desk: Desk, emulator: Emulator) -> None:
    records = some_people(4)
    export(b2c_desk, records)
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    records[0]["attributes"]["city"] = "Turku"
    export(b2c_desk, records)
    emulator.faults({"operation": "users.patch", "status": 403, "item": True})
    ended = b2c_desk.run(*UPDATE, "--execute", "--json")
    assert (ended.code, json.loads(ended.out)["error"]["code"]) == (3, "forbidden")
    emulator.faults()
    assert b2c_desk.json(*UPDATE, "--execute")["update"]["updated"] == 1
