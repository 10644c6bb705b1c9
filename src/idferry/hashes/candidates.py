"""Ways in which one stored value may have been made, likeliest first: what `hash prove` tries with a known password.

Trying is safe, because a value that opens is proof; it is never done at a sign-in. Nothing here computes a hash.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

from idferry.hashes.descriptor import Descriptor
from idferry.hashes.digests import DIGEST_BYTES
from idferry.hashes.parsed import Ambiguous, Hash
from idferry.hashes.preparation import PREHASHES
from idferry.hashes.reading import parse
from idferry.hashes.registry import SCHEMES

TEMPLATES = (
    "{SALT}{PASSWORD}",
    "{PASSWORD}{SALT}",
    "{SALT}{PASSWORD}{SALT}",
    "{SALT}:{PASSWORD}",
    "{PASSWORD}:{SALT}",
    "{SALT}-{PASSWORD}",
    "{PASSWORD}-{SALT}",
    "{SALT}${PASSWORD}",
    "{PASSWORD}${SALT}",
    "{PASSWORD}{{SALT}}",
)
KEYED_TEMPLATES = (
    "{KEY}{PASSWORD}",
    "{PASSWORD}{KEY}",
    "{KEY}{SALT}{PASSWORD}",
    "{SALT}{PASSWORD}{KEY}",
    "{PASSWORD}{SALT}{KEY}",
)
NAMED_TEMPLATES = ("{NAME}{PASSWORD}", "{PASSWORD}{NAME}", "{NAME}:{PASSWORD}", "{SALT}{NAME}{PASSWORD}")
DIGEST_ROUNDS = (1, 2, 3, 5, 10, 100, 1_000, 1_024, 5_000, 10_000)
PBKDF2_ITERATIONS = (
    1_000,
    1_024,
    2_000,
    4_096,
    5_000,
    10_000,
    20_000,
    27_500,
    50_000,
    64_000,
    100_000,
    120_000,
)
_PREHASHES_TRIED = ("", *(one for one in PREHASHES if not one.startswith(("sha224", "sha384"))))
_PASSWORD_ENCODINGS = ("utf8", "utf16le", "latin1")
_SPELLINGS = ("utf8", "hex", "base64")
_LIKELIEST = sorted(DIGEST_BYTES, key=lambda one: (one == "md4", one == "ripemd160", one.startswith("sha3")))


def candidates(value: str, hints: Descriptor, *, hashed_name: str = "") -> Iterator[Descriptor]:
    """Descriptors to try; each is at least as specific as `hints`, and none is given twice.

    `hints` holds what is known: a salt in a column of its own, a key, iterations.
    """
    seen: set[Descriptor] = set()
    for one in _all(value, hints, hashed_name):
        if one not in seen:
            seen.add(one)
            yield one


def _all(value: str, hints: Descriptor, hashed_name: str) -> Iterator[Descriptor]:
    yield hints
    yield from _prepared(hints)
    wrapped = replace(hints, wrapping="base64")
    if isinstance(parse(value, wrapped), Hash | Ambiguous):
        yield wrapped
        yield from _prepared(wrapped)
    if hints.scheme:
        return
    schemes = [scheme.name for scheme in SCHEMES if _may_be(value, replace(hints, scheme=scheme.name))]
    for name in schemes:
        yield replace(hints, scheme=name)
    # Known rounds speak for a derived key; without them digests are tried before, because they cost less.
    if hints.iterations:
        yield from _derived(value, hints)
    yield from _digests(value, hints, hashed_name)
    yield from _derived(value, hints)
    for name in schemes:
        yield from _prepared(replace(hints, scheme=name))


def _may_be(value: str, descriptor: Descriptor) -> bool:
    parsed = parse(value, descriptor)
    return isinstance(parsed, Hash)


def _prepared(hints: Descriptor) -> Iterator[Descriptor]:
    """The same scheme over a password that was trimmed, encoded otherwise, or hashed before."""
    for prehash, encoding in product(_PREHASHES_TRIED, _PASSWORD_ENCODINGS):
        yield replace(hints, prehash=prehash, password_encoding=_unless_default(encoding))
    yield replace(hints, trim=True)


def _digests(value: str, hints: Descriptor, hashed_name: str) -> Iterator[Descriptor]:
    """Every order and spelling of a salted digest; then over a digest, keyed, and last with many rounds."""
    algorithms = [hints.algorithm] if hints.algorithm else _LIKELIEST
    fitting = [one for one in algorithms if _may_be(value, replace(hints, scheme="digest", algorithm=one))]
    salted = bool(hints.salt) or ":" in value
    templates = (*(TEMPLATES if salted else ("{PASSWORD}",)), *_more_templates(hints, hashed_name))
    plain = [
        replace(
            hints,
            scheme="digest",
            algorithm=algorithm,
            salt_encoding=hints.salt_encoding or _unless_default(spelling),
            password_encoding=_unless_default(encoding),
        )
        for algorithm, encoding, spelling in product(
            fitting, _PASSWORD_ENCODINGS, _SPELLINGS if salted else ("",)
        )
    ]
    for one, template in product(plain, templates):
        yield replace(one, template=template)
    for one in plain:
        yield from _keyed(one)
    for one, template, prehash in product(plain, templates, _PREHASHES_TRIED[1:]):
        yield replace(one, template=template, prehash=prehash)
    # MD4 in Python is too slow to be repeated thousands of times.
    repeated = [one for one in plain if one.algorithm != "md4"]
    for rounds, one, template in product(_rounds(hints, DIGEST_ROUNDS[1:]), repeated, templates[:2]):
        yield replace(one, template=template, iterations=rounds)


def _more_templates(hints: Descriptor, hashed_name: str) -> tuple[str, ...]:
    return (KEYED_TEMPLATES if hints.key else ()) + (NAMED_TEMPLATES if hashed_name else ())


def _keyed(plain: Descriptor) -> Iterator[Descriptor]:
    if plain.key or plain.salt:
        spellings = (plain.key_encoding,) if plain.key_encoding else _SPELLINGS
        for spelling in spellings if plain.key else ("",):
            yield replace(plain, scheme="hmac", key_encoding=_unless_default(spelling))
            if plain.key and plain.salt:
                for template in TEMPLATES[:2]:
                    yield replace(
                        plain, scheme="hmac", key_encoding=_unless_default(spelling), template=template
                    )


def _derived(value: str, hints: Descriptor) -> Iterator[Descriptor]:
    """PBKDF2 and scrypt need a salt; the number of rounds is a hint or a usual one."""
    if not hints.salt:
        return
    algorithms = (hints.algorithm,) if hints.algorithm else ("sha1", "sha256", "sha512")
    spellings = (hints.salt_encoding,) if hints.salt_encoding else ("base64", "utf8", "hex")
    encodings = (hints.encoding,) if hints.encoding else ("base64", "hex")
    for rounds, algorithm, spelling, encoding in product(
        _rounds(hints, PBKDF2_ITERATIONS), algorithms, spellings, encodings
    ):
        one = replace(
            hints,
            scheme="pbkdf2",
            algorithm=algorithm,
            salt_encoding=spelling,
            encoding=encoding,
            iterations=rounds,
        )
        if _may_be(value, one):
            yield one
    for spelling, encoding in product(spellings, encodings):
        one = replace(
            hints, scheme="scrypt", salt_encoding=spelling, encoding=encoding, cost=hints.cost or 16_384
        )
        if _may_be(value, one):
            yield one


def _rounds(hints: Descriptor, usual: Iterable[int]) -> Iterable[int]:
    return (hints.iterations,) if hints.iterations else usual


def _unless_default(name: str) -> str:
    return "" if name == "utf8" else name
