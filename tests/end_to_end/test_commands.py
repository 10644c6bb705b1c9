"""Every command of the table, its JSON keys and its exit codes, against the emulator over HTTPS, both tenant kinds."""

import json
import os
import tomllib
from typing import Any

import pytest
from tests.support.desk import COMPANY, PASSWORD, Desk, people
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp

from idferry.ledger.locking import run_lock

EXPECTED = json.loads((COMPANY / "expected.json").read_text(encoding="utf-8"))
SURVEY_KEYS = [
    "people",
    "create",
    "existing",
    "failed_before",
    "left_out",
    "refused",
    "refused_attributes",
    "notes",
    "passwords",
    "bad_records",
    "bad_records_count",
]
SENT_KEYS = ["created", "adopted", "failed", "unsettled"]
ADDED_KEYS = ["refused_passwords", "source_changes", "keys_not_found", "keys_not_found_count", "update"]
PREMIGRATE_KEYS = [*SURVEY_KEYS, "run", "states", "failures", *SENT_KEYS, *ADDED_KEYS]
LEDGER_KEYS = {
    "state",
    "code",
    "reason",
    "source",
    "key",
    "legacy_id",
    "object_id",
    "cohort",
    "created_by_run",
    "legacy_users",
    "created_at",
}
COUNTED = (
    "people",
    "create",
    "left_out",
    "refused",
    "refused_attributes",
    "notes",
    "passwords",
    "bad_records",
)


def planted(file: str, tenant_kind: str) -> dict[str, Any]:
    """What planning must find in a demo file; `external` says what differs there."""
    known = EXPECTED[file]
    return {**{name: known[name] for name in COUNTED}, **(known.get(tenant_kind) or {})}


def demo_source(desk: Desk, file: str) -> str:
    """A demo file as a source of the settings: CSV needs its columns."""
    expected = EXPECTED[file]
    path = desk.demo_file(file)
    if "columns" not in expected:
        return path.name
    columns = ", ".join(f"{json.dumps(name)} = {json.dumps(to)}" for name, to in expected["columns"].items())
    desk.write_settings(more=f'\n[sources.shop]\npath = "{path.name}"\ncolumns = {{ {columns} }}\n')
    return "shop"


# survey -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", list(EXPECTED))
def test_survey_counts_what_was_planted(desk: Desk, emulator: Emulator, file: str) -> None:
    document = desk.json("survey", demo_source(desk, file))
    assert list(document) == SURVEY_KEYS
    expected = planted(file, desk.tenant.kind)
    places = [{"line": bad["line"], "field": bad["field"]} for bad in document["bad_records"]]
    assert {**{name: document[name] for name in expected}, "bad_records": places} == expected
    for bad in document["bad_records"]:
        assert list(bad) == ["file", "line", "field", "reason"]
        assert bad["file"] == file
    assert document["bad_records_count"] == len(expected["bad_records"])
    assert emulator.counts()["received"] == {}, "a survey asks no directory"
    assert desk.ledger_files() == {}


def test_survey_needs_neither_tenant_nor_settings(b2c_desk: Desk) -> None:
    b2c_desk.demo_file("people.jsonl")
    b2c_desk.settings_file.unlink()
    assert b2c_desk.json("survey", "people.jsonl")["create"] == planted("people.jsonl", "b2c")["create"]
    text = b2c_desk.as_process("survey", "people.jsonl")
    assert text.code == 0
    assert "Nothing was changed" in text.out


