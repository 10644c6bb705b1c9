"""Access tokens: issues them, remembers them, and refuses those that are missing, unknown or expired.

A token looks like the real one (a signed JWT with appid, tid, roles, exp) but is recognised by being remembered, which
costs a dictionary look-up instead of a signature check for each request.
"""

import secrets
from collections import OrderedDict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from idferry.emulator.entropy import Entropy
from idferry.emulator.graph.errors import bad_token
from idferry.emulator.tenants import Application, Tenant

REMEMBERED_MAX = 10_000
KEY_BITS = 2048
GRAPH = "https://graph.microsoft.com"


@dataclass(frozen=True, slots=True)
class Claims:
    """Who a token speaks for, what it may, and until when (seconds since 1970)."""

    tenant: Tenant
    application: Application
    roles: frozenset[str]
    expires_s: float


class Tokens:
    """The tokens that this emulator has issued."""

    def __init__(self, *, entropy: Entropy) -> None:
        self._entropy = entropy
        self._key = RSAKey.generate_key(KEY_BITS, parameters={"kid": secrets.token_hex(8), "use": "sig"})
        self._issued: OrderedDict[str, Claims] = OrderedDict()
        self._signed: deque[str] = deque(maxlen=REMEMBERED_MAX)

    def issue(self, *, tenant: Tenant, application: Application, issuer: str, now_s: float) -> str:
        """A token for this application with the permissions it has now."""
        expires_s = now_s + tenant.options.token_lifetime_s
        payload = {
            "aud": GRAPH,
            "iss": issuer,
            "iat": int(now_s),
            "nbf": int(now_s),
            "exp": int(expires_s),
            "appid": application.client_id,
            "app_displayname": application.display_name,
            "idtyp": "app",
            "oid": application.object_id,
            "roles": sorted(application.roles),
            "sub": application.object_id,
            "tid": tenant.tenant_id,
            "uti": self._entropy.secret(length=22),
            "ver": "1.0",
        }
        token = self._encode(payload)
        self._issued[token] = Claims(tenant, application, application.roles, expires_s)
        while len(self._issued) > REMEMBERED_MAX:
            self._issued.popitem(last=False)
        return token

    def sign(self, payload: Mapping[str, Any]) -> str:
        """A signed token with these claims, for others than Graph, which does not know it."""
        token = self._encode(payload)
        self._signed.append(token)
        return token

    def _encode(self, payload: Mapping[str, Any]) -> str:
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key.kid}
        return jwt.encode(header, dict(payload), self._key, algorithms=["RS256"])

    def read(self, authorization: str | None, *, now_s: float) -> Claims:
        """The claims behind an Authorization header; GraphError 401 when there is no good token in it."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise bad_token("Access token is empty.")
        claims = self._issued.get(token.strip())
        if claims is None:
            raise bad_token("CompactToken parsing failed with error code: 80049217")
        if claims.expires_s <= now_s:
            raise bad_token("Access token has expired or is not yet valid.")
        return claims

    def expire(self, *, now_s: float) -> int:
        """Ends every token that is out; tells how many."""
        ended = [token for token, claims in self._issued.items() if claims.expires_s > now_s]
        for token in ended:
            self._issued[token] = replace(self._issued[token], expires_s=now_s)
        return len(ended)

    def keep_only(self, client_ids: Collection[str]) -> None:
        """Forgets the tokens of all other applications."""
        kept = [
            (token, claims)
            for token, claims in self._issued.items()
            if claims.application.client_id in client_ids
        ]
        self._issued = OrderedDict(kept)
        self._signed.clear()

    def issued(self) -> list[str]:
        """Every remembered token, oldest first: tests look for them where none may be."""
        return [*self._issued, *self._signed]

    def public_keys(self) -> dict[str, object]:
        """The key set document of the discovery endpoint."""
        return {"keys": [self._key.as_dict(private=False)]}
