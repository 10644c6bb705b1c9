"""An emulated B2C tenant, a legacy system and a folder of settings: what a sign-in service stands between. Services come and go.

with b2c_stand(folder, emulator, {"ana@example.com": "Old-Password-1"}, service='mode = "B"') as stand:
    stand.run("premigrate", PEOPLE, "--execute")
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.oracle import read_ledger
from tests.support.planned_ledger import plan_everybody
from tests.support.scripted_server import Piece, Script, ScriptedServer, Seen, answer, scripted_server

PEOPLE = "people.jsonl"
LEDGER = "idferry.ledger"
WITHIN_S = 30.0
_VERIFIER = """
[[verifier]]
name = "shop"
kind = "web_service"
url = "{url}/check"
legacy_lockout = { threshold = 1000, window_seconds = 60 }
"""


@dataclass
class B2cStand:
    """What is up. `passwords`: sign-in name -> what the legacy system takes for right."""

    folder: Path
    emulator: Emulator
    tenant: EmulatedTenant
    legacy: ScriptedServer
    passwords: dict[str, str]

    @property
    def names(self) -> list[str]:
        """The people's sign-in names, in the order of the export."""
        return list(self.passwords)

    def run(self, *arguments: str) -> Any:
        """The document that a command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "idferry", *arguments, "--json"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Sign-in name -> the account as it is stored."""
        accounts = self.emulator.dump(self.tenant)
        return {one["identities"][0]["issuerAssignedId"]: one for one in accounts}

    def flags(self) -> dict[str, Any]:
        """Sign-in name -> the migration flag."""
        flag = self.tenant.extension("requiresMigration")
        return {name: account.get(flag) for name, account in self.accounts().items()}

    def opens(self, name: str, password: str = "") -> bool:
        """Whether the stored password is this one, or else the legacy system's."""
        return bool(self.emulator.sign_in(self.tenant, name, password or self.passwords[name])["signed_in"])

    def states(self) -> dict[str, int]:
        """State -> how many people, straight from the ledger's table."""
        states = [entry.state for entry in read_ledger(self.folder / LEDGER).entries.values()]
        return {state: states.count(state) for state in sorted(set(states))}

    def plan(self) -> None:
        """What `premigrate` does before it sends."""
        plan_everybody(self.folder, PEOPLE)


@contextmanager
def b2c_stand(
    folder: Path,
    emulator: Emulator,
    passwords: Mapping[str, str],
    *,
    service: str,
    verifier: str = _VERIFIER,
    legacy_s: float = 0.0,
    script: Script | None = None,
) -> Iterator[B2cStand]:
    """Everything but accounts and a service. `service`: lines of that table; the legacy system takes `legacy_s`.

    `verifier` is the settings' table with `{url}` in it, `script` what the legacy system answers instead.
    """
    tenant, known = emulator.tenant("b2c"), dict(passwords)

    def says(seen: Seen) -> Sequence[Piece]:
        asked = seen.json
        right = known.get(asked["identifier"]) == asked["password"]
        return [legacy_s, *(answer(200, {"status": "password_match"}) if right else answer(403))]

    lines = (
        json.dumps({"key": str(number), "signInName": name, "displayName": f"Person {number}"})
        for number, name in enumerate(known)
    )
    (folder / PEOPLE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with scripted_server(script or says) as legacy:
        settings = f'{tenant.settings}\n[clock]\nurl = "{emulator.control_url}/clock"\n[service]\n{service}\n'
        settings += verifier.replace("{url}", legacy.url)
        (folder / "idferry.toml").write_text(settings, encoding="utf-8")
        yield B2cStand(folder, emulator, tenant, legacy, known)


def ask(
    address: str, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Status and document; status 0 where the service is gone."""
    request = urllib.request.Request(  # noqa: S310  an address of this machine
        address + path, data=json.dumps(body).encode(), headers=dict(headers or {}), method="POST"
    )
    try:
        with _answer(request) as got:
            return got.status, json.loads(got.read() or b"null")
    except (URLError, OSError, HTTPException):
        return 0, None


def _answer(request: urllib.request.Request) -> Any:
    """The response, whatever its status."""
    try:
        return urllib.request.urlopen(request, timeout=WITHIN_S)  # noqa: S310  as above
    except HTTPError as error:
        return error
