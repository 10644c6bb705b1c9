"""Who may call the endpoints that custom policies use. Decided by the headers alone, before the body is read.

Every way compares in a time that does not depend on what was sent. A request that shows two credentials of one header,
or a certificate in a header from a peer that may not send one, is refused whatever else it shows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from starlette.types import Scope

from idferry.errors import SettingsError
from idferry.service.bearer_tokens import TokenCheck
from idferry.service.client_certificates import (
    CertificateCaller,
    caller_of_certificate,
    certificate_in_header,
)
from idferry.service.credentials import SecretCaller, SecretDigests, what_is_presented
from idferry.service.endpoints import Caller
from idferry.service.peers import Peers
from idferry.service.token_sources import Heard, unheard

CERTIFICATE_EXTENSION = "idferry.client_certificate"
"""Where our server puts the DER bytes of a certificate that its TLS has verified, in the ASGI scope's extensions."""
_AUTHORIZATION = b"authorization"
_BEARER = b"bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Everybody who may call, by the way of proving it."""

    secrets: Sequence[SecretCaller] = ()
    tokens: Mapping[str, TokenCheck] = field(default_factory=dict)
    certificates: Sequence[CertificateCaller] = ()
    certificate_header: str = ""

    def names(self) -> list[str]:
        """The names of all of them."""
        return [*(one.name for one in self.secrets), *self.tokens, *(one.name for one in self.certificates)]


class CallerAuth:
    """Finds out who sent a request. `key` is random and lives as long as the process."""

    def __init__(
        self,
        callers: Callers,
        *,
        peers: Peers,
        key: bytes,
        now: Callable[[], datetime],
        heard: Heard = unheard,
    ) -> None:
        """`heard` is told of every token that lets its caller in."""
        self._callers = callers
        self._heard = heard
        self._peers = peers
        self._now = now
        self._certificate_header = callers.certificate_header.lower().encode()
        self._secrets = _by_header(callers.secrets, key)
        self._looked_at = {_AUTHORIZATION, *self._secrets} | (
            {self._certificate_header} if self._certificate_header else set()
        )

    async def by_headers(self, scope: Scope) -> Caller | None:
        """Who sent this request to a listener that asks for no client certificate; None: nobody who may."""
        shown: dict[bytes, bytes] = {}
        looked_at = self._looked_at
        for name, value in scope["headers"]:
            if name in looked_at:
                if name in shown:
                    return None
                shown[name] = value
        if self._certificate_header in shown:
            return self._by_certificate_header(scope, shown[self._certificate_header])
        for name, value in shown.items():
            caller = self._by_secret(name, value)
            if caller:
                return caller
        return await self._by_token(shown.get(_AUTHORIZATION, b""), scope)

    async def by_certificate(self, scope: Scope) -> Caller | None:
        """Who sent this request to the mutual-TLS listener, where nothing but the certificate counts."""
        der = (scope.get("extensions") or {}).get(CERTIFICATE_EXTENSION)
        if not isinstance(der, bytes):
            return None
        return caller_of_certificate(der, callers=self._callers.certificates, now=self._now())

    def _by_certificate_header(self, scope: Scope, value: bytes) -> Caller | None:
        if not self._peers.is_trusted(scope):
            return None
        der = certificate_in_header(value)
        if der is None:
            return None
        return caller_of_certificate(der, callers=self._callers.certificates, now=self._now())

    def _by_secret(self, name: bytes, value: bytes) -> Caller | None:
        if name not in self._secrets:
            return None
        digests, callers = self._secrets[name]
        presented = what_is_presented(name, value)
        number = digests.find(presented)
        return callers[number] if number >= 0 and presented else None

    async def _by_token(self, authorization: bytes, scope: Scope) -> Caller | None:
        if not self._callers.tokens or authorization[: len(_BEARER)].lower() != _BEARER:
            return None
        token = authorization[len(_BEARER) :].strip(b" ")
        for name, check in self._callers.tokens.items():
            if await check.accepts(token):
                self._heard(name, token, scope)
                return Caller(name)
        return None


def _by_header(
    callers: Sequence[SecretCaller], key: bytes
) -> dict[bytes, tuple[SecretDigests, list[Caller]]]:
    presented: dict[bytes, list[bytes]] = {}
    owners: dict[bytes, list[Caller]] = {}
    for caller in callers:
        for number, one in enumerate(caller.presented()):
            name = caller.header_name()
            if one in presented.get(name, ()):
                raise SettingsError(f"caller {caller.name} has the credential of another one")
            presented.setdefault(name, []).append(one)
            owners.setdefault(name, []).append(Caller(caller.name, number))
    return {name: (SecretDigests(key=key, presented=presented[name]), owners[name]) for name in presented}
