"""What a call costs: writes, and resource units. https://learn.microsoft.com/graph/throttling-limits.

Where the published table leaves something open the dearer reading counts: a creation costs as much in External ID as
it does in B2C.
"""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from idferry.graph import queries
from idferry.rules.quota import CREATION_UNITS


class Cost(NamedTuple):
    """What some calls take from the allowances."""

    writes: float
    units: float


FREE = Cost(0.0, 0.0)
_READ = Cost(0.0, 1.0)
_LIST_OF_ALL = Cost(0.0, 2.0)
WRITE = Cost(1.0, 1.0)


def cost_of(method: str, path: str, *, creation_writes: float) -> Cost:
    """What one call costs; an item of a `$batch` costs as much as a call of its own."""
    if method == "GET":
        return _READ if "$select=" in path else _LIST_OF_ALL
    if method == "POST" and path == queries.USERS:
        return _creation(creation_writes)
    return WRITE


@cache  # of one or two figures: nearly every call is a creation
def _creation(writes: float) -> Cost:
    return Cost(writes, CREATION_UNITS)


def total_of(costs: Iterable[Cost]) -> Cost:
    """What all of them cost together."""
    writes = units = 0.0
    for one in costs:
        writes += one.writes
        units += one.units
    return Cost(writes, units)
