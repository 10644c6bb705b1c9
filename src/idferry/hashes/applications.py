"""Formulas of single applications: forums, shops, frameworks. Most are a digest of digests, stored as `hash:salt`.

What they look like does not tell them apart, so the configuration names one. Sources: the applications' own code, as
hashcat lists it (https://hashcat.net/wiki/doku.php?id=example_hashes).
"""

import hmac
from collections.abc import Callable

from idferry.hashes.bounds import Bounds, check_salt
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.digests import DIGEST_BYTES, digest, expected_of, keyed_digest, known
from idferry.hashes.encodings import hex_bytes, text_bytes
from idferry.hashes.parsed import Checker, malformed
from idferry.hashes.pbkdf2_family import parts
from idferry.hashes.scheme import Proof, Reader, Scheme, pattern

Formula = Callable[[bytes, bytes, bytes], bytes]
"""The bytes to compare, of password, salt and key."""
SYMFONY_ROUNDS = 5_000
RESTFUL_ROUNDS = 10
HMAILSERVER_SALT_CHARACTERS = 6
_MEDIAWIKI = pattern(r"(?::B:|\$B\$)([^:$]*)[:$]([0-9a-f]{32})")
_MEDIAWIKI_BARE = pattern(r":A:([0-9a-f]{32})")
_DOLLAR = pattern(r"(md5|sha1|sha256|sha512)\$([^$]*)\$([0-9a-f]+)")
_AUTHME = pattern(r"\$SHA\$([^$]*)\$([0-9a-f]{64})")
_JOOMLA = pattern(r"\{SHA256\}([0-9a-f]{64}):(.*)")


def md5(data: bytes) -> bytes:
    """MD5 as hexadecimal digits, which is what PHP's function of that name gives."""
    return digest("md5", data).hex().encode()


def sha1(data: bytes) -> bytes:
    """SHA-1 as hexadecimal digits."""
    return digest("sha1", data).hex().encode()


def sha256(data: bytes) -> bytes:
    """SHA-256 as hexadecimal digits."""
    return digest("sha256", data).hex().encode()


def _restful(password: bytes, salt: bytes, key: bytes) -> bytes:
    made = key
    for _ in range(RESTFUL_ROUNDS):
        made = sha1(b"--".join((made, salt, password, key)))
    return made


def checked(formula: Formula, stored: bytes, salt: bytes, key: bytes, cost: str) -> Checker:
    """The check of a formula against what it must give."""
    check_salt(salt)
    return Checker(cost, lambda password, _: hmac.compare_digest(formula(password, salt, key), stored))


