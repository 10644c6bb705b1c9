"""How an application proves itself to the token endpoint: a secret, a certificate, or the machine's own identity.

A secret or key never gets into a repr, a message or an exception: libraries like to quote what they could not read.
"""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from idferry.errors import SettingsError

ASSERTION_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """Proof by a shared secret."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Proof by a certificate: an assertion signed with its key.

    https://learn.microsoft.com/entra/identity-platform/certificate-credentials
    """

    key: RSAKey = field(repr=False)
    thumbprint_sha1: str
    thumbprint_sha256: str

    @classmethod
    def parse(cls, pem: bytes) -> "ClientCertificate":
        """From a PEM text that holds the certificate and its unencrypted RSA key, in any order.

        Raises:
            SettingsError: one of the two is missing, or the key is encrypted or not RSA.
        """
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            key = RSAKey.import_key(_private_key(pem))
        except (ValueError, TypeError, JoseError):
            raise SettingsError(
                "the certificate cannot be used",
                remedy="Name a PEM file with the certificate and its RSA private key, without a pass phrase.",
            ) from None
        return cls(
            key=key,
            thumbprint_sha1=_base64url(certificate.fingerprint(hashes.SHA1())),  # noqa: S303  an identifier, no seal
            thumbprint_sha256=_base64url(certificate.fingerprint(hashes.SHA256())),
        )

    def assertion(self, *, audience: str, client_id: str, now: datetime, jti: str) -> str:
        """A fresh signed statement of who we are, good for ten minutes at this token endpoint."""
        now_s = int(now.timestamp())
        header = {"alg": "PS256", "x5t": self.thumbprint_sha1, "x5t#S256": self.thumbprint_sha256}
        claims = {
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": jti,
            "nbf": now_s,
            "iat": now_s,
            "exp": now_s + int(ASSERTION_LIFETIME.total_seconds()),
        }
        return jwt.encode(header, claims, self.key, algorithms=["PS256"])


Credential = ClientSecret | ClientCertificate


def managed_identity(client_id: str) -> Any:
    """A credential of azure-identity: workload identity where the environment names one, else managed identity.

    Raises:
        SettingsError: the extra `azure` is not installed.
    """
    try:
        from azure.identity import (
            ChainedTokenCredential,
            ManagedIdentityCredential,
            WorkloadIdentityCredential,
        )
    except ImportError as error:
        raise SettingsError(
            'credential = "managed" needs the package azure-identity',
            remedy="Install it with: pip install 'idferry[azure]'",
        ) from error
    managed = ManagedIdentityCredential(client_id=client_id)
    try:
        return ChainedTokenCredential(WorkloadIdentityCredential(client_id=client_id), managed)
    except ValueError:  # the environment describes no workload identity
        return managed


def _private_key(pem: bytes) -> bytes:
    found = re.search(
        rb"-----BEGIN (RSA )?PRIVATE KEY-----.+?-----END (RSA )?PRIVATE KEY-----", pem, re.DOTALL
    )
    if not found:
        raise ValueError("no private key")
    return found.group()


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
