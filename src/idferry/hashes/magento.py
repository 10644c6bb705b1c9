"""Magento 2: a hash, a salt, and the chain of functions that made it, the oldest first.

Each upgrade of the shop hashes the stored hash again, so the chain grows; an empty one is SHA-256.
https://github.com/magento/magento2/blob/2.4-develop/lib/internal/Magento/Framework/Encryption/Encryptor.php
"""

import hmac
from collections.abc import Callable

from idferry.hashes.argon2_family import TYPES, Argon2
from idferry.hashes.bounds import DERIVED_BYTES_MAX, DERIVED_BYTES_MIN, Bounds
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.digests import digest
from idferry.hashes.encodings import hex_bytes, number, text_bytes
from idferry.hashes.parsed import Checker, malformed
from idferry.hashes.scheme import Proof, Scheme, pattern

STEPS_MAX = 4
ARGON2_SALT_BYTES = 16
# libsodium's interactive limits: https://doc.libsodium.org/password_hashing/default_phf
_INTERACTIVE = "3_32_2_67108864"
_Step = Callable[[bytes], bytes]


def _read(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    stored, colon, behind = value.partition(":")
    salt, _, chain = behind.partition(":")
    if not colon:
        raise malformed("not HASH:SALT:CHAIN")
    names = chain.split(":") if chain else ["1"]
    if len(names) > STEPS_MAX:
        raise malformed(f"a chain of more than {STEPS_MAX} functions")
    expected = hex_bytes(stored)
    steps = [_step(name, text_bytes(salt), bounds) for name in names]
    length = _length(names[-1])
    if len(expected) != length:
        raise malformed("not as long as its last function makes it")

    def check(password: bytes, _name: str) -> bool:
        data = password
        for step in steps[:-1]:
            data = step(data).hex().encode()
        return hmac.compare_digest(steps[-1](data), expected)

    return Checker(":".join(names), check, max(_kib(name) for name in names))


def _kib(name: str) -> int:
    """The memory of one function, which has been read before."""
    name = _INTERACTIVE if name == "2" else name
    return number(name.split("_")[3]) // 1024 if name.startswith("3_") else 0


def _length(name: str) -> int:
    numbers = name.split("_")
    return 16 if name == "0" else number(numbers[1]) if name.startswith("3_") and len(numbers) > 1 else 32


def _step(name: str, salt: bytes, bounds: Bounds) -> _Step:
    if name == "0":
        return lambda data: digest("md5", salt + data)
    if name == "1":
        return lambda data: digest("sha256", salt + data)
    return _argon2(_INTERACTIVE if name == "2" else name, salt, bounds)


def _argon2(name: str, salt: bytes, bounds: Bounds) -> _Step:
    head, *numbers = name.split("_")
    if head != "3" or len(numbers) != 3:
        raise malformed("a function that Magento does not have")
    length, iterations, memory = map(number, numbers)
    if not DERIVED_BYTES_MIN <= length <= DERIVED_BYTES_MAX or not salt:
        raise malformed("no such length, or no salt")
    one = Argon2(
        kind=TYPES["id"], version=19, memory=memory // 1024, iterations=iterations, parallelism=1
    ).checked(bounds)
    # libsodium takes exactly 16 bytes, and Magento repeats or cuts the text.
    padded = (salt * ARGON2_SALT_BYTES)[:ARGON2_SALT_BYTES]
    return lambda data: one.derive(data, padded, length)


SCHEMES = (
    Scheme(
        name="magento2",
        family="application",
        layout="HASH:SALT:CHAIN; functions 0 (MD5), 1 (SHA-256), 2 and 3_LENGTH_OPS_BYTES (Argon2id)",
        systems="Magento 2, Adobe Commerce",
        proof=Proof.SELF_MADE,
        read=_read,
        marks=pattern(
            r"[0-9a-f]{32,}:[^:]+:(?:[0-2]|3_[0-9]+_[0-9]+_[0-9]+)(?::(?:[0-2]|3_[0-9]+_[0-9]+_[0-9]+)){0,3}"
        ),
        resembles=pattern(r"[0-9a-f]{64}:.+"),
    ),
)
