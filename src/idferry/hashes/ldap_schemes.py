"""Values of `userPassword` in LDAP directories: a scheme in braces, then what it wrote.

https://www.openldap.org/doc/admin26/security.html#Password%20Storage · https://www.rfc-editor.org/rfc/rfc2307
"""

import hmac
import re
import struct
from types import MappingProxyType

from idferry.hashes import argon2_family, bcrypt_family, crypt_family
from idferry.hashes.bounds import Bounds, check_salt
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.digests import DIGEST_BYTES, digest
from idferry.hashes.encodings import ab64_bytes, base64_bytes, number, text_bytes
from idferry.hashes.parsed import Checker, Lacking, malformed
from idferry.hashes.pbkdf2_family import Pbkdf2, parts
from idferry.hashes.scheme import Proof, Scheme, refused

ATLASSIAN_ITERATIONS = 10_000
_ATLASSIAN_SALT_BYTES = 16
_ATLASSIAN_BYTES = 48
_FORGEROCK_SALT_BYTES = 16
_389DS_SALT_BYTES = 64
_389DS_KEY_BYTES = 256
_DIGEST = re.compile(
    r"\{(S?)(MD5|SHA|SHA-?1|SHA-?224|SHA-?256|SHA-?384|SHA-?512)\}(.*)", re.ASCII | re.IGNORECASE
)
_OPENLDAP = re.compile(
    r"\{PBKDF2(?:-(SHA1|SHA256|SHA512))?\}([0-9]+)\$([^$]*)\$([^$]+)", re.ASCII | re.IGNORECASE
)
_FORGEROCK = re.compile(
    r"\{PBKDF2(?:-HMAC-(SHA1|SHA256|SHA512))?\}([0-9]+):([^:]+)", re.ASCII | re.IGNORECASE
)
_389DS = re.compile(r"\{PBKDF2_SHA256\}(.+)", re.ASCII | re.IGNORECASE)
_ATLASSIAN = re.compile(r"\{PKCS5S2\}(.+)", re.ASCII | re.IGNORECASE)
_CRYPT = re.compile(r"\{CRYPT\}(.+)", re.ASCII | re.IGNORECASE)
_ARGON2 = re.compile(r"\{ARGON2\}(.+)", re.ASCII | re.IGNORECASE)
_CLEAR = re.compile(r"\{(?:CLEAR|CLEARTEXT|PLAIN)\}(.+)", re.DOTALL | re.IGNORECASE)
_DIGESTS = MappingProxyType({"sha": "sha1"})


