"""What the three formats share when some of their records are written out again: which ones, asked about in groups.

No connector itself. Whatever it holds is a group of records, so that a source of any size can be copied from.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from idferry.ports import Take

GROUP_RECORDS_MAX = 100  # a record may be a megabyte long

Raw = TypeVar("Raw")


def taken(records: Iterable[tuple[str, Raw]], take: Take) -> Iterator[tuple[str, Raw]]:
    """Those of the records (key, whatever) whose key `take` wants, in order; of equal keys the first."""
    rest = iter(records)
    while group := list(islice(rest, GROUP_RECORDS_MAX)):
        wanted = set(take([key for key, _ in group]))
        for key, raw in group:
            if key in wanted:
                wanted.discard(key)
                yield key, raw
