"""The costliest hashes that bounds allow, as cheaper ones to measure: what a bound means in seconds depends on the machine.

Each cost grows in proportion to one of its numbers, so a part of it is measured and multiplied. None of them opens for
any password. A family that this machine cannot check is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from idferry.hashes.bounds import LARGEST, Bounds
from idferry.hashes.parsed import Hash
from idferry.hashes.reading import parse

PART = 16
"""So much less than what the bound allows is computed."""
_BCRYPT_LOG2_LESS = 4
_BCRYPT_COST_MIN = 4
_SHA_ROUNDS_MIN = 1_000
_SALT, _RESULT_32, _RESULT_64 = "A" * 22, "A" * 43, "A" * 86


@dataclass(frozen=True, slots=True)
class Costliest:
    """`part` takes 1/`times` of what the costliest hash of its scheme takes; `bound`: the numbers that say so."""

    part: Hash
    times: float
    bound: str


def costliest(bounds: Bounds) -> Iterator[Costliest]:
    """One for each family whose bounds matter."""
    for value, times, bound in (
        _bcrypt(bounds),
        _argon2(bounds),
        _pbkdf2(bounds),
        _scrypt(bounds),
        _crypt(bounds),
    ):
        parsed = parse(value, bounds=LARGEST)
        if isinstance(parsed, Hash):
            yield Costliest(parsed, times, bound)


def _bcrypt(bounds: Bounds) -> tuple[str, float, str]:
    cost = max(bounds.bcrypt_cost - _BCRYPT_LOG2_LESS, _BCRYPT_COST_MIN)
    return (
        f"$2b${cost:02}${'.' * 53}",
        2.0 ** (bounds.bcrypt_cost - cost),
        f"bcrypt_cost {bounds.bcrypt_cost}",
    )


def _argon2(bounds: Bounds) -> tuple[str, float, str]:
    memory = min(bounds.argon2_memory_kib, bounds.argon2_work)
    passes = min(bounds.argon2_work / memory, bounds.argon2_iterations)
    value = f"$argon2id$v=19$m={memory},t=1,p=1${_SALT}${_RESULT_32}"
    return value, passes, f"argon2_memory_kib {memory:,}, argon2_work {bounds.argon2_work:,}"


def _pbkdf2(bounds: Bounds) -> tuple[str, float, str]:
    iterations = max(bounds.pbkdf2_iterations // PART, 1)
    value = f"$pbkdf2-sha512$i={iterations},l=64${_SALT}${_RESULT_64}"
    return value, bounds.pbkdf2_iterations / iterations, f"pbkdf2_iterations {bounds.pbkdf2_iterations:,}"


def _scrypt(bounds: Bounds) -> tuple[str, float, str]:
    log2, block_size = bounds.scrypt_n.bit_length() - 1, bounds.scrypt_block_size
    while log2 > 1 and block_size << log2 > bounds.scrypt_work:
        log2 -= 1
    lanes = max(min(bounds.scrypt_work / (block_size << log2), bounds.scrypt_parallelism), 1.0)
    value = f"$scrypt$ln={log2},r={block_size},p=1${_SALT}${_RESULT_32}"
    return value, lanes, f"scrypt_n {1 << log2:,}, scrypt_work {bounds.scrypt_work:,}"


def _crypt(bounds: Bounds) -> tuple[str, float, str]:
    rounds = max(bounds.crypt_rounds // PART, _SHA_ROUNDS_MIN)
    return (
        f"$6$rounds={rounds}$salt${'.' * 86}",
        bounds.crypt_rounds / rounds,
        f"crypt_rounds {bounds.crypt_rounds:,}",
    )
