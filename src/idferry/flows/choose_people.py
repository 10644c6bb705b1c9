"""Choose people: whose accounts a command takes away, brings back or deletes for good.

Everybody chosen stands in the ledger: a file alone names nobody.
"""

from collections.abc import Iterator
from itertools import islice

from idferry.ports import LedgerReport, LegacySource, SourceRecord
from idferry.rules.account import legacy_id_of
from idferry.rules.entry import Entry, Selection
from idferry.rules.person_set import PersonSet

LOOKUP_PEOPLE = 500


def choose_people(
    *, ledger: LedgerReport, selection: Selection, project: str, file: LegacySource | None = None
) -> Iterator[Entry]:
    """The people whom this selection takes and, where a file is given, who stand in it too; streamed, each once.

    `selection.states` says in which states they are; `project` begins the legacyId of everybody in the file.

    Raises:
        LedgerError, SourceError.
    """
    return ledger.entries(selection) if file is None else _people_of_file(ledger, selection, project, file)


def _people_of_file(
    ledger: LedgerReport, selection: Selection, project: str, file: LegacySource
) -> Iterator[Entry]:
    users = (record.user for record in file.records() if isinstance(record, SourceRecord))
    seen = PersonSet()
    while batch := list(islice(users, LOOKUP_PEOPLE)):
        ids = {legacy_id_of(project=project, source=file.name, key=user.key) for user in batch}
        for entry in ledger.entries_of_legacy_ids(ids).values():
            if selection.takes(entry) and entry.person_id not in seen:
                seen.add(entry.person_id)
                yield entry
