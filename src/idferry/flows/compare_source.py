"""Compare a source with what an open run of the ledger remembers of it: before anything continues that began otherwise.

It streams both, holds one bit per person, and changes nothing.
"""

from itertools import islice

from idferry.errors import SourceChanged, Stopped
from idferry.ports import LegacySource, RecordReport, SourceRecord, Stop, Tell, never
from idferry.rules.entry import Run
from idferry.rules.happenings import RecordsRead
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.person_set import PersonSet
from idferry.rules.pilot import InPilot
from idferry.rules.source_changes import SourceChanges

LOOKUP_RECORDS = 500


def changes_of_source(
    *,
    command: str,
    source: LegacySource,
    records: RecordReport,
    in_pilot: InPilot = lambda _user: True,
    limit: int | None = None,
    tell: Tell,
    stop: Stop = never,
) -> SourceChanges | None:
    """What has changed in the source since this command began with it.

    None when no run is open that planned anybody, or one that began with this very source.

    Raises:
        SourceError: the source cannot be read.
        LedgerError, Stopped.
    """
    open_runs = records.open_runs(command=command, source=source.name)
    if not open_runs:
        return None
    digest = source.digest()
    if any(run.source_digest == digest for run in open_runs):
        return None
    # A run that broke off before anybody was planned (a broken file, say) remembers nothing to compare with.
    begun = next((run for run in open_runs if any(True for _ in records.records_of_run(run))), None)
    return None if begun is None else _compare(begun, source, records, in_pilot, limit, tell, stop)


def refuse_changes(changes: SourceChanges, source: LegacySource) -> None:
    """End the command: nothing is sent to anybody out of a source that nobody has looked at.

    Raises:
        SourceChanged: always, with the changes.
    """
    raise SourceChanged(
        f"the source {source.name} is not the one that run {changes.run} began with; nothing was sent",
        remedy="Look at what has changed. To go on with the source as it is now, repeat the command with "
        f"--accept-changes: it closes run {changes.run} and plans everybody anew. To finish that run first, put the "
        "old file back and repeat the command without it.",
        changes=changes,
    )


def _compare(
    run: Run,
    source: LegacySource,
    records: RecordReport,
    in_pilot: InPilot,
    limit: int | None,
    tell: Tell,
    stop: Stop,
) -> SourceChanges:
    changes = SourceChanges(run.run)
    met = PersonSet()
    users = (record.user for record in source.records() if isinstance(record, SourceRecord))
    wanted = islice(filter(in_pilot, users), limit)
    read = 0
    while batch := list(islice(wanted, LOOKUP_RECORDS)):
        _meet(batch, changes, met, source, records)
        read += len(batch)
        tell(RecordsRead(read))
        if stop():
            raise Stopped("stopped while comparing the source; nobody was sent", remedy="Run it again.")
    for known in records.records_of_run(run):
        if known.person_id not in met:
            changes.miss(known)
    return changes


def _meet(
    batch: list[LegacyUser],
    changes: SourceChanges,
    met: PersonSet,
    source: LegacySource,
    records: RecordReport,
) -> None:
    known = records.known_records(source.name, {user.key for user in batch})
    seen: set[str] = set()
    for user in batch:
        remembered = known.get(user.key)
        # Of records with one key the first alone can become anybody.
        if user.key in seen or (remembered and remembered.person_id in met):
            continue
        seen.add(user.key)
        changes.meet(remembered, user.key, user.record_digest)
        if remembered:
            met.add(remembered.person_id)
