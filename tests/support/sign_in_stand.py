"""A whole stand: an emulated external tenant, `idferry serve` over TLS, and a legacy system that knows passwords.

with running_stand(folder, emulator) as stand:
    stand.premigrate({"ana@example.com": "Old-Password-1"})
    end = stand.sign_in("ana@example.com", "Old-Password-1")
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.password_submit import SetUp, set_up
from tests.support.password_tokens import Encryptor
from tests.support.scripted_server import Piece, ScriptedServer, Seen, answer, scripted_server
from tests.support.service_process import RunningService, free_port, running_service
from tests.support.tls_files import Authority

from idferry.service.external_id import PATH

PEOPLE = "people.jsonl"
_VERIFIER = """
[[verifier]]
name = "shop"
kind = "web_service"
url = "{url}/check"
legacy_lockout = {{ threshold = 1000, window_seconds = 60 }}
"""
_EXTERNAL = """
[service]
tls_certificate = "{certificate}"
tls_key = "{key}"
{more}
[external_id]
app_id = "{app_id}"
app_uri = "api://localhost:{port}/{app_id}"
extension_ids = ["{extension_id}"]
keys = ["file:entra.pem"]
issuers = ["{authority}/{tenant_id}/v2.0"]
keys_url = "{authority}/{tenant_id}/discovery/v2.0/keys"
"""


@dataclass
class Stand:
    """Everything that is up. `passwords` are the legacy system's; `faults`: `late_s` makes it slow, `down` breaks it."""

    folder: Path
    emulator: Emulator
    tenant: EmulatedTenant
    legacy: ScriptedServer
    passwords: dict[str, str]
    faults: dict[str, Any]
    ready: SetUp
    port: int
    service: RunningService | None = None
    ids: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> Any:
        """The document that a command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "idferry", *arguments, "--json"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def sign_in(self, name: str, password: str, **more: Any) -> dict[str, Any]:
        """One submission of the hosted page."""
        return self.emulator.submit(self.tenant, name, password, **more)

    def opens(self, name: str, password: str) -> bool:
        """Whether the stored password is this one; the extension is not asked."""
        return bool(self.emulator.submit(self.tenant, name, password, extension=False)["signed_in"])

    def reset(self, name: str, password: str) -> None:
        """Self-service reset: the tenant stores it, and tells nobody."""
        body = {"tenant_id": self.tenant.tenant_id, "object_id": self.ids[name], "password": password}
        self.emulator.post("self-service-reset", body)

    def shown(self, name: str) -> Mapping[str, Any]:
        """The account as Graph shows it."""
        return self.ready.graph.read(self.ids[name], self.ready.flag, "lastPasswordChangeDateTime")

    def flag(self, name: str) -> Any:
        """The migration flag."""
        return self.shown(name).get(self.ready.flag)

    @property
    def asked(self) -> int:
        """How many calls the legacy system got."""
        return len(self.legacy.seen)


@contextmanager
def running_stand(
    folder: Path, emulator: Emulator, people: Mapping[str, str], *, service_lines: str = ""
) -> Iterator[Stand]:
    """Sets everything up and premigrates these people (sign-in name -> legacy password)."""
    with (
        prepared_stand(folder, emulator, people, service_lines=service_lines) as stand,
        running_service(folder, "--port", str(stand.port)) as service,
    ):
        stand.service = service
        yield stand


@contextmanager
def prepared_stand(
    folder: Path, emulator: Emulator, people: Mapping[str, str], *, service_lines: str = ""
) -> Iterator[Stand]:
    """`running_stand` before the service is started, which is to listen at `port`."""
    tenant, passwords, faults = emulator.tenant("external"), dict(people), {}

    def script(seen: Seen) -> Sequence[Piece]:
        if "down" in faults:
            return answer(503)
        asked = seen.json
        right = passwords.get(asked["identifier"]) == asked["password"]
        said = answer(200, {"status": "password_match"}) if right else answer(403)
        return [float(faults.get("late_s", 0.0)), *said]

    authority, encryptor = Authority(folder), Encryptor()
    server, port = authority.server(), free_port()
    (folder / "entra.pem").write_text(encryptor.pem(), encoding="ascii")
    (folder / PEOPLE).write_text(
        "".join(
            json.dumps({"key": str(number), "signInName": name, "displayName": name.partition("@")[0]}) + "\n"
            for number, name in enumerate(people, start=1)
        ),
        encoding="utf-8",
    )
    with scripted_server(script) as legacy:
        ready = set_up(
            emulator,
            tenant,
            target=f"https://localhost:{port}{PATH}",
            certificate_pem=encryptor.certificate_pem().decode(),
            authority_pem=authority.file.read_text(encoding="ascii"),
        )
        settings = f'{tenant.settings}\n[clock]\nurl = "{emulator.control_url}/clock"\n'
        settings += _VERIFIER.format(url=legacy.url)
        settings += _EXTERNAL.format(
            certificate=server.certificate,
            key=server.key,
            more=service_lines,
            app_id=ready.resource_client_id,
            port=port,
            extension_id=ready.extension_id,
            authority=tenant.authority,
            tenant_id=tenant.tenant_id,
        )
        (folder / "idferry.toml").write_text(settings, encoding="utf-8")
        stand = Stand(folder, emulator, tenant, legacy, passwords, faults, ready, port)
        done = stand.run("premigrate", PEOPLE, "--execute")
        assert done["failed"] == 0, done
        for account in emulator.dump(tenant):
            for identity in account["identities"]:
                stand.ids[identity["issuerAssignedId"]] = account["id"]
        # A reset is then later than the creation by more than creations take. The service follows the clock as it
        # is when it starts.
        emulator.advance(120)
        yield stand
        ready.graph.close()
