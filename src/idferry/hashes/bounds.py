"""How much time and memory one stored hash may take of a sign-in: a hostile row of an export must not take it all.

BOUNDS are what holds where nobody says otherwise: about a second of one core and 256 MiB, so that a check ends before the
callers that wait the shortest (1.6 seconds). Whoever has costlier hashes, and callers with more patience, raises them as
far as LARGEST: there a number of Ory Kratos' is the end, where it names one
(https://github.com/ory/kratos/blob/master/hash/hash_limits.go). Several numbers, each allowed, multiply: the `work` bounds
hold their product.
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

    bcrypt_cost: int = 14
    argon2_memory_kib: int = 262_144
    argon2_iterations: int = 10
    argon2_parallelism: int = 16
    argon2_work: int = 1_048_576
    """KiB of memory, times passes over it."""
    pbkdf2_iterations: int = 2_500_000
    """Of one block of output: a longer output costs its multiple, and counts so."""
    scrypt_n: int = 131_072
    scrypt_block_size: int = 8
    scrypt_parallelism: int = 10
    scrypt_work: int = 3_145_728
    """N, times block size, times parallelism."""
    firebase_memory_log2: int = 17
    crypt_rounds: int = 660_000
    phpass_log2: int = 18
    digest_rounds: int = 100_000

    def check(self, what: str, asked: int) -> None:
        """Refuse a parameter that is nothing at all, or too much."""
        allowed = getattr(self, what)
        if asked < 1:
            raise malformed(f"{what} is not at least 1")
        if asked > allowed:
            raise Refusal(BoundsExceeded.of(what, asked=asked, allowed=allowed))

    @property
    def memory_kib_most(self) -> int:
        """The most memory that one check within these bounds takes."""
        return max(self.argon2_memory_kib, scrypt_kib(n=self.scrypt_n, block_size=self.scrypt_block_size))


def scrypt_kib(*, n: int, block_size: int) -> int:
    """The memory of one scrypt computation: https://www.rfc-editor.org/rfc/rfc7914#section-2."""
    return 128 * n * block_size // 1024


BOUNDS = Bounds()
LARGEST = Bounds(
    bcrypt_cost=15,
    argon2_memory_kib=1_048_576,
    argon2_work=10_485_760,
    pbkdf2_iterations=10_000_000,
    scrypt_work=10_485_760,
    crypt_rounds=1_000_000,
)
"""Nobody gets more, whatever the settings say."""
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