def _digest(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The digest and, behind it, the salt if there is one."""
    del descriptor, bounds
    salted, name, encoded = parts(_DIGEST, value, "{SSHA} and Base64")
    name = name.lower().replace("-", "")
    algorithm = _DIGESTS.get(name, name)
    data = base64_bytes(encoded)
    expected, salt = data[: DIGEST_BYTES[algorithm]], data[DIGEST_BYTES[algorithm] :]
    if len(expected) != DIGEST_BYTES[algorithm] or bool(salt) != bool(salted):
        raise malformed("not as long as a digest, with a salt where the scheme has one")
    check_salt(salt)
    return Checker(
        algorithm, lambda password, _: hmac.compare_digest(digest(algorithm, password + salt), expected)
    )


def _openldap(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://www.openldap.org/software/man.cgi?query=slapd-pw-pbkdf2."""
    del descriptor
    name, iterations, salt, expected = parts(_OPENLDAP, value, "{PBKDF2-SHA256}ITERATIONS$SALT$HASH")
    algorithm, derived = name.lower() or "sha1", ab64_bytes(expected)
    if len(derived) != DIGEST_BYTES[algorithm]:
        raise malformed("the hash is not as long as its digest")
    return _pbkdf2(algorithm, number(iterations), ab64_bytes(salt), derived, bounds)


def _forgerock(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The key comes first, the salt behind it."""
    del descriptor
    name, iterations, encoded = parts(_FORGEROCK, value, "{PBKDF2-HMAC-SHA256}ITERATIONS:BASE64")
    algorithm, data = name.lower() or "sha1", base64_bytes(encoded)
    if len(data) != DIGEST_BYTES[algorithm] + _FORGEROCK_SALT_BYTES:
        raise malformed("not as long as a key and a salt")
    key, salt = data[:-_FORGEROCK_SALT_BYTES], data[-_FORGEROCK_SALT_BYTES:]
    return _pbkdf2(algorithm, number(iterations), salt, key, bounds)


def _389ds(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """Iterations (4 bytes, high first), 64 of salt, 256 of key."""
    del descriptor
    [encoded] = parts(_389DS, value, "{PBKDF2_SHA256} and Base64")
    data = base64_bytes(encoded)
    if len(data) != struct.calcsize(">I") + _389DS_SALT_BYTES + _389DS_KEY_BYTES:
        raise malformed("not as long as iterations, salt and key")
    iterations, salt, key = struct.unpack(f">I{_389DS_SALT_BYTES}s{_389DS_KEY_BYTES}s", data)
    return _pbkdf2("sha256", iterations, salt, key, bounds)


def _atlassian(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """https://passlib.readthedocs.io/en/stable/lib/passlib.hash.atlassian_pbkdf2_sha1.html."""
    del descriptor
    [encoded] = parts(_ATLASSIAN, value, "{PKCS5S2} and Base64")
    data = base64_bytes(encoded)
    if len(data) != _ATLASSIAN_BYTES:
        raise malformed(f"not {_ATLASSIAN_BYTES} bytes of salt and key")
    salt, key = data[:_ATLASSIAN_SALT_BYTES], data[_ATLASSIAN_SALT_BYTES:]
    return _pbkdf2("sha1", ATLASSIAN_ITERATIONS, salt, key, bounds)


def _pbkdf2(algorithm: str, iterations: int, salt: bytes, expected: bytes, bounds: Bounds) -> Checker:
    found = Pbkdf2(algorithm=algorithm, iterations=iterations, salt=salt, expected=expected)
    return found.checker(bounds)


def _crypt(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """Whatever the crypt(3) of that machine knew; without a mark it is DES."""
    [inner] = parts(_CRYPT, value, "{CRYPT} and what crypt(3) wrote")
    for scheme in (*crypt_family.SCHEMES, *bcrypt_family.SCHEMES, *argon2_family.SCHEMES):
        if scheme.marks and scheme.marks.fullmatch(inner):
            return scheme.read(inner, descriptor, bounds)
    des = next(scheme for scheme in crypt_family.SCHEMES if scheme.name == "des-crypt")
    return des.read(inner, descriptor, bounds)


def _argon2(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    [inner] = parts(_ARGON2, value, "{ARGON2} and an Argon2 value")
    return argon2_family.SCHEMES[0].read(inner, descriptor, bounds)


def _clear(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The password itself: some directories keep it."""
    del descriptor, bounds
    [text] = parts(_CLEAR, value, "{CLEARTEXT} and the password")
    expected = text_bytes(text)
    return Checker("clear", lambda password, _: hmac.compare_digest(password, expected))


SCHEMES = (
    Scheme(
        name="ldap-digest",
        family="ldap",
        layout="{SSHA}BASE64; {SHA}, {MD5}, {SMD5}, {SSHA256}, {SSHA384}, {SSHA512}, {SHA256}; in any case",
        systems="OpenLDAP, 389 Directory Server, Ping, Kratos",
        proof=Proof.PUBLISHED,
        read=_digest,
        marks=re.compile(r"\{S?(?:MD5|SHA(?:-?(?:1|224|256|384|512))?)\}[^:]*", re.ASCII | re.IGNORECASE),
    ),
    Scheme(
        name="ldap-crypt",
        family="ldap",
        layout="{CRYPT} before a value of crypt(3), bcrypt or argon2",
        systems="OpenLDAP",
        proof=Proof.SELF_MADE,
        read=_crypt,
        marks=re.compile(r"\{CRYPT\}.*", re.ASCII | re.IGNORECASE | re.DOTALL),
    ),
    Scheme(
        name="ldap-argon2",
        family="ldap",
        layout="{ARGON2} before an argon2 value",
        systems="OpenLDAP",
        proof=Proof.SELF_MADE,
        read=_argon2,
        marks=re.compile(r"\{ARGON2\}.*", re.ASCII | re.IGNORECASE | re.DOTALL),
    ),
    Scheme(
        name="ldap-pbkdf2",
        family="ldap",
        layout="{PBKDF2-SHA256}ITERATIONS$SALT$HASH; {PBKDF2}, {PBKDF2-SHA1}, {PBKDF2-SHA512}",
        systems="OpenLDAP, 389 Directory Server",
        proof=Proof.SELF_MADE,
        read=_openldap,
        marks=re.compile(r"\{PBKDF2(?:-SHA(?:1|256|512))?\}[0-9]+\$.*", re.ASCII | re.IGNORECASE | re.DOTALL),
    ),
    Scheme(
        name="forgerock",
        family="ldap",
        layout="{PBKDF2-HMAC-SHA256}ITERATIONS: and Base64 of key and salt; {PBKDF2}",
        systems="ForgeRock, OpenDJ, PingDS",
        proof=Proof.SELF_MADE,
        read=_forgerock,
        marks=re.compile(
            r"\{PBKDF2(?:-HMAC-SHA(?:1|256|512))?\}[0-9]+:.*", re.ASCII | re.IGNORECASE | re.DOTALL
        ),
    ),
    Scheme(
        name="389ds",
        family="ldap",
        layout="{PBKDF2_SHA256} and Base64 of iterations, salt and key",
        systems="389 Directory Server, Red Hat Directory Server, FreeIPA",
        proof=Proof.PUBLISHED,
        read=_389ds,
        marks=re.compile(r"\{PBKDF2_SHA256\}.*", re.ASCII | re.IGNORECASE | re.DOTALL),
    ),
    Scheme(
        name="atlassian",
        family="ldap",
        layout="{PKCS5S2} and Base64 of salt and key",
        systems="Jira, Confluence, Crowd",
        proof=Proof.PUBLISHED,
        read=_atlassian,
        marks=re.compile(r"\{PKCS5S2\}.*", re.ASCII | re.IGNORECASE | re.DOTALL),
    ),
    Scheme(
        name="cleartext",
        family="ldap",
        layout="{CLEARTEXT} before the password; {CLEAR}, {PLAIN}",
        systems="LDAP directories",
        proof=Proof.SELF_MADE,
        read=_clear,
        marks=re.compile(r"\{(?:CLEAR|CLEARTEXT|PLAIN)\}.*", re.IGNORECASE | re.DOTALL),
    ),
    Scheme(
        name="ldap-sasl",
        family="ldap",
        layout="{SASL}NAME",
        systems="OpenLDAP",
        proof=Proof.UNSUPPORTED,
        read=refused("the password is with another system, which SASL asks", Lacking.NO_PASSWORD),
        marks=re.compile(r"\{SASL\}.*", re.IGNORECASE | re.DOTALL),
    ),
)
