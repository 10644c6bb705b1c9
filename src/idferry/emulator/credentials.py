"""Proof of an application's identity at the token endpoint: client secret, HTTP Basic, or a signed assertion.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow. Refusals carry the AADSTS number
that the real endpoint gives.
"""

import base64
import binascii
import hmac
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from idferry.emulator.tenants import Application, Tenant

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS256", "PS256"]
CLOCK_SKEW_S = 300.0


class _Assertions(jws.JWSRegistry):
    """Takes headers that carry the certificate itself (x5c), which msal sends for `public_certificate`."""

    max_header_length = 16 * 1024


class TokenRefusal(Exception):
    """A refused token request.

    Attributes:
        status: HTTP status. error: OAuth's name for it. number: the AADSTS number.
    """

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.number = number
        self.text = text


def prove_application(
    form: Mapping[str, str],
    *,
    authorization: str | None,
    tenant: Tenant,
    audiences: Collection[str],
    now_s: float,
) -> Application:
    """The application whose credentials are in this token request; TokenRefusal when they do not hold.

    `audiences` is what an assertion's `aud` may be: the addresses of this token endpoint.
    """
    client_id, secret = _identifier_and_secret(form, authorization)
    if not client_id:
        raise missing_parameter("client_id")
    application = tenant.applications.get(client_id.lower())
    if application is None or not application.enabled:
        raise TokenRefusal(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory '{tenant.domain}'.",
        )
    if secret is not None:
        _check_secret(secret, application=application, now_s=now_s)
    elif "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise missing_parameter("client_assertion_type")
        _check_assertion(form["client_assertion"], application=application, audiences=audiences, now_s=now_s)
    else:
        raise TokenRefusal(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    return application


def missing_parameter(name: str) -> TokenRefusal:
    """The refusal of a request without this form parameter."""
    text = f"The request body must contain the following parameter: '{name}'."
    return TokenRefusal(400, "invalid_request", 900144, text)


def _identifier_and_secret(form: Mapping[str, str], authorization: str | None) -> tuple[str, str | None]:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise TokenRefusal(401, "invalid_client", 7000215, "Invalid client secret provided.") from None
        return unquote_plus(name), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret")


def _check_secret(secret: str, *, application: Application, now_s: float) -> None:
    known = [
        kept for kept in application.secrets if hmac.compare_digest(kept.value.encode(), secret.encode())
    ]
    if not known:
        raise TokenRefusal(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{application.client_id}'.",
        )
    if known[0].expires_s <= now_s:
        raise TokenRefusal(
            401,
            "invalid_client",
            7000222,
            f"The provided client secret keys for app '{application.client_id}' are expired.",
        )


def _check_assertion(
    assertion: str, *, application: Application, audiences: Collection[str], now_s: float
) -> None:
    claims = _verified_claims(assertion, application=application)
    named = claims.get("iss") == claims.get("sub") == application.client_id
    if not named or claims.get("aud") not in audiences:
        raise _bad_assertion("Client assertion audience, issuer or subject does not match.")
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int | float) or not isinstance(begins, int | float):
        raise _bad_assertion("Client assertion holds no lifetime.")
    if not begins - CLOCK_SKEW_S <= now_s <= expires + CLOCK_SKEW_S:
        raise TokenRefusal(
            401, "invalid_client", 700024, "Client assertion is not within its valid time range."
        )


def _verified_claims(assertion: str, *, application: Application) -> dict[str, Any]:
    for certificate in application.certificates:
        try:
            registry = _Assertions(algorithms=ALGORITHMS)
            signed = jws.deserialize_compact(assertion.encode(), _public_key(certificate), registry=registry)
            if not _names(signed.headers(), certificate):
                continue
            return msgspec.json.decode(signed.payload, type=dict[str, Any])
        except (JoseError, ValueError, msgspec.DecodeError):
            continue
    raise _bad_assertion("Client assertion failed signature validation.")


def _bad_assertion(text: str) -> TokenRefusal:
    return TokenRefusal(401, "invalid_client", 700027, text)


def _public_key(certificate: bytes) -> RSAKey:
    return RSAKey.import_key(x509.load_pem_x509_certificate(certificate).public_key())  # type: ignore[arg-type]


def _names(headers: Mapping[str, Any], certificate: bytes) -> bool:
    """Whether the assertion's header names this certificate by one of its thumbprints."""
    parsed = x509.load_pem_x509_certificate(certificate)
    thumbprints = {
        "x5t": parsed.fingerprint(hashes.SHA1()),  # noqa: S303  the header's own form, signs nothing
        "x5t#S256": parsed.fingerprint(hashes.SHA256()),
    }
    given = {name: headers[name] for name in thumbprints if name in headers}
    return bool(given) and all(
        base64.urlsafe_b64encode(thumbprints[name]).decode().rstrip("=") == str(value).rstrip("=")
        for name, value in given.items()
    )
