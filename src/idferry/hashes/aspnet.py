"""What Microsoft's own products store: ASP.NET Identity, Membership, Umbraco, SQL Server, Windows.

The layouts of Identity: https://github.com/dotnet/aspnetcore/blob/main/src/Identity/Extensions.Core/src/PasswordHasher.cs
"""

import hmac
import struct

from idferry.hashes.bounds import Bounds, check_salt
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.digests import DIGEST_BYTES, digest, expected_of, keyed_digest
from idferry.hashes.encodings import bare_base64_bytes, base64_bytes, hex_bytes
from idferry.hashes.md4 import md4
from idferry.hashes.parsed import Checker, malformed
from idferry.hashes.pbkdf2_family import Pbkdf2
from idferry.hashes.scheme import Proof, Scheme, pattern

V2_BYTES = 49
V2_SALT_BYTES = 16
V2_ITERATIONS = 1_000
V3_HEADER_BYTES = 13
V3_PART_BYTES_MIN = 16
_V3_DIGESTS = ("sha1", "sha256", "sha512")
_MSSQL_SALT_DIGITS = 8
_SHA512_DIGITS = 128
_UTF16 = Descriptor(password_encoding="utf16le")  # noqa: S106  the name of an encoding


def _identity(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """Both versions; the first byte tells them apart."""
    del descriptor
    blob = base64_bytes(value)
    if blob[:1] == b"\0":
        if len(blob) != V2_BYTES:
            raise malformed(f"not {V2_BYTES} bytes, as version 2 has")
        salt, expected = blob[1 : 1 + V2_SALT_BYTES], blob[1 + V2_SALT_BYTES :]
        found = Pbkdf2(algorithm="sha1", iterations=V2_ITERATIONS, salt=salt, expected=expected)
        return found.checker(bounds)
    if blob[:1] != b"\1" or len(blob) < V3_HEADER_BYTES:
        raise malformed("neither version 2 nor version 3")
    digest, iterations, salt_bytes = struct.unpack(">III", blob[1:V3_HEADER_BYTES])
    rest = blob[V3_HEADER_BYTES:]
    if digest >= len(_V3_DIGESTS):
        raise malformed("a digest that version 3 does not know")
    if not V3_PART_BYTES_MIN <= salt_bytes <= len(rest) - V3_PART_BYTES_MIN:
        raise malformed(f"salt or key shorter than {V3_PART_BYTES_MIN} bytes")
    found = Pbkdf2(
        algorithm=_V3_DIGESTS[digest],
        iterations=iterations,
        salt=rest[:salt_bytes],
        expected=rest[salt_bytes:],
    )
    return found.checker(bounds)


def _membership(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """PasswordFormat 1: the digest over salt and password, which is UTF-16."""
    del bounds
    stored = bare_base64_bytes(value)
    algorithm = descriptor.algorithm or ("sha1" if len(stored) == DIGEST_BYTES["sha1"] else "sha256")
    if algorithm not in ("sha1", "sha256"):
        raise malformed("Membership knows SHA-1 and SHA-256")
    expected, salt = expected_of(value, algorithm, "base64"), check_salt(descriptor.salt_bytes("base64"))
    return Checker(
        algorithm, lambda password, _: hmac.compare_digest(digest(algorithm, salt + password), expected)
    )


def _umbraco(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """The password is key and message at once."""
    del descriptor, bounds
    expected = expected_of(value, "sha1", "base64")
    return Checker(
        "sha1", lambda password, _: hmac.compare_digest(keyed_digest("sha1", password, password), expected)
    )


def _mssql(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """SQL Server 2012 and later: `0x0200`, 4 bytes of salt, SHA-512 over password and salt."""
    del descriptor, bounds
    text = value[6:] if value[:6].lower() == "0x0200" else ""
    if len(text) != _MSSQL_SALT_DIGITS + _SHA512_DIGITS:
        raise malformed("not 0x0200, 8 digits of salt and 128 of hash")
    salt, expected = hex_bytes(text[:_MSSQL_SALT_DIGITS]), hex_bytes(text[_MSSQL_SALT_DIGITS:])
    return Checker(
        "sha512",
        lambda password, _: hmac.compare_digest(digest("sha512", password + salt), expected),
    )


def _ntlm(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor, bounds
    expected = hex_bytes(value)
    if len(expected) != len(md4(b"")):
        raise malformed("not 32 hexadecimal digits")
    return Checker("md4", lambda password, _: hmac.compare_digest(md4(password), expected))


SCHEMES = (
    Scheme(
        name="aspnet-identity",
        family="aspnet",
        layout="Base64: 00, salt, key (version 2); 01, digest, iterations, salt length, salt, key (version 3)",
        systems="ASP.NET Identity, ASP.NET Core Identity, SimpleMembership, Duende",
        proof=Proof.PUBLISHED,
        read=_identity,
        # 66 letters and padding are 49 bytes of which the first is 0; AQAAAA begins a 1 and a number below 65,536.
        marks=pattern(r"A[A-P][A-Za-z0-9+/]{64}==|AQAAAA[A-Za-z0-9+/]{54,}={0,2}"),
    ),
    Scheme(
        name="aspnet-membership",
        family="aspnet",
        layout="Base64 of SHA-1 or SHA-256; salt configured (Base64)",
        systems="aspnet_Membership with PasswordFormat 1, Episerver",
        proof=Proof.PUBLISHED,
        read=_membership,
        defaults=_UTF16,
    ),
    Scheme(
        name="umbraco",
        family="aspnet",
        layout="Base64 of HMAC-SHA1, the password being the key too",
        systems="Umbraco before 7.6",
        proof=Proof.PUBLISHED,
        read=_umbraco,
        defaults=_UTF16,
    ),
    Scheme(
        name="mssql-2012",
        family="aspnet",
        layout="0x0200, salt, SHA-512, in hexadecimal",
        systems="Microsoft SQL Server 2012 and later",
        proof=Proof.PUBLISHED,
        read=_mssql,
        marks=pattern(r"0[xX]0200.*"),
        defaults=_UTF16,
    ),
    Scheme(
        name="ntlm",
        family="aspnet",
        layout="32 hexadecimal digits: MD4",
        systems="Windows, Samba",
        proof=Proof.PUBLISHED,
        read=_ntlm,
        resembles=pattern(r"[0-9A-Fa-f]{32}"),
        defaults=_UTF16,
    ),
)
