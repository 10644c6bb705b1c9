"""How rows of the hash store are sealed: AES-256-GCM under keys derived from one secret of the operator.

A plain store, for tests only, differs in nothing but that its secret is known to everybody.
https://www.rfc-editor.org/rfc/rfc5869 · https://csrc.nist.gov/pubs/sp/800/38/d/final
"""

import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
SECRET_CHARACTERS_MIN = 32
PLAIN_SECRET = "this store is for tests and protects nothing"


class Seal:
    """Seals and opens rows, and names people in a way that says nothing."""

    def __init__(self, secret: str, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._names = _derived(secret, b"name")
        self._rows = AESGCM(_derived(secret, b"row"))
        self.check = _derived(secret, b"check")

    def name(self, source: str, key: str) -> bytes:
        """The name of one legacy user in the file."""
        # The length tells where the source ends: people of two sources never share a name.
        text = source.encode("utf-8", "surrogatepass")
        message = len(text).to_bytes(4, "big") + text + key.encode("utf-8", "surrogatepass")
        return hmac.digest(self._names, message, "sha256")

    def close(self, data: bytes, *, name: bytes) -> bytes:
        """Sealed so that it opens under this name only: a row that is copied to another person is refused."""
        nonce = self._random_bytes(NONCE_BYTES)
        return nonce + self._rows.encrypt(nonce, data, name)

    def open(self, sealed: bytes, *, name: bytes) -> bytes | None:
        """What was sealed, or None for something else or another name."""
        try:
            return self._rows.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name)
        except (InvalidTag, ValueError):
            return None


def _derived(secret: str, purpose: bytes) -> bytes:
    info = b"idferry hash store: " + purpose
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(secret.encode())
