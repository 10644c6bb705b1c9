"""Delete the hashes of people who no longer need one: a hash that is not there opens nothing.

It goes by what the ledger says, so that it may run at any time and as often as wanted.
"""

from collections.abc import Iterable
from itertools import islice

from idferry.ports import HashStore, LedgerReport
from idferry.rules.entry import Entry, Selection
from idferry.rules.lifecycle import State

BATCH_PEOPLE = 1_000
SETTLED = (State.COMPLETE, State.LEFT_OUT, State.REFUSED, State.REMOVED)
"""Who has a password in the directory, or gets no account."""


def forget_settled_hashes(*, store: HashStore, report: LedgerReport) -> int:
    """Delete the hashes of everybody who is settled; how many there were.

    Raises:
        HashStoreUnavailable: the store cannot be written.
    """
    return forget_hashes(store=store, people=report.entries(Selection(states=SETTLED)))


def forget_hashes(*, store: HashStore, people: Iterable[Entry]) -> int:
    """Delete the hashes of these people; how many there were. Raises as above."""
    forgotten = 0
    remaining = iter(people)
    while batch := list(islice(remaining, BATCH_PEOPLE)):
        forgotten += store.delete([(one.source, one.key) for entry in batch for one in entry.legacy_users])
    return forgotten
