"""Id tokens for applications: who signed in, signed with the tenant's key.

https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference.
"""

import base64
import hashlib
from typing import Any

from idferry.emulator.entropy import Entropy
from idferry.emulator.password_submit.resets import email_of
from idferry.emulator.store import Account
from idferry.emulator.tenants import Application, Tenant
from idferry.emulator.tokens import Tokens

LIFETIME_S = 3_600
GRAPH_AUDIENCE = "00000003-0000-0000-c000-000000000000"


class TokenIssuer:
    """Issues the tokens of a person's sign-in.

    Args:
        issuer: `https://{host}/{tenant id}/v2.0`.
    """

    def __init__(
        self, *, tenant: Tenant, issuer: str, tokens: Tokens, entropy: Entropy, now_s: float
    ) -> None:
        self._tenant = tenant
        self._issuer = issuer
        self._tokens = tokens
        self._entropy = entropy
        self._now = int(now_s)

    def id_token(
        self,
        application: Application,
        account: Account,
        *,
        scopes: frozenset[str],
        nonce: str | None = None,
        code: str | None = None,
    ) -> str:
        """An id token for this application; `code`: the one that is handed out with it."""
        body = account.body
        claims = self._claims(account, audience=application.client_id)
        claims["sub"] = _pairwise(account.id, application.client_id)
        if "profile" in scopes:
            claims |= {"name": body.get("displayName"), "preferred_username": email_of(account)}
        email = email_of(account)
        if "email" in scopes and email is not None:
            claims["email"] = email
        if nonce is not None:
            claims["nonce"] = nonce
        if code is not None:
            claims["c_hash"] = _half_digest(code)
        return self._tokens.sign(claims)

    def access_token(self, application: Application, account: Account, *, scopes: frozenset[str]) -> str:
        """An access token that looks like a person's for Graph; this Graph knows applications only and refuses it."""
        claims = self._claims(account, audience=GRAPH_AUDIENCE)
        claims |= {
            "sub": _pairwise(account.id, GRAPH_AUDIENCE),
            "azp": application.client_id,
            "scp": " ".join(sorted(scopes)),
        }
        return self._tokens.sign(claims)

    def _claims(self, account: Account, *, audience: str) -> dict[str, Any]:
        return {
            "aud": audience,
            "iss": self._issuer,
            "iat": self._now,
            "nbf": self._now,
            "exp": self._now + LIFETIME_S,
            "oid": account.id,
            "tid": self._tenant.tenant_id,
            "uti": self._entropy.secret(length=22),
            "ver": "2.0",
        }


def _pairwise(object_id: str, client_id: str) -> str:
    """The person's name in this application and in no other."""
    digest = hashlib.sha256(f"{client_id}\n{object_id}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _half_digest(text: str) -> str:
    """The left half of a digest: https://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken."""
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