def _by(formula: Formula, algorithm: str, *, needs_salt: bool = True, needs_key: bool = False) -> Reader:
    """The reader of `hash:salt`, `hash:salt:key`, or of a hash whose salt and key are configured."""

    def read(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
        del bounds
        stored, _, behind = value.partition(":")
        salt = descriptor.salt_bytes() if descriptor.salt else b""
        key = descriptor.key_bytes() if descriptor.key else b""
        if behind and needs_key and not descriptor.key:
            behind, _, last = behind.rpartition(":") if needs_salt else ("", "", behind)
            key = text_bytes(last)
        if behind and not descriptor.salt:
            salt, behind = text_bytes(behind), ""
        if behind or (needs_salt and not salt) or (needs_key and not key):
            raise malformed("salt and key stand behind colons, or are configured")
        expected = hex_bytes(stored)
        if len(expected) != DIGEST_BYTES[algorithm]:
            raise malformed("not as long as its digest")
        return checked(formula, stored.lower().encode(), salt, key, algorithm)

    return read


def _smf(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The user name takes the place of a salt, in small letters."""
    del descriptor, bounds
    expected = expected_of(value, "sha1", "hex")
    return Checker(
        "sha1",
        lambda password, name: hmac.compare_digest(
            digest("sha1", name.lower().encode("utf-8", "replace") + password), expected
        ),
    )


def _mediawiki(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://www.mediawiki.org/wiki/Manual:User_table#user_password."""
    del descriptor, bounds
    bare = _MEDIAWIKI_BARE.fullmatch(value)
    if bare:
        return checked(lambda password, _, __: md5(password), bare.group(1).encode(), b"", b"", "md5")
    salt, stored = parts(_MEDIAWIKI, value, ":B:SALT:HASH or :A:HASH")
    return checked(
        lambda password, salted, _: md5(salted + b"-" + md5(password)),
        stored.encode(),
        text_bytes(salt),
        b"",
        "md5",
    )


def _dollar(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """Django and old Werkzeug spell two formulas alike; that one of them opens proves the password all the same."""
    del descriptor, bounds
    algorithm, salt, stored = parts(_DOLLAR, value, "sha1$SALT$HEX")
    expected, salted = expected_of(stored, algorithm, "hex"), check_salt(text_bytes(salt))

    def check(password: bytes, _name: str) -> bool:
        plain = hmac.compare_digest(digest(algorithm, salted + password), expected)
        return plain or hmac.compare_digest(keyed_digest(algorithm, salted, password), expected)

    return Checker(algorithm, check)


def _authme(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor, bounds
    salt, stored = parts(_AUTHME, value, "$SHA$SALT$HASH")
    return checked(_xenforo, stored.encode(), text_bytes(salt), b"", "sha256")


def _joomla(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor, bounds
    stored, salt = parts(_JOOMLA, value, "{SHA256}HASH:SALT")
    return checked(
        lambda password, salted, _: sha256(password + salted),
        stored.encode(),
        text_bytes(salt),
        b"",
        "sha256",
    )


def _hmailserver(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor, bounds
    salt, stored = value[:HMAILSERVER_SALT_CHARACTERS], value[HMAILSERVER_SALT_CHARACTERS:]
    expected_of(stored, "sha256", "hex")
    return checked(
        lambda password, salted, _: sha256(salted + password),
        stored.lower().encode(),
        text_bytes(salt),
        b"",
        "sha256",
    )


def _symfony(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """MessageDigestPasswordEncoder: the salt stands in braces behind the password."""
    algorithm, rounds = known(descriptor.algorithm or "sha512"), descriptor.iterations or SYMFONY_ROUNDS
    bounds.check("digest_rounds", rounds)
    expected = expected_of(value, algorithm, descriptor.encoding)
    salt = check_salt(descriptor.salt_bytes())

    def check(password: bytes, _name: str) -> bool:
        merged = password + b"{" + salt + b"}" if salt else password
        made = digest(algorithm, merged)
        for _ in range(rounds - 1):
            made = digest(algorithm, made + merged)
        return hmac.compare_digest(made, expected)

    return Checker(f"{algorithm} {rounds}", check)


def _xenforo(password: bytes, salt: bytes, _key: bytes) -> bytes:
    return sha256(sha256(password) + salt)


_HEX32 = pattern(r"[0-9A-Fa-f]{32}:.+")
_HEX40 = pattern(r"[0-9A-Fa-f]{40}:.+")
_HEX64 = pattern(r"[0-9A-Fa-f]{64}:.+")


def _salted(
    name: str, systems: str, algorithm: str, formula: Formula, words: str, *, proof: Proof = Proof.PUBLISHED
) -> Scheme:
    """A scheme that stores `hash:salt`."""
    looks = {"md5": _HEX32, "sha1": _HEX40, "sha256": _HEX64}[algorithm]
    return Scheme(
        name=name,
        family="application",
        layout=f"HASH:SALT, or salt configured; {words}",
        systems=systems,
        proof=proof,
        read=_by(formula, algorithm),
        resembles=looks,
    )


SCHEMES = (
    _salted(
        "joomla-md5", "Joomla before 2.5.18", "md5", lambda pw, s, _: md5(pw + s), "md5(password + salt)"
    ),
    Scheme(
        name="joomla-sha256",
        family="application",
        layout="{SHA256}HASH:SALT; sha256(password + salt)",
        systems="Joomla 3",
        proof=Proof.SELF_MADE,
        read=_joomla,
        marks=pattern(r"\{SHA256\}[^:]*:.*"),
    ),
    _salted(
        "oscommerce",
        "osCommerce, xt:Commerce, Magento 1",
        "md5",
        lambda pw, s, _: md5(s + pw),
        "md5(salt + password)",
    ),
    _salted(
        "vbulletin",
        "vBulletin 3 and 4",
        "md5",
        lambda pw, s, _: md5(md5(pw) + s),
        "md5(md5(password) + salt)",
    ),
    _salted(
        "mybb",
        "MyBB, Invision Power Board 2 and 3",
        "md5",
        lambda pw, s, _: md5(md5(s) + md5(pw)),
        "md5(md5(salt) + md5(password))",
    ),
    _salted(
        "opencart",
        "OpenCart, WoltLab Burning Board 3",
        "sha1",
        lambda pw, s, _: sha1(s + sha1(s + sha1(pw))),
        "sha1(salt + sha1(salt + sha1(password)))",
    ),
    _salted(
        "redmine",
        "Redmine, PunBB",
        "sha1",
        lambda pw, s, _: sha1(s + sha1(pw)),
        "sha1(salt + sha1(password))",
    ),
    _salted("xenforo", "XenForo 1", "sha256", _xenforo, "sha256(sha256(password) + salt)"),
    Scheme(
        name="authme",
        family="application",
        layout="$SHA$SALT$HASH; as xenforo",
        systems="AuthMe",
        proof=Proof.PUBLISHED,
        read=_authme,
        marks=pattern(r"\$SHA\$.*"),
    ),
    Scheme(
        name="prestashop",
        family="application",
        layout="HASH:KEY, or key configured (_COOKIE_KEY_); md5(key + password)",
        systems="PrestaShop before 1.7",
        proof=Proof.PUBLISHED,
        read=_by(lambda pw, _, key: md5(key + pw), "md5", needs_salt=False, needs_key=True),
    ),
    Scheme(
        name="restful-authentication",
        family="application",
        layout="HASH:SALT:KEY, or salt and key (site key) configured",
        systems="Rails with restful-authentication",
        proof=Proof.PUBLISHED,
        read=_by(_restful, "sha1", needs_key=True),
    ),
    Scheme(
        name="smf",
        family="application",
        layout="40 hexadecimal digits; sha1(user name + password)",
        systems="Simple Machines Forum 1.1 and 2.0",
        proof=Proof.PUBLISHED,
        read=_smf,
        note="needs the user name as it was hashed",
    ),
    Scheme(
        name="mediawiki",
        family="application",
        layout=":B:SALT:HASH; :A:HASH",
        systems="MediaWiki before 1.24",
        proof=Proof.PUBLISHED,
        read=_mediawiki,
        marks=pattern(r":[AB]:.*|\$B\$.*"),
    ),
    Scheme(
        name="dollar-digest",
        family="application",
        layout="md5$SALT$HEX, sha1$, sha256$, sha512$: a digest (Django) or an HMAC (Werkzeug); both are tried",
        systems="old Django, old Werkzeug",
        proof=Proof.PUBLISHED,
        read=_dollar,
        marks=pattern(r"(?:md5|sha1|sha256|sha512)\$.*"),
    ),
    Scheme(
        name="hmailserver",
        family="application",
        layout="6 characters of salt and 64 hexadecimal digits",
        systems="hMailServer",
        proof=Proof.PUBLISHED,
        read=_hmailserver,
        resembles=pattern(r"[0-9A-Fa-f]{70}"),
    ),
    Scheme(
        name="symfony",
        family="application",
        layout="Base64 or hexadecimal; salt configured; algorithm sha512, iterations 5000",
        systems="Symfony before 4.3, FOSUserBundle",
        proof=Proof.UNPROVEN,
        read=_symfony,
    ),
)
