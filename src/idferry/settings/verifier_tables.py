"""The `[[verifier]]` tables: who says whether a legacy password is right. Each kind takes keys of its own.

Types, defaults and what must hold of every kind; what an adapter makes of its keys is checked where it is built.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

from idferry.errors import SettingsError
from idferry.settings.conversion import expect_table, refuse_unknown, table

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}\Z")
DEADLINE_SECONDS_MAX = 10.0
CONCURRENT_CALLS_MAX = 256
REQUESTS_PER_SECOND_MAX = 1_000


@dataclass(frozen=True, slots=True)
class LegacyLockout:
    """The legacy system's own lock: so many wrong passwords within so many seconds."""

    threshold: int
    window_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """What every kind of `[[verifier]]` has."""

    name: str
    kind: str
    sources: list[str] = field(default_factory=list)
    email_domains: list[str] = field(default_factory=list)
    legacy_lockout: LegacyLockout | None = None
    legacy_requests_per_second: int = 0
    concurrent_calls: int = 32
    deadline_seconds: float = DEADLINE_SECONDS_MAX


@dataclass(frozen=True, slots=True)
class WebServiceAnswer:
    """One row of `answers`: what an answer means."""

    status: int
    verdict: str
    path: str = ""
    equals: str | int | bool | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebServiceVerifier(Verifier):
    """`[[verifier]] kind = "web_service"`: an HTTP service of the legacy system."""

    url: str
    contract: Literal[
        "kratos", "okta", "cognito_lambda", "auth0_database", "fusionauth", "keycloak_plugin"
    ] = "kratos"
    method: Literal["", "POST", "PUT", "PATCH", "GET"] = ""
    encoding: Literal["", "json", "form"] = ""
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    secret_headers: dict[str, str] = field(default_factory=dict)
    authentication: Literal["none", "basic", "bearer"] = "none"
    user: str = ""
    secret: str = ""
    client_certificate: str = ""
    ca_file: str = ""
    private_address: bool = False
    answers: list[WebServiceAnswer] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordGrantVerifier(Verifier):
    """`[[verifier]] kind = "password_grant"`: the OAuth 2 password grant of an identity server."""

    url: str
    client_id: str
    server: Literal["standard", "b2c", "entra", "keycloak", "auth0", "okta"] = "standard"
    client_secret: str = ""
    client_authentication: Literal["body", "basic"] = "body"
    scope: str = ""
    realm: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    client_certificate: str = ""
    ca_file: str = ""
    private_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapVerifier(Verifier):
    """`[[verifier]] kind = "ldap"`: an LDAP directory, Active Directory among them."""

    url: str
    base: str
    filter: str = "(mail={sign_in_name})"
    encryption: Literal["", "start_tls", "none"] = ""
    bind_dn: str = ""
    bind_password: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CognitoVerifier(Verifier):
    """`[[verifier]] kind = "cognito"`: an AWS Cognito user pool."""

    region: str
    user_pool_id: str
    client_id: str
    client_secret: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    endpoint: str = ""
    ca_file: str = ""
    private_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HashesVerifier(Verifier):
    """`[[verifier]] kind = "hashes"`: the hash store of `[hashes]`."""

    legacy_frozen_at: str = ""


VERIFIER_KINDS: Mapping[str, type[Verifier]] = MappingProxyType(
    {
        "web_service": WebServiceVerifier,
        "password_grant": PasswordGrantVerifier,
        "ldap": LdapVerifier,
        "cognito": CognitoVerifier,
        "hashes": HashesVerifier,
    }
)
"""Kind -> its table."""
OFFLINE_KINDS: frozenset[str] = frozenset({"hashes"})
"""Kinds that ask no legacy system: it cannot lock anybody, so they need no `legacy_lockout`."""
_NESTED: Mapping[str, type[LegacyLockout] | type[WebServiceAnswer]] = {
    "legacy_lockout": LegacyLockout,
    "answers": WebServiceAnswer,
}


def verifiers_of_tables(raw: object) -> tuple[Verifier, ...]:
    """Every `[[verifier]]` of the settings, in their order.

    Raises:
        SettingsError: an unknown kind or key, a wrong value, a name twice, or no `legacy_lockout` for a live kind.
    """
    if not isinstance(raw, list):
        raise SettingsError("verifier is a list of tables: write [[verifier]]")
    found = tuple(_verifier(one) for one in raw)
    _check_names(found)
    for one in found:
        _check(one)
    return found


def _verifier(raw: object) -> Verifier:
    given = expect_table(raw, where="verifier")
    kind = given.get("kind")
    cls = VERIFIER_KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise SettingsError(
            "verifier.kind says how the legacy system is asked", remedy=f"One of {', '.join(VERIFIER_KINDS)}."
        )
    for key, nested in _NESTED.items():
        inside = given.get(key, [])
        for one in inside if isinstance(inside, list) else [inside]:
            names = [each.name for each in fields(nested)]
            refuse_unknown(expect_table(one, where=f"verifier.{key}"), names, where=f"verifier.{key}")
    return table(cls, given, where="verifier")


def _check_names(verifiers: Sequence[Verifier]) -> None:
    names = [one.name.lower() for one in verifiers]
    if len(set(names)) < len(names):
        raise SettingsError("two of the [[verifier]] have the same name", remedy="Give each its own.")
    if not all(NAME.match(one.name) for one in verifiers):
        raise SettingsError(
            "verifier.name is a short name: letters, digits, - and _",
            remedy='For example: name = "old-shop".',
        )


def _check(one: Verifier) -> None:
    where = f"verifier {one.name}"
    lockout = one.legacy_lockout
    if lockout is None and one.kind not in OFFLINE_KINDS:
        raise SettingsError(
            f"{where} names no legacy_lockout",
            remedy="Say after how many wrong passwords in which time the legacy system locks somebody: "
            "legacy_lockout = { threshold = 10, window_seconds = 600 }. Guesses are then held below it.",
        )
    if lockout is not None and (lockout.threshold < 1 or lockout.window_seconds < 1):
        raise SettingsError(f"{where}: both figures of legacy_lockout are 1 or more")
    for key, value, least, most in (
        ("legacy_requests_per_second", one.legacy_requests_per_second, 0, REQUESTS_PER_SECOND_MAX),
        ("concurrent_calls", one.concurrent_calls, 1, CONCURRENT_CALLS_MAX),
        ("deadline_seconds", one.deadline_seconds, 0.1, DEADLINE_SECONDS_MAX),
    ):
        if not least <= value <= most:
            raise SettingsError(f"{where}: {key} is between {least} and {most}")
    if any("@" in domain or not domain for domain in one.email_domains):
        raise SettingsError(
            f"{where}: email_domains are what stands behind the @",
            remedy='For example: email_domains = ["contoso.com"].',
        )
