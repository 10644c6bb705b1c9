"""scrypt (RFC 7914) as text, and Firebase's variant, which encrypts a key of the project with what comes out.

https://github.com/firebase/scrypt
"""

import hmac
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from idferry.hashes.bounds import Bounds, check_derived, check_salt, scrypt_kib
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.encodings import bare_base64_bytes, base64_bytes, decoded, hex_bytes, number, text_bytes
from idferry.hashes.parsed import Checker, malformed
from idferry.hashes.pbkdf2_family import parts
from idferry.hashes.scheme import Proof, Scheme, pattern

LOG2_MAX = 63
"""In `ln=`, a number up to here is a power of 2; Kratos writes N itself there."""
N_BITS_PER_BLOCK = 16
FIREBASE_KEY_BYTES = 32
WEB_BYTES = 64
"""What Django and Werkzeug derive."""
_AES_BLOCK_BYTES = 16
_PHC = re.compile(r"\$scrypt\$ln=([0-9]+),r=([0-9]+),p=([0-9]+)\$([^$]*)\$([^$]+)", re.ASCII)
_DJANGO = re.compile(r"scrypt\$([0-9]+)\$([^$]*)\$([0-9]+)\$([0-9]+)\$([^$]+)", re.ASCII)
_WERKZEUG = re.compile(r"scrypt:([0-9]+):([0-9]+):([0-9]+)\$([^$]*)\$([0-9a-f]+)", re.ASCII)
_KRATOS_FIREBASE = re.compile(
    r"\$firescrypt\$ln=([0-9]+),r=([0-9]+),p=([0-9]+)\$([^$]*)\$([^$]+)\$([^$]*)\$([^$]+)", re.ASCII
)
_GOTRUE = re.compile(
    r"\$fbscrypt\$v=1,n=([0-9]+),r=([0-9]+),p=([0-9]+)(?:,ss=([^,$]*))?(?:,sk=([^,$]*))?\$([^$]*)\$([^$]+)",
    re.ASCII,
)
_SUPERTOKENS = re.compile(r"\$f_scrypt\$([^$]+)\$([^$]*)\$m=([0-9]+)\$r=([0-9]+)\$s=([^$]*)", re.ASCII)
_WORKOS = re.compile(
    r"\$firebase-scrypt\$hash=([^$]+)\$salt=([^$]*)\$sk=([^$]+)\$ss=([^$]*)\$r=([0-9]+)\$m=([0-9]+)", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ScryptNumbers:
    """The numbers of one scrypt computation, and its salt."""

    n: int
    block_size: int
    parallelism: int
    salt: bytes

    def checked(self, bounds: Bounds) -> "ScryptNumbers":
        """The same, when it is within bounds and can be computed at all."""
        bounds.check("scrypt_n", self.n)
        bounds.check("scrypt_block_size", self.block_size)
        bounds.check("scrypt_parallelism", self.parallelism)
        bounds.check("scrypt_work", self.n * self.block_size * self.parallelism)
        check_salt(self.salt)
        if self.n < 2 or self.n & (self.n - 1):
            raise malformed("N is not a power of 2")
        # RFC 7914, 2: no library computes it beyond that.
        if self.n >= 1 << (N_BITS_PER_BLOCK * self.block_size):
            raise malformed("N is too large for the size of a block")
        return self

    @property
    def memory_kib(self) -> int:
        """What it takes of the memory."""
        return scrypt_kib(n=self.n, block_size=self.block_size)

    @property
    def cost(self) -> str:
        """What decides how long it takes."""
        return f"N={self.n},r={self.block_size},p={self.parallelism}"

    def derive(self, password: bytes, length: int) -> bytes:
        """What comes out for this password.

        Raises:
            MemoryError: the machine has not the memory.
        """
        function = Scrypt(salt=self.salt, length=length, n=self.n, r=self.block_size, p=self.parallelism)
        return function.derive(password)

    def checker(self, expected: bytes) -> Checker:
        """The check against a stored result."""
        check_derived(expected)
        return Checker(
            self.cost,
            lambda password, _: hmac.compare_digest(self.derive(password, len(expected)), expected),
            self.memory_kib,
        )


def _numbers(n: str, block_size: str, parallelism: str, salt: bytes, bounds: Bounds) -> ScryptNumbers:
    found = ScryptNumbers(
        n=number(n), block_size=number(block_size), parallelism=number(parallelism), salt=salt
    )
    return found.checked(bounds)


def _phc(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    ln, block_size, parallelism, salt, expected = parts(_PHC, value, "$scrypt$ln=...,r=...,p=...$SALT$HASH")
    n = number(ln)
    n = n if n > LOG2_MAX else 1 << n
    numbers = _numbers(str(min(n, 1 << 30)), block_size, parallelism, bare_base64_bytes(salt), bounds)
    return numbers.checker(bare_base64_bytes(expected))


def _django(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    n, salt, block_size, parallelism, expected = parts(_DJANGO, value, "scrypt$N$SALT$R$P$HASH")
    derived = base64_bytes(expected)
    if len(derived) != WEB_BYTES:
        raise malformed(f"the hash is not {WEB_BYTES} bytes")
    return _numbers(n, block_size, parallelism, text_bytes(salt), bounds).checker(derived)


def _werkzeug(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    n, block_size, parallelism, salt, expected = parts(_WERKZEUG, value, "scrypt:N:R:P$SALT$HEX")
    derived = hex_bytes(expected)
    if len(derived) != WEB_BYTES:
        raise malformed(f"the hash is not {WEB_BYTES} bytes")
    return _numbers(n, block_size, parallelism, text_bytes(salt), bounds).checker(derived)


def _described(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The value alone; the numbers are configured."""
    derived = decoded(value, descriptor.encoding or "base64")
    if descriptor.length and descriptor.length != len(derived):
        raise malformed("the hash is not as long as the configuration says")
    found = ScryptNumbers(
        n=descriptor.cost,
        block_size=descriptor.block_size or 8,
        parallelism=descriptor.parallelism or 1,
        salt=descriptor.salt_bytes(descriptor.encoding or "base64"),
    )
    return found.checked(bounds).checker(derived)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Firebase:
    """One Firebase hash and what the project says: all in Base64."""

    memory_log2: int
    rounds: int
    salt: str
    separator: str
    signer_key: str
    expected: str

    def checker(self, bounds: Bounds) -> Checker:
        bounds.check("firebase_memory_log2", self.memory_log2)
        salt, separator = _either_base64(self.salt), _either_base64(self.separator)
        numbers = ScryptNumbers(
            n=1 << self.memory_log2, block_size=self.rounds, parallelism=1, salt=salt + separator
        )
        numbers.checked(bounds)
        signer_key, expected = _either_base64(self.signer_key), _either_base64(self.expected)
        if not signer_key or len(signer_key) != len(check_derived(expected)):
            raise malformed("the hash is not as long as the signer key")

        def check(password: bytes, _name: str) -> bool:
            key = numbers.derive(password, FIREBASE_KEY_BYTES)
            encryptor = Cipher(algorithms.AES256(key), modes.CTR(bytes(_AES_BLOCK_BYTES))).encryptor()
            return hmac.compare_digest(encryptor.update(signer_key) + encryptor.finalize(), expected)

        return Checker(numbers.cost, check, numbers.memory_kib)


def _either_base64(text: str) -> bytes:
    """Firebase's exports hold both alphabets."""
    return bare_base64_bytes(text.replace("-", "+").replace("_", "/"))


def _firebase(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The value alone: signer key, separator, rounds and memory are the project's hash_config."""
    if not descriptor.key:
        raise malformed("the configuration names no signer key")
    return _Firebase(
        memory_log2=descriptor.cost,
        rounds=descriptor.block_size,
        salt=descriptor.salt,
        separator=descriptor.separator,
        signer_key=descriptor.key,
        expected=value,
    ).checker(bounds)


def _kratos_firebase(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    looks = "$firescrypt$ln=...,r=...,p=...$SALT$HASH$SEPARATOR$KEY"
    memory, rounds, parallelism, salt, expected, separator, key = parts(_KRATOS_FIREBASE, value, looks)
    return _firebase_of(memory, rounds, salt, separator, key, expected, parallelism).checker(bounds)


def _gotrue(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://github.com/supabase/auth/blob/master/internal/crypto/password.go."""
    del descriptor
    looks = "$fbscrypt$v=1,n=...,r=...,p=...,ss=...,sk=...$SALT$HASH"
    memory, rounds, parallelism, separator, key, salt, expected = parts(_GOTRUE, value, looks)
    return _firebase_of(memory, rounds, salt, separator, key, expected, parallelism).checker(bounds)


def _supertokens(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The signer key is in the configuration of its core."""
    looks = "$f_scrypt$HASH$SALT$m=...$r=...$s=..."
    expected, salt, memory, rounds, separator = parts(_SUPERTOKENS, value, looks)
    if not descriptor.key:
        raise malformed("the configuration names no signer key")
    return _firebase_of(memory, rounds, salt, separator, descriptor.key, expected).checker(bounds)


def _workos(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    looks = "$firebase-scrypt$hash=...$salt=...$sk=...$ss=...$r=...$m=..."
    expected, salt, key, separator, rounds, memory = parts(_WORKOS, value, looks)
    return _firebase_of(memory, rounds, salt, separator, key, expected).checker(bounds)


def _firebase_of(
    memory: str, rounds: str, salt: str, separator: str, key: str, expected: str, parallelism: str = "1"
) -> _Firebase:
    if number(parallelism) != 1:
        raise malformed("Firebase's variant has a parallelism of 1")
    return _Firebase(
        memory_log2=number(memory),
        rounds=number(rounds),
        salt=salt,
        separator=separator,
        signer_key=key,
        expected=expected,
    )


SCHEMES = (
    Scheme(
        name="scrypt",
        family="scrypt",
        layout="the hash alone; N (cost), block_size, parallelism, salt and encodings configured",
        systems="Auth0, Stytch (base64url), Firebase's standard scrypt",
        proof=Proof.PUBLISHED,
        read=_described,
    ),
    Scheme(
        name="scrypt-phc",
        family="scrypt",
        layout="$scrypt$ln=LOG2N,r=R,p=P$SALT$HASH; from 64 on, ln is N itself (Kratos)",
        systems="passlib, Zitadel, Kratos",
        proof=Proof.PUBLISHED,
        read=_phc,
        marks=pattern(r"\$scrypt\$.*"),
    ),
    Scheme(
        name="django-scrypt",
        family="scrypt",
        layout="scrypt$N$SALT$R$P$HASH",
        systems="Django",
        proof=Proof.PUBLISHED,
        read=_django,
        marks=pattern(r"scrypt\$.*"),
    ),
    Scheme(
        name="werkzeug-scrypt",
        family="scrypt",
        layout="scrypt:N:R:P$SALT$HEX",
        systems="Werkzeug, Flask",
        proof=Proof.SELF_MADE,
        read=_werkzeug,
        marks=pattern(r"scrypt:.*"),
    ),
    Scheme(
        name="firebase-scrypt",
        family="firebase",
        layout="Base64; key (signer key), separator, block_size (rounds), cost (mem_cost), salt configured",
        systems="Firebase Authentication",
        proof=Proof.PUBLISHED,
        read=_firebase,
    ),
    Scheme(
        name="kratos-firebase",
        family="firebase",
        layout="$firescrypt$ln=MEM,r=ROUNDS,p=1$SALT$HASH$SEPARATOR$KEY",
        systems="Kratos",
        proof=Proof.PUBLISHED,
        read=_kratos_firebase,
        marks=pattern(r"\$firescrypt\$.*"),
    ),
    Scheme(
        name="gotrue-firebase",
        family="firebase",
        layout="$fbscrypt$v=1,n=MEM,r=ROUNDS,p=1,ss=SEPARATOR,sk=KEY$SALT$HASH",
        systems="Supabase",
        proof=Proof.SELF_MADE,
        read=_gotrue,
        marks=pattern(r"\$fbscrypt\$.*"),
    ),
    Scheme(
        name="supertokens-firebase",
        family="firebase",
        layout="$f_scrypt$HASH$SALT$m=MEM$r=ROUNDS$s=SEPARATOR; key (signer key) configured",
        systems="SuperTokens",
        proof=Proof.SELF_MADE,
        read=_supertokens,
        marks=pattern(r"\$f_scrypt\$.*"),
    ),
    Scheme(
        name="workos-firebase",
        family="firebase",
        layout="$firebase-scrypt$hash=...$salt=...$sk=KEY$ss=SEPARATOR$r=ROUNDS$m=MEM",
        systems="WorkOS",
        proof=Proof.SELF_MADE,
        read=_workos,
        marks=pattern(r"\$firebase-scrypt\$.*"),
    ),
)
