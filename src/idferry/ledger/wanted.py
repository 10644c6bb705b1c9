"""What a source wants existing accounts to be, for as long as one update lasts: too much for memory, not for keeps.

It lies in a private database of SQLite's own, in memory until it is large and then in a file without a name
(https://sqlite.org/inmemorydb.html#temp_db): nothing of it stays, however the process ends. It must not be in the
ledger's file, because a dry run changes nothing there.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from idferry.ledger.database import Database, in_groups, told_as_ledger_errors
from idferry.ledger.drafts import draft_from_json, draft_to_json
from idferry.ledger.named_queries import named_queries
from idferry.rules.account import AccountDraft

_SQL = named_queries("wanted")
_NOWHERE = Path("(in the temporary folder)")  # for messages
_PRAGMAS = {"journal_mode": "MEMORY", "synchronous": "OFF"}  # it need not outlive the process


class SqliteWantedDrafts:
    """WantedDrafts over a private database. It belongs to the thread that opened it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, drafts: Mapping[int, AccountDraft]) -> None:
        """Put some there. Raises LedgerError."""
        rows = [(person_id, draft_to_json(draft)) for person_id, draft in drafts.items()]
        with self._database.writing() as connection:
            connection.executemany(_SQL["put"], rows)

    def count(self) -> int:
        """How many people there are. Raises LedgerError."""
        with self._database.reading() as connection:
            return int(connection.execute(_SQL["count"]).fetchone()[0])

    def page(self, *, after: int, limit: int) -> Sequence[tuple[int, AccountDraft]]:
        """People with person_id > `after`, in order of person_id. Raises LedgerError."""
        with self._database.reading() as connection:
            rows = connection.execute(_SQL["page"], (after, limit)).fetchall()
            return [(person_id, draft_from_json(text)) for person_id, text in rows]

    def of(self, person_ids: Collection[int]) -> Mapping[int, AccountDraft]:
        """The drafts of these people, of those that are there. Raises LedgerError."""
        with self._database.reading() as connection:
            rows = in_groups(connection, _SQL["of_people"], list(person_ids))
            return {person_id: draft_from_json(text) for person_id, text in rows}


@contextmanager
def wanted_drafts() -> Iterator[SqliteWantedDrafts]:
    """An empty shelf, gone when the context ends. Raises LedgerError."""
    with told_as_ledger_errors(_NOWHERE):
        database = Database(sqlite3.connect(""), _NOWHERE)
    try:
        with database.reading() as connection:
            for name, value in _PRAGMAS.items():
                connection.execute(f"PRAGMA {name} = {value}")
            connection.execute(_SQL["make"])
        yield SqliteWantedDrafts(database)
    finally:
        database.close()
