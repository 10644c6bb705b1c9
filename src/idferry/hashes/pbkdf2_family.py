"""PBKDF2 as identity products store it: one computation, many spellings (RFC 8018, 5.2).

The dialects of Microsoft, Keycloak and LDAP servers, which pack bytes, stand in modules of their own.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from idferry.hashes.bounds import Bounds, check_derived, check_salt
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.encodings import (
    ab64_bytes,
    bare_base64_bytes,
    base64_bytes,
    decoded,
    hex_bytes,
    number,
    text_bytes,
)
from idferry.hashes.parsed import Checker, malformed
from idferry.hashes.scheme import Proof, Scheme, pattern

DIGESTS: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha3-224": hashes.SHA3_224,
    "sha3-384": hashes.SHA3_384,
}
AUTH0_ITERATIONS = 100_000
AUTH0_LENGTH = 64
_DIGEST = "md5|sha1|sha224|sha256|sha384|sha512"
_PASSLIB = re.compile(r"\$pbkdf2(?:-(sha1|sha256|sha512))?\$([0-9]+)\$([^$]*)\$([^$]+)", re.ASCII)
_PHC = re.compile(
    rf"\$pbkdf2-({_DIGEST})\$(?:i=([0-9]+),l=([0-9]+)\$)?([^$=]*)\$([^$=]+)",
    re.ASCII,
)
_DJANGO = re.compile(r"pbkdf2_(sha1|sha256)\$([0-9]+)\$([^$]*)\$([^$]+)", re.ASCII)
_WERKZEUG = re.compile(rf"pbkdf2:({_DIGEST}):([0-9]+)\$([^$]*)\$([0-9a-f]+)", re.ASCII)
_WEB2PY = re.compile(rf"pbkdf2\(([0-9]+),([0-9]+),({_DIGEST})\)\$([^$]*)\$([0-9a-f]+)", re.ASCII)
_HASHCAT = re.compile(r"(md5|sha1|sha256|sha512):([0-9]+):([^:]*):([^:]+)", re.ASCII)
_MEDIAWIKI = re.compile(rf":pbkdf2:({_DIGEST}):([0-9]+):([0-9]+):([^:]*):([^:]+)", re.ASCII)
# Ory Kratos calls these two by the names of SHA-2: https://github.com/ory/kratos/blob/master/hash/hash_comparator.go
_KRATOS_DIGESTS = {"sha224": "sha3-224", "sha384": "sha3-384"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Pbkdf2:
    """One stored result: the HMAC's digest, how often, salt, and what must come out."""

    algorithm: str
    iterations: int
    salt: bytes
    expected: bytes

    def checker(self, bounds: Bounds) -> Checker:
        """The check, when it is within bounds. What is counted is the iterations of all blocks of output."""
        if self.algorithm not in DIGESTS:
            raise malformed("a digest that PBKDF2 is not used with here")
        check_salt(self.salt)
        check_derived(self.expected)
        blocks = -(-len(self.expected) // DIGESTS[self.algorithm]().digest_size)
        bounds.check("pbkdf2_iterations", self.iterations * blocks)
        return Checker(
            f"{self.algorithm} {self.iterations}x{len(self.expected)}",
            lambda password, _: hmac.compare_digest(self.derive(password), self.expected),
        )

    def derive(self, password: bytes) -> bytes:
        """What comes out for this password."""
        function = PBKDF2HMAC(
            DIGESTS[self.algorithm](), len(self.expected), self.salt, max(1, self.iterations)
        )
        return function.derive(password)


def parts(expression: re.Pattern[str], value: str, looks: str) -> tuple[str, ...]:
    """The groups of a value that must match; `looks` says to people what it should look like."""
    found = expression.fullmatch(value)
    if not found:
        raise malformed(f"not {looks}")
    return tuple(one or "" for one in found.groups())


def _django(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    digest, iterations, salt, expected = parts(_DJANGO, value, "pbkdf2_sha256$ITERATIONS$SALT$HASH")
    return _whole(digest, iterations, text_bytes(salt), base64_bytes(expected), bounds)


def _clerk(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://clerk.com/docs/deployments/migrate-overview: the salt is Base64 and SHA-1 is in hexadecimal."""
    del descriptor
    digest, iterations, salt, expected = parts(_DJANGO, value, "pbkdf2_sha256$ITERATIONS$SALT$HASH")
    read = hex_bytes if digest == "sha1" else base64_bytes
    return _any_length(digest, iterations, base64_bytes(salt), read(expected), bounds)


def _passlib(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://passlib.readthedocs.io/en/stable/lib/passlib.hash.pbkdf2_digest.html."""
    del descriptor
    digest, iterations, salt, expected = parts(_PASSLIB, value, "$pbkdf2-sha256$ITERATIONS$SALT$HASH")
    return _whole(digest or "sha1", iterations, ab64_bytes(salt), ab64_bytes(expected), bounds)


def _phc(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    return _phc_with(value, descriptor, bounds, {})


def _kratos(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    return _phc_with(value, descriptor, bounds, _KRATOS_DIGESTS)


def _phc_with(value: str, descriptor: Descriptor, bounds: Bounds, names: dict[str, str]) -> Checker:
    del descriptor
    digest, iterations, length, salt, expected = parts(
        _PHC, value, "$pbkdf2-sha256$i=ITERATIONS,l=LENGTH$SALT$HASH"
    )
    derived = bare_base64_bytes(expected)
    if len(derived) != (number(length) if length else AUTH0_LENGTH):
        raise malformed("the hash is not as long as it says")
    return _any_length(
        names.get(digest, digest),
        iterations or str(AUTH0_ITERATIONS),
        bare_base64_bytes(salt),
        derived,
        bounds,
    )


def _werkzeug(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://werkzeug.palletsprojects.com/en/stable/utils/#module-werkzeug.security."""
    del descriptor
    digest, iterations, salt, expected = parts(_WERKZEUG, value, "pbkdf2:sha256:ITERATIONS$SALT$HEX")
    return _whole(digest, iterations, text_bytes(salt), hex_bytes(expected), bounds)


def _web2py(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    iterations, length, digest, salt, expected = parts(
        _WEB2PY, value, "pbkdf2(ITERATIONS,LENGTH,sha512)$SALT$HEX"
    )
    derived = hex_bytes(expected)
    if len(derived) != number(length):
        raise malformed("the hash is not as long as it says")
    return _any_length(digest, iterations, text_bytes(salt), derived, bounds)


def _hashcat(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    digest, iterations, salt, expected = parts(_HASHCAT, value, "sha256:ITERATIONS:SALT:HASH")
    return _any_length(digest, iterations, base64_bytes(salt), base64_bytes(expected), bounds)


def _mediawiki(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://www.mediawiki.org/wiki/Manual:$wgPasswordConfig."""
    del descriptor
    looks = ":pbkdf2:sha512:ITERATIONS:LENGTH:SALT:HASH"
    digest, iterations, length, salt, expected = parts(_MEDIAWIKI, value, looks)
    derived = base64_bytes(expected)
    if len(derived) != number(length):
        raise malformed("the hash is not as long as it says")
    return _any_length(digest, iterations, base64_bytes(salt), derived, bounds)


def _described(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The value alone; salt, iterations and digest are configured. The length is the value's own."""
    derived = decoded(value, descriptor.encoding or "base64")
    if descriptor.length and descriptor.length != len(derived):
        raise malformed("the hash is not as long as the configuration says")
    algorithm = descriptor.algorithm or "sha256"
    salt = descriptor.salt_bytes("base64")
    return _any_length(algorithm, str(descriptor.iterations), salt, derived, bounds)


def _whole(digest: str, iterations: str, salt: bytes, expected: bytes, bounds: Bounds) -> Checker:
    """Of a dialect whose result is always as long as the digest."""
    if len(expected) != DIGESTS[digest]().digest_size:
        raise malformed("the hash is not as long as its digest")
    return _any_length(digest, iterations, salt, expected, bounds)


def _any_length(digest: str, iterations: str, salt: bytes, expected: bytes, bounds: Bounds) -> Checker:
    found = Pbkdf2(algorithm=digest, iterations=number(iterations), salt=salt, expected=expected)
    return found.checker(bounds)


SCHEMES = (
    Scheme(
        name="pbkdf2",
        family="pbkdf2",
        layout="the hash alone; algorithm, iterations, salt and encodings configured",
        systems="Auth0, Okta, Firebase, FusionAuth, own systems",
        proof=Proof.PUBLISHED,
        read=_described,
    ),
    Scheme(
        name="django-pbkdf2",
        family="pbkdf2",
        layout="pbkdf2_sha256$ITERATIONS$SALT$HASH; pbkdf2_sha1",
        systems="Django",
        proof=Proof.PUBLISHED,
        read=_django,
        marks=pattern(r"pbkdf2_sha(?:1|256)\$.*"),
    ),
    Scheme(
        name="clerk-pbkdf2",
        family="pbkdf2",
        layout="as Django's, with the salt in Base64",
        systems="exports made for Clerk",
        proof=Proof.UNPROVEN,
        read=_clerk,
    ),
    Scheme(
        name="passlib-pbkdf2",
        family="pbkdf2",
        layout="$pbkdf2-sha256$ITERATIONS$SALT$HASH; $pbkdf2$, $pbkdf2-sha512$",
        systems="passlib",
        proof=Proof.PUBLISHED,
        read=_passlib,
        marks=pattern(r"\$pbkdf2(?:-sha(?:1|256|512))?\$[0-9]+\$[^$]*\$[^$]*"),
    ),
    Scheme(
        name="pbkdf2-phc",
        family="pbkdf2",
        layout="$pbkdf2-sha256$i=ITERATIONS,l=LENGTH$SALT$HASH",
        systems="Kratos, Auth0",
        proof=Proof.PUBLISHED,
        read=_phc,
        marks=pattern(r"\$pbkdf2-(?:md5|sha1|sha256|sha512)\$(?![0-9]+\$[^$]*\$).*"),
        resembles=pattern(r"\$pbkdf2-sha(?:224|384)\$.*"),
    ),
    Scheme(
        name="kratos-pbkdf2",
        family="pbkdf2",
        layout="as pbkdf2-phc; sha224 and sha384 mean SHA-3",
        systems="Kratos",
        proof=Proof.PUBLISHED,
        read=_kratos,
        resembles=pattern(r"\$pbkdf2-sha(?:224|384)\$.*"),
    ),
    Scheme(
        name="werkzeug-pbkdf2",
        family="pbkdf2",
        layout="pbkdf2:sha256:ITERATIONS$SALT$HEX",
        systems="Werkzeug, Flask",
        proof=Proof.SELF_MADE,
        read=_werkzeug,
        marks=pattern(r"pbkdf2:[a-z0-9]+:.*"),
    ),
    Scheme(
        name="web2py",
        family="pbkdf2",
        layout="pbkdf2(ITERATIONS,LENGTH,sha512)$SALT$HEX",
        systems="web2py",
        proof=Proof.PUBLISHED,
        read=_web2py,
        marks=pattern(r"pbkdf2\(.*"),
    ),
    Scheme(
        name="mediawiki-pbkdf2",
        family="pbkdf2",
        layout=":pbkdf2:sha512:ITERATIONS:LENGTH:SALT:HASH",
        systems="MediaWiki",
        proof=Proof.SELF_MADE,
        read=_mediawiki,
        marks=pattern(r":pbkdf2:.*"),
    ),
    Scheme(
        name="pbkdf2-colons",
        family="pbkdf2",
        layout="sha256:ITERATIONS:SALT:HASH; md5, sha1, sha512",
        systems="own systems (hashcat's spelling)",
        proof=Proof.PUBLISHED,
        read=_hashcat,
        marks=pattern(r"(?:md5|sha1|sha256|sha512):[0-9]+:[^:]*:[^:]+"),
    ),
)
