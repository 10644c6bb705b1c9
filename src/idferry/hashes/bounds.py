"""How much time and memory one stored hash may take of a sign-in: a hostile row of an export must not take it all.

Where Ory Kratos names a number, it is ours: https://github.com/ory/kratos/blob/master/hash/hash_limits.go
The rest is measured: at most about half a second of one core.
"""

from dataclasses import dataclass, fields

from idferry.hashes.parsed import BoundsExceeded, Refusal, malformed

VALUE_CHARACTERS_MAX = 4_096
SALT_BYTES_MAX = 1_024
DERIVED_BYTES_MIN = 16
DERIVED_BYTES_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The most that each cost parameter may be."""

    bcrypt_cost: int = 15
    argon2_memory_kib: int = 1_048_576
    argon2_iterations: int = 10
    argon2_parallelism: int = 16
    pbkdf2_iterations: int = 10_000_000
    """Of one block of output: a longer output costs its multiple, and counts so."""
    scrypt_n: int = 131_072
    scrypt_block_size: int = 8
    scrypt_parallelism: int = 10
    firebase_memory_log2: int = 17
    crypt_rounds: int = 1_000_000
    phpass_log2: int = 18
    digest_rounds: int = 100_000

    def check(self, what: str, asked: int) -> None:
        """Refuse a parameter that is nothing at all, or too much."""
        allowed = getattr(self, what)
        if asked < 1:
            raise malformed(f"{what} is not at least 1")
        if asked > allowed:
            raise Refusal(BoundsExceeded.of(what, asked=asked, allowed=allowed))


BOUNDS = Bounds()
BOUND_NAMES = tuple(one.name for one in fields(Bounds))


def check_derived(data: bytes) -> bytes:
    """A derived key long enough to prove something, and short enough to compute."""
    if not DERIVED_BYTES_MIN <= len(data) <= DERIVED_BYTES_MAX:
        raise malformed(f"a derived key of {len(data)} bytes")
    return data


def check_salt(data: bytes) -> bytes:
    """A salt that a person's row holds, not a file."""
    if len(data) > SALT_BYTES_MAX:
        raise malformed(f"a salt of {len(data)} bytes")
    return data
