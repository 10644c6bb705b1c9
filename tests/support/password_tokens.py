"""Encrypted passwords as Entra sends them: right ones, and any that is wrong. Built by hand, so that no rule holds.

token = Encryptor().token(claims())
"""

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.support.hand_clock import HandClock

AUDIENCE = "aaaaaaaa-0000-0000-0000-000000000001"
ISSUER = f"api://signin.example.com/{AUDIENCE}"
KEY_BYTES = {"A128GCM": 16, "A256GCM": 32, "A128CBC-HS256": 32, "A256CBC-HS512": 64}


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Right claims at the hand clock's start; a change to None takes one away."""
    now = int(HandClock().now().timestamp())
    found = {
        "aud": AUDIENCE,
        "iss": ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + 600,
        "user-password": "Old-Password-1",
        "username": "ana@example.com",
        "nonce": "8a4b8d4e-1111-4222-8333-444455556666",
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def nested(content: Mapping[str, Any] | str, header: Any = None, signature: str = "") -> bytes:
    """The content as the token without a signature that Entra puts inside."""
    told = json.dumps({"alg": "none", "typ": "JWT"} if header is None else header)
    text = content if isinstance(content, str) else json.dumps(content)
    return f"{encoded(told.encode())}.{encoded(text.encode())}.{signature}".encode()


@dataclass
class Encryptor:
    """One key with its certificate, and tokens encrypted for it."""

    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "JitMigration")])
        begins = datetime(2026, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
        builder = builder.public_key(self.key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=3650))
        self.certificate = builder.sign(self.key, hashes.SHA256())
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        self.thumbprint = encoded(hashlib.sha1(der, usedforsecurity=False).digest())

    def pem(self, *, certificate: bool = True) -> str:
        """The key, and its certificate behind it."""
        text = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return (text + (self.certificate_pem() if certificate else b"")).decode()

    def certificate_pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def header(self, **changes: Any) -> dict[str, Any]:
        """The header of a captured token; a change to None takes a parameter away."""
        found = {
            "alg": "RSA-OAEP",
            "enc": "A128CBC-HS256",
            "x5t": self.thumbprint,
            "zip": "DEF",
            **changes,
        }
        return {name: value for name, value in found.items() if value is not None}

    def token(
        self,
        content: Mapping[str, Any] | bytes | None = None,
        *,
        raw_header: str = "",
        deflated: bytes | None = None,
        key_padding: str = "",
        **header: Any,
    ) -> str:
        """A compact token over this content. `key_padding` is what is really done, whatever is said."""
        told = self.header(**header)
        said = (raw_header or json.dumps(told)).encode()
        plain = content if isinstance(content, bytes) else nested(claims() if content is None else content)
        if "zip" in told:
            plain = deflate(plain) if deflated is None else deflated
        how = told["enc"] if told.get("enc") in KEY_BYTES else "A128CBC-HS256"
        content_key = os.urandom(KEY_BYTES[how])
        wrapped = self.key.public_key().encrypt(content_key, _padding(key_padding or str(told.get("alg"))))
        protected = encoded(said)
        vector, text, tag = _encrypted(how, content_key, plain, protected.encode())
        return ".".join([protected, encoded(wrapped), encoded(vector), encoded(text), encoded(tag)])


def deflate(plain: bytes) -> bytes:
    """Raw DEFLATE."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


def tampered(token: str, place: int) -> str:
    """The token with another first byte in one of its five parts."""
    parts = token.split(".")
    raw = base64.urlsafe_b64decode(parts[place] + "=" * (-len(parts[place]) % 4))
    parts[place] = encoded(bytes([raw[0] ^ 1]) + raw[1:])
    return ".".join(parts)


def _padding(alg: str) -> padding.AsymmetricPadding:
    if alg == "RSA1_5":
        return padding.PKCS1v15()
    digest = hashes.SHA256() if alg == "RSA-OAEP-256" else hashes.SHA1()  # noqa: S303  as RSA-OAEP has it
    return padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)


def _encrypted(enc: str, key: bytes, plain: bytes, protected: bytes) -> tuple[bytes, bytes, bytes]:
    if enc.endswith("GCM"):
        vector = os.urandom(12)
        sealed = AESGCM(key).encrypt(vector, plain, protected)
        return vector, sealed[:-16], sealed[-16:]
    half = len(key) // 2
    vector = os.urandom(16)
    padder = block_padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key[half:]), modes.CBC(vector)).encryptor()
    text = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    mac = hmac.HMAC(key[:half], hashes.SHA256() if half == 16 else hashes.SHA512())
    mac.update(protected + vector + text + (len(protected) * 8).to_bytes(8, "big"))
    return vector, text, mac.finalize()[:half]
