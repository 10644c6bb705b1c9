"""Several app registrations in one settings file: all of them send, and pre-flight names the one that cannot."""

import pytest
from tests.support.desk import Desk, people
from tests.support.emulator import Emulator

READERS_ONLY = ["User.Read.All"]


@pytest.fixture
def clients(b2c_desk: Desk, emulator: Emulator) -> list[str]:
    """The client ids; the settings name all three, the emulator's own first."""
    desk, ids, more = b2c_desk, [b2c_desk.tenant.client_id], ""
    for name in ("second", "third"):
        made = emulator.application(desk.tenant, display_name=name)
        ids.append(made["client_id"])
        more += f'\n[[application]]\nname = "{name}"\nuse = "import"\n'
        more += f'client_id = "{made["client_id"]}"\nsecret = "{made["client_secret"]}"\n'
    desk.write_settings(more=more)
    desk.people("crm.jsonl", people(150))
    return ids


def test_all_of_them_send_and_the_ledger_sees_one_run(
    b2c_desk: Desk, clients: list[str], emulator: Emulator
) -> None:
    desk = b2c_desk
    # Nobody gets far alone: 60 writes at once, and the next ones only after minutes.
    emulator.throttle(profile="published", limits={"app_writes": (60, 3600.0)})
    report = desk.json("premigrate", "crm.jsonl", "--execute")
    assert report["created"] == 150
    assert len(emulator.dump(desk.tenant)) == 150
    assert len(desk.json("status")["runs"]) == 1
    assert desk.json("verify")["differences"] == 0
    assert len(clients) == 3


def test_one_that_may_not_create_is_named_before_anything_is_done(
    b2c_desk: Desk, clients: list[str], emulator: Emulator
) -> None:
    emulator.application(b2c_desk.tenant, client_id=clients[2], roles=READERS_ONLY)
    ended = b2c_desk.run("premigrate", "crm.jsonl", "--execute", "--json")
    assert (ended.code, ended.error["code"]) == (3, "forbidden")
    assert "application third may not create users" in ended.error["message"]
    assert emulator.dump(b2c_desk.tenant) == []


def test_one_whose_secret_has_expired_is_named_before_anything_is_done(
    b2c_desk: Desk, clients: list[str], emulator: Emulator
) -> None:
    emulator.application(b2c_desk.tenant, client_id=clients[1], secret_expired=True)
    ended = b2c_desk.run("premigrate", "crm.jsonl", "--execute", "--json")
    assert (ended.code, ended.error["code"]) == (2, "token_refused")
    assert "application second: no access token: the client secret has expired" in ended.error["message"]
    assert emulator.dump(b2c_desk.tenant) == []
