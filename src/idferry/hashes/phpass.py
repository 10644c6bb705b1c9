"""Portable hashes of PHP applications before PHP had its own: phpass, and Drupal 7, which is the same over SHA-512.

https://www.openwall.com/phpass/ · the loop runs in Python and holds its lock, so it is bounded low.
"""

import hmac
import re
from hashlib import md5, sha512

from idferry.hashes.bounds import Bounds
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.parsed import Checker, malformed
from idferry.hashes.scheme import Proof, Scheme, pattern

H64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LOG2_MIN = 7
DRUPAL_CHARACTERS = 55
_HEAD_CHARACTERS = 12
_PHPASS = re.compile(r"\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})[./0-9A-Za-z]{22}", re.ASCII)
_DRUPAL = re.compile(r"(U?)\$S\$([./0-9A-Za-z])([./0-9A-Za-z]{8})[./0-9A-Za-z]{43}", re.ASCII)


def h64(data: bytes) -> str:
    """Bytes in crypt's alphabet, three at a time, lowest bits first."""
    letters = []
    for start in range(0, len(data), 3):
        chunk = data[start : start + 3]
        word = int.from_bytes(chunk, "little")
        letters += [H64[(word >> (6 * place)) & 63] for place in range(len(chunk) + 1)]
    return "".join(letters)


def _read(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    found = _PHPASS.fullmatch(value)
    if not found:
        raise malformed("not $P$ and 31 characters")
    log2, salt = _log2(found.group(1), bounds), found.group(2).encode()

    def check(password: bytes, _name: str) -> bool:
        digest = md5(salt + password, usedforsecurity=False).digest()
        for _ in range(1 << log2):
            digest = md5(digest + password, usedforsecurity=False).digest()
        return hmac.compare_digest((value[:_HEAD_CHARACTERS] + h64(digest)).encode(), value.encode())

    return Checker(str(log2), check)


def _drupal(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """`U$S$`: the value came from Drupal 6, where it was md5(password), and was hashed again."""
    del descriptor
    found = _DRUPAL.fullmatch(value)
    if not found:
        raise malformed("not $S$ and 52 characters")
    was_md5, stored = bool(found.group(1)), value.removeprefix("U")
    log2, salt = _log2(found.group(2), bounds), found.group(3).encode()

    def check(password: bytes, _name: str) -> bool:
        data = md5(password, usedforsecurity=False).hexdigest().encode() if was_md5 else password
        digest = sha512(salt + data).digest()
        for _ in range(1 << log2):
            digest = sha512(digest + data).digest()
        made = (stored[:_HEAD_CHARACTERS] + h64(digest))[:DRUPAL_CHARACTERS]
        return hmac.compare_digest(made.encode(), stored.encode())

    return Checker(str(log2), check)


def _log2(letter: str, bounds: Bounds) -> int:
    log2 = H64.index(letter)
    if log2 < LOG2_MIN:
        raise malformed(f"fewer rounds than 2 to the power of {LOG2_MIN}")
    bounds.check("phpass_log2", log2)
    return log2


SCHEMES = (
    Scheme(
        name="phpass",
        family="phpass",
        layout="$P$ or $H$, one letter of rounds, 8 of salt, 22 of hash",
        systems="WordPress before 6.8, phpBB 3, Joomla, Drupal 6, FusionAuth's phpass-md5",
        proof=Proof.PUBLISHED,
        read=_read,
        marks=pattern(r"\$[PH]\$.*"),
    ),
    Scheme(
        name="drupal7",
        family="phpass",
        layout="$S$, one letter of rounds, 8 of salt, 43 of hash; U$S$ over md5(password)",
        systems="Drupal 7 to 10.0",
        proof=Proof.PUBLISHED,
        read=_drupal,
        marks=pattern(r"U?\$S\$.*"),
    ),
)
