"""Where settings come from, how the application proves itself, and what pre-flight asks of the tenant."""

import json
import re

from tests.support.certificates import self_signed
from tests.support.desk import Desk, environment, people
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp

MAY_CREATE_USERS_ONLY = ["User.ReadWrite.All", "Application.Read.All"]


def declared(graph: GraphHttp) -> set[str]:
    """The short names of the extension attributes that the tenant has."""
    tenant = graph.tenant
    answer = graph.get(f"/applications(appId='{tenant.extension_app_id}')/extensionProperties")
    return {one["name"].removeprefix(tenant.extension("")) for one in answer.json()["value"]}


# settings ---------------------------------------------------------------------------------------------------------


def test_settings_are_found_by_option_then_environment_then_folder(b2c_desk: Desk) -> None:
    desk = b2c_desk
    for name in ("named", "environment"):
        (desk.folder / name).mkdir()
        text = desk.settings_file.read_text(encoding="utf-8").replace('"demo"', f'"{name}"')
        (desk.folder / name / "idferry.toml").write_text(text, encoding="utf-8")
    desk.people("crm.jsonl", people(1))
    with environment(IDFERRY_SETTINGS=str(desk.folder / "environment" / "idferry.toml")):
        desk.ok("premigrate", "crm.jsonl", "--execute", "--settings", "named/idferry.toml")
        assert (desk.folder / "named" / "idferry.ledger").is_file(), "paths count from the settings file"
        assert not (desk.folder / "environment" / "idferry.ledger").exists()
        assert not desk.ledger.exists()
        [account] = desk.json("find", "--sign-in-name", "p0@example.org")["accounts"]
        assert account["ledger"] is None, "the settings of the environment have another ledger"
    assert desk.run("status").code == 2
    assert str(desk.ledger) in desk.run("status").err
    with environment(IDFERRY_SETTINGS=str(desk.folder / "nowhere.toml")):
        assert "no settings file at" in desk.ok("status", code=2).err


def test_a_named_source_of_the_settings(desk: Desk, emulator: Emulator) -> None:
    (desk.folder / "export").mkdir()
    desk.people("export/2026-11.jsonl", people(2))
    desk.write_settings(more='\n[sources.shop]\npath = "export/2026-11.jsonl"\n')
    desk.ok("premigrate", "shop", "--execute")
    legacy_ids = {one[desk.tenant.extension("legacyId")] for one in emulator.dump(desk.tenant)}
    assert legacy_ids == {"demo:shop:p0", "demo:shop:p1"}
    refused = desk.ok("premigrate", "shpo", "--execute", code=2)
    assert "Did you mean shop?" in refused.err


def test_a_certificate_in_place_of_a_secret(desk: Desk, emulator: Emulator) -> None:
    certificate = self_signed()
    tenant = desk.tenant
    emulator.application(tenant, client_id=tenant.client_id, certificates=[certificate.public_pem])
    desk.file("import.pem", certificate.pem)
    desk.write_settings()
    text = desk.settings_file.read_text(encoding="utf-8")
    desk.settings_file.write_text(re.sub(r"(?m)^secret = .*$", 'certificate = "file:import.pem"', text))
    desk.people("crm.jsonl", people(3))
    assert desk.json("premigrate", "crm.jsonl", "--execute")["states"] == {"complete": 3}
    assert desk.json("verify")["checked"] == 3


def test_a_secret_from_the_environment_and_from_a_file(desk: Desk) -> None:
    desk.write_settings(secret='"env:IDFERRY_TEST_SECRET"')
    with environment(IDFERRY_TEST_SECRET=desk.tenant.client_secret):
        assert desk.json("find", "--sign-in-name", "x@example.org", code=1) == {"accounts": []}
    desk.file("secret.txt", desk.tenant.client_secret + "\n")
    desk.write_settings(secret='"file:secret.txt"')
    assert desk.json("find", "--sign-in-name", "x@example.org", code=1) == {"accounts": []}


