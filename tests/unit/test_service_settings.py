"""The settings of the sign-in service: every mistake in them gets one sentence of its own."""

from pathlib import Path
from typing import Any

import pytest

from idferry.errors import SettingsError
from idferry.settings import Settings, host_and_port, parse_settings

PRINT = "ab" * 32
BASIC = {"name": "a", "kind": "basic", "user": "u", "secrets": ["env:A"]}
JWT = {
    "name": "a",
    "kind": "jwt",
    "issuers": ["https://issuer"],
    "audiences": ["aud"],
    "applications": ["app"],
    "tenant_id": "t",
    "keys_url": "https://issuer/keys",
}
CERTIFICATE = {"name": "a", "kind": "certificate", "thumbprints": [PRINT]}


def parsed(service: dict[str, Any], *callers: dict[str, Any]) -> Settings:
    return parse_settings({"service": {**service, "caller": list(callers)}}, file=None, folder=Path("folder"))


@pytest.mark.parametrize(
    "caller",
    [
        BASIC,
        {**BASIC, "secrets": ["env:A", "file:b"]},
        {"name": "a", "kind": "api_key", "secrets": ["env:A"], "header": "X-Functions-Key"},
        {"name": "a", "kind": "bearer", "secrets": ["keyvault:https://v.vault.azure.net/secrets/x"]},
        JWT,
        {**JWT, "keys_url": "http://127.0.0.1:5000/keys"},
        CERTIFICATE,
        {**CERTIFICATE, "thumbprints": [":".join(["AB"] * 32)]},
    ],
)
def test_every_kind_of_caller_is_taken(caller: dict[str, Any]) -> None:
    assert parsed({}, caller).service_callers[0].name == "a"


def test_two_callers_of_one_kind_are_taken() -> None:
    assert len(parsed({}, BASIC, {**BASIC, "name": "b", "user": "v"}).service_callers) == 2


@pytest.mark.parametrize(
    ("caller", "said"),
    [
        ({**BASIC, "user": "a:b"}, "no colon"),
        ({**BASIC, "name": "insecure_loopback"}, "cannot be called insecure_loopback"),
        ({**BASIC, "user": "jürgen"}, "ASCII"),
        ({**BASIC, "user": ""}, "needs user"),
        ({**BASIC, "secrets": []}, "needs secrets"),
        ({**BASIC, "secrets": ["env:A", "env:A"]}, "each one once"),
        ({**BASIC, "secrets": [f"env:{number}" for number in range(5)]}, "at most 4"),
        ({**BASIC, "thumbprints": [PRINT]}, "has no thumbprints"),
        ({**BASIC, "kind": "bearer"}, "has no user"),
        (
            {"name": "a", "kind": "api_key", "secrets": ["env:A"], "header": "Authorization"},
            "no name of a header",
        ),
        ({"name": "a", "kind": "api_key", "secrets": ["env:A"], "header": "x key"}, "no name of a header"),
        ({**JWT, "keys_url": "http://issuer/keys"}, "https"),
        ({**JWT, "issuers": []}, "needs issuers"),
        ({**JWT, "audiences": ["*"]}, "exact values"),
        ({**JWT, "applications": [""]}, "exact values"),
        ({**JWT, "tenant_id": ""}, "needs tenant_id"),
        ({**CERTIFICATE, "thumbprints": ["ab" * 20]}, "SHA-256"),
        ({**CERTIFICATE, "secrets": ["env:A"]}, "has no secrets"),
        ({**BASIC, "kind": "none"}, "Expected one of"),
        ({**BASIC, "password": "x"}, "unknown setting 'password'"),
        ({"kind": "basic"}, "name is missing"),
    ],
)
def test_a_caller_that_cannot_work_is_refused(caller: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parsed({}, caller)


def test_two_callers_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="same name"):
        parsed({}, BASIC, JWT)


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({"listen": "8443"}, "service.listen is an address and a port"),
        ({"listen": "localhost:99999"}, "an address and a port"),
        ({"listen": "user@localhost:8443"}, "an address and a port"),
        ({"listen": "localhost:8443/path"}, "an address and a port"),
        ({"admin_listen": "0.0.0.0:8444"}, "not on this machine"),
        ({"admin_listen": "10.0.0.1:8444"}, "not on this machine"),
        ({"tls_certificate": "a.pem"}, "go together"),
        ({"tls_key": "a.pem"}, "go together"),
        ({"trusted_proxies": ["10.0.0.1/24"]}, "addresses and networks"),
        ({"trusted_proxies": ["front"]}, "addresses and networks"),
        ({"trusted_proxies": ["0.0.0.0/0"]}, "every address there is"),
        ({"trusted_proxies": ["::/0"]}, "every address there is"),
        ({"client_certificate_header": "x-cert"}, "needs service.trusted_proxies"),
        ({"client_certificate_header": "Authorization", "trusted_proxies": ["10.0.0.1"]}, "no name of a header"),
        ({"deadline_seconds": 30}, "between 0.5 and 29"),
        ({"deadline_seconds": float("nan")}, "between 0.5 and 29"),
        ({"external_deadline_seconds": 2.0}, "between 0.2 and 1.9"),
        ({"negative_reply_at": 10.0}, "lies before"),
        ({"negative_reply_at": -1.0}, "between 0 and 29"),
        ({"status_per_address": 0}, "between 1 and"),
        ({"threads": 0}, "between 1 and 256"),
        ({"mode": "D"}, "Expected one of"),
        ({"status_store": "redis"}, "Expected one of"),
        ({"language": "tlh"}, "Expected one of"),
        ({"status_store": "azure_table"}, "needs one of"),
        ({"status_store": "azure_table", "azure_table_url": "https://a", "azure_table_connection": "env:A"}, "one of"),
        ({"azure_table_url": "http://a.table.core.windows.net"}, "https address"),
        ({"azure_table_url": "https://a.table.core.windows.net/?sig=abc"}, "without a signature"),
        ({"liste": "127.0.0.1:1"}, "unknown setting"),
    ],
)  # fmt: skip
def test_a_service_that_cannot_work_is_refused(service: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as error:
        parsed(service)
    assert "sig=abc" not in str(error.value)


def test_callers_are_tables_of_a_list() -> None:
    with pytest.raises(SettingsError, match=r"\[\[service.caller\]\]"):
        parse_settings({"service": {"caller": {"name": "a"}}}, file=None, folder=Path("folder"))


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("host:1", ("host", 1))],
)
def test_addresses_come_apart(address: str, expected: tuple[str, int]) -> None:
    assert host_and_port(address, what="x") == expected
