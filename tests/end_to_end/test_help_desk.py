"""The help desk on the command line: one thing at a time, for a reason, and nothing without --execute."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.azurite import connection_string
from tests.support.emulator import EmulatedTenant, Emulator, running_emulator

NAME = "ana@example.com"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator() as running:
        yield running


def run(folder: Path, *arguments: str) -> tuple[int, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "idferry", *arguments, "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def flag_of(emulator: Emulator, tenant: EmulatedTenant) -> Any:
    return emulator.dump(tenant)[0].get(tenant.extension("requiresMigration"))


def test_a_person_is_helped_for_a_reason(emulator: Emulator, tmp_path: Path) -> None:
    tenant = emulator.tenant("b2c")
    (tmp_path / "idferry.toml").write_text(tenant.settings, encoding="utf-8")
    record = {"key": "1", "signInName": NAME, "displayName": "Ana", "password": "Sunny-Meadow-1"}
    (tmp_path / "people.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert run(tmp_path, "premigrate", "people.jsonl", "--execute")[0] == 0
    why = ("--reason", "ticket 4711")
    for wrong in (["--raise-flag"], ["--raise-flag", "--unlock", *why], list(why)):
        assert run(tmp_path, "person", NAME, *wrong)[0] == 2, wrong
    _, story = run(tmp_path, "person", NAME, "--raise-flag", *why)
    assert (story["flag_raised"], flag_of(emulator, tenant)) == (False, None), "a dry run changes nothing"
    code, story = run(tmp_path, "person", NAME, "--raise-flag", *why, "--execute")
    assert (code, story["flag_raised"], flag_of(emulator, tenant)) == (0, True, True)
    assert story["entry"]["state"] == "awaiting_password"
    assert ("flag_raised", "ticket 4711") in [(one["kind"], one["reason"]) for one in story["events"]]
    code, story = run(tmp_path, "person", NAME, "--require-reset", *why, "--execute")
    assert (code, story["reset_required"], story["flag_raised"]) == (0, True, False)
    assert not emulator.sign_in(tenant, NAME, "Sunny-Meadow-1")["signed_in"]
    assert flag_of(emulator, tenant) is True, "no verifier: the reset status says who must reset"


def test_a_reset_that_the_azure_table_did_not_hear_of_is_told(emulator: Emulator, tmp_path: Path) -> None:
    tenant = emulator.tenant("b2c")
    settings = tmp_path / "idferry.toml"
    settings.write_text(tenant.settings, encoding="utf-8")
    record = {"key": "1", "signInName": NAME, "displayName": "Ana", "password": "Sunny-Meadow-1"}
    (tmp_path / "people.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    assert run(tmp_path, "premigrate", "people.jsonl", "--execute")[0] == 0
    nobody = re.sub(r":\d+/", ":1/", connection_string(10_002))
    table = f'\n[service]\nstatus_store = "azure_table"\nazure_table_connection = "{nobody}"\n'
    settings.write_text(tenant.settings + table, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "idferry", "person", NAME, "--require-reset", "--reason", "x", "--execute"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The Azure Table gave no answer" in " ".join(done.stderr.split())