# premigrate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", list(EXPECTED))
def test_a_plan_says_what_would_happen_and_changes_nothing(desk: Desk, emulator: Emulator, file: str) -> None:
    source = demo_source(desk, file)
    document = desk.json("premigrate", source)
    assert list(document) == PREMIGRATE_KEYS
    assert document["run"] is None
    assert document["create"] == planted(file, desk.tenant.kind)["create"]
    assert (document["states"], document["failures"]) == ({}, [])
    assert [document[name] for name in SENT_KEYS] == [0, 0, 0, 0]
    assert emulator.dump(desk.tenant) == []
    assert emulator.counts()["received"] == {}
    assert desk.ledger_files() == {}
    desk.ok("premigrate", source, "--execute")
    before = (emulator.dump(desk.tenant), desk.ledger_files())
    again = desk.json("premigrate", source)
    assert (again["create"], again["existing"]) == (0, planted(file, desk.tenant.kind)["create"])
    assert (emulator.dump(desk.tenant), desk.ledger_files()) == before


@pytest.mark.parametrize("file", list(EXPECTED))
def test_execute_creates_everybody_who_was_planned(desk: Desk, emulator: Emulator, file: str) -> None:
    expected = planted(file, desk.tenant.kind)
    document = desk.json("premigrate", demo_source(desk, file), "--execute")
    assert list(document) == PREMIGRATE_KEYS
    passwords = expected["passwords"]
    assert document["states"] == {
        name: count
        for name, count in {
            "awaiting_password": passwords["random"],
            "complete": passwords["known"] + passwords.get("none", 0),
            "left_out": sum(expected["left_out"].values()),
            "refused": sum(expected["refused"].values()),
        }.items()
        if count
    }
    assert [document[name] for name in SENT_KEYS] == [expected["create"], 0, 0, 0]
    accounts = emulator.dump(desk.tenant)
    assert len(accounts) == expected["create"]
    flags = [one.get(desk.tenant.extension("requiresMigration")) for one in accounts]
    assert flags.count(True) == passwords["random"]
    assert all(one[desk.tenant.extension("legacyId")].startswith("demo:") for one in accounts)


def test_known_passwords_open_the_accounts(desk: Desk, emulator: Emulator) -> None:
    desk.people("crm.jsonl", [*people(3), *people(2, prefix="blank", passwords=False)])
    document = desk.json("premigrate", "crm.jsonl", "--password", "known", "--execute")
    assert document["left_out"] == {"no_password": 2}
    assert document["states"] == {"complete": 3, "left_out": 2}
    for number in range(3):
        answer = emulator.sign_in(desk.tenant, f"p{number}@example.org", PASSWORD.format(number))
        assert answer["signed_in"], answer
    assert not emulator.sign_in(desk.tenant, "p0@example.org", PASSWORD.format(1))["signed_in"]


def test_random_passwords_raise_the_flag_and_open_nothing_known(desk: Desk, emulator: Emulator) -> None:
    desk.people("crm.jsonl", people(3))
    document = desk.json("premigrate", "crm.jsonl", "--password", "random", "--execute")
    assert document["passwords"] == {"random": 3}
    assert document["states"] == {"awaiting_password": 3}
    assert all(one[desk.tenant.extension("requiresMigration")] for one in emulator.dump(desk.tenant))
    assert not emulator.sign_in(desk.tenant, "p0@example.org", PASSWORD.format(0))["signed_in"]


def test_the_same_command_twice_creates_nobody_twice(desk: Desk, emulator: Emulator) -> None:
    desk.people("crm.jsonl", people(25))
    first = desk.json("premigrate", "crm.jsonl", "--execute")
    second = desk.json("premigrate", "crm.jsonl", "--execute")
    assert (second["create"], second["existing"]) == (0, 25)
    assert first["run"] != second["run"], "the first run had ended"
    assert second["states"] == {"complete": 25}
    assert len(emulator.dump(desk.tenant)) == 25


# narrow encodings ---------------------------------------------------------------------------------------------------