# pre-flight -------------------------------------------------------------------------------------------------------


def test_missing_attributes_are_created_by_preflight(desk: Desk, graph: GraphHttp) -> None:
    assert declared(graph) == set()
    values = {"loyaltyNumber": "L1", "points": 7, "newsletter": True}
    desk.people("crm.jsonl", [{"key": "x", "signInName": "x@example.org", "attributes": values}])
    ended = desk.ok("premigrate", "crm.jsonl", "--execute")
    assert "created the extension attribute legacyId" in ended.err
    assert declared(graph) == {"legacyId", "requiresMigration", "loyaltyNumber", "points", "newsletter"}
    assert "created the extension attribute" not in desk.ok("premigrate", "crm.jsonl", "--execute").err


def test_the_exact_call_is_printed_when_the_application_may_not(
    desk: Desk, emulator: Emulator, graph: GraphHttp
) -> None:
    """An administrator makes the calls as printed; then the same command finishes."""
    tenant = desk.tenant
    emulator.application(tenant, client_id=tenant.client_id, roles=MAY_CREATE_USERS_ONLY)
    administrator = emulator.application(tenant, display_name="administrator")
    graph.sign_in(client_id=administrator["client_id"], client_secret=administrator["client_secret"])
    desk.people("crm.jsonl", people(2))
    calls = 0
    while (ended := desk.run("premigrate", "crm.jsonl", "--execute", "--json")).code == 2:
        assert ended.error["code"] == "tenant_not_ready"
        call = re.search(r"POST (\S+) with the body (\{.*?\}) ", ended.error["remedy"])
        assert call, ended.error["remedy"]
        path = call[1].removeprefix(tenant.graph_https)
        answer = graph.post(path, json.loads(call[2]))
        assert answer.status_code == 201, answer.text
        calls += 1
        assert calls <= 2
        assert emulator.dump(tenant) == []
    assert (ended.code, calls) == (0, 2)
    assert ended.document["states"] == {"complete": 2}


def test_an_attribute_of_another_type_stops_before_the_first_account(
    desk: Desk, emulator: Emulator, graph: GraphHttp
) -> None:
    graph.declare("points", "String")
    desk.people("crm.jsonl", [{"key": "x", "signInName": "x@example.org", "attributes": {"points": 7}}])
    error = desk.ok("premigrate", "crm.jsonl", "--execute", "--json", code=2).error
    assert error["code"] == "tenant_not_ready"
    assert "points" in error["message"]
    assert emulator.dump(desk.tenant) == []
    desk.write_settings(more='\n[shape]\nattributes = { points = "pointsCollected" }\n')
    desk.ok("premigrate", "crm.jsonl", "--execute")
    [account] = emulator.dump(desk.tenant)
    assert account[desk.tenant.extension("pointsCollected")] == 7


def test_a_ledger_knows_its_tenant_and_its_project(b2c_desk: Desk, emulator: Emulator) -> None:
    desk = b2c_desk
    desk.people("crm.jsonl", people(2))
    desk.ok("premigrate", "crm.jsonl", "--execute")
    before = desk.ledger_files()
    desk.write_settings(project='"another"')
    for command in (["status"], ["premigrate", "crm.jsonl"], ["premigrate", "crm.jsonl", "--execute"]):
        error = desk.ok(*command, "--json", code=2).error
        assert error["code"] == "ledger_foreign"
        assert "project demo" in error["message"]
    stranger = Desk(desk.folder, emulator.tenant("external"))
    error = stranger.ok("premigrate", "crm.jsonl", "--execute", "--json", code=2).error
    assert error["code"] == "ledger_foreign"
    assert desk.tenant.tenant_id in error["message"]
    assert emulator.dump(stranger.tenant) == []
    assert desk.ledger_files() == before
    desk.write_settings()
    assert desk.json("status")["states"] == {"complete": 2}
