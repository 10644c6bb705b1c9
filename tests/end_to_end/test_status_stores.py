"""The reset status by the real command line: each store, filled by a premigration and read by the service."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from tests.support.azurite import running_azurite
from tests.support.emulator import Emulator
from tests.support.service_process import running_service

SECRET = "Not-a-real-secret-of-at-least-32-bytes"
STATUS = "/api/PrePasswordReset/LoalAccountSignIn"
UPDATED = "/api/PrePasswordReset/PasswordUpdated"
PEOPLE = [
    {"key": "1", "signInName": "ana@example.com", "displayName": "Ana"},
    {"key": "2", "signInName": "ben@example.com", "displayName": "Ben", "password": "Not-Real-Puffin-01"},
    {"key": "3", "signInName": "eve@example.com", "displayName": "Eve"},
]


@contextmanager
def store_settings(store: str, folder: Path) -> Iterator[str]:
    if store != "azure_table":
        yield f'status_store = "{store}"\n'
        return
    with running_azurite(folder) as connection:
        yield f'status_store = "azure_table"\nazure_table_connection = "{connection}"\n'


@pytest.mark.parametrize("store", ["ledger", "azure_table", "attribute"])
def test_a_premigration_fills_the_store_and_a_reset_empties_it(
    store: str, emulator: Emulator, tmp_path: Path
) -> None:
    tenant = emulator.tenant("b2c")
    (tmp_path / "azurite").mkdir()
    lines = [json.dumps(one) for one in PEOPLE]
    (tmp_path / "people.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(*arguments: str) -> None:
        command = [sys.executable, "-m", "idferry", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    with store_settings(store, tmp_path / "azurite") as lines_of_store:
        caller = (
            f'[[service.caller]]\nname = "policy"\nkind = "basic"\nuser = "policy"\nsecrets = ["{SECRET}"]\n'
        )
        trusted = 'trusted_proxies = ["127.0.0.1"]\n'
        settings = f"{tenant.settings}\n[service]\n{trusted}{lines_of_store}\n{caller}"
        (tmp_path / "idferry.toml").write_text(settings, encoding="utf-8")
        run("premigrate", "people.jsonl", "--execute")
        with (
            running_service(tmp_path) as service,
            httpx2.Client(auth=("policy", SECRET), trust_env=False) as http,
        ):

            def ask(name: str, path: str = STATUS) -> int:
                return http.post(f"{service.address}{path}", json={"email": name}).status_code

            names = ["Ana@example.com", "ben@example.com", "eve@example.com", "nobody@example.com"]
            assert [ask(name) for name in names] == [409, 200, 409, 200]
            assert ask("ana@example.com", UPDATED) == 200
            assert [ask(name) for name in names] == [200, 200, 409, 200]
            assert (
                http.post(f"{service.address}{STATUS}", json={}, auth=("policy", "wrong")).status_code == 401
            )
            # Where the store is the account itself, Ana's flag has fallen: somebody uses the account.
            used = ("--including-used", "1") if store == "attribute" else ()
            run("remove", "--source", "people", *used, "--execute")
            assert [ask(name) for name in names] == [200] * 4
