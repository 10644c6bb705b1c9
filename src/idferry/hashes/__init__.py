"""Password hashes of legacy systems: recognised, bounded, checked. Pure computation; one module per family.

`parse` is the way in. Nothing here stores, logs or prints a value or a password.
"""

from idferry.hashes.bounds import BOUNDS, Bounds
from idferry.hashes.descriptor import NATIVE, Descriptor
from idferry.hashes.foreign_rows import described_hash
from idferry.hashes.parsed import Ambiguous, BoundsExceeded, Hash, Lacking, Malformed, Parsed, Unsupported
from idferry.hashes.reading import parse, scheme_of
from idferry.hashes.registry import SCHEMES
from idferry.hashes.scheme import Proof, Scheme

__all__ = [
    "BOUNDS",
    "NATIVE",
    "SCHEMES",
    "Ambiguous",
    "Bounds",
    "BoundsExceeded",
    "Descriptor",
    "Hash",
    "Lacking",
    "Malformed",
    "Parsed",
    "Proof",
    "Scheme",
    "Unsupported",
    "described_hash",
    "parse",
    "scheme_of",
]
