"""What the ledger remembers of the records of a source, without drafts: enough to compare with another version of it.

It must not read a source and must not say what a difference means.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from idferry.ledger.database import Database, in_groups
from idferry.ledger.named_queries import named_queries
from idferry.ledger.runs import run_of_row
from idferry.rules.entry import KnownRecord, Run
from idferry.rules.lifecycle import State

KEYS_MAX = 1_000
PAGE_RECORDS = 5_000

_SQL = named_queries("records")


class SqliteRecords:
    """RecordReport over the ledger's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_runs(self, *, command: str, source: str) -> Sequence[Run]:
        """The open runs of this command over a source of this name, newest first. Raises LedgerError."""
        with self._database.reading() as connection:
            return [run_of_row(row) for row in connection.execute(_SQL["open_runs"], (command, source))]

    def known_records(self, source: str, keys: Collection[str]) -> Mapping[str, KnownRecord]:
        """Key -> the first record with it, for those that are known; at most 1,000 at a time. Raises LedgerError."""
        assert len(keys) <= KEYS_MAX  # noqa: S101  a bug of ours
        with self._database.reading() as connection:
            rows = in_groups(connection, _SQL["known_records"], list(keys), source)
            return {row[1]: _record_of_row(row) for row in rows}

    def records_of_run(self, run: Run) -> Iterator[KnownRecord]:
        """Everybody whom this run has decided about or dealt with, streamed page by page. Raises LedgerError."""
        after = 0
        while True:
            with self._database.reading() as connection:
                asked = (after, run.run, run.source, PAGE_RECORDS)
                rows = connection.execute(_SQL["records_of_run"], asked).fetchall()
            yield from map(_record_of_row, rows)
            if len(rows) < PAGE_RECORDS:
                return
            after = rows[-1][0]


def _record_of_row(row: tuple[int, str, str, bytes, str, str | None]) -> KnownRecord:
    person_id, key, state, record_digest, run, cohort = row
    return KnownRecord(person_id, key, State(state), record_digest, run, cohort or "")
