"""The whole service of the settings, in this process: real endpoints, flows, ledger, guard and sockets, an emulated tenant.

    with wired_service(folder, emulator, "B") as service:
        status, document = service.post("/api/migration/sign-in", service.question("p0@example.org", RIGHT))

It stands for `idferry serve` where a test has to look, count or break something inside. Callers prove who they are: with
`BASIC` what a policy or a front calls, with a token of `service.provider` what Entra calls.
"""

import contextlib
import io
import json
import threading
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.support.desk import Desk
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.password_tokens import Encryptor
from tests.support.password_tokens import claims as content_claims
from tests.support.planned_ledger import plan_everybody
from tests.support.scripted_server import Piece, Script, ScriptedServer, Seen, answer, scripted_server
from tests.support.service_stage import BASIC, SECRET
from tests.support.signed_tokens import APPLICATION, Provider
from tests.support.signed_tokens import claims as token_claims

from idferry.service.external_id import EVENT_TYPE, PATH
from idferry.service.serving import Listener, bound_socket, serve
from idferry.settings import read_settings
from idferry.wiring import clock_of
from idferry.wiring.service import ServiceParts, service_parts_of

RIGHT = "Old-Password-1"
FRONTS = ("A", "B", "C", "external")
EXTENSION = "eeeeeeee-0000-0000-0000-000000000001"
APP_ID = "aaaaaaaa-0000-0000-0000-000000000001"
APP_URI = f"api://signin.example.com/{APP_ID}"
ISSUER = "https://issuer.example.com/v2.0"
_SERVICE = f"""
[service]
mode = "{{mode}}"
capture_callers = ["policy"]
status_per_address = 100000
status_conflicts_per_minute = 100000
sweep_minutes = 0
negative_reply_at = 0

[[service.caller]]
name = "policy"
kind = "basic"
user = "policy"
secrets = ["{SECRET}"]

[[verifier]]
name = "shop"
kind = "web_service"
url = "{{legacy}}/check"
legacy_lockout = {{{{ threshold = 100000, window_seconds = 60 }}}}
"""
_EXTERNAL = f"""
[external_id]
app_id = "{APP_ID}"
app_uri = "{APP_URI}"
extension_ids = ["{EXTENSION}"]
keys = ["file:entra.pem"]
issuers = ["{ISSUER}"]
keys_url = "{{legacy}}/keys"
"""


