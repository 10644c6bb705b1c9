"""From settings to just-in-time migration: who is served, how it is decided, and whom Entra's token must name."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.hand_clock import HandClock

from idferry.rules.sign_in import SignInRules, Writer
from idferry.service.external_id import CALLER_APPLICATION_ID
from idferry.service.workers import Workers
from idferry.settings import Settings, parse_settings
from idferry.wiring.sign_ins import entra_check_of, serves_sign_ins, sign_in_rules_of

TENANT = "11111111-2222-3333-4444-555555555555"
APP = "aaaaaaaa-0000-0000-0000-000000000001"
VERIFIER = {
    "name": "shop",
    "kind": "web_service",
    "url": "https://shop.example.com/check",
    "legacy_lockout": {"threshold": 1_000, "window_seconds": 60},
}
EXTERNAL = {
    "app_id": APP,
    "app_uri": f"api://signin.example.com/{APP}",
    "extension_ids": [APP],
    "keys": ["file:entra.pem"],
}


def settings(kind: str = "b2c", **tables: Any) -> Settings:
    tenant = {"id": TENANT, "domain": "contoso.onmicrosoft.com", "kind": kind}
    return parse_settings({"tenant": tenant, **tables}, file=None, folder=Path())


@pytest.mark.parametrize(
    ("kind", "tables", "served"),
    [
        ("b2c", {}, False),
        ("b2c", {"verifier": [VERIFIER]}, True),
        ("external", {"verifier": [VERIFIER]}, False),
        ("external", {"external_id": EXTERNAL}, False),
        ("external", {"verifier": [VERIFIER], "external_id": EXTERNAL}, True),
    ],
)
def test_it_takes_a_verifier_and_somebody_who_asks(kind: str, tables: dict[str, Any], served: bool) -> None:
    assert serves_sign_ins(settings(kind, **tables)) is served


@pytest.mark.parametrize(
    ("kind", "tables", "changed"),
    [
        ("b2c", {}, {"stores_weak": False}),
        ("b2c", {"passwords": {"weak": "allow"}}, {}),
        ("b2c", {"service": {"mode": "B"}}, {"writer": Writer.US, "stores_weak": False}),
        ("external", {}, {}),
        ("external", {"service": {"mode": "B"}}, {}),
        ("external", {"service": {"weak_password": "ask"}}, {"stores_weak": False}),
        ("external", {"service": {"require_methods_before_jit": False}}, {"methods_first": False}),
    ],
)
def test_the_settings_say_how_it_is_decided(
    kind: str, tables: dict[str, Any], changed: dict[str, Any]
) -> None:
    assert sign_in_rules_of(settings(kind, **tables)) == SignInRules(**changed)


def test_entras_caller_is_pinned_to_the_tenant_in_both_forms_of_its_name() -> None:
    workers = Workers(threads=1, waiting_max=1, name="keys")
    read = settings("external", external_id=EXTERNAL)
    terms = entra_check_of(
        read, read.need_tenant(), HandClock(), workers=workers, unread=lambda _whose, _cause: None
    ).terms
    workers.close()
    assert list(terms.issuers) == [
        f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0",
        f"https://contoso.ciamlogin.com/{TENANT}/v2.0",
    ]
    assert (list(terms.audiences), list(terms.applications)) == ([APP], [CALLER_APPLICATION_ID])
    assert (terms.tenant_id, CALLER_APPLICATION_ID) == (TENANT, "99045fe1-7639-4a75-9d4a-577b6ca3810f")
