"""The encrypted password that Entra sends: who typed what, behind a key of ours. It opens it and judges nothing else.

Anybody who knows the public key can make one, so it proves nothing about who sent it; the bearer token does. Whatever is
wrong with it, the answer is the same None. https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time
"""

import base64
import binascii
import hashlib
import json
import math
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from idferry.errors import SettingsError
from idferry.rules.names import ASCII_BLANKS
from idferry.rules.password import Password

TOKEN_BYTES_MAX = 16 * 1024
HEADER_BYTES_MAX = 2 * 1024
CONTENT_BYTES_MAX = 16 * 1024
NAME_CHARACTERS_MAX = 512
NONCE_CHARACTERS_MAX = 128
KEY_BITS_MIN = 2048
LEEWAY = timedelta(seconds=60)
LIFETIME_MAX = timedelta(hours=1)
"""Entra's live for ten minutes; what says that it lives for much longer is not Entra's."""
KEY_ALGORITHMS = frozenset({"RSA-OAEP", "RSA-OAEP-256"})
CONTENT_ALGORITHMS = frozenset({"A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"})
_ZIP = "DEF"
_HEADER_NAMES = frozenset({"alg", "enc", "zip", "x5t", "x5t#S256", "kid", "typ", "cty"})
"""Others could name another key (jku, jwk, x5u, x5c) or another way to read the token (crit, b64, p2c, epk)."""
_PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")


@dataclass(frozen=True, slots=True, repr=False)
class DecryptionKey:
    """A private key of ours, and the names that a token may call it by: thumbprints of its certificate."""

    key: RSAKey
    names: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextTerms:
    """What the content must say: for whom it was made, and by which name of ours it was encrypted (any where empty)."""

    audience: str
    issuers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PasswordContext:
    """What was typed at the tenant's page. `key`: which of our keys opened it, 0 is the first."""

    user_name: str
    password: Password
    nonce: str
    expires_at: datetime
    key: int = 0


def decryption_key(pem: str, *, what: str) -> DecryptionKey:
    """The RSA key in a PEM text, with the thumbprints of the certificate beside it where there is one.

    Raises:
        SettingsError: there is no RSA key of at least 2048 bits, or the certificate is another key's.
    """
    try:
        private = serialization.load_pem_private_key(pem.encode(), password=None)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"{what} is no private key", remedy="A PEM text, its key without a passphrase."
        ) from error
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < KEY_BITS_MIN:
        raise SettingsError(f"{what} is no RSA key of at least {KEY_BITS_MIN} bits")
    names: set[str] = set()
    if "BEGIN CERTIFICATE" in pem:
        try:
            certificates = x509.load_pem_x509_certificates(pem.encode())
        except ValueError as error:
            raise SettingsError(f"{what} holds a certificate that cannot be read") from error
        own = [one for one in certificates if one.public_key() == private.public_key()]
        if not own:
            raise SettingsError(f"{what} holds a certificate of another key")
        names = {name for one in own for name in _names_of(one)}
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return DecryptionKey(RSAKey.import_key(text), frozenset(names))


def _names_of(certificate: x509.Certificate) -> set[str]:
    der = certificate.public_bytes(serialization.Encoding.DER)
    # SHA-1 names the certificate, as RFC 7515 has it; it protects nothing.
    short, long = hashlib.sha1(der, usedforsecurity=False).digest(), hashlib.sha256(der).digest()
    return {_encoded(short), short.hex(), short.hex().upper(), _encoded(long)}


