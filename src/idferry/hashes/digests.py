"""Salted digests as one descriptor tells them: what is hashed in which order, how often, and how the value is spelled.

The template is Ory Kratos' `pf`; {SALT}, {PASSWORD}, {KEY} and {NAME} stand for bytes, everything else for itself.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import replace

from idferry.hashes.bounds import Bounds, check_salt
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.encodings import base64_bytes, decoded, text_bytes
from idferry.hashes.md4 import hmac_md4, md4
from idferry.hashes.parsed import Checker, malformed, unsupported
from idferry.hashes.scheme import Proof, Scheme, pattern

DIGEST_BYTES = {
    "md4": 16,
    "md5": 16,
    "sha1": 20,
    "ripemd160": 20,
    "sha224": 28,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3-256": 32,
    "sha3-512": 64,
}
"""Algorithm -> bytes of its result."""
_PLAIN = "{SALT}{PASSWORD}"
_PLACE = re.compile(r"(\{(?:SALT|PASSWORD|KEY|NAME)\})")
_KRATOS = re.compile(r"\$(md5|sha1|sha256|sha512)\$pf=([^$]+)\$([^$]*)\$([^$]+)", re.ASCII)
_KRATOS_MD5 = re.compile(r"\$md5\$([^$]+)", re.ASCII)
_KRATOS_HMAC = re.compile(r"\$hmac-(md4|md5|sha1|sha224|sha256|sha384|sha512)\$([^$]+)\$([^$]+)", re.ASCII)


def digest(algorithm: str, data: bytes) -> bytes:
    """The digest of some bytes."""
    if algorithm == "md4":
        return md4(data)
    return hashlib.new(algorithm.replace("sha3-", "sha3_"), data, usedforsecurity=False).digest()


def keyed_digest(algorithm: str, key: bytes, data: bytes) -> bytes:
    """HMAC."""
    if algorithm == "md4":
        return hmac_md4(key, data)
    return hmac.digest(key, data, algorithm.replace("sha3-", "sha3_"))


def known(algorithm: str) -> str:
    """The algorithm, when we compute it on this machine."""
    if not algorithm:
        raise malformed("the configuration names no algorithm")
    if algorithm not in DIGEST_BYTES:
        raise unsupported("a digest that is not built here")
    if algorithm != "md4" and algorithm.replace("sha3-", "sha3_") not in hashlib.algorithms_available:
        raise unsupported("a digest that this machine's OpenSSL does not have")
    return algorithm


def expected_of(value: str, algorithm: str, encoding: str) -> bytes:
    """The stored digest, as long as its algorithm's."""
    expected = decoded(value, encoding or _spelling(value, algorithm))
    if len(expected) != DIGEST_BYTES[algorithm]:
        raise malformed("not as long as its digest")
    return expected


def _spelling(value: str, algorithm: str) -> str:
    """Hexadecimal or Base64: the length tells, because Base64 of the same digest is shorter."""
    return "hex" if len(value) == 2 * DIGEST_BYTES[algorithm] else "base64"


def composed(template: str, *, salt: bytes, key: bytes = b"") -> Callable[[bytes, str], bytes]:
    """What is hashed for a password and a name, by a template that holds the password."""
    if "{PASSWORD}" not in template:
        raise malformed("the template holds no {PASSWORD}")
    pieces = [text_bytes(piece) for piece in _PLACE.split(template)]

    def compose(password: bytes, name: str) -> bytes:
        values = {
            b"{SALT}": salt,
            b"{PASSWORD}": password,
            b"{KEY}": key,
            b"{NAME}": name.lower().encode("utf-8", "replace"),
        }
        return b"".join(values.get(piece, piece) for piece in pieces)

    return compose


