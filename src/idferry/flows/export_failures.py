"""Export failures: the records of people who failed, out of their source, for people to mend, and a list of their keys.

It writes nothing itself: whoever calls it hands in where the pieces go. No password passes through here.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from idferry.errors import Stopped
from idferry.ports import RecordCopier, RecordReport, Stop, Tell, never
from idferry.rules.entry import KnownRecord, Selection
from idferry.rules.happenings import RecordsRead
from idferry.rules.lifecycle import State
from idferry.rules.person_set import PersonSet


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many records were written."""

    people: int


def export_failures(
    *,
    source_name: str,
    copier: RecordCopier,
    records: RecordReport,
    selection: Selection,
    write: Callable[[bytes], object],
    write_key: Callable[[str], object],
    tell: Tell,
    stop: Stop = never,
) -> ExportReport:
    """Write the selected people of this source who failed, in source order, each once.

    Raises:
        SourceError, LedgerError, Stopped: what was written until then is no whole file.
    """
    written = PersonSet()
    read = 0

    def take(keys: Sequence[str]) -> Collection[str]:
        nonlocal read
        if stop():
            raise Stopped("stopped while exporting; nothing was written", remedy="Run it again.")
        read += len(keys)
        tell(RecordsRead(read))
        known = records.known_records(source_name, set(keys))
        failed = [key for key in dict.fromkeys(keys) if key in known and _wanted(known[key], selection)]
        new = [key for key in failed if known[key].person_id not in written]
        for key in new:
            written.add(known[key].person_id)
            write_key(key)
        return new

    for piece in copier.copy(take):
        write(piece)
    return ExportReport(len(written))


def _wanted(record: KnownRecord, selection: Selection) -> bool:
    return (
        record.state is State.FAILED
        and selection.run in ("", record.run)
        and selection.cohort in ("", record.cohort)
    )