class PasswordContexts:
    """Opens what was encrypted for one of our keys. `now` tells the time of day."""

    def __init__(
        self, keys: Sequence[DecryptionKey], *, terms: ContextTerms, now: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._terms = terms
        self._now = now
        self._registry = jwe.JWERegistry(algorithms=[*KEY_ALGORITHMS, *CONTENT_ALGORITHMS, _ZIP])

    def read(self, token: str) -> PasswordContext | None:
        """What is inside, or None for whatever is not as it must be."""
        try:
            return self._read(token)
        except (
            AssertionError,
            JoseError,
            KeyError,
            OverflowError,
            RecursionError,
            TypeError,
            ValueError,
            zlib.error,
        ):
            return None

    def _read(self, token: str) -> PasswordContext | None:
        if len(token) > TOKEN_BYTES_MAX or not token.isascii() or token.count(".") != 4:
            return None
        key = self._key_of(_header_of(token.partition(".")[0]))
        if key is None:
            return None
        content = jwe.decrypt_compact(token, key.key, registry=self._registry).plaintext
        if not content or len(content) > CONTENT_BYTES_MAX:
            return None
        return self._context(_claims_of(content), number=self._keys.index(key))

    def _key_of(self, header: Mapping[str, Any]) -> DecryptionKey | None:
        """The key that the header names; one alone need not be named, and without a certificate it has no name.

        Two names that are of two keys are of none.
        """
        named = [header[name] for name in ("x5t", "x5t#S256", "kid") if name in header]
        if len(self._keys) == 1 and (not named or not self._keys[0].names):
            return self._keys[0]
        found = [key for key in self._keys if key.names & set(named)]
        return found[0] if len(found) == 1 else None

    def _context(self, claims: Mapping[str, Any], *, number: int) -> PasswordContext | None:
        now, leeway = self._now().timestamp(), LEEWAY.total_seconds()
        expires, begins = _number(claims["exp"]), _number(claims.get("nbf", 0))
        if not begins - leeway <= now < expires + leeway:
            return None
        if expires > now + LIFETIME_MAX.total_seconds():
            return None
        if claims["aud"] != self._terms.audience:
            return None
        if self._terms.issuers and claims.get("iss") not in self._terms.issuers:
            return None
        user_name, password, nonce = claims["username"], claims["user-password"], claims["nonce"]
        if not (isinstance(user_name, str) and isinstance(password, str) and isinstance(nonce, str)):
            return None
        user_name = user_name.strip(ASCII_BLANKS)
        user_name.encode()  # half a character is in nobody's name
        if not user_name or len(user_name) > NAME_CHARACTERS_MAX:
            return None
        if len(nonce) > NONCE_CHARACTERS_MAX or not _PRINTABLE.match(nonce):
            return None
        expires_at = datetime.fromtimestamp(expires, UTC)
        return PasswordContext(user_name, Password(password), nonce, expires_at, number)


def _header_of(part: str) -> Mapping[str, Any]:
    """The protected header, if everything in it is allowed. Raises ValueError."""
    if len(part) > HEADER_BYTES_MAX:
        raise ValueError("a header that is too long")
    header = _object(_decoded(part))
    if not header.keys() <= _HEADER_NAMES:
        raise ValueError("a header with other parameters")
    if not all(isinstance(one, str) for one in header.values()):
        raise ValueError("a header with other values")
    if header["alg"] not in KEY_ALGORITHMS or header["enc"] not in CONTENT_ALGORITHMS:
        raise ValueError("another algorithm")
    if header.get("zip", _ZIP) != _ZIP:
        raise ValueError("another compression")
    return header


def _claims_of(content: bytes) -> Mapping[str, Any]:
    """The claims: bare, or in a token that is not signed, as Entra sends them. Raises ValueError."""
    if content.lstrip()[:1] == b"{":
        return _object(content)
    parts = content.decode("ascii").split(".")
    if len(parts) != 3 or parts[2]:
        raise ValueError("not three parts, or a signature that nobody has asked for")
    if _object(_decoded(parts[0])).get("alg") != "none":
        raise ValueError("another algorithm inside")
    return _object(_decoded(parts[1]))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("no time")
    return value


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    """Raises ValueError: it is no base64url, or not the one way to write these bytes."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error
    if _encoded(raw) != part:
        raise ValueError("another way to write it")
    return raw


def _object(document: bytes) -> dict[str, Any]:
    """A JSON object in which no name comes twice: two readers could believe different ones. Raises ValueError, TypeError.

    It is UTF-8 without a mark: a reader that guesses the encoding could read something else than another one.
    """
    found = json.loads(document.decode(), object_pairs_hook=_unique)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name that comes twice")
    return found
