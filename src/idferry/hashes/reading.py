"""From a stored value to a hash that can be checked, or to the reason why not. The scheme is never guessed.

It comes from the configuration, or from a mark that only one scheme writes. What bears the mark of another scheme than
the configured one is read by its mark: exports of systems that changed their scheme hold both.
"""

from idferry.hashes.bounds import BOUNDS, VALUE_CHARACTERS_MAX, Bounds
from idferry.hashes.descriptor import NATIVE, Descriptor
from idferry.hashes.digests import DIGEST_BYTES
from idferry.hashes.encodings import base64_bytes
from idferry.hashes.parsed import Ambiguous, Hash, Lacking, Malformed, Parsed, Refusal, Unsupported
from idferry.hashes.registry import BY_NAME, marked, nearest, resembling, scheme_named
from idferry.hashes.scheme import Scheme

_NO_PASSWORD = frozenset({"", "!", "!!", "*", "*LK*", "*NP*", "x", "NULL", "null"})


def parse(value: str, descriptor: Descriptor = NATIVE, *, bounds: Bounds = BOUNDS) -> Parsed:
    """Read one stored value; whatever it is, the answer is a value and never an exception.

    `descriptor.scheme` names the scheme where the value has no mark of its own.
    """
    if len(value) > VALUE_CHARACTERS_MAX:
        return Malformed(f"longer than {VALUE_CHARACTERS_MAX} characters")
    if descriptor.wrapping:
        unwrapped = _unwrapped(value)
        return (
            unwrapped
            if isinstance(unwrapped, Malformed)
            else parse(unwrapped, descriptor.bare(), bounds=bounds)
        )
    # Django writes `!` and random letters for people who cannot sign in.
    if value in _NO_PASSWORD or (value.startswith("!") and not descriptor.scheme):
        return Unsupported("the value says that there is no password", Lacking.NO_PASSWORD)
    own = marked(value)
    named = scheme_named(descriptor.scheme) or (None if own else _by_algorithm(descriptor))
    if named is None and descriptor.scheme:
        return Unsupported(_unknown(descriptor.scheme), Lacking.UNKNOWN)
    if named is None:
        return _read(own, value, descriptor, bounds) if own else _unmarked(value)
    found = _read(named, value, descriptor, bounds)
    if isinstance(found, Malformed) and own is not None and own is not named:
        return _read(own, value, NATIVE, bounds)
    return found


def scheme_of(value: str, descriptor: Descriptor = NATIVE) -> str:
    """The name of the scheme that reads this value, or that would if it were in order; empty where nobody can tell."""
    parsed = parse(value, descriptor)
    if isinstance(parsed, Hash):
        return parsed.scheme
    unwrapped = _unwrapped(value) if descriptor.wrapping else value
    scheme = scheme_named(descriptor.scheme) or (marked(unwrapped) if isinstance(unwrapped, str) else None)
    return scheme.name if scheme else ""


def _by_algorithm(descriptor: Descriptor) -> Scheme | None:
    """Whoever configures a digest's algorithm and nothing else has named the scheme."""
    is_digest = descriptor.algorithm in DIGEST_BYTES and not (descriptor.iterations or descriptor.key)
    return BY_NAME["digest"] if is_digest else None


def _unknown(name: str) -> str:
    near = nearest(name)
    hint = f": did you mean {near}?" if near else ": `idferry hash list` lists them"
    return f"no scheme has the configured name{hint}"


def _unwrapped(value: str) -> str | Malformed:
    try:
        return base64_bytes(value.strip()).decode()
    except (Refusal, UnicodeDecodeError):
        return Malformed("not a text in Base64")


def _unmarked(value: str) -> Ambiguous | Unsupported:
    names = resembling(value)
    if names:
        return Ambiguous(names)
    return Unsupported(
        "no scheme is known by such a value: configure one, or try `idferry hash prove`", Lacking.UNKNOWN
    )


def _read(scheme: Scheme, value: str, descriptor: Descriptor, bounds: Bounds) -> Parsed:
    whole = descriptor.over(scheme.defaults)
    try:
        checker = scheme.read(value, whole, bounds)
    except Refusal as refusal:
        return refusal.outcome
    return Hash(scheme.name, checker.cost, checker.check, whole.preparation(), checker.memory_kib)