PAGES_WITH_NAMES = (
    ("survey", "crm.jsonl"),
    ("premigrate", "crm.jsonl", "--execute"),
    ("status",),
    ("find", "--sign-in-name", "olga@example.org"),
    ("find", "--sign-in-name", "olga@example.org", "--json"),
    ("person", "olga@example.org"),
)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_names_that_the_output_cannot_hold_are_escaped(b2c_desk: Desk, encoding: str) -> None:
    """A pipe on Windows takes one code page; what cannot be shown must end no command, least of all after its work."""
    names = [("Ω1", "olga@example.org"), ("Ω2", "OLGA@example.org"), ("3", "ana@example.org")]
    b2c_desk.people(
        "crm.jsonl", [{"key": key, "signInName": name, "displayName": "Όλγα"} for key, name in names]
    )
    shown = ""
    for page in PAGES_WITH_NAMES:
        ended = b2c_desk.as_process(
            *page, encoding=encoding, env={**os.environ, "PYTHONIOENCODING": encoding}
        )
        assert (ended.code, "error" in ended.err) == (0, False), ended.err
        shown += ended.out
    assert "\\u038c\\u03bb\\u03b3\\u03b1" in shown
    assert ("·" in shown) == (encoding == "cp1252")


# find and person --------------------------------------------------------------------------------------------------


NAMES = {
    "plus": "tomas+birds@example.com",
    "apostrophe": "siobhan.o'neill@example.org",
    "two apostrophes": "d''arcy@example.org",
    "signs": "a&b#c%20d@example.org",
    "letters": "Ольга@почта.example",
    "accents": "zoë.núñez@exämple.example",
}


@pytest.mark.parametrize("name", list(NAMES.values()), ids=list(NAMES))
def test_find_by_sign_in_name(desk: Desk, name: str) -> None:
    desk.people("crm.jsonl", [{"key": "x", "signInName": name, "displayName": "X"}, *people(2)])
    assert desk.json("premigrate", "crm.jsonl", "--execute")["create"] == 3
    for typed in (name, name.upper(), f" {name} "):
        document = desk.json("find", "--sign-in-name", typed)
        assert list(document) == ["accounts"]
        [account] = document["accounts"]
        assert name in [one["issuerAssignedId"] for one in account["identities"]]
        assert account["ledger"].keys() == LEDGER_KEYS
        assert (account["ledger"]["key"], account["ledger"]["object_id"]) == ("x", account["id"])
        assert account["ledger"]["state"] == "awaiting_password"


def test_find_by_display_name_and_by_id(desk: Desk, emulator: Emulator) -> None:
    desk.demo_file("people.jsonl")
    desk.ok("premigrate", "people.jsonl", "--execute")
    for name in ("李伟", "Siobhán O'Neill", "Þórunn Jónsdóttir"):
        [account] = desk.json("find", "--display-name", name)["accounts"]
        assert account["displayName"] == name
        [same] = desk.json("find", "--id", account["id"])["accounts"]
        assert same["identities"] == account["identities"]
    [stranger] = emulator.seed(desk.tenant, [desk.tenant.local_account("stranger@example.net")])
    [found] = desk.json("find", "--id", stranger)["accounts"]
    assert found["ledger"] is None
    assert "not created by this tool" in desk.ok("find", "--id", stranger).out


def test_find_writes_a_file_once(desk: Desk, emulator: Emulator) -> None:
    emulator.seed(desk.tenant, [desk.tenant.local_account("ann@example.net")])
    document = desk.json("find", "--sign-in-name", "ann@example.net", "--output", "found.json")
    written = desk.folder / "found.json"
    assert json.loads(written.read_text(encoding="utf-8")) == document
    before = written.read_bytes()
    refused = desk.ok("find", "--sign-in-name", "ann@example.net", "--output", "found.json", code=2)
    assert "exists already" in refused.err
    assert written.read_bytes() == before


def test_find_nobody(desk: Desk) -> None:
    assert desk.json("find", "--sign-in-name", "nobody@example.net", code=1) == {"accounts": []}
    assert desk.json("find", "--id", "00000000-0000-4000-8000-000000000001", code=1) == {"accounts": []}
    assert desk.ok("find", "--display-name", "Nobody", code=1).out.startswith("0 accounts")


