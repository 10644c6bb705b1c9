"""The service as the settings describe it: callers, keys over the network, stores, and what is refused before it starts."""

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.support.any_ledger import counting_bytes
from tests.support.hand_clock import HandClock
from tests.support.ledger_records import AT, PROJECT, TENANT
from tests.support.service_stage import BASIC, SECRET, STATUS, Answered, asgi_call
from tests.support.signed_tokens import APPLICATION, AUDIENCE, ISSUER, Provider, claims
from tests.support.signed_tokens import TENANT as TOKEN_TENANT

from idferry.errors import SettingsError
from idferry.ledger import open_ledger
from idferry.settings import parse_settings
from idferry.wiring.service import ServiceParts, service_parts_of

POLICY = {"name": "policy", "kind": "basic", "user": "policy", "secrets": [SECRET]}
PROVIDER = Provider()


class KeyServer(BaseHTTPRequestHandler):
    """An identity provider's key set; another path leads elsewhere."""

    def do_GET(self) -> None:
        moved = self.path != "/keys"
        body = PROVIDER.key_set()
        self.send_response(302 if moved else 200)
        self.send_header("Location", "/keys")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def keys_address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), KeyServer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def parts_of(
    folder: Path,
    *callers: dict[str, Any],
    kind: str = "b2c",
    log: io.BytesIO | None = None,
    **service: Any,
) -> ServiceParts:
    raw = {
        "project": PROJECT,
        "tenant": {
            "kind": kind,
            "id": TENANT,
            "domain": "contoso.onmicrosoft.com",
            "authority": "https://localhost:1",
            "graph": "https://localhost:1",
        },
        "ledger": {"path": "contoso.ledger"},
        "service": {"trusted_proxies": ["127.0.0.1"], "caller": list(callers), **service},
    }
    path = folder / "contoso.ledger"
    open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT).close()
    settings = parse_settings(raw, file=None, folder=folder)
    return service_parts_of(settings, HandClock(), log_stream=log or io.BytesIO())


def ask(parts: ServiceParts, *headers: tuple[str, str], path: str = STATUS, admin: bool = False) -> Answered:
    app = parts.admin if admin else parts.tenant
    method = "GET" if admin else "POST"
    return asyncio.run(asgi_call(app, method, path, [b'{"email":"ana@example.com"}'], headers=headers))


def jwt_caller(keys_url: str) -> dict[str, Any]:
    return {
        "name": "entra",
        "kind": "jwt",
        "issuers": [ISSUER],
        "audiences": [AUDIENCE],
        "applications": [APPLICATION],
        "tenant_id": TOKEN_TENANT,
        "keys_url": keys_url,
    }


def test_a_token_is_checked_with_the_keys_of_their_address(keys_address: str, tmp_path: Path) -> None:
    parts = parts_of(tmp_path, POLICY, jwt_caller(f"{keys_address}/keys"))
    asyncio.run(parts.before())
    assert ask(parts, path="/ready", admin=True).document == {"status_store": True, "keys_entra": True}
    token = ("authorization", f"Bearer {PROVIDER.sign(claims())}")
    assert [ask(parts, one).status for one in (token, BASIC, ("authorization", "Bearer x"))] == [
        200,
        200,
        401,
    ]
    parts.close()


@pytest.mark.parametrize(("path", "cause"), [("/elsewhere", "HTTP 302"), (":1/keys", "Connection refused")])
def test_no_redirect_is_followed_and_without_keys_the_service_is_not_ready_and_says_why(
    keys_address: str, tmp_path: Path, path: str, cause: str
) -> None:
    address = keys_address + path if path.startswith("/") else f"http://127.0.0.1{path}"
    log = io.BytesIO()
    parts = parts_of(tmp_path, POLICY, jwt_caller(address), log=log)
    asyncio.run(parts.before())
    ready = ask(parts, path="/ready", admin=True)
    assert (ready.status, ready.document["keys_entra"]) == (503, False)
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    causes = {one["event"]: (one.get("caller") or one["check"], one["cause"]) for one in told}
    assert causes == {"keys_unread": ("entra", cause), "not_ready": ("keys_entra", "no")}
    assert b'idferry_alerts_total{alert="keys_unread"}' in parts.context.books.metrics.text()
    assert ask(parts, ("authorization", f"Bearer {PROVIDER.sign(claims())}")).status == 401
    assert ask(parts, BASIC).status == 200
    parts.close()


def test_a_token_that_comes_from_two_networks_is_an_alert_and_still_let_in(
    keys_address: str, tmp_path: Path
) -> None:
    parts = parts_of(tmp_path, POLICY, jwt_caller(f"{keys_address}/keys"))
    asyncio.run(parts.before())
    token = ("authorization", f"Bearer {PROVIDER.sign(claims())}")
    front = [("x-forwarded-for", one) for one in ("20.190.1.1", "20.190.7.7", "203.0.113.5")]
    assert [ask(parts, token, one).status for one in front] == [200, 200, 200]
    assert b'idferry_alerts_total{alert="token_elsewhere"} 1.0' in parts.context.books.metrics.text()
    parts.close()


def test_every_credential_is_in_the_metrics_before_it_is_used(tmp_path: Path) -> None:
    certificate = {"name": "front", "kind": "certificate", "thumbprints": ["ab" * 32, "cd" * 32]}
    two = {**POLICY, "secrets": [SECRET, SECRET[::-1]]}
    parts = parts_of(tmp_path, two, certificate, client_certificate_header="x-cert")
    text = ask(parts, path="/metrics", admin=True).body.decode()
    for caller in ("policy", "front"):
        for number in (0, 1):
            assert f'last_used_seconds{{caller="{caller}",credential="{number}"}} 0.0' in text
    parts.close()


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({"texts": {"nothing": "x"}}, "there is no text nothing"),
        ({"status_store": "azure_table", "azure_table_connection": "nonsense"}, "cannot be read"),
        (
            {
                "status_store": "azure_table",
                "azure_table_connection": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==",
            },
            "uses http",
        ),
        (
            {
                "status_store": "azure_table",
                "azure_table_connection": "AccountName=a;AccountKey=YQ==;TableEndpoint=http://tables.example/a",
            },
            "uses http",
        ),
        ({"status_store": "attribute"}, "no \\[\\[application\\]\\]"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_listens(
    tmp_path: Path, service: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        parts_of(tmp_path, POLICY, **service)
    assert "AccountKey" not in str(error.value)


def test_an_answer_comes_in_the_language_and_words_of_the_settings(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, POLICY, language="de", texts={"try_later": "Gleich wieder."})
    document = json.loads(ask(parts, path="/openapi.json", admin=True).body)
    assert STATUS in document["paths"]
    assert parts.context.books.texts["try_later"] == "Gleich wieder."  # type: ignore[index]
    assert "Kennwort" in parts.context.books.texts["wrong"]  # type: ignore[index]
    parts.close()
