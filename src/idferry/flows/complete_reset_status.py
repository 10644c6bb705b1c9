"""Put everybody into the store of the reset status who must reset: what a crash or an outage left out too.

The ledger says who that is. Somebody may reset the password in the meantime, so it is asked again after each part.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from idferry.errors import Stopped
from idferry.ports import LedgerReport, ResetStatus, Stop, never
from idferry.rules.entry import Entry, Selection
from idferry.rules.lifecycle import State

PART_PEOPLE_MAX = 100


def complete_reset_status(
    *, status: ResetStatus, report: LedgerReport, selection: Selection, stop: Stop = never
) -> int:
    """How many people were put there, of those selected who await a password. The same twice is the same once.

    Raises:
        StatusUnavailable: the store gives no answer; the same call again completes it.
        Stopped: `stop` said so.
        LedgerError.
    """
    count = 0
    awaiting = (
        entry
        for entry in report.entries(selection)
        if entry.state is State.AWAITING_PASSWORD and entry.object_id
    )
    for part in _parts(awaiting):
        if stop():
            raise Stopped("stopped while the store of the reset status was filled")
        status.add([(entry.object_id, entry.sign_in_names) for entry in part])
        now = report.entries_of_legacy_ids([entry.legacy_id for entry in part])
        for entry in part:
            later = now.get(entry.legacy_id)
            if later is None or later.state is not State.AWAITING_PASSWORD:
                status.settle(sign_in_name="", object_id=entry.object_id)
        count += len(part)
    return count


def _parts(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    rest = iter(entries)
    while part := list(islice(rest, PART_PEOPLE_MAX)):
        yield part