@dataclass
class WiredService:
    """A running service. `ids`: object id by sign-in name; `document`: its OpenAPI document; `log`: what it wrote.

    `passwords` are right for everybody, in the legacy system.
    """

    front: str
    desk: Desk
    tenant: EmulatedTenant
    emulator: Emulator
    parts: ServiceParts
    legacy: ScriptedServer
    log: io.BytesIO
    names: list[str]
    provider: Provider
    encryptor: Encryptor
    passwords: set[str]
    address: str = ""
    document: Any = None
    ids: dict[str, str] = field(default_factory=dict)
    http: httpx2.Client = field(default_factory=lambda: httpx2.Client(trust_env=False, timeout=30))

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def headers(self, path: str) -> dict[str, str]:
        """What proves that its caller calls."""
        if path == PATH:
            return {"Authorization": f"Bearer {self.provider.sign(self.token())}"}
        return {BASIC[0]: BASIC[1]}

    def token(self, **changes: Any) -> dict[str, Any]:
        """The claims of Entra's token."""
        now = int(self.parts.context.clock.now().timestamp())
        times = {"iat": now, "nbf": now, "exp": now + 3600}
        terms = {"iss": ISSUER, "aud": APP_ID, "azp": APPLICATION, "tid": self.tenant.tenant_id}
        return token_claims(**{**times, **terms, **changes})

    def content(self, name: Any, password: Any, **changes: Any) -> dict[str, Any]:
        """What Entra encrypts."""
        now = int(self.parts.context.clock.now().timestamp())
        times = {"iat": now, "nbf": now, "exp": now + 600}
        told = {"aud": APP_ID, "iss": APP_URI, "username": name, "user-password": password}
        return content_claims(**{**times, **told, **changes})

    def event(self, name: str, password: str, **content: Any) -> dict[str, Any]:
        """What Entra sends."""
        user = {"id": self.ids.get(name, "00000000-0000-4000-8000-000000000000"), "mail": name}
        context = {"correlationId": "cccccccc-0000-0000-0000-000000000001", "user": user}
        data = {
            "tenantId": self.tenant.tenant_id,
            "customAuthenticationExtensionId": EXTENSION,
            "encryptedPasswordContext": self.encryptor.token(self.content(name, password, **content)),
            "authenticationContext": {**context, "client": {"ip": "203.0.113.9"}},
        }
        return {"type": EVENT_TYPE, "data": data}

    def post(
        self, path: str, body: Any, *, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> httpx2.Response:
        """One request, signed in unless `headers` say otherwise."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = self.headers(path) if headers is None else headers
        return self.http.request(method, self.address + path, content=raw, headers=dict(told))


@contextmanager
def wired_service(
    folder: Path,
    emulator: Emulator,
    front: str,
    *,
    people: int = 8,
    trace: bool = False,
    service_lines: str = "",
) -> Iterator[WiredService]:
    """The service of one front over an emulated tenant that was reset; `front`: mode A, B, C, or `external`.

    `service_lines` are more of the table [service].
    """
    emulator.reset()
    tenant = emulator.tenant("external" if front == "external" else "b2c")
    provider, encryptor, log, passwords = Provider(), Encryptor(), io.BytesIO(), {RIGHT}
    names = [name_of(number) for number in range(people)]
    with scripted_server(legacy_of(passwords, provider)) as legacy, pytest.MonkeyPatch.context() as patch:
        desk = prepared_desk(folder, tenant, front, legacy.url, people=people)
        text = desk.settings_file.read_text(encoding="utf-8")
        desk.settings_file.write_text(
            text.replace("[service]\n", f"[service]\n{service_lines}\n"), encoding="utf-8"
        )
        desk.file("entra.pem", encryptor.pem())
        settings = read_settings(desk.settings_file)
        parts = service_parts_of(
            settings, clock_of(settings), log_stream=log, trace=trace, tls_elsewhere=True
        )
        service = WiredService(
            front, desk, tenant, emulator, parts, legacy, log, names, provider, encryptor, passwords
        )
        for account in emulator.dump(tenant):
            for identity in account["identities"]:
                service.ids[identity["issuerAssignedId"]] = account["id"]
        with service.http, _served(service, patch):
            yield service


def prepared_desk(folder: Path, tenant: EmulatedTenant, front: str, legacy_url: str, *, people: int) -> Desk:
    """A folder with everything that the service of this front needs: settings, a ledger, and people in the tenant."""
    desk = Desk(folder, tenant)
    more = _SERVICE.format(mode="A" if front == "external" else front, legacy=legacy_url)
    if front == "external":
        more += _EXTERNAL.format(legacy=legacy_url)
    desk.write_settings(more=more)
    export = [
        {"key": str(number), "signInName": name_of(number), "displayName": f"Person {number}"}
        for number in range(people)
    ]
    desk.people("people.jsonl", export)
    if front == "C":
        # Somebody is there already, and so are the tenant's attributes.
        desk.people("first.jsonl", [{"key": "first", "signInName": "first@example.org"}])
        desk.ok("premigrate", "first.jsonl", "--execute")
        plan_everybody(folder, "people.jsonl")  # nobody is created, as mode C has it
    else:
        desk.ok("premigrate", "people.jsonl", "--execute")
    return desk


def name_of(number: int) -> str:
    """The sign-in name of a person of the stage."""
    return f"p{number}@example.org"


def legacy_of(passwords: Container[str], provider: Provider) -> Script:
    """A legacy system to which these are everybody's right ones, and beside it the published keys of who calls us."""

    def says(seen: Seen) -> Sequence[Piece]:
        if seen.target == "/keys":
            return answer(200, provider.key_set(), content_type="application/json")
        right = seen.json["password"] in passwords
        return answer(200, {"status": "password_match"}) if right else answer(403)

    return says


@contextmanager
def _served(service: WiredService, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its listeners, in a thread of this process; only the main thread hears signals."""
    patch.setattr("idferry.service.serving._stopped_by_signals", lambda _stop: contextlib.nullcontext())
    parts = service.parts
    listeners = [Listener(app, bound_socket("127.0.0.1", 0)) for app in (parts.tenant, parts.admin)]
    service.address, admin = (one.address for one in listeners)
    ready, ended, stop = threading.Event(), Future[None](), []

    def run() -> None:
        try:
            serve(
                listeners,
                log=parts.context.books.log,
                ready=ready.set,
                before=parts.before,
                beside=parts.run_timers,
                stop_with=stop.append,
            )
            ended.set_result(None)
        except Exception as error:  # noqa: BLE001  told where somebody waits for it
            ended.set_exception(error)
            ready.set()

    thread = threading.Thread(target=run, name="served")
    thread.start()
    try:
        assert ready.wait(30), "it does not serve"
        if ended.done():
            ended.result()
        service.document = service.http.get(f"{admin}/openapi.json").json()
        yield
    finally:
        for end in stop:
            end()
        thread.join(30)
        parts.close()
