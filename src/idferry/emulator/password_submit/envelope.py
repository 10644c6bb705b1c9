"""What a tenant sends to an extension: the event, the encrypted password inside it, the token in its Authorization header.

Shapes: https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time, and a captured call
whose protected header was decoded. The password stands nowhere but inside the encrypted part.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from joserfc import jwe
from joserfc.jwk import RSAKey

from idferry.emulator.entropy import Entropy
from idferry.emulator.password_submit.readiness import Ready
from idferry.emulator.tenants import Tenant
from idferry.emulator.tokens import Tokens

# The first-party application "Azure Active Directory Authentication Extensions".
CALLER_CLIENT_ID = "99045fe1-7639-4a75-9d4a-577b6ca3810f"
CONTEXT_LIFETIME_S = 600
TOKEN_LIFETIME_S = 3600
ALGORITHMS = ("RSA-OAEP", "A128CBC-HS256", "DEF")
EVENT_TYPE = "microsoft.graph.authenticationEvent.passwordSubmit"
_SHOWN_OF_USER = (
    "companyName",
    "createdDateTime",
    "displayName",
    "givenName",
    "id",
    "mail",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "userType",
)


@dataclass(frozen=True, slots=True, repr=False)
class Submission:
    """One pressing of the sign-in button.

    Attributes:
        correlation_id: the same for everything on one sign-in page.
        nonce: what the answer must repeat. began_s: when the password was submitted, seconds since 1970.
    """

    ready: Ready
    tenant: Tenant
    account: Mapping[str, Any]
    user_name: str
    password: str
    client_address: str
    correlation_id: str
    nonce: str
    began_s: float

    def with_new_nonce(self, entropy: Entropy) -> "Submission":
        """The same submission under another nonce."""
        return replace(self, nonce=entropy.guid())


def request_body(submission: Submission) -> bytes:
    """The event as JSON, with a password that is encrypted anew."""
    ready, tenant = submission.ready, submission.tenant
    user = {name: submission.account[name] for name in _SHOWN_OF_USER if submission.account.get(name)}
    client = {
        "id": ready.client.object_id,
        "appId": ready.client.client_id,
        "appDisplayName": ready.client.display_name,
        "displayName": ready.client.display_name,
    }
    data = {
        "@odata.type": "microsoft.graph.onPasswordSubmitCalloutData",
        "tenantId": tenant.tenant_id,
        "authenticationEventListenerId": ready.listener_id,
        "customAuthenticationExtensionId": ready.extension_id,
        "encryptedPasswordContext": _encrypted(submission),
        "authenticationContext": {
            "correlationId": submission.correlation_id,
            "client": {"ip": submission.client_address, "locale": "en-us", "market": "en-us"},
            "protocol": "OAUTH2.0",
            "clientServicePrincipal": client,
            "resourceServicePrincipal": None,
            "user": user,
        },
        "userSignUpInfo": None,
        "otpContext": None,
    }
    source = f"/tenants/{tenant.tenant_id}/applications/{ready.client.client_id}"
    return msgspec.json.encode({"type": EVENT_TYPE, "source": source, "data": data})


def bearer_token(submission: Submission, *, tokens: Tokens, authority: str, entropy: Entropy) -> str:
    """The token that proves to the extension who is calling; `authority` is the tenant's scheme and host."""
    ready, tenant, now = submission.ready, submission.tenant, int(submission.began_s)
    claims: dict[str, Any] = {
        "iat": now,
        "nbf": now,
        "exp": now + TOKEN_LIFETIME_S,
        "oid": entropy.guid(),
        "sub": ready.client.object_id,
        "tid": tenant.tenant_id,
        "uti": entropy.secret(length=22),
    }
    if tenant.options.extension_token_version == 1:
        claims |= {
            "aud": ready.resource_id,
            "iss": f"{authority}/{tenant.tenant_id}/",
            "appid": CALLER_CLIENT_ID,
            "appidacr": "2",
            "ver": "1.0",
        }
    else:
        claims |= {
            "aud": ready.resource.client_id,
            "iss": f"{authority}/{tenant.tenant_id}/v2.0",
            "azp": CALLER_CLIENT_ID,
            "azpacr": "2",
            "ver": "2.0",
        }
    return tokens.sign(claims)


def _encrypted(submission: Submission) -> str:
    ready, now = submission.ready, int(submission.began_s)
    claims = {
        "aud": ready.resource.client_id,
        "iss": ready.resource_id,
        "iat": now,
        "nbf": now,
        "exp": now + CONTEXT_LIFETIME_S,
        "user-password": submission.password,
        "username": submission.user_name,
        "nonce": submission.nonce,
    }
    # The inside is a token of its own that nobody signed.
    inside = f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."
    thumbprint = ready.certificate.fingerprint(hashes.SHA1())  # noqa: S303  the header's own form, signs nothing
    alg, enc, packing = ALGORITHMS
    header = {"alg": alg, "enc": enc, "x5t": _encode(thumbprint), "zip": packing}
    public = ready.certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return jwe.encrypt_compact(header, inside.encode(), RSAKey.import_key(public), algorithms=ALGORITHMS)


def _part(value: Mapping[str, Any]) -> str:
    return _encode(msgspec.json.encode(value))


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
