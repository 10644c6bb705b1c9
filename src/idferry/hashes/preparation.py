"""What a legacy system did to a typed password before it hashed it: blanks cut, letters encoded, hashed once before.

Nothing is trimmed, folded or normalised unless the source did so; it says what happened, never what looks better.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass

# What PHP's trim() takes away: https://www.php.net/manual/en/function.trim.php
_TRIMMED = " \t\n\r\0\x0b"
PASSWORD_ENCODINGS = {
    "utf8": "utf-8",
    "utf16le": "utf-16-le",
    "ucs2": "utf-16-le",
    "latin1": "latin-1",
    "ascii": "ascii",
}
"""How descriptors call an encoding -> Python's name of it."""
_PREHASH_ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
PREHASHES = tuple(
    f"{algorithm}-{form}" for algorithm in _PREHASH_ALGORITHMS for form in ("hex", "base64", "raw")
)
"""What a password may have been hashed with before the scheme itself: `md5-hex` feeds 32 lower-case letters."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Preparation:
    """How a typed password becomes the bytes that a scheme hashes.

    `trim`: blanks at both ends are cut first, unless nothing else is left, and the password as typed is tried after it. `prehash` is one of
    PREHASHES or empty; `pepper` is put behind the password.
    """

    encoding: str = "utf8"
    trim: bool = False
    prehash: str = ""
    pepper: str = ""

    def of(self, text: str) -> tuple[bytes, ...]:
        """The bytes to try, in order; none where the encoding has not all letters."""
        trimmed = text.strip(_TRIMMED) if self.trim else text
        # Nothing but blanks is no password: what is left would open the hash of an empty one.
        forms = (trimmed, text) if trimmed not in ("", text) else (text,)
        try:
            return tuple(self._prehashed(self._encoded(one)) for one in forms)
        except UnicodeEncodeError:
            return ()

    def _encoded(self, text: str) -> bytes:
        return (text + self.pepper).encode(PASSWORD_ENCODINGS[self.encoding])

    def _prehashed(self, data: bytes) -> bytes:
        if not self.prehash:
            return data
        algorithm, _, form = self.prehash.partition("-")
        digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
        if form == "raw":
            return digest
        return digest.hex().encode() if form == "hex" else b64encode(digest)
