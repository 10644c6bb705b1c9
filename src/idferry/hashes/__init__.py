"""Password hashes of legacy systems: recognised, bounded, checked. Pure computation; one module per family.

`parse` is the way in. Nothing here stores, logs or prints a value or a password.
"""

from idferry.hashes.bounds import BOUND_NAMES, BOUNDS, LARGEST, Bounds
from idferry.hashes.costliest import Costliest, costliest
from idferry.hashes.descriptor import NATIVE, Descriptor
from idferry.hashes.foreign_rows import described_hash
from idferry.hashes.parsed import Ambiguous, BoundsExceeded, Hash, Lacking, Malformed, Parsed, Unsupported
from idferry.hashes.reading import parse, scheme_of
from idferry.hashes.registry import SCHEMES
from idferry.hashes.scheme import Proof, Scheme

__all__ = [
    "BOUNDS",
    "BOUND_NAMES",
    "LARGEST",
    "NATIVE",
    "SCHEMES",
    "Ambiguous",
    "Bounds",
    "BoundsExceeded",
    "Costliest",
    "Descriptor",
    "Hash",
    "Lacking",
    "Malformed",
    "Parsed",
    "Proof",
    "Scheme",
    "Unsupported",
    "costliest",
    "described_hash",
    "parse",
    "scheme_of",
]
