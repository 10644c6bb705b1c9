"""Access tokens of a made-up identity provider: right ones, and any that is wrong."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.support.hand_clock import HandClock

ISSUER = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"
AUDIENCE = "aaaaaaaa-0000-0000-0000-000000000001"
APPLICATION = "99045fe1-7639-4a75-9d4a-577b6ca3810f"
TENANT = "11111111-2222-3333-4444-555555555555"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass
class Provider:
    """One identity provider with its key."""

    kid: str = "key-1"
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def jwk(self, **more: Any) -> dict[str, Any]:
        """The public key as it is published."""
        public = self.key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "n": number(public.n),
            "e": number(public.e),
            **more,
        }

    def key_set(self, *others: Mapping[str, Any]) -> bytes:
        """The published key set."""
        return json.dumps({"keys": [self.jwk(), *others]}).encode()

    def public_pem(self) -> bytes:
        """The public key as a text: what a confused verifier takes for a shared secret."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def public_der(self) -> bytes:
        """The same in DER."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def modulus(self) -> bytes:
        """The number that everybody knows, as bytes."""
        return self.key.public_key().public_numbers().n.to_bytes(256, "big")

    def rs256(self, text: bytes) -> bytes:
        """A signature as it should be."""
        return self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())

    def rs512(self, text: bytes) -> bytes:
        """A signature over a longer digest."""
        return self.key.sign(text, padding.PKCS1v15(), hashes.SHA512())

    def pss(self, text: bytes) -> bytes:
        """A signature with the other padding."""
        salted = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        return self.key.sign(text, salted, hashes.SHA256())

    def with_modulus(self, text: bytes) -> bytes:
        """A right signature and the modulus added to it: the same number to whoever does not look at its size."""
        sum_of_both = int.from_bytes(self.rs256(text)) + int.from_bytes(self.modulus())
        return sum_of_both.to_bytes(257, "big")

    def signed_otherwise(self, claims: Mapping[str, Any], alg: str, how: Callable[[bytes], bytes]) -> str:
        """A token that says `alg` and whose signature is made by `how` of what would be signed."""
        told = json.dumps({"alg": alg, "typ": "JWT", "kid": self.kid})
        signed = f"{encoded(told.encode())}.{encoded(json.dumps(claims).encode())}"
        return f"{signed}.{encoded(how(signed.encode()))}"

    def sign_bytes(self, content: bytes) -> str:
        """A token over any bytes."""
        told = json.dumps({"alg": "RS256", "typ": "JWT", "kid": self.kid})
        signed = f"{encoded(told.encode())}.{encoded(content)}"
        return f"{signed}.{encoded(self.rs256(signed.encode()))}"

    def sign(self, claims: Any, header: Mapping[str, Any] | None = None, *, raw_header: str = "") -> str:
        """A compact token over these claims (a dict, or JSON text), signed with RS256 whatever the header says."""
        told = raw_header or json.dumps({"alg": "RS256", "typ": "JWT", "kid": self.kid, **(header or {})})
        text = claims if isinstance(claims, str) else json.dumps(claims)
        signed = f"{encoded(told.encode())}.{encoded(text.encode())}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{encoded(signature)}"

    def hs256(self, claims: Mapping[str, Any], secret: bytes) -> str:
        """The same with a shared secret."""
        told = json.dumps({"alg": "HS256", "typ": "JWT", "kid": self.kid})
        signed = f"{encoded(told.encode())}.{encoded(json.dumps(claims).encode())}"
        return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a right token at the hand clock's start; a change to None takes a claim away."""
    now = int(HandClock().now().timestamp())
    found = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "azp": APPLICATION,
        "tid": TENANT,
        "ver": "2.0",
        "iat": now - 10,
        "nbf": now - 10,
        "exp": now + 3600,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}
