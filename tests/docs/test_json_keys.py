"""The keys that `--json` prints are the keys that the page documents: the commands run, and both sets are compared."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.docs.json_page import DOCUMENTS, ERROR
from tests.support.any_guard import guess_at
from tests.support.emulator import EmulatedTenant, Emulator, running_emulator
from tests.support.tls_files import Authority

from idferry.rules.submission import key_of_person

PEOPLE = [
    {"key": "1", "signInName": "ana@example.com", "displayName": "Ana", "password": "Not-Real-Puffin-01"},
    {"key": "2", "signInName": "ben@example.com", "attributes": {"notes": "4111 1111 1111 1111"}},
    {"key": "3", "signInName": "ANA@example.com", "displayName": "Ana again"},
    {"key": "4", "displayName": "Nobody"},
    {"key": "5", "signInName": "taken@example.com", "displayName": "Somebody else has the name"},
    {"key": "6", "signInName": "eve@example.com", "displayName": "Eve", "attributes": {"city": "Porto"}},
    {"key": "7", "signInName": "fay@example.com", "displayName": "Fay"},
    {"key": "9", "signInName": "ida@example.com", "displayName": "Ida", "password": "Not-Real-Banned-02"},
    {"signInName": "a record without key"},
]


@dataclass
class Project:
    """A folder with settings and an export, and the emulated tenant behind them."""

    folder: Path
    emulator: Emulator
    tenant: EmulatedTenant

    def run(self, *arguments: str) -> Any:
        """The document that a command prints."""
        command = [sys.executable, "-m", "idferry", *arguments, "--json"]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.stdout.count("\n") == 1, f"{arguments}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def graph(self, method: str, path: str, body: Any = None) -> None:
        """Change something behind the tool's back."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.client_secret,
            "scope": "https://graph.microsoft.com/.default",
        }
        with httpx2.Client(base_url=self.tenant.graph_http, trust_env=False) as http:
            token = http.post(self.tenant.token_path, data=form).json()["access_token"]
            answer = http.request(
                method, f"/v1.0{path}", json=body, headers={"Authorization": f"Bearer {token}"}
            )
            assert answer.is_success, answer.text


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Any]]]:
    """What each command prints, in a story that leaves no list empty."""
    with running_emulator(tenant_kind="b2c") as emulator:
        folder = tmp_path_factory.mktemp("project")
        tenant = emulator.tenant("b2c")
        (folder / "idferry.toml").write_text(tenant.settings, encoding="utf-8")
        lines = [json.dumps(one) for one in PEOPLE]
        (folder / "people.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        emulator.options(tenant, banned_words=["banned"])
        emulator.seed(tenant, [tenant.local_account("taken@example.com")])
        yield _story(Project(folder, emulator, tenant))


def _story(project: Project) -> dict[str, list[Any]]:
    run, emulator, tenant = project.run, project.emulator, project.tenant
    survey = [run("survey", "people.jsonl")]
    planned = run("premigrate", "people.jsonl")
    assert planned["run"] is None
    impatient = project.folder / "impatient.toml"
    impatient.write_text(f"{tenant.settings}\n[limits]\nattempts = 1\n", encoding="utf-8")
    broken = ("--fault-rate", "0.5", "--settings", str(impatient))
    many = [json.dumps({"key": str(one), "signInName": f"{one}@example.net"}) for one in range(90)]
    (project.folder / "many.jsonl").write_text("\n".join(many) + "\n", encoding="utf-8")
    rehearsed = [
        run("rehearse", "people.jsonl", "--first-day", "1000"),
        run("rehearse", "many.jsonl", *broken),
    ]
    done = run("premigrate", "people.jsonl", "--execute")
    found = [run("find", "--sign-in-name", name) for name in ("ana@example.com", "taken@example.com")]
    status = [run("status"), run("status", "--export-failures", "failed.jsonl")]
    (project.folder / "some.keys").write_text("1\nnobody\n", encoding="utf-8")
    listed = run("premigrate", "people.jsonl", "--only", "some.keys")
    emulator.options(tenant, object_quota=1)
    (project.folder / "more.jsonl").write_text(
        '{"key": "1", "signInName": "kim@example.com"}\n', encoding="utf-8"
    )
    full = run("premigrate", "more.jsonl", "--execute")
    emulator.options(tenant, object_quota=1000)
    emulator.sign_in(tenant, "ana@example.com", "Not-Real-Puffin-01")
    eve = run("find", "--sign-in-name", "eve@example.com")["accounts"][0]
    fay = run("find", "--sign-in-name", "fay@example.com")["accounts"][0]
    project.graph(
        "PATCH", f"/users/{eve['id']}", {"city": "Lisboa", tenant.extension("requiresMigration"): None}
    )
    project.graph("DELETE", f"/users/{fay['id']}")
    extra = {tenant.extension("legacyId"): "demo:people:unknown"}
    emulator.seed(tenant, [tenant.local_account("extra@example.com", **extra)])
    verify = [run("verify")]
    sweep = [_sweep_document(project)]
    verify.append(run("verify", "--no-sweep", "--settings", "strict.toml"))
    guess_at(project.folder / "idferry.guard", key_of_person("people", "1"))
    person = [run("person", name) for name in ("ana@example.com", "taken@example.com")]
    remove = [run("remove", "--source", "people"), run("remove", "--source", "people", "--execute")]
    recycled = [run("restore", "--source", "people"), run("purge", "--source", "people", "--execute")]
    changed = _changed_source(project)
    return {
        "survey": survey,
        "premigrate": [planned, done, listed, *_later_export(project), changed[0]],
        "find": found,
        "rehearse": rehearsed,
        "status": status,
        "verify": verify,
        "sweep": sweep,
        "person": person,
        "remove": remove,
        "restore": recycled[:1],
        "purge": recycled[1:],
        "ledger rebuild": _lost_ledger(project),
        "ids export": [run("ids", "export", "ids.csv")],
        **_hash_documents(project),
        "serve": [_serve_document(project.folder, (project.folder / "idferry.toml").read_text("utf-8"))],
        "verifier check": [_verifier_document(project.folder)],
        "emulator": [_emulator_document()],
        "error": [run("find"), run("premigrate", "nowhere.jsonl"), changed[1], full],
    }


def _sweep_document(project: Project) -> Any:
    """What a sweep says of somebody who has chosen a password: by a clock that tells the two apart at once."""
    ben = project.run("find", "--sign-in-name", "ben@example.com")["accounts"][0]
    profile = {"password": "Not-Real-Puffin-03", "forceChangePasswordNextSignIn": False}
    project.graph("PATCH", f"/users/{ben['id']}", {"passwordProfile": profile})
    strict = project.folder / "strict.toml"
    strict.write_text(f"{project.tenant.settings}\n[passwords]\ncreation_seconds = 0\n", encoding="utf-8")
    return project.run("sweep", "--settings", str(strict))


def _later_export(project: Project) -> list[Any]:
    """The documents of a later export in which everything is met that an update tells of."""
    tenant, file = project.tenant, project.folder / "later.jsonl"
    people: dict[str, dict[str, Any]] = {
        key: {"key": key, "signInName": f"{key}@example.net", "displayName": key, "attributes": {}}
        for key in (
            "changed",
            "conflict",
            "refused",
            "renamed",
            "gone",
            "moved",
            "barred",
            "doubtful",
            "secret",
            "back",
            "deleted",
            "foreign",
        )
    }
    people["secret"]["attributes"] = {"department": "Tools"}
    people["back"]["accountEnabled"] = False

    def write() -> None:
        file.write_text("".join(json.dumps(one) + "\n" for one in people.values()), encoding="utf-8")

    write()
    project.run("premigrate", file.name, "--execute")
    name = tenant.extension("legacyId")
    ids = {str(one.get(name)).rpartition(":")[2]: one["id"] for one in project.emulator.dump(tenant)}
    project.graph("PATCH", f"/users/{ids['conflict']}", {"city": "Lisboa"})
    project.graph("PATCH", f"/users/{ids['foreign']}", {name: "other:people:1"})
    project.graph("PATCH", f"/users/{ids['gone']}", {tenant.extension("requiresMigration"): None})
    project.graph("DELETE", f"/users/{ids['deleted']}")
    del people["gone"]
    for key in ("changed", "conflict", "deleted", "foreign"):
        people[key]["attributes"] = {"city": "Porto"}
    people["refused"]["attributes"] = {"city": "x" * 200}
    people["renamed"]["signInName"] = "other@example.net"
    people["moved"]["key"] = "elsewhere"
    people["barred"]["accountEnabled"] = False
    people["doubtful"] |= {"signInName": "doubt@example.net", "accountEnabled": False}
    people["secret"]["attributes"] = {"department": "4111 1111 1111 1111"}
    people["back"]["accountEnabled"] = True
    write()
    update = ("premigrate", file.name, "--update", "--vanished", "remove")
    return [project.run(*update), project.run(*update, "--execute")]


def _changed_source(project: Project) -> list[Any]:
    """A run that is not done, and a source with records that are new, changed and gone: the plan, then the error."""
    with sqlite3.connect(project.folder / "idferry.ledger") as ledger:
        ledger.execute("UPDATE run SET ended_at = NULL WHERE command = 'premigrate --password auto'")
        ledger.execute("UPDATE person SET state = 'planned' WHERE key IN ('5', '9')")
    ledger.close()
    kept = [one for one in PEOPLE if one.get("key") not in ("6", "9")]
    changed = [{**one, "displayName": "New"} if one.get("key") in ("5", "7") else one for one in kept]
    changed.append({"key": "10", "signInName": "joe@example.com"})
    lines = [json.dumps(one) for one in changed]
    (project.folder / "people.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [project.run("premigrate", "people.jsonl"), project.run("premigrate", "people.jsonl", "--execute")]


def _lost_ledger(project: Project) -> list[Any]:
    """The documents of a rebuilding in which everything is met that cannot be decided."""
    tenant, run = project.tenant, project.run
    people: dict[str, dict[str, Any]] = {
        key: {"key": key, "signInName": f"{key}@example.edu", "displayName": key}
        for key in ("kept", "known", "gone", "renamed", "held", "both")
    }
    people["known"]["password"] = "Not-Real-Puffin-02"
    people["nobody"] = {"key": "nobody"}
    people["again"] = {"key": "again", "signInName": "known@example.edu"}
    file = project.folder / "lost.jsonl"

    def write() -> None:
        file.write_text("".join(json.dumps(one) + "\n" for one in people.values()), encoding="utf-8")

    write()
    run("premigrate", file.name, "--only", "key!=held", "--execute")
    second = {"signInType": "federated", "issuer": "google.com", "issuerAssignedId": "g-both"}
    doubled = tenant.local_account(
        "x", identities=[second], **{tenant.extension("legacyId"): "demo:lost:both"}
    )
    project.emulator.seed(tenant, [tenant.local_account("held@example.edu"), doubled])
    del people["gone"]
    people["both"]["federated"] = [{"issuer": "google.com", "issuerUserId": "g-both"}]
    people["renamed"]["signInName"] = "now@example.edu"
    write()
    for ledger in project.folder.glob("idferry.ledger*"):
        ledger.rename(ledger.with_name(f"lost-{ledger.name}"))
    return [run("ledger", "rebuild", file.name), run("ledger", "rebuild", file.name, "--execute")]


def _hash_documents(project: Project) -> dict[str, list[Any]]:
    rows = [
        {
            "hash": "8743b52063cd84097a65d1633f5c74f5",
            "password": "hashcat",
            "scheme": "md5",
            "expect": "match",
        },
        {"hash": "01dfae6e5d4d90d9892622325959afbe", "salt": "7050461", "password": "hashcat"},
        {"hash": "no hash at all", "password": "hashcat"},
        {"hash": "$6$rounds=999999999$72820166$" + "a" * 86, "password": "costs too much"},
    ]
    lines = "".join(json.dumps(one) + "\n" for one in rows)
    (project.folder / "rows.jsonl").write_text(lines, encoding="utf-8")
    hashed = [
        {"key": "a", "signInName": "a@example.com", "passwordHash": "$1$38652870$DUjsu4TTlTsOe/xxZ05uf/"},
        {"key": "b", "signInName": "b@example.com", "passwordHash": "damaged and unknown"},
    ]
    text = "".join(json.dumps(one) + "\n" for one in hashed)
    (project.folder / "hashed.jsonl").write_text(text, encoding="utf-8")
    prove = [project.run("hash", "prove", "rows.jsonl", "--line", line) for line in ("2", "3")]
    return {
        "hash list": [project.run("hash", "list")],
        "hash check": [project.run("hash", "check", "rows.jsonl")],
        "hash prove": prove,
        "hash forecast": [project.run("hash", "forecast", "rows.jsonl")],
        "hash load": [project.run("hash", "load", "hashed.jsonl", "--plain-hash-store", "--execute")],
        "hash destroy": [project.run("hash", "destroy", "--execute")],
    }


def _serve_document(folder: Path, settings: str) -> Any:
    authority = Authority(folder)
    server, client = authority.server(), authority.client()
    text = f"""{settings}
[service]
tls_certificate = "{server.certificate.name}"
tls_key = "{server.key.name}"
client_ca = "{authority.file.name}"

[[service.caller]]
name = "policy"
kind = "certificate"
thumbprints = ["{client.thumbprint}"]
"""
    (folder / "service.toml").write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "idferry",
        "serve",
        "--json",
        "--exit-with-parent",
        "--settings",
        "service.toml",
    ]
    command += ["--port", "0", "--mtls-port", "0", "--admin-port", "0"]
    done = subprocess.run(command, cwd=folder, input="", capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _verifier_document(folder: Path) -> Any:
    (folder / "verifier.toml").write_text(
        """
[[verifier]]
name = "old"
kind = "web_service"
legacy_lockout = { threshold = 10, window_seconds = 600 }
url = "http://127.0.0.1:9/"
""",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "idferry", "verifier", "check", "old", "ana@example.com", "--json"]
    done = subprocess.run(
        [*command, "--settings", "verifier.toml"],
        cwd=folder,
        input="a password\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)


def _emulator_document() -> Any:
    command = [sys.executable, "-m", "idferry", "emulator", "--json", "--exit-with-parent"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=True, env=os.environ)
    return json.loads(done.stdout)


@pytest.mark.parametrize("command", [*DOCUMENTS, "error"])
def test_keys_documented_are_keys_printed(command: str, documents: dict[str, list[Any]]) -> None:
    documented = ERROR if command == "error" else DOCUMENTS[command]
    printed: set[str] = set()
    for document in documents[command]:
        printed |= set(_paths(document, frozenset(documented), ""))
    # Codes of failures are rare: a story in which every command fails in every way would prove little more.
    rare = {path for path in documented if path.startswith(("failures.", "update.failures."))}
    assert printed - set(documented) == set(), "printed and not documented"
    assert set(documented) - printed - rare == set(), "documented and not printed"


def _paths(value: Any, documented: frozenset[str], path: str) -> Iterator[str]:
    """The documented form of every path in a document; what nobody documented comes out as it is."""
    if path in documented:
        yield path
    below = [one for one in documented if one.startswith((f"{path}.", f"{path}[]")) or not path]
    if not below:
        if path not in documented:
            yield path
        return
    if isinstance(value, list):
        for element in value:
            yield from _paths(element, documented, f"{path}[]")
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from _paths(element, documented, _step(f"{path}.{key}".lstrip("."), documented))


def _step(path: str, documented: frozenset[str]) -> str:
    """The path itself where it is documented, else the pattern that stands for it."""
    if any(one == path or one.startswith((f"{path}.", f"{path}[]")) for one in documented):
        return path
    parent = path.rpartition(".")[0]
    for one in documented:
        head = one.removeprefix(f"{parent}.").partition(".")[0]
        if one.startswith(f"{parent}.") and head.startswith(("{", "*")):
            return f"{parent}.{head}"
    return path
