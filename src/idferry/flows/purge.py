"""Purge: delete removed accounts for good, out of the recycle bin. Nothing undoes this."""

from collections.abc import Iterable

from idferry.errors import Stopped
from idferry.flows.end_early import telling_what_was_done
from idferry.flows.recycle import RecycleReport, chunks_of, ids_of
from idferry.ports import AccountRemover, Clock, ObservationLedger, Stop, never
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.removal import has_removed_account


def purge(
    *,
    people: Iterable[Entry],
    remover: AccountRemover,
    observations: ObservationLedger,
    clock: Clock,
    execute: bool,
    stop: Stop = never,
) -> RecycleReport:
    """Delete the removed accounts of `people` for good, or say what would happen. Others are passed over.

    1. Look into the recycle bin; leave alone what carries another legacyId now.
    2. Delete the others, and record those that are gone. They stay removed, or failed.

    Raises:
        DirectoryError, LedgerError, Stopped: its `done` says how many were purged, once accounts were looked for.
    """
    report = RecycleReport()
    with telling_what_was_done(lambda: report.sentence("purged")):
        for chunk in chunks_of(filter(has_removed_account, people)):
            if stop():
                raise Stopped("stopped")
            ours = report.find(chunk, remover.deleted(ids_of(chunk)))
            if execute and ours:
                gone = report.settle(ours, remover.purge(ids_of(ours)))
                observed = [Observation(entry.person_id, EventKind.PURGED) for entry in gone]
                observations.observe(run="", observed=observed, at=clock.now())
    return report
