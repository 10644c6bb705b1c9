"""The tables of the sign-in service in `idferry.toml`, and whether their values can work. Types and defaults only.

Nothing here opens a socket or reads a certificate; secrets stay named until `serve` starts.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from idferry.errors import SettingsError
from idferry.settings.checks import LOOPBACK_HOSTS
from idferry.settings.conversion import expect_table, table

CREDENTIALS_MAX = 4  # current, next, and room for a rotation that was begun twice
REPLICAS_MAX = 64
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\Z")
_THUMBPRINT = re.compile(r"[0-9a-f]{64}\Z")
_TAKEN_HEADERS = frozenset({"authorization", "host", "content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """`[service]`: how `idferry serve` listens, answers, and knows who must reset the password."""

    listen: str = "127.0.0.1:8443"
    admin_listen: str = "127.0.0.1:8444"
    tls_certificate: str = ""
    tls_key: str = ""
    client_ca: str = ""
    trusted_proxies: list[str] = field(default_factory=list)
    client_certificate_header: str = ""
    mode: Literal["A", "B", "C"] = "A"
    deadline_seconds: float = 10.0
    external_deadline_seconds: float = 1.6
    negative_reply_at: float = 1.5
    outage_answer: Literal["block", "retry", "error"] = "block"
    weak_password: Literal["entra", "ask"] = "entra"
    status_store: Literal["ledger", "azure_table", "attribute"] = "ledger"
    azure_table_connection: str = ""
    azure_table_url: str = ""
    status_per_address: int = 30
    status_conflicts_per_minute: int = 600
    require_methods_before_jit: bool = True
    sweep_minutes: int = 60
    capture_callers: list[str] = field(default_factory=list)
    threads: int = 64
    replicas: int = 1
    language: Literal["en", "de", "fr", "es"] = "en"
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceCaller:
    """`[[service.caller]]`: who may call the endpoints that custom policies use, and how the caller proves itself.

    Lists hold the current credential and, during a rotation, the next one.
    """

    name: str
    kind: Literal["basic", "api_key", "bearer", "jwt", "certificate"]
    user: str = ""
    header: str = "x-api-key"
    secrets: list[str] = field(default_factory=list)
    thumbprints: list[str] = field(default_factory=list)
    issuers: list[str] = field(default_factory=list)
    audiences: list[str] = field(default_factory=list)
    applications: list[str] = field(default_factory=list)
    tenant_id: str = ""
    keys_url: str = ""


def service_of(raw: object) -> tuple[ServiceSettings, tuple[ServiceCaller, ...]]:
    """The tables `[service]` and `[[service.caller]]`. Raises SettingsError."""
    rest = dict(expect_table(raw, where="service"))
    listed = rest.pop("caller", [])
    if not isinstance(listed, list):
        raise SettingsError("service.caller is a list of tables: write [[service.caller]]")
    service = table(ServiceSettings, rest, where="service")
    callers = tuple(table(ServiceCaller, one, where="service.caller") for one in listed)
    _check_service(service)
    _check_callers(callers)
    for one in service.capture_callers:
        if one not in [caller.name for caller in callers]:
            raise SettingsError(
                f"service.capture_callers names {one}, and there is no [[service.caller]] of that name",
                remedy="Give the front a caller of its own: whoever may hand on a password may choose one.",
            )
    return service, callers


def host_and_port(address: str, *, what: str) -> tuple[str, int]:
    """`127.0.0.1:8443` or `[::1]:8443` in its parts. Raises SettingsError."""
    try:
        parts = urlsplit(f"//{address}")
        host, port, more = parts.hostname, parts.port, parts.path or parts.username
    except ValueError:
        host, port, more = None, None, None
    if not host or port is None or more:
        raise SettingsError(
            f"{what} is an address and a port", remedy='For example "127.0.0.1:8443" or "[::1]:8443".'
        )
    return host, port


def _check_service(service: ServiceSettings) -> None:
    host_and_port(service.listen, what="service.listen")
    host, _ = host_and_port(service.admin_listen, what="service.admin_listen")
    if host not in LOOPBACK_HOSTS:
        raise SettingsError(
            "service.admin_listen is not on this machine: metrics and readiness are for loopback only",
            remedy="Leave it out, or let an agent on this machine read it.",
        )
    if bool(service.tls_certificate) != bool(service.tls_key):
        raise SettingsError("service.tls_certificate and service.tls_key go together")
    for one in service.trusted_proxies:
        _check_network(one)
    if service.client_certificate_header:
        _check_certificate_header(service)
    _check_figures(service)
    _check_table(service)


def _check_network(network: str) -> None:
    try:
        wide = ipaddress.ip_network(network, strict=True).prefixlen == 0
    except ValueError:
        raise SettingsError(
            "service.trusted_proxies lists addresses and networks such as 10.1.2.0/24"
        ) from None
    if wide:
        raise SettingsError("service.trusted_proxies names every address there is")


def _check_certificate_header(service: ServiceSettings) -> None:
    name = service.client_certificate_header
    if not _HEADER_NAME.match(name) or name.lower() in _TAKEN_HEADERS:
        raise SettingsError("service.client_certificate_header is no name of a header for that")
    if not service.trusted_proxies:
        raise SettingsError(
            "service.client_certificate_header needs service.trusted_proxies: anybody could send the header",
            remedy="List the addresses of the front that ends TLS.",
        )


def _check_figures(service: ServiceSettings) -> None:
    for name, least, most in (
        ("deadline_seconds", 0.5, 29.0),
        ("external_deadline_seconds", 0.2, 1.9),
        ("negative_reply_at", 0.0, 29.0),
        ("status_per_address", 1, 1_000_000),
        ("status_conflicts_per_minute", 1, 1_000_000),
        ("sweep_minutes", 0, 10_080),
        ("threads", 1, 256),
        ("replicas", 1, REPLICAS_MAX),
    ):
        if not least <= getattr(service, name) <= most:
            raise SettingsError(f"service.{name} is between {least:g} and {most:g}")
    if service.negative_reply_at >= service.deadline_seconds:
        raise SettingsError("service.negative_reply_at lies before service.deadline_seconds")


def _check_table(service: ServiceSettings) -> None:
    named = [one for one in (service.azure_table_connection, service.azure_table_url) if one]
    if service.status_store == "azure_table" and len(named) != 1:
        raise SettingsError(
            'service.status_store = "azure_table" needs one of azure_table_connection and azure_table_url',
            remedy='A connection string by name ("env:NAME"), or the account\'s address for a managed identity.',
        )
    url = service.azure_table_url
    if url and (urlsplit(url).scheme != "https" or urlsplit(url).query):
        raise SettingsError("service.azure_table_url is an https address without a signature in it")


_TAKEN_NAMES = frozenset({"insecure_loopback"})
"""Whoever calls where everybody may."""


def _check_callers(callers: Sequence[ServiceCaller]) -> None:
    names = [one.name for one in callers]
    if len(set(names)) < len(names):
        raise SettingsError("two of the [[service.caller]] have the same name")
    if taken := _TAKEN_NAMES & set(names):
        raise SettingsError(
            f"a [[service.caller]] cannot be called {min(taken)}: the service itself calls one so"
        )
    for caller in callers:
        _check_caller(caller)


_NEEDED: Mapping[str, tuple[str, ...]] = {
    "basic": ("user", "secrets"),
    "api_key": ("header", "secrets"),
    "bearer": ("secrets",),
    "jwt": ("issuers", "audiences", "applications", "tenant_id", "keys_url"),
    "certificate": ("thumbprints",),
}


def _check_caller(caller: ServiceCaller) -> None:
    where = f"service.caller {caller.name}"
    needed = _NEEDED[caller.kind]
    defaults = ServiceCaller(name="", kind="basic")
    for name in (
        "user",
        "secrets",
        "thumbprints",
        "issuers",
        "audiences",
        "applications",
        "tenant_id",
        "keys_url",
    ):
        value: Any = getattr(caller, name)
        if name in needed and not value:
            raise SettingsError(f"{where} is of kind {caller.kind} and needs {name}")
        if name not in needed and value != getattr(defaults, name):
            raise SettingsError(f"{where} is of kind {caller.kind}, which has no {name}")
    for listed in (caller.secrets, caller.thumbprints):
        if len(listed) > CREDENTIALS_MAX or len(set(listed)) < len(listed):
            raise SettingsError(f"{where} has at most {CREDENTIALS_MAX} credentials, each one once")
    _check_kind(caller, where)


def _check_kind(caller: ServiceCaller, where: str) -> None:
    if ":" in caller.user or not caller.user.isascii() or not caller.user.isprintable():
        raise SettingsError(f"{where}: the user name is ASCII and has no colon, which ends it in the header")
    if not _HEADER_NAME.match(caller.header) or caller.header.lower() in _TAKEN_HEADERS:
        raise SettingsError(f"{where}: the header is no name of a header for a key")
    if any(not _THUMBPRINT.match(one.replace(":", "").lower()) for one in caller.thumbprints):
        raise SettingsError(
            f"{where}: a thumbprint is the SHA-256 of the certificate in 64 hexadecimal digits",
            remedy="openssl x509 -in client.pem -noout -fingerprint -sha256",
        )
    if any(not one or "*" in one for one in (*caller.issuers, *caller.audiences, *caller.applications)):
        raise SettingsError(f"{where}: issuers, audiences and applications are exact values")
    url = urlsplit(caller.keys_url)
    if caller.kind == "jwt" and url.scheme != "https" and url.hostname not in LOOPBACK_HOSTS:
        raise SettingsError(f"{where}: keys_url uses https: whoever answers there decides who may call")