def test_one_person_s_story(desk: Desk) -> None:
    desk.people("crm.jsonl", people(2))
    run = desk.json("premigrate", "crm.jsonl", "--execute")["run"]
    story = desk.json("person", "P1@Example.org")
    told = ["unlocked", "flag_raised", "reset_required"]
    assert list(story) == ["sign_in_name", "entry", "claimed_since", "events", "locks", *told, "accounts"]
    assert story["entry"].keys() == LEDGER_KEYS
    assert (story["entry"]["state"], story["entry"]["created_by_run"]) == ("complete", run)
    assert [event["kind"] for event in story["events"]] == ["sent", "created"]
    assert all(list(event) == ["at", "run", "kind", "code", "reason"] for event in story["events"])
    assert [one["id"] for one in story["accounts"]] == [story["entry"]["object_id"]]
    text = desk.ok("person", "p1@example.org").out
    assert "p1@example.org: complete" in text
    assert run in text
    nobody = desk.json("person", "nobody@example.org", code=1)
    assert (nobody["entry"], nobody["events"], nobody["accounts"]) == (None, [], [])


# status and verify ------------------------------------------------------------------------------------------------


def test_status_counts_states_and_groups_failures(desk: Desk, emulator: Emulator) -> None:
    emulator.seed(desk.tenant, [desk.tenant.local_account("p1@example.org")])
    desk.people("crm.jsonl", people(5))
    done = desk.json("premigrate", "crm.jsonl", "--execute", code=1)
    status = desk.json("status")
    figures = ["captures_refused", "claimed", "claims_overdue", "rate", "time_left_s"]
    assert list(status) == ["states", "failures", *figures, "runs", "exported"]
    assert status["states"] == done["states"] == {"complete": 4, "failed": 1}
    [failure] = status["failures"]
    assert list(failure) == ["code", "count", "remedy"]
    assert (failure["code"], failure["count"]) == ("conflict", 1)
    assert "--retry-failed" in failure["remedy"]
    assert done["failures"] == status["failures"]
    assert status["time_left_s"] is None
    [run] = status["runs"]
    assert list(run) == [
        "run",
        "command",
        "source",
        "cohort",
        "started_at",
        "ended_at",
        "place",
        "superseded_by",
    ]
    assert run["run"] == done["run"]
    assert run["ended_at"]
    before = desk.ledger_files()
    assert failure["remedy"].split()[0] in desk.ok("status").out
    assert desk.ledger_files() == before


def test_status_tells_a_rate_only_while_a_run_is_at_work(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(40))
    emulator.faults({"operation": "users.create", "status": 403, "item": True, "skip": 12})
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute", code=3)
    assert (b2c_desk.json("status")["rate"], b2c_desk.json("status")["time_left_s"]) == (0, None)
    assert "people per second" not in b2c_desk.ok("status").out
    with run_lock(b2c_desk.ledger):
        assert b2c_desk.json("status")["rate"] > 0
        assert b2c_desk.json("status")["time_left_s"] > 0
        assert "people per second" in b2c_desk.ok("status").out


VERIFY_KEYS = [
    "checked",
    "differences",
    "missing",
    "extra",
    "differing",
    "changed_by_person",
    "changes",
    "progressed",
    "foreign",
    "vanished",
    "claimed",
    "sweep",
]


def test_verify_is_content_right_after_an_import(desk: Desk, emulator: Emulator) -> None:
    emulator.seed(desk.tenant, [desk.tenant.local_account("stranger@example.net")])
    desk.demo_file("people.jsonl")
    desk.ok("premigrate", "people.jsonl", "--execute")
    document = desk.json("verify", "--source", "people.jsonl", "--strict")
    assert list(document) == VERIFY_KEYS
    created = planted("people.jsonl", desk.tenant.kind)["create"]
    assert (document["checked"], document["foreign"]) == (created + 1, 1)
    assert document["differences"] == 0
    assert [document[name] for name in ("missing", "extra", "differing", "changes")] == [[], [], [], []]
    assert "Nothing differs." in desk.ok("verify").out


