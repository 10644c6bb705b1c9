"""One application's way to Microsoft Graph: a token, one request at a time, and the answer as it came.

A request that was refused with 429 is sent again after the pause that was asked for, because the probe wants to know other
things; how that pause was told is remembered. Nothing else is repeated. Bodies are never shown: they hold passwords.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from idferry.errors import SettingsError
from idferry.graph.address import Address
from idferry.graph.credentials import ClientCertificate, ClientSecret, Credential
from idferry.graph.machine import Machine
from idferry.graph.tokens import ClientCredentials
from idferry.graph.transport import open_client
from idferry.ports import Clock
from idferry.settings import Application, Settings

TIMEOUT = timedelta(seconds=60)
TRIES_MAX = 5
PAUSE_SECONDS_MAX = 300.0
PAUSE_SECONDS_UNTOLD = 10.0
UNCLEAR = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
Body = dict[str, Any]


class Unclear(Exception):
    """The tenant answered that something broke, which is no answer to the question; it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is empty where there was none, or no JSON object."""

    status: int
    headers: Mapping[str, str]
    body: Body

    @property
    def succeeded(self) -> bool:
        """Whether it was carried out."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """The error's code, or the first of its details where there are any."""
        error = self.body.get("error")
        if not isinstance(error, dict):
            return ""
        details = [one.get("code") for one in error.get("details") or () if isinstance(one, dict)]
        return str(next(iter(details), None) or error.get("code") or "")

    @property
    def told(self) -> str:
        """Status and code, as they are printed."""
        return f"{self.status} {self.code}".strip()

    @property
    def rows(self) -> list[Body]:
        """The objects of a list."""
        value = self.body.get("value")
        return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


@dataclass
class Access:
    """Requests of one application to one tenant. `pauses_told`: each Retry-After of a 429, empty where it was missing."""

    http: httpx2.Client
    tokens: ClientCredentials
    graph_url: str
    client_id: str
    clock: Clock
    pauses_told: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Body | None = None, *, version: str = "v1.0") -> Answer:
        """Send one request; again only where it was refused with 429.

        Raises:
            httpx2.HTTPError, Unclear: there was no answer. TokenRefused, Unreachable: there is no token.
        """
        answer = self._ask_once(method, path, body, version)
        for _ in range(TRIES_MAX - 1):
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                break
            told = answer.headers.get("retry-after", "")
            self.pauses_told.append(told)
            self.clock.sleep(min(_seconds(told), PAUSE_SECONDS_MAX))
            answer = self._ask_once(method, path, body, version)
        if answer.status in UNCLEAR:
            raise Unclear(f"HTTP {answer.status}")
        return answer

    def _ask_once(self, method: str, path: str, body: Body | None, version: str) -> Answer:
        response = self.http.request(
            method,
            f"{self.graph_url}/{version}{path}",
            content=None if body is None else msgspec.json.encode(body),
            headers={
                "Authorization": f"Bearer {self.tokens.token()}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
        )
        try:
            found = msgspec.json.decode(response.content)
        except msgspec.MsgspecError:
            found = {}
        return Answer(response.status_code, dict(response.headers), found if isinstance(found, dict) else {})


def access_of(settings: Settings, clock: Clock) -> Access:
    """The way of the settings' first application. Raises SettingsError."""
    tenant, application = settings.need_tenant(), next(iter(settings.applications), None)
    if application is None:
        raise SettingsError("the settings name no [[application]]")
    address = Address(
        tenant_id=tenant.id,
        domain=tenant.domain,
        authority=tenant.authority,
        graph_url=tenant.graph.rstrip("/"),
        ca_file=str(Path(settings.folder) / tenant.ca_file) if tenant.ca_file else "",
        local=settings.is_loopback,
    )
    http = open_client(address, connections=2, timeout=TIMEOUT)
    tokens = ClientCredentials(
        http=http,
        address=address,
        client_id=application.client_id,
        credential=_credential(settings, application),
        timeout=TIMEOUT,
        machine=Machine(clock),
    )
    return Access(http, tokens, address.graph_url, application.client_id, clock)


def _credential(settings: Settings, application: Application) -> Credential:
    if application.secret:
        return ClientSecret(settings.secret(application.secret, what="the application's secret"))
    if application.certificate:
        pem = settings.secret(application.certificate, what="the application's certificate")
        return ClientCertificate.parse(pem.encode())
    raise SettingsError("the probe needs an application with a secret or a certificate")


def _seconds(told: str) -> float:
    try:
        return max(0.0, float(told))
    except ValueError:
        return PAUSE_SECONDS_UNTOLD
