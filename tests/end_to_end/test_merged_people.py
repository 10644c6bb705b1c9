"""Somebody whom two legacy systems know signs in with the password of either, through the service and the ledger's file."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import httpx2
import pytest
from tests.support.any_ledger import merge
from tests.support.desk import Desk
from tests.support.emulator import Emulator
from tests.support.scripted_server import Piece, Script, Seen, answer, scripted_server
from tests.support.service_process import running_service

from idferry.rules.legacy_user import LegacyUserKey
from idferry.settings import read_settings
from idferry.wiring import clock_of, ledger_of

SECRET = "Not-a-real-secret-of-at-least-32-bytes"
ANA, BEN = "ana@example.com", "ben@example.com"
OF_SHOP, OF_WEB = "Shop-Password-1", "Web-Password-2"
WEB = LegacyUserKey("web", "w-7", ("ana.web@example.com",))
SERVICE = f"""
[service]
mode = "B"
trusted_proxies = ["127.0.0.1"]

[[service.caller]]
name = "policy"
kind = "basic"
user = "policy"
secrets = ["{SECRET}"]
"""
VERIFIER = """
[[verifier]]
name = "{source}"
kind = "web_service"
url = "{url}/check"
sources = ["{source}"]
legacy_lockout = {{ threshold = 1000, window_seconds = 60 }}
"""


def knows(passwords: dict[str, str]) -> Script:
    """A legacy system with these people."""

    def says(seen: Seen) -> Sequence[Piece]:
        asked = seen.json
        right = passwords.get(asked["identifier"]) == asked["password"]
        return answer(200, {"status": "password_match"}) if right else answer(403)

    return says


@pytest.mark.parametrize("password", [OF_SHOP, OF_WEB])
def test_the_password_of_either_system_is_taken_over(
    b2c_desk: Desk, emulator: Emulator, password: str
) -> None:
    desk = b2c_desk
    people = [{"key": str(one), "signInName": name} for one, name in enumerate((ANA, BEN))]
    desk.people("shop.jsonl", people)
    with (
        scripted_server(knows({ANA: OF_SHOP, BEN: OF_SHOP})) as shop,
        scripted_server(knows({WEB.sign_in_names[0]: OF_WEB, ANA: "Somebody-Elses-3"})) as web,
    ):
        verifiers = VERIFIER.format(source="shop", url=shop.url) + VERIFIER.format(source="web", url=web.url)
        desk.write_settings(more=SERVICE + verifiers)
        desk.ok("premigrate", "shop.jsonl", "--execute")
        settings = read_settings(desk.settings_file)
        with ledger_of(settings, clock_of(settings)) as ledger:
            merge(ledger, "0", WEB)
        with (
            running_service(desk.folder) as service,
            httpx2.Client(auth=("policy", SECRET), trust_env=False, timeout=30) as http,
        ):

            def sign_in(name: str, typed: str) -> Any:
                body = {"signInName": name, "password": typed, "ipAddress": "203.0.113.9"}
                return http.post(f"{service.address}/api/migration/sign-in", json=body)

            assert sign_in(ANA, "Somebody-Elses-3").status_code == 409, (
                "the other system's ana is somebody else"
            )
            assert sign_in(ANA, password).status_code == 200
            asked = (len(shop.seen), len(web.seen))
            assert asked == ((2, 1) if password == OF_SHOP else (2, 2)), (
                "in their order, and no further than needed"
            )
            assert emulator.sign_in(desk.tenant, ANA, password)["signed_in"] is True
            assert sign_in(BEN, OF_WEB).status_code == 409
            assert len(web.seen) == asked[1], "nobody else is asked about there"
    entry = desk.json("person", ANA)["entry"]
    assert entry["state"] == "complete"
    assert entry["legacy_users"] == [{"source": "shop", "key": "0"}, {"source": "web", "key": "w-7"}]
    assert "web, key w-7" in desk.ok("person", ANA).out


def test_a_ledger_of_an_older_release_is_brought_up_to_date_when_the_service_starts(
    b2c_desk: Desk, emulator: Emulator
) -> None:
    desk = b2c_desk
    desk.people("shop.jsonl", [{"key": "1", "signInName": ANA}])
    with scripted_server(knows({ANA: OF_SHOP})) as shop:
        desk.write_settings(more=SERVICE + VERIFIER.format(source="shop", url=shop.url))
        desk.ok("premigrate", "shop.jsonl", "--execute")
        with closing(sqlite3.connect(desk.ledger)) as older:
            older.execute("DROP INDEX legacy_user_further")
            for column in ("rank", "sign_in_names"):
                older.execute(f"ALTER TABLE legacy_user DROP COLUMN {column}")
            older.execute("PRAGMA user_version = 3")
            older.commit()
        with (
            running_service(desk.folder) as service,
            httpx2.Client(auth=("policy", SECRET), trust_env=False, timeout=30) as http,
        ):
            body = {"signInName": ANA, "password": OF_SHOP}
            answered = http.post(f"{service.address}/api/migration/sign-in", json=body)
            assert answered.status_code == 200, answered.text
    assert emulator.sign_in(desk.tenant, ANA, OF_SHOP)["signed_in"] is True