def test_verify_tells_missing_extra_and_differing(desk: Desk, emulator: Emulator, graph: GraphHttp) -> None:
    desk.people("crm.jsonl", people(6))
    desk.ok("premigrate", "crm.jsonl", "--execute")
    ids = {one["displayName"]: one["id"] for one in emulator.dump(desk.tenant)}
    flag, legacy_id = desk.tenant.extension("requiresMigration"), desk.tenant.extension("legacyId")
    graph.delete(f"/users/{ids['Person p0']}")
    graph.patch(f"/users/{ids['Person p1']}", {flag: True})
    graph.create("spare@example.org", **{legacy_id: "demo:crm:nobody-knows"})
    document = desk.json("verify", code=1)
    [missing], [extra], [differing] = document["missing"], document["extra"], document["differing"]
    assert (missing["id"], missing["legacy_id"]) == (ids["Person p0"], "demo:crm:p0")
    assert list(missing) == ["id", "legacy_id", "reason"]
    assert (list(extra), extra["legacy_id"]) == (["id", "legacy_id"], "demo:crm:nobody-knows")
    assert differing == {
        "id": ids["Person p1"],
        "legacy_id": "demo:crm:p1",
        "attribute": "requiresMigration",
        "expected": False,
        "found": True,
    }
    assert document["differences"] == 3
    assert "3 differences." in desk.ok("verify", code=1).out


def test_what_people_changed_is_progress(desk: Desk, emulator: Emulator, graph: GraphHttp) -> None:
    desk.people("crm.jsonl", people(4, passwords=False))
    desk.ok("premigrate", "crm.jsonl", "--execute")
    [first, second, *_] = [one["id"] for one in emulator.dump(desk.tenant)]
    graph.patch(f"/users/{first}", {"displayName": "Married Name"})
    graph.patch(f"/users/{second}", {desk.tenant.extension("requiresMigration"): False})
    document = desk.json("verify")
    assert (document["differences"], document["changed_by_person"], document["progressed"]) == (0, 1, 1)
    [change] = document["changes"]
    assert (change["id"], change["attribute"], change["found"]) == (first, "displayName", "Married Name")
    assert desk.json("status")["states"] == {"awaiting_password": 3, "complete": 1}
    assert desk.json("verify", "--strict", code=1)["differing"] == [change]


# init and emulator ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["b2c", "external"])
def test_init_writes_settings_that_can_be_read_and_never_overwrites(b2c_desk: Desk, kind: str) -> None:
    b2c_desk.settings_file.unlink()
    b2c_desk.ok("init", "--tenant-kind", kind)
    written = b2c_desk.settings_file.read_text(encoding="utf-8")
    assert tomllib.loads(written)["tenant"]["kind"] == kind
    b2c_desk.demo_file("people.jsonl")
    assert b2c_desk.json("survey", "people.jsonl")["create"] == planted("people.jsonl", "b2c")["create"]
    assert "exists already" in b2c_desk.ok("init", code=2).err
    assert b2c_desk.settings_file.read_text(encoding="utf-8") == written


def test_the_emulator_says_how_to_use_it(process: Emulator) -> None:
    for tenant in process.tenants:
        settings = tomllib.loads(tenant.settings)
        assert settings["tenant"]["id"] == tenant.tenant_id
        assert settings["tenant"]["kind"] == tenant.kind
        assert settings["application"][0]["client_id"] == tenant.client_id
        assert tenant.graph_https.startswith("https://")
        assert tenant.graph_http.startswith("http://")
    assert [tenant.kind for tenant in process.tenants] == ["b2c", "external"]
    assert process.control_url.startswith("http://")
