"""Argon2 in its text form, and the raw computation for those who store its numbers elsewhere (Keycloak, Magento).

https://www.rfc-editor.org/rfc/rfc9106 · https://github.com/P-H-C/phc-string-format
"""

import hmac
import re
from dataclasses import dataclass

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw

from idferry.hashes.bounds import Bounds, check_derived, check_salt
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.encodings import bare_base64_bytes, number
from idferry.hashes.parsed import Checker, malformed, unsupported
from idferry.hashes.scheme import Proof, Scheme, pattern

SALT_BYTES_MIN = 8
LANE_KIB_MIN = 8
VERSION_OLD = 16
VERSION = 19
TYPES = {"id": Type.ID, "i": Type.I, "d": Type.D}
_ARGON2 = re.compile(
    r"\$argon2(id|i|d)(?:\$v=([0-9]+))?\$m=([0-9]+),t=([0-9]+),p=([0-9]+)(,[^$]*)?\$([^$=]+)\$([^$=]+)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2:
    """The numbers of one Argon2 computation; `memory` in KiB."""

    kind: Type
    version: int
    memory: int
    iterations: int
    parallelism: int

    def checked(self, bounds: Bounds) -> "Argon2":
        """The same, when it is within bounds and can be computed at all."""
        bounds.check("argon2_memory_kib", self.memory)
        bounds.check("argon2_iterations", self.iterations)
        bounds.check("argon2_parallelism", self.parallelism)
        bounds.check("argon2_work", self.memory * self.iterations)
        if self.memory < LANE_KIB_MIN * self.parallelism:
            raise malformed(f"less memory than {LANE_KIB_MIN} KiB for each lane")
        if self.version not in (VERSION_OLD, VERSION):
            raise malformed("a version of Argon2 that does not exist")
        return self

    @property
    def cost(self) -> str:
        """What decides how long it takes."""
        kind = self.kind.name.lower()
        return f"{kind} m={self.memory},t={self.iterations},p={self.parallelism}"

    def derive(self, secret: bytes, salt: bytes, length: int) -> bytes:
        """The raw hash.

        Raises:
            MemoryError: the machine has not the memory.
        """
        try:
            return hash_secret_raw(
                secret=secret,
                salt=salt,
                time_cost=self.iterations,
                memory_cost=self.memory,
                parallelism=self.parallelism,
                hash_len=length,
                type=self.kind,
                version=self.version,
            )
        except HashingError as error:
            # Every number was held against the limits of the algorithm before: only memory is left to fail.
            raise MemoryError("Argon2 got no memory") from error

    def checker(self, salt: bytes, expected: bytes) -> Checker:
        """The check against a stored result."""
        check_salt(salt)
        check_derived(expected)
        if len(salt) < SALT_BYTES_MIN:
            raise malformed(f"a salt of fewer than {SALT_BYTES_MIN} bytes")
        return Checker(
            self.cost,
            lambda password, _: hmac.compare_digest(self.derive(password, salt, len(expected)), expected),
            self.memory,
        )


def _read(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    found = _ARGON2.fullmatch(value)
    if not found:
        raise malformed("not $argon2id$v=19$m=...,t=...,p=...$SALT$HASH")
    kind, version, memory, iterations, parallelism, more, salt, expected = found.groups()
    if more:
        raise unsupported("it was made with a secret key or associated data, which a text does not hold")
    numbers = Argon2(
        kind=TYPES[kind],
        version=number(version) if version else VERSION_OLD,
        memory=number(memory),
        iterations=number(iterations),
        parallelism=number(parallelism),
    )
    return numbers.checked(bounds).checker(bare_base64_bytes(salt), bare_base64_bytes(expected))


def _django(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    if not value.startswith("argon2$"):
        raise malformed("does not begin with argon2$")
    return _read(value.removeprefix("argon2"), descriptor, bounds)


SCHEMES = (
    Scheme(
        name="argon2",
        family="argon2",
        layout="$argon2id$v=19$m=KIB,t=N,p=N$SALT$HASH; argon2i, argon2d; without v= it is version 16",
        systems="PHP, Kratos, Auth0, Supabase, SuperTokens, Logto",
        proof=Proof.PUBLISHED,
        read=_read,
        marks=pattern(r"\$argon2(?:id|i|d)\$.*"),
        note="with keyid or data: unsupported, because the secret is not in the value",
    ),
    Scheme(
        name="django-argon2",
        family="argon2",
        layout="argon2 before an argon2 value",
        systems="Django",
        proof=Proof.SELF_MADE,
        read=_django,
        marks=pattern(r"argon2\$argon2.*"),
    ),
)
