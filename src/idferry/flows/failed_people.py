"""A source reduced to the people who failed: `--retry-failed` takes up those, and nobody whom it was not asked about.

People whom the same run has taken up before are among them: an interrupted retry continues. It streams the source and
holds one group of records.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from idferry.ports import LegacySource, RecordReport, SourceRecord
from idferry.rules.entry import KnownRecord
from idferry.rules.legacy_user import BadRecord
from idferry.rules.lifecycle import State
from idferry.rules.pilot import InPilot

LOOKUP_RECORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedPeople:
    """The records of a source whose people failed, or were planned again by `run`. Satisfies `ports.LegacySource`.

    `in_pilot` is asked about every record, before it is known whether anybody failed.
    """

    source: LegacySource
    ledger: RecordReport
    run: str
    in_pilot: InPilot

    @property
    def name(self) -> str:
        """The source's."""
        return self.source.name

    @property
    def place(self) -> str:
        """The source's."""
        return self.source.place

    def digest(self) -> str:
        """The source's. Raises SourceError."""
        return self.source.digest()

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        """Stream their records in source order; what cannot be read is nobody's. Raises SourceError, LedgerError."""
        readable = (record for record in self.source.records() if isinstance(record, SourceRecord))
        wanted = (record for record in readable if self.in_pilot(record.user))
        while batch := list(islice(wanted, LOOKUP_RECORDS)):
            known = self.ledger.known_records(self.name, {record.user.key for record in batch})
            for record in batch:
                found = known.get(record.user.key)
                if found and self._is_wanted(found):
                    yield record

    def _is_wanted(self, known: KnownRecord) -> bool:
        return known.state is State.FAILED or (known.state is State.PLANNED and known.run == self.run)
