"""bcrypt and what is built on it. It takes 72 bytes; what came after them was ignored by those who wrote the hashes.

https://www.usenix.org/legacy/events/usenix99/provos/provos_html/node5.html
"""

import hmac
import re
from base64 import b64encode
from hashlib import sha384

import bcrypt

from idferry.hashes.bounds import Bounds
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.parsed import Check, Checker, malformed
from idferry.hashes.scheme import Proof, Scheme, pattern, refused

BCRYPT_BYTES_MAX = 72
COST_MIN = 4
_LETTERS = "./A-Za-z0-9"
_BCRYPT = re.compile(rf"\$2([abxy])\$([0-9]{{2}})\$([{_LETTERS}]{{22}})([{_LETTERS}]{{31}})", re.ASCII)
# Base64 in bcrypt's own alphabet leaves bits over at the end of salt and digest; every writer leaves them 0.
_SALT_ENDS = ".Oeu"
_DIGEST_ENDS = ".CGKOSWaeimquy26"
_WORDPRESS_KEY = b"wp-sha384"


def bcrypt_checker(value: str, bounds: Bounds, *, is_binary: bool = False) -> Checker:
    """The check of a plain bcrypt value. Bytes behind the 72nd do not count.

    A password with a NUL is nobody's, unless `is_binary`: what was hashed are bytes that nobody typed.
    """
    found = _BCRYPT.fullmatch(value)
    if not found:
        raise malformed("not $2b$, two digits of cost, and 53 characters")
    kind, cost, salt, digest = found.groups()
    if salt[-1] not in _SALT_ENDS or digest[-1] not in _DIGEST_ENDS:
        raise malformed("bits at the end that no bcrypt writes")
    if int(cost) < COST_MIN:
        raise malformed(f"a cost below {COST_MIN}")
    bounds.check("bcrypt_cost", int(cost))
    # pyca's library computes what is right whatever the prefix says: it differs from $2x$ beyond ASCII only.
    is_ascii_only = kind == "x"
    stored = value.replace("$2x$", "$2b$").encode()

    def check(password: bytes, _name: str) -> bool:
        if (b"\0" in password and not is_binary) or (is_ascii_only and not password.isascii()):
            return False
        return bcrypt.checkpw(password[:BCRYPT_BYTES_MAX], stored)

    return Checker(str(int(cost)), check)


def _plain(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    is_binary = descriptor.prehash.endswith("-raw") or descriptor.password_encoding in ("utf16le", "ucs2")
    return bcrypt_checker(value, bounds, is_binary=is_binary)


def _behind(prefix: str, value: str, bounds: Bounds) -> Checker:
    if not value.startswith(prefix):
        raise malformed(f"does not begin with {prefix}")
    return bcrypt_checker(value.removeprefix(prefix), bounds)


def _split(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """Salt, digest and cost in columns of their own."""
    if not 0 < descriptor.cost <= 99:
        raise malformed("the configuration names no cost")
    return bcrypt_checker(f"$2b${descriptor.cost:02d}${descriptor.salt}{value}", bounds)


def _wordpress(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://make.wordpress.org/core/2025/02/17/wordpress-6-8-will-use-bcrypt-for-password-hashing/."""
    del descriptor
    inner = _behind("$wp", value, bounds)

    def prehashed(check: Check) -> Check:
        return lambda password, name: check(
            b64encode(hmac.digest(_WORDPRESS_KEY, password, sha384)),
            name,
        )

    return Checker(inner.cost, prehashed(inner.check))


_ANY = r"\$2[abxy]\$.*"
_SHA512_HEX = Descriptor(prehash="sha512-hex")
SCHEMES = (
    Scheme(
        name="bcrypt",
        family="bcrypt",
        layout="$2b$COST$ and 53 characters; $2a$, $2y$; $2x$ for ASCII passwords only",
        systems="PHP, Laravel, Rails, Node, Auth0, Supabase, Clerk, Drupal 10, PrestaShop 1.7",
        proof=Proof.PUBLISHED,
        read=_plain,
        marks=pattern(_ANY),
    ),
    Scheme(
        name="bcrypt-split",
        family="bcrypt",
        layout="31 characters; salt (22 characters) and cost configured",
        systems="Okta, FusionAuth",
        proof=Proof.SELF_MADE,
        read=_split,
    ),
    Scheme(
        name="bcrypt-md5",
        family="bcrypt",
        layout="as bcrypt, over md5(password) in hexadecimal",
        systems="vBulletin 5",
        proof=Proof.PUBLISHED,
        read=_plain,
        defaults=Descriptor(prehash="md5-hex"),
    ),
    Scheme(
        name="bcrypt-sha256",
        family="bcrypt",
        layout="as bcrypt, over sha256(password) in hexadecimal",
        systems="own systems",
        proof=Proof.PUBLISHED,
        read=_plain,
        defaults=Descriptor(prehash="sha256-hex"),
    ),
    Scheme(
        name="bcrypt-sha512",
        family="bcrypt",
        layout="as bcrypt, over sha512(password) in hexadecimal; prehash says where it is Base64",
        systems="own systems",
        proof=Proof.PUBLISHED,
        read=_plain,
        defaults=_SHA512_HEX,
    ),
    Scheme(
        name="django-bcrypt",
        family="bcrypt",
        layout="bcrypt$ before a bcrypt value",
        systems="Django",
        proof=Proof.SELF_MADE,
        read=lambda value, _, bounds: _behind("bcrypt$", value, bounds),
        marks=pattern(r"bcrypt\$.*"),
    ),
    Scheme(
        name="django-bcrypt-sha256",
        family="bcrypt",
        layout="bcrypt_sha256$ before a bcrypt value over sha256(password) in hexadecimal",
        systems="Django",
        proof=Proof.PUBLISHED,
        read=lambda value, _, bounds: _behind("bcrypt_sha256$", value, bounds),
        marks=pattern(r"bcrypt_sha256\$.*"),
        defaults=Descriptor(prehash="sha256-hex"),
    ),
    Scheme(
        name="wordpress-bcrypt",
        family="bcrypt",
        layout="$wp$2y$..., over HMAC-SHA384 of the trimmed password",
        systems="WordPress 6.8",
        proof=Proof.SELF_MADE,
        read=_wordpress,
        marks=pattern(r"\$wp\$2.*"),
        defaults=Descriptor(trim=True),
    ),
    Scheme(
        name="bcrypt-before-2a",
        family="bcrypt",
        layout="$2$...",
        systems="OpenBSD before 1999",
        proof=Proof.UNSUPPORTED,
        read=refused("bcrypt of before 1999 left the end of the password out"),
        marks=pattern(r"\$2\$.*"),
        note="no library computes it any more",
    ),
    Scheme(
        name="passlib-bcrypt-sha256",
        family="bcrypt",
        layout="$bcrypt-sha256$...",
        systems="passlib",
        proof=Proof.UNSUPPORTED,
        read=refused("passlib's own bcrypt-sha256 is not Django's, and is not built"),
        marks=pattern(r"\$bcrypt-sha256\$.*"),
        note="it is not Django's",
    ),
)
