"""Take the rows of removed people out of the store of the reset status: those of a removal that it did not hear of."""

from collections.abc import Iterable

from idferry.errors import Stopped
from idferry.ports import ResetStatus, Stop, never
from idferry.rules.entry import Entry


def clear_reset_status(*, status: ResetStatus, people: Iterable[Entry], stop: Stop = never) -> int:
    """How many people's rows were taken away, if there were any. The same twice is the same once.

    Raises:
        StatusUnavailable: the store gives no answer; the same call again completes it.
        Stopped, LedgerError.
    """
    count = 0
    for entry in people:
        if stop():
            raise Stopped(
                "stopped while rows of removed people were taken out of the store of the reset status"
            )
        names = entry.sign_in_names
        status.settle(sign_in_name=names[0] if names else "", object_id=entry.object_id)
        count += 1
    return count