def _described(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The digest alone, or `digest:salt` where no salt is configured."""
    algorithm = known(descriptor.algorithm)
    stored, colon, behind = value.partition(":")
    if colon and not descriptor.salt:
        value, descriptor = stored, replace(descriptor, salt=behind)
    expected = expected_of(value, algorithm, descriptor.encoding)
    rounds = descriptor.iterations or 1
    bounds.check("digest_rounds", rounds)
    key = descriptor.key_bytes() if "{KEY}" in descriptor.template else b""
    compose = composed(
        descriptor.template or _PLAIN,
        salt=check_salt(descriptor.salt_bytes()),
        key=key,
    )

    def check(password: bytes, name: str) -> bool:
        made = compose(password, name)
        for _ in range(rounds):
            made = digest(algorithm, made)
        return hmac.compare_digest(made, expected)

    return Checker(f"{algorithm} {rounds}", check)


def _described_hmac(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The key is the source's, or the row's salt where there is none."""
    del bounds
    algorithm = known(descriptor.algorithm)
    expected = expected_of(value, algorithm, descriptor.encoding)
    salt = check_salt(descriptor.salt_bytes())
    if descriptor.key:
        key, template = descriptor.key_bytes(), descriptor.template or _PLAIN
    else:
        key, template = salt, descriptor.template or "{PASSWORD}"
    if not key:
        raise malformed("the configuration names neither key nor salt")
    compose = composed(template, salt=salt)
    return Checker(
        f"hmac-{algorithm}",
        lambda password, name: hmac.compare_digest(
            keyed_digest(algorithm, key, compose(password, name)), expected
        ),
    )


def _kratos(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    plain = _KRATOS_MD5.fullmatch(value)
    if plain:
        return _described(plain.group(1), Descriptor(algorithm="md5", encoding="base64"), bounds)
    found = _KRATOS.fullmatch(value)
    if not found:
        raise malformed("not $sha1$pf=TEMPLATE$SALT$HASH")
    algorithm, template, salt, expected = found.groups()
    try:
        text = base64_bytes(template).decode()
    except UnicodeDecodeError as error:
        raise malformed("a template that is no text") from error
    described = Descriptor(
        algorithm=algorithm, encoding="base64", template=text, salt=salt, salt_encoding="base64"
    )
    return _described(expected, described, bounds)


def _kratos_hmac(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """What is in Base64 is the hexadecimal text, not the digest."""
    del descriptor
    found = _KRATOS_HMAC.fullmatch(value)
    if not found:
        raise malformed("not $hmac-sha256$HASH$KEY")
    algorithm, expected, key = found.groups()
    described = Descriptor(algorithm=algorithm, encoding="hex", key=key, key_encoding="base64")
    return _described_hmac(base64_bytes(expected).decode("latin-1"), described, bounds)


def _casdoor(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """hex(H(hex(H(password)) + salt)): https://github.com/casdoor/casdoor/tree/master/cred."""
    algorithm = known(descriptor.algorithm or "sha256")
    described = Descriptor(
        algorithm=algorithm, encoding="hex", salt=descriptor.salt, template="{PASSWORD}{SALT}"
    )
    inner = _described(value, described, bounds)
    return Checker(
        inner.cost, lambda password, name: inner.check(digest(algorithm, password).hex().encode(), name)
    )


def _fusionauth(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """`factor` rounds over password and salt: https://fusionauth.io/docs/reference/password-hashes."""
    described = Descriptor(
        algorithm=descriptor.algorithm or "sha256",
        encoding="base64",
        salt=descriptor.salt,
        salt_encoding=descriptor.salt_encoding or "base64",
        template="{PASSWORD}{SALT}",
        iterations=descriptor.iterations,
    )
    if described.algorithm not in ("md5", "sha256"):
        raise malformed("FusionAuth salts MD5 and SHA-256 only")
    return _described(value, described, bounds)


def _bare(algorithm: str, digits: int, systems: str) -> Scheme:
    """A digest that is configured by its name alone."""
    return Scheme(
        name=algorithm,
        family="digest",
        layout=f"{digits} hexadecimal digits, or Base64; salt and template may be configured",
        systems=systems,
        proof=Proof.PUBLISHED,
        read=_described,
        resembles=pattern(rf"[0-9A-Fa-f]{{{digits}}}(?::.+)?"),
        defaults=Descriptor(algorithm=algorithm),
    )


SCHEMES = (
    Scheme(
        name="digest",
        family="digest",
        layout="the digest alone; algorithm, template, salt and encodings configured",
        systems="Auth0, Okta, Firebase, own systems",
        proof=Proof.PUBLISHED,
        read=_described,
    ),
    Scheme(
        name="hmac",
        family="digest",
        layout="the HMAC alone; algorithm and key configured; without a key the salt is the key",
        systems="Auth0, Firebase, own systems",
        proof=Proof.PUBLISHED,
        read=_described_hmac,
    ),
    _bare("md5", 32, "own systems"),
    _bare("sha1", 40, "own systems"),
    _bare("sha256", 64, "own systems"),
    _bare("sha512", 128, "own systems"),
    Scheme(
        name="kratos-digest",
        family="digest",
        layout="$sha256$pf=TEMPLATE$SALT$HASH, all Base64; md5, sha1, sha512; $md5$HASH",
        systems="Kratos",
        proof=Proof.PUBLISHED,
        read=_kratos,
        marks=pattern(r"\$(?:sha1|sha256|sha512)\$pf=.*|\$md5\$[^$,=]+={0,2}|\$md5\$pf=.*"),
    ),
    Scheme(
        name="kratos-hmac",
        family="digest",
        layout="$hmac-sha256$HASH$KEY: Base64, of the hexadecimal text",
        systems="Kratos",
        proof=Proof.PUBLISHED,
        read=_kratos_hmac,
        marks=pattern(r"\$hmac-.*"),
    ),
    Scheme(
        name="casdoor",
        family="digest",
        layout="hexadecimal; algorithm (sha256, sha512, md5) and salt configured",
        systems="Casdoor",
        proof=Proof.SELF_MADE,
        read=_casdoor,
    ),
    Scheme(
        name="fusionauth-digest",
        family="digest",
        layout="Base64; algorithm (md5, sha256), iterations (factor) and salt (Base64) configured",
        systems="FusionAuth's salted-md5 and salted-sha256",
        proof=Proof.SELF_MADE,
        read=_fusionauth,
    ),
    Scheme(
        name="whirlpool",
        family="digest",
        layout="128 hexadecimal digits",
        systems="own systems",
        proof=Proof.UNSUPPORTED,
        read=_described,
        defaults=Descriptor(algorithm="whirlpool"),
        note="no digest of that name in Python or OpenSSL 3",
    ),
)
