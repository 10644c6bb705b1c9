"""Purge: delete removed accounts for good, out of the recycle bin. Nothing undoes this."""

from collections.abc import Iterable

from idferry.flows.recycle import RecycleReport, chunks_of, ids_of
from idferry.ports import AccountRemover, Clock, ObservationLedger
from idferry.rules.entry import Entry, EventKind, Observation


def purge(
    *,
    people: Iterable[Entry],
    remover: AccountRemover,
    observations: ObservationLedger,
    clock: Clock,
    execute: bool,
) -> RecycleReport:
    """Delete the removed accounts of `people` for good, or say what would happen.

    1. Look into the recycle bin; leave alone what carries another legacyId now.
    2. Delete the others, and record those that are gone. They stay removed.

    Raises:
        DirectoryError, LedgerError.
    """
    report = RecycleReport()
    for chunk in chunks_of(people):
        ours = report.find(chunk, remover.deleted(ids_of(chunk)))
        if execute and ours:
            gone = report.settle(ours, remover.purge(ids_of(ours)))
            observed = [Observation(entry.person_id, EventKind.PURGED) for entry in gone]
            observations.observe(run="", observed=observed, at=clock.now())
    return report
