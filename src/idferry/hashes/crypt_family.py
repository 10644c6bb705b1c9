"""The formats of crypt(3), as Unix systems and LDAP directories hold them: MD5, SHA-2, DES, BSDi's DES.

https://manpages.debian.org/crypt.5 · https://www.akkadia.org/drepper/SHA-crypt.txt
"""

import re

from idferry.hashes.bounds import Bounds
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.encodings import number
from idferry.hashes.libcrypt import checker_of
from idferry.hashes.parsed import Checker, Lacking, malformed, unsupported
from idferry.hashes.phpass import H64
from idferry.hashes.scheme import Proof, Scheme, pattern, refused

SHA_ROUNDS_DEFAULT = 5_000
SHA_ROUNDS_MIN = 1_000
_LETTERS = "[./0-9A-Za-z]"
_MD5 = re.compile(rf"\$1\$[ -#%-9;-~]{{0,8}}\${_LETTERS}{{22}}", re.ASCII)
_APR1 = re.compile(rf"\$apr1\$[ -#%-9;-~]{{0,8}}\${_LETTERS}{{22}}", re.ASCII)
# A salt that begins like the rounds is taken for them by crypt(3): they would be as many as it likes.
_SHA_SALT = r"(?!rounds=)[ -#%-9;-~]{0,16}"
_SHA256 = re.compile(rf"\$5\$(?:rounds=([0-9]+)\$)?{_SHA_SALT}\${_LETTERS}{{43}}", re.ASCII)
_SHA512 = re.compile(rf"\$6\$(?:rounds=([0-9]+)\$)?{_SHA_SALT}\${_LETTERS}{{86}}", re.ASCII)
_DES = re.compile(rf"{_LETTERS}{{13}}", re.ASCII)
_BSDI = re.compile(rf"_({_LETTERS}{{4}}){_LETTERS}{{15}}", re.ASCII)
_KRATOS_PREFIXES = {"$md5-crypt$": "$1$", "$sha256-crypt$": "$5$", "$sha512-crypt$": "$6$"}


def _native(value: str) -> str:
    """The system's spelling of what Kratos spells out."""
    for theirs, ours in _KRATOS_PREFIXES.items():
        if value.startswith(theirs):
            return ours + value.removeprefix(theirs)
    return value


def _checker(name: str, value: str, cost: str) -> Checker:
    opens = checker_of(name)
    if opens is None:
        raise unsupported(
            f"this system's crypt(3) does not know {name}: pip install 'idferry[crypt]'", Lacking.LIBRARY
        )
    return Checker(cost, lambda password, _: opens(password, value))


def _md5(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor, bounds
    native = _native(value)
    if not _MD5.fullmatch(native):
        raise malformed("not $1$, up to 8 of salt, $, 22 of hash")
    return _checker("md5-crypt", native, "1000")


def _apr1(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor, bounds
    if not _APR1.fullmatch(value):
        raise malformed("not $apr1$, up to 8 of salt, $, 22 of hash")
    return _checker("apr1", value, "1000")


def _sha256(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    return _sha("sha256-crypt", _SHA256, _native(value), bounds)


def _sha512(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    return _sha("sha512-crypt", _SHA512, _native(value), bounds)


def _sha(name: str, expression: re.Pattern[str], value: str, bounds: Bounds) -> Checker:
    found = expression.fullmatch(value)
    if not found:
        raise malformed("not an optional rounds=, up to 16 of salt, $, and the hash")
    rounds = number(found.group(1)) if found.group(1) else SHA_ROUNDS_DEFAULT
    if rounds < SHA_ROUNDS_MIN:
        # The format's own rule is to count 1,000 then, and to write 1000: nobody stores the smaller number.
        raise malformed(f"fewer than {SHA_ROUNDS_MIN} rounds")
    bounds.check("crypt_rounds", rounds)
    return _checker(name, value, str(rounds))


def _des(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """Only the first 8 bytes of the password count; those who stored it ignored the rest as well."""
    del descriptor, bounds
    if not _DES.fullmatch(value):
        raise malformed("not 13 characters of crypt's alphabet")
    return _checker("des-crypt", value, "25")


def _bsdi(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    del descriptor
    found = _BSDI.fullmatch(value)
    if not found:
        raise malformed("not _ and 19 characters of crypt's alphabet")
    rounds = sum(H64.index(letter) << (6 * place) for place, letter in enumerate(found.group(1)))
    bounds.check("crypt_rounds", rounds)
    return _checker("bsdi-crypt", value, str(rounds))


SCHEMES = (
    Scheme(
        name="md5-crypt",
        family="crypt",
        layout="$1$SALT$HASH; Kratos: $md5-crypt$",
        systems="Unix, LDAP, Kratos",
        proof=Proof.PUBLISHED,
        read=_md5,
        marks=pattern(r"\$(?:1|md5-crypt)\$.*"),
    ),
    Scheme(
        name="apr1",
        family="crypt",
        layout="$apr1$SALT$HASH",
        systems="Apache's .htpasswd",
        proof=Proof.PUBLISHED,
        read=_apr1,
        marks=pattern(r"\$apr1\$.*"),
        note="needs `pip install 'idferry[crypt]'`",
    ),
    Scheme(
        name="sha256-crypt",
        family="crypt",
        layout="$5$[rounds=N$]SALT$HASH; Kratos: $sha256-crypt$",
        systems="Unix, LDAP, Kratos",
        proof=Proof.PUBLISHED,
        read=_sha256,
        marks=pattern(r"\$(?:5|sha256-crypt)\$.*"),
    ),
    Scheme(
        name="sha512-crypt",
        family="crypt",
        layout="$6$[rounds=N$]SALT$HASH; Kratos: $sha512-crypt$",
        systems="Unix, LDAP, Kratos",
        proof=Proof.PUBLISHED,
        read=_sha512,
        marks=pattern(r"\$(?:6|sha512-crypt)\$.*"),
    ),
    Scheme(
        name="des-crypt",
        family="crypt",
        layout="13 characters",
        systems="old Unix",
        proof=Proof.PUBLISHED,
        read=_des,
        resembles=pattern(rf"{_LETTERS}{{13}}"),
        note="only the first 8 bytes of a password count",
    ),
    Scheme(
        name="bsdi-crypt",
        family="crypt",
        layout="_ and 19 characters",
        systems="old BSD",
        proof=Proof.PUBLISHED,
        read=_bsdi,
        marks=pattern(rf"_{_LETTERS}{{19}}"),
    ),
    Scheme(
        name="yescrypt",
        family="crypt",
        layout="$y$...; $7$, $gy$",
        systems="Linux since 2021",
        proof=Proof.UNSUPPORTED,
        read=refused("yescrypt and its relatives are not built"),
        marks=pattern(r"\$(?:y|7|gy)\$.*"),
    ),
)
