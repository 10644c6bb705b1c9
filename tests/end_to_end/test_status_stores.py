"""The reset status by the real command line: each store, filled by a premigration and read by the service."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from azure.data.tables import TableServiceClient
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


def test_rows_that_a_removal_could_not_take_away_are_told_and_taken_away_by_the_same_command(
    emulator: Emulator, tmp_path: Path
) -> None:
    tenant = emulator.tenant("b2c")
    (tmp_path / "azurite").mkdir()
    lines = [json.dumps(one) for one in PEOPLE]
    (tmp_path / "people.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(*arguments: str) -> tuple[int, Any, str]:
        command = [sys.executable, "-m", "idferry", *arguments, "--json"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout), done.stderr

    def with_store(lines_of_store: str) -> None:
        settings = f"{tenant.settings}\n[service]\n{lines_of_store}\n"
        (tmp_path / "idferry.toml").write_text(settings, encoding="utf-8")

    def rows(connection_line: str) -> int:
        connection = connection_line.partition('azure_table_connection = "')[2].partition('"')[0]
        client = TableServiceClient.from_connection_string(connection)
        return len(list(client.get_table_client("users").list_entities()))

    remove = ("remove", "--source", "people", "--execute")
    with store_settings("azure_table", tmp_path / "azurite") as lines_of_store:
        with_store(lines_of_store)
        assert run("premigrate", "people.jsonl", "--execute")[0] == 0
        before = rows(lines_of_store)
        assert before >= 2
        with_store(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", lines_of_store))  # nobody answers there
        code, document, said = run(*remove)
        assert (code, document["removed"], document["status_complete"]) == (1, 3, False)
        assert "rows of removed people still stand" in said
        assert rows(lines_of_store) == before, "what was lost stands there until somebody takes it away"
        with_store(lines_of_store)
        code, document, said = run(*remove)
        assert (code, document["removed"], document["status_complete"]) == (0, 0, True)
        assert rows(lines_of_store) == 0
