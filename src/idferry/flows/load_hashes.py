"""Take the password hashes of a source into the hash store, or say what would be taken. Values are judged, never told.

A hash that is damaged, unsupported or beyond the bounds is left out with its reason: nobody could ever sign in with it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

import msgspec

from idferry.errors import Stopped
from idferry.hashes import (
    BOUNDS,
    Bounds,
    Descriptor,
    Hash,
    Lacking,
    Malformed,
    Parsed,
    Unsupported,
    described_hash,
    parse,
)
from idferry.ports import HashRow, HashStore, LegacySource, SourceRecord, Stop, Tell, never
from idferry.rules.happenings import RecordsRead
from idferry.rules.legacy_user import BadRecord
from idferry.rules.stored_hash import StoredHash

BATCH_RECORDS = 1_000
REFUSED_SHOWN_MAX = 1_000


@dataclass(frozen=True, slots=True)
class RefusedHash:
    """A hash that is not taken: its record's key and line, and why."""

    key: str
    line: int
    reason: str


@dataclass(slots=True)
class LoadReport:
    """Counts are people. `barred`: disabled in the source, so their hash must open nothing. `schemes`: scheme -> hashes taken; `lacking`: why others are not."""

    records: int = 0
    taken: int = 0
    without_hash: int = 0
    barred: int = 0
    malformed: int = 0
    lacking: Counter[Lacking] = field(default_factory=Counter)
    schemes: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedHash] = field(default_factory=list)

    @property
    def refused_count(self) -> int:
        """All hashes that are not taken although there is one; the list holds the first of them."""
        return self.malformed + self.lacking.total() - self.lacking[Lacking.NO_PASSWORD]


def load_hashes(
    *,
    source: LegacySource,
    descriptor: Descriptor,
    exported_at: datetime | None,
    store: HashStore | None,
    bounds: Bounds = BOUNDS,
    tell: Tell,
    stop: Stop = never,
) -> LoadReport:
    """Read the source once and put its hashes into `store`; None only counts.

    `exported_at` None: nobody knows. Of a hash that is there already, unchanged, is then kept what was known.

    Raises:
        SourceError: the source cannot be read.
        HashStoreUnavailable: the store cannot be written.
        Stopped: `stop` said so; what was taken is in the store, and the same command takes it again.
    """
    report = LoadReport()
    for records in _batches(source):
        rows = [
            row for record in records if (row := _wanted(record, descriptor, exported_at, bounds, report))
        ]
        if store:
            if exported_at is None:
                rows = [_as_known(row, store) for row in rows]
            kept = {row.key for row in rows}
            # A hash of an earlier export, where this one has none that may be used.
            store.delete([(source.name, one.user.key) for one in records if one.user.key not in kept])
            store.put(rows)
        tell(RecordsRead(report.records))
        if stop():
            raise Stopped(f"stopped after {report.taken:,} hashes")
    return report


def _as_known(row: HashRow, store: HashStore) -> HashRow:
    found = store.of(row.source, row.key)
    return replace(row, exported_at=found.exported_at) if found and found.value == row.value else row


def _batches(source: LegacySource) -> Iterator[list[SourceRecord]]:
    records = (one for one in source.records() if not isinstance(one, BadRecord))
    while batch := list(islice(records, BATCH_RECORDS)):
        yield batch


def _wanted(
    record: SourceRecord, base: Descriptor, exported_at: datetime | None, bounds: Bounds, report: LoadReport
) -> HashRow | None:
    report.records += 1
    if not record.user.enabled:
        report.barred += 1
        return None
    if record.hashed is None:
        report.without_hash += 1
        return None
    judged = _judged(record, record.hashed, base, bounds, report)
    return _row(record, *judged, exported_at) if judged else None


def _judged(
    record: SourceRecord, stored: StoredHash, base: Descriptor, bounds: Bounds, report: LoadReport
) -> tuple[str, Descriptor, str] | None:
    """Value, descriptor and user name of a hash that is taken; else it is counted with its reason."""
    described = described_record(stored, base)
    parsed: Parsed = (
        parse(described[0], described[1], bounds=bounds) if isinstance(described, tuple) else described
    )
    if isinstance(parsed, Hash) and isinstance(described, tuple):
        report.taken += 1
        report.schemes[parsed.scheme] += 1
        return *described, stored.hashed_name
    _refuse(record, parsed, report)
    return None


def _refuse(record: SourceRecord, parsed: Parsed, report: LoadReport) -> None:
    if isinstance(parsed, Unsupported):
        report.lacking[parsed.lacking] += 1
        if parsed.lacking is Lacking.NO_PASSWORD:
            return
    elif isinstance(parsed, Malformed):
        report.malformed += 1
    else:
        report.lacking[Lacking.UNKNOWN] += 1
    if len(report.refused) < REFUSED_SHOWN_MAX and not isinstance(parsed, Hash):
        report.refused.append(RefusedHash(record.user.key, record.user.place.line, parsed.reason))


def described_record(
    stored: StoredHash, base: Descriptor
) -> tuple[str, Descriptor] | Malformed | Unsupported:
    """The value and the whole descriptor: the row's own salt over what the source says; objects speak for themselves."""
    if stored.value.startswith("{"):
        document = _document(stored.value)
        if "algorithm" in document:
            return described_hash(document)
    row = Descriptor(salt=stored.salt)
    return stored.value, row.over(base)


def _document(text: str) -> dict[str, object]:
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}


def _row(
    record: SourceRecord, value: str, descriptor: Descriptor, hashed_name: str, exported_at: datetime | None
) -> HashRow:
    table = descriptor.table()
    scheme = str(table.pop("scheme", ""))
    return HashRow(
        source=record.user.source,
        key=record.user.key,
        scheme=scheme,
        value=value,
        parameters=msgspec.json.encode(table).decode() if table else "",
        hashed_name=hashed_name,
        exported_at=exported_at,
    )
