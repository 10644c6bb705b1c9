"""`docs/reference/endpoints.md`: what the sign-in service answers, read from the endpoints that it is made of."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.docs.markdown import code, page, table
from tests.support.any_ledger import counting_bytes
from tests.support.hand_clock import HandClock

from idferry.ledger import open_ledger
from idferry.service.alerts import ALERTS
from idferry.service.answers import ErrorBody
from idferry.service.endpoints import ERRORS, Endpoint
from idferry.service.metrics import Metrics
from idferry.settings import parse_settings
from idferry.wiring.service import service_parts_of

TENANT = "11111111-2222-3333-4444-555555555555"
INTRODUCTION = """
`idferry serve` listens on three addresses: one that the tenant calls, one for callers with a client certificate
(`--mtls-port`), where only what custom policies call exists, and one for this machine: `GET /metrics` (Prometheus),
`GET /ready` (200 when everything that an answer needs works, else 503, each part by its name) and `GET /openapi.json`.

A caller proves itself by its headers before anything of the body is read; whoever cannot gets 401 without a body. A
body is JSON of at most 32 KiB. Every error body has one shape, which custom policies read:
`{"version","status","userMessage"}`. Beside what is listed below, each endpoint may answer 401, 408 (the body came too
slowly), 413 (too large) and 503 (too many calls are under way).

An id that the caller sends as `x-correlation-id` stands in the log and in the answer; without one there is one of ours.
"""
WORDS = {200: "answered", 202: "taken; done later", 409: "what the policy shows to the person"}


def every_endpoint() -> Sequence[Endpoint]:
    """Those of both kinds of tenant, each once."""
    found = {one.name: one for kind in ("b2c", "external") for one in _endpoints(kind)}
    return list(found.values())


def every_metric() -> Iterator[tuple[str, str]]:
    """Name and meaning of what is counted."""
    for family in Metrics(HandClock()).registry.collect():
        yield family.name + ("_total" if family.type == "counter" else ""), family.documentation


def render() -> str:
    """The page."""
    metrics = "## Metrics\n\n" + table(
        ["metric", "meaning"], [(code(name), said) for name, said in every_metric()]
    )
    alerts = "## Alerts\n\n" + table(
        ["alert", "meaning"], [(code(one), said) for one, said in ALERTS.items()]
    )
    return page("Endpoints", INTRODUCTION, *map(_section, every_endpoint()), metrics, alerts)


@cache
def _endpoints(kind: str) -> Sequence[Endpoint]:
    raw: dict[str, Any] = {
        "tenant": {
            "id": TENANT,
            "domain": "contoso.onmicrosoft.com",
            "kind": kind,
            "authority": "https://localhost:1",
            "graph": "https://localhost:1",
        },
        "application": [{"client_id": TENANT, "secret": "not a secret"}],
        "service": {
            "mode": "C",
            "capture_callers": ["front"],
            "caller": [{"name": "front", "kind": "bearer", "secrets": ["0123456789abcdef" * 2]}],
        },
        "verifier": [
            {
                "name": "shop",
                "kind": "web_service",
                "url": "https://shop.example.com/check",
                "legacy_lockout": {"threshold": 1_000, "window_seconds": 60},
            }
        ],
        "external_id": {
            "app_id": TENANT,
            "app_uri": f"api://signin.example.com/{TENANT}",
            "extension_ids": [TENANT],
            "keys": ["file:entra.pem"],
        },
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "entra.pem").write_bytes(_key())
        settings = parse_settings(raw, file=None, folder=folder)
        open_ledger(
            settings.ledger_path,
            tenant_id=TENANT,
            project=settings.project,
            random_bytes=counting_bytes(),
            at=HandClock().now(),
        ).close()
        parts = service_parts_of(settings, HandClock(), log_stream=io.BytesIO(), insecure_loopback=True)
        parts.close()
    return parts.endpoints


def _key() -> bytes:
    """A key that opens nothing."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*kinds)


def _section(endpoint: Endpoint) -> str:
    paths = "\n".join(
        f"- {code(f'{method} {path}')}" for path in endpoint.paths for method in endpoint.methods
    )
    caller = "anybody" if endpoint.is_open else "Entra" if endpoint.authenticate else "a `[[service.caller]]`"
    answers = {
        status: one for status, one in endpoint.answers.items() if endpoint.is_open or status not in ERRORS
    }
    rows = [(code(status), WORDS.get(status, ""), _body(one)) for status, one in sorted(answers.items())]
    parts = [f"## {endpoint.name}", endpoint.summary, paths, f"Called by {caller}."]
    if endpoint.request is not None:
        parts.append(f"It reads {_body(endpoint.request)}.")
    return "\n\n".join([*parts, table(["status", "when", "body"], rows)])


def _body(kind: Any) -> str:
    if kind is None:
        return "nothing"
    if kind is ErrorBody:
        return "the error body"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = msgspec.structs.fields(kind)
        return "{" + ", ".join(code(one.encode_name) + ("" if one.required else "?") for one in fields) + "}"
    return "JSON"
