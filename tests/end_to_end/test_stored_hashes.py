"""Password hashes on their way: from an export into the store, asked at the command line, deleted with their people."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.desk import Desk
from tests.support.emulator import Emulator
from tests.support.graph_http import GraphHttp

from idferry.rules.password import Password

BCRYPT = "$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu"
KEY = "a key of the operator, of thirty-two characters"
SETTINGS = f"""
[hashes]
key = "{KEY}"
[sources.shop]
path = "shop.jsonl"
hash = {{ scheme = "md5", template = "{{PASSWORD}}{{SALT}}" }}
exported_at = "2026-01-02T00:00:00Z"
[[verifier]]
name = "old"
kind = "hashes"
legacy_frozen_at = "2026-01-01T00:00:00Z"
"""
PEOPLE = [
    {"key": "1", "signInName": "ana@example.com", "passwordHash": BCRYPT},
    {
        "key": "2",
        "signInName": "ben@example.com",
        "passwordHash": "01dfae6e5d4d90d9892622325959afbe",
        "passwordSalt": "7050461",
    },
    {"key": "3", "signInName": "cay@example.com", "password": "Not-Real-Puffin-03", "passwordHash": BCRYPT},
    {"key": "4", "signInName": "ana@example.com", "passwordHash": BCRYPT},
    {"key": "5", "signInName": "eli@example.com", "passwordHash": BCRYPT[:-1]},
]


@pytest.fixture
def shop(b2c_desk: Desk) -> Desk:
    b2c_desk.write_settings(more=SETTINGS)
    b2c_desk.people("shop.jsonl", PEOPLE)
    return b2c_desk


def asked(desk: Desk, key: str, password: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the verifier says to this password of the person with this key."""
    monkeypatch.setattr("idferry.cli.verifier.typed_password", lambda: Password(password))
    return str(
        desk.run(
            "verifier", "check", "old", "x@example.com", "--source", "shop", "--key", key, "--json"
        ).document["code"]
    )


def test_premigrate_takes_hashes_and_deletes_those_that_nobody_needs(
    shop: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = shop.run("premigrate", "shop", "--execute")
    assert ended.code == 0, ended.err
    assert "4 password hashes taken, 1 cannot be checked" in ended.err
    assert "2 password hashes deleted" in ended.err, "one has a password, one is left out"
    answers = {key: asked(shop, key, "test", monkeypatch) for key in "12345"}
    assert answers == {"1": "match", "2": "mismatch", "3": "no_hash", "4": "no_hash", "5": "no_hash"}
    assert asked(shop, "2", "hashcat", monkeypatch) == "match"
    store = shop.folder / "idferry.hashes"
    content = store.read_bytes()
    assert BCRYPT.encode() not in content
    assert KEY.encode() not in content
    if sys.platform != "win32":
        assert stat.S_IMODE(store.stat().st_mode) == 0o600


def test_verify_deletes_the_hash_of_whoever_has_a_password_meanwhile(
    shop: Desk, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shop.run("premigrate", "shop", "--execute").code == 0
    name, flag = shop.tenant.extension("legacyId"), shop.tenant.extension("requiresMigration")
    [ana] = [one for one in emulator.dump(shop.tenant) if str(one.get(name)).endswith(":1")]
    client = GraphHttp(shop.tenant)
    assert client.patch(f"/users/{ana['id']}", {flag: False}).status_code == 204
    client.close()
    assert shop.run("verify").code == 0
    assert asked(shop, "1", "test", monkeypatch) == "no_hash"
    assert asked(shop, "2", "hashcat", monkeypatch) == "match"


def test_a_sweep_deletes_the_hash_of_whoever_has_chosen_a_password(
    shop: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run("premigrate", "shop", "--execute")
    graph = GraphHttp(shop.tenant)
    account = graph.find(
        f"identities/any(c:c/issuerAssignedId eq 'ana@example.com' and c/issuer eq '{shop.tenant.domain}')"
    )[0]["id"]
    assert (
        graph.patch(f"/users/{account}", {shop.tenant.extension("requiresMigration"): False}).status_code
        == 204
    )
    graph.close()
    assert shop.run("sweep").code == 0
    assert asked(shop, "1", "test", monkeypatch) == "match", "a dry run deletes nothing"
    assert "1 password hashes deleted" in shop.run("sweep", "--execute").err
    assert asked(shop, "1", "test", monkeypatch) == "no_hash"


def test_removed_and_vanished_people_lose_their_hash(shop: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.run("premigrate", "shop", "--execute").code == 0
    shop.people("shop.jsonl", [one for one in PEOPLE if one["key"] != "2"])
    assert shop.run("premigrate", "shop", "--update", "--execute").code == 0
    assert asked(shop, "2", "hashcat", monkeypatch) == "no_hash"
    assert asked(shop, "1", "test", monkeypatch) == "match"
    assert shop.run("remove", "--source", "shop", "--execute").code == 0
    assert asked(shop, "1", "test", monkeypatch) == "no_hash"


def test_loading_is_a_dry_run_first_and_can_be_undone(shop: Desk) -> None:
    ended = shop.run("hash", "load", "shop", "--json")
    assert (ended.code, ended.document["taken"], ended.document["executed"]) == (1, 4, False)
    assert not (shop.folder / "idferry.hashes").exists()
    assert shop.run("hash", "load", "shop", "--execute", "--json").document["taken"] == 4
    assert shop.run("hash", "destroy", "--json").document == {"hashes": 4, "destroyed": False}
    assert shop.run("hash", "destroy", "--execute", "--json").document == {"hashes": 4, "destroyed": True}
    assert not (shop.folder / "idferry.hashes").exists()
    assert "no hash store" in shop.run("hash", "destroy").out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((f'key = "{KEY}"', 'key = ""'), "hashes.key is missing"),
        ((f'key = "{KEY}"', 'key = "short"'), "32 characters"),
        ((f'key = "{KEY}"', 'key = "env:NOT_SET_ANYWHERE"'), "NOT_SET_ANYWHERE"),
        (('scheme = "md5"', 'shceme = "md5"'), "shceme"),
        (('exported_at = "2026-01-02T00:00:00Z"', 'exported_at = "2026-01-02"'), "time zone"),
        (('exported_at = "2026-01-02T00:00:00Z"', 'exported_at = "yesterday"'), "no moment"),
        (('path = "shop.jsonl"', 'path = "idferry.toml"'), ""),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_written(
    shop: Desk, change: tuple[str, str], words: str
) -> None:
    shop.write_settings(more=SETTINGS.replace(*change))
    ended = shop.run("hash", "load", "shop", "--execute")
    assert ended.code != 0
    assert words in ended.err
    assert not (shop.folder / "idferry.hashes").exists() or words in ("time zone", "no moment", "shceme", "")


def test_a_password_is_asked_for_and_never_an_argument(tmp_path: Path) -> None:
    rows = [{"hash": "8743b52063cd84097a65d1633f5c74f5"}]
    (tmp_path / "rows.jsonl").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "idferry", "hash", "prove", "rows.jsonl", "--json"]
    done = subprocess.run(
        command, cwd=tmp_path, input="hashcat\n", capture_output=True, text=True, check=False, env=os.environ
    )
    assert json.loads(done.stdout)["descriptor"] == {"scheme": "md5"}
    assert "hashcat" not in done.stdout + done.stderr
    empty = subprocess.run(command, cwd=tmp_path, input="", capture_output=True, text=True, check=False)
    assert empty.returncode == 2
