"""A B2C custom policy as a front, played step by step: what the policy reads, asks, writes, and what it shows.

It does what the how-to pages ask of a policy: the flag and `accountEnabled` come from the policy's own read, `tokenSuccess`
must be true, password and flag travel in one write, and the tenant's own check of the password comes last. It is no
interpreter of policy files. Addresses are proven before it is asked for anything but a sign-in.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp
from tests.support.sign_in_ends import End

from idferry.service.messages import TEXTS, Text

CALLER, SECRET = "policy", "a-secret-of-the-policy-0123456789abcdef"
NEUTRAL = TEXTS["en"][Text.WRONG]
_SAID = {
    TEXTS["en"][text]: end
    for text, end in {
        Text.WRONG: End.WRONG,
        Text.TRY_LATER: End.LATER,
        Text.CANNOT_BE_USED: End.MUST_RESET,
        Text.MUST_RESET: End.MUST_RESET,
        Text.HAS_ACCOUNT: End.TAKEN,
        Text.BARRED: End.BARRED,
    }.items()
}
_OF_LOGIN = {
    "ok": End.TOKEN,
    "wrong_password": End.WRONG,
    "unknown": End.WRONG,
    "disabled": End.DISABLED,
    "must_change_password": End.MUST_RESET,
}
_OF_ANSWER = frozenset({"createRequired", "tokenSuccess", "migrationRequired"})
_KINDS = {"signInEmailAddress": "emailAddress", "signInUserName": "userName"}


class Mode(StrEnum):
    """How the policy and the service share the work."""

    A = "A"
    B = "B"
    C = "C"
    RESET_REQUIRED = "reset-required"


@dataclass(frozen=True)
class _Account:
    """What the policy's AAD Read puts out."""

    object_id: str
    flag: bool | None
    enabled: bool


