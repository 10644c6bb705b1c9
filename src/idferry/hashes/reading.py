"""From a stored value to a hash that can be checked, or to the reason why not. The scheme is never guessed.

It comes from the configuration, or from a mark that only one scheme writes. What bears the mark of another scheme than
the configured one is read by its mark: exports of systems that changed their scheme hold both.
"""

from idferry.hashes.bounds import BOUNDS, VALUE_CHARACTERS_MAX, Bounds
from idferry.hashes.descriptor import NATIVE, Descriptor
from idferry.hashes.parsed import Ambiguous, Hash, Lacking, Malformed, Parsed, Refusal, Unsupported
from idferry.hashes.registry import BY_NAME, marked, resembling
from idferry.hashes.scheme import Scheme

_NO_PASSWORD = frozenset({"", "!", "!!", "*", "*LK*", "*NP*", "x", "NULL", "null"})


def parse(value: str, descriptor: Descriptor = NATIVE, *, bounds: Bounds = BOUNDS) -> Parsed:
    """Read one stored value; whatever it is, the answer is a value and never an exception.

    `descriptor.scheme` names the scheme where the value has no mark of its own.
    """
    if len(value) > VALUE_CHARACTERS_MAX:
        return Malformed(f"longer than {VALUE_CHARACTERS_MAX} characters")
    # Django writes `!` and random letters for people who cannot sign in.
    if value in _NO_PASSWORD or (value.startswith("!") and not descriptor.scheme):
        return Unsupported("the value says that there is no password", Lacking.NO_PASSWORD)
    own = marked(value)
    if not descriptor.scheme:
        return _read(own, value, descriptor, bounds) if own else _unmarked(value)
    named = BY_NAME.get(descriptor.scheme)
    if named is None:
        return Unsupported(
            "the configuration names a scheme that `idferry hash list` does not", Lacking.UNKNOWN
        )
    found = _read(named, value, descriptor, bounds)
    if isinstance(found, Malformed) and own is not None and own is not named:
        return _read(own, value, NATIVE, bounds)
    return found


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
    return Hash(scheme.name, checker.cost, checker.check, whole.preparation())