class B2cPolicy:
    """The policy of one tenant, calling one service over TLS with its credential. `asked` counts its calls.

    `relaxed`: it stores passwords with DisableStrongPassword, as Microsoft's sample does. `address`: where people sit; else
    each of them somewhere else.
    """

    def __init__(
        self, emulator: Emulator, tenant: EmulatedTenant, address: str, authority: Path, *, mode: Mode
    ) -> None:
        self._emulator = emulator
        self._tenant = tenant
        self._mode = mode
        self._graph = GraphHttp(tenant)
        self._flag = tenant.extension("requiresMigration")
        self._http = httpx2.Client(
            base_url=address.replace("127.0.0.1", "localhost"),
            verify=ssl.create_default_context(cafile=authority),
            auth=(CALLER, SECRET),
            trust_env=False,
            timeout=30,
        )
        self._journeys = count(1)
        self.relaxed = mode is Mode.A
        self.asked = 0
        self.address = ""
        self._page = ""

    def sign_in(self, name: str, password: str) -> End:
        """The sign-in page's validation: status or flag first, then ours, then the write, then the tenant's own check."""
        if self._mode is Mode.RESET_REQUIRED:
            status, answer = self._ask("/api/PrePasswordReset/LoalAccountSignIn", {"email": name})
            return self._login(name, password) if status == 200 else _said(answer)
        account = self._read(name)
        if account is None:
            return self._newcomer(name, password) if self._mode is Mode.C else _SAID[NEUTRAL]
        if not account.enabled:
            return End.DISABLED
        if account.flag is True:
            refused = self._migrate(account, name, password)
            if refused is not None:
                return refused
        return self._login(name, password)

    def sign_in_after(self, wrong: str, name: str, password: str) -> tuple[End, End]:
        """A wrong password, then on the same page this one: the tenant's correlation id is that of the page."""
        self._page = f"page-{next(self._journeys)}"
        ends = self.sign_in(name, wrong), self.sign_in(name, password)
        self._page = ""
        return ends

    def sign_up(self, name: str, password: str) -> End:
        """In mode C the service is asked whether somebody is to come; the tenant itself refuses names that are taken."""
        if self._mode is Mode.C:
            status, answer = self._ask("/api/migration/sign-up", {"signInName": name})
            if status != 200:
                return _said(answer)
        made = self._graph.post("/users", self._body({"signInEmailAddress": name}, password))
        return self._login(name, password) if made.status_code == 201 else _taken(made)

    def reset(self, name: str, password: str) -> End:
        """Password and flag in one write, then the notice, which must not be able to fail anything."""
        account = self._read(name)
        if account is None:
            object_id = self._created_at_reset(name, password) if self._mode is Mode.C else ""
        elif self._write(account.object_id, password):
            object_id = account.object_id
        else:
            return End.FAILED
        if not object_id:
            return End.UNKNOWN
        status, _ = self._ask("/api/migration/password-reset", {"signInName": name, "objectId": object_id})
        assert status == 200
        if self._mode is Mode.RESET_REQUIRED:
            told = {"email": name, "objectId": object_id}
            assert self._ask("/api/PrePasswordReset/PasswordUpdated", told)[0] == 200
        return End.RESET

    def ask_without_reading(self, name: str, password: str) -> End:
        """What a policy that forgot to look at the account would be told. Nothing is written."""
        status, answer = self._ask("/api/migration/sign-in", {"signInName": name, "password": password})
        return End.TOKEN if status == 200 else _said(answer)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()
        self._graph.close()

    def _migrate(self, account: _Account, name: str, password: str) -> End | None:
        """Ask, and in the modes in which the policy writes, write; None: go on to the tenant's own check."""
        asked = {"signInName": name, "password": password, "objectId": account.object_id}
        status, answer = self._ask("/api/migration/sign-in", asked)
        if status != 200:
            return _said(answer)
        assert answer == {"tokenSuccess": True, "migrationRequired": False}
        if self._mode is Mode.B or self._write(account.object_id, password):
            return None
        return End.FAILED

    def _newcomer(self, name: str, password: str) -> End:
        status, answer = self._ask("/api/migration/sign-in", {"signInName": name, "password": password})
        if status != 200:
            return _said(answer)
        assert answer["tokenSuccess"] is answer["createRequired"] is True
        made = self._graph.post("/users", self._body(answer, password))
        return self._login(name, password) if made.status_code == 201 else End.FAILED

    def _created_at_reset(self, name: str, password: str) -> str:
        """The object id of the account that the reset makes; empty: there is nobody to come."""
        status, answer = self._ask("/api/migration/reset-lookup", {"signInName": name})
        assert status == 200
        if answer["createRequired"] is not True:
            return ""
        made = self._graph.post("/users", self._body(answer, password))
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def _read(self, name: str) -> _Account | None:
        domain, flag = self._tenant.domain, self._flag
        quoted = name.replace("'", "''")
        where = f"identities/any(c:c/issuerAssignedId eq '{quoted}' and c/issuer eq '{domain}')"
        found = self._graph.find(where, select=f"id,accountEnabled,{flag}")
        if not found:
            return None
        [one] = found
        return _Account(one["id"], one.get(flag), one["accountEnabled"])

    def _write(self, object_id: str, password: str) -> bool:
        """AAD Write: password, password policies and flag in one request."""
        body = {**self._password(password), self._flag: False}
        return bool(self._graph.patch(f"/users/{object_id}", body).status_code == 204)

    def _password(self, password: str) -> dict[str, Any]:
        policies = "DisablePasswordExpiration" + (", DisableStrongPassword" if self.relaxed else "")
        profile = {"password": password, "forceChangePasswordNextSignIn": False}
        return {"passwordProfile": profile, "passwordPolicies": policies}

    def _body(self, claims: Mapping[str, Any], password: str) -> dict[str, Any]:
        """AAD Write by sign-in name: every claim under its own name, extension attributes under the tenant's."""
        body: dict[str, Any] = {"displayName": "Somebody", **self._password(password)}
        body["identities"] = [
            self._graph.local(claims[claim], kind) for claim, kind in _KINDS.items() if claim in claims
        ]
        for claim, value in claims.items():
            if claim in _OF_ANSWER or claim in _KINDS:
                continue
            short = claim.removeprefix("extension_")
            body[claim if short == claim else self._tenant.extension(short)] = value
        return body

    def _login(self, name: str, password: str) -> End:
        """login-NonInteractive: the tenant's own check, which no answer of ours replaces."""
        return _OF_LOGIN[self._emulator.sign_in(self._tenant, name, password)["reason"]]

    def _ask(self, path: str, claims: Mapping[str, Any]) -> tuple[int, Any]:
        self.asked += 1
        number = next(self._journeys)
        address = self.address or f"198.51.{number >> 8}.{number & 255}"
        more = {"correlationId": self._page or f"journey-{number}", "ipAddress": address}
        answer = self._http.post(path, json={**more, **claims})
        return answer.status_code, answer.json() if answer.content else None


def _said(answer: Mapping[str, Any]) -> End:
    assert answer["status"] == 409
    return _SAID[answer["userMessage"]]


def _taken(made: httpx2.Response) -> End:
    assert "ObjectConflict" in made.text, made.text
    return End.TAKEN
