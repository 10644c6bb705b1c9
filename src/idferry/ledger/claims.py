"""People who have no account yet, while they sign in or up: found, claimed for one creation, and settled.

A claim is a transaction of its own, on disk before anybody acts on it, so that an import and a sign-in never create the
same person side by side. It waits a few seconds for an import that commits, and never longer.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from idferry.errors import LedgerError
from idferry.ledger.database import Database, in_groups
from idferry.ledger.entry_rows import entries_where, entry_of_row
from idferry.ledger.named_queries import named_queries
from idferry.ledger.opening import open_ledger_file
from idferry.ledger.reset_status import LedgerPlace
from idferry.ledger.sign_in_marks import SignInMarks
from idferry.ledger.sign_ins import record_note
from idferry.ledger.times import time_to_text
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.lifecycle import State

CLAIM_BUSY_MS = 5_000
_SQL = named_queries("sign_ins")


class LedgerClaims:
    """ClaimLedger over the ledger's file. Any number of threads may use it; nothing stays open between two calls."""

    def __init__(self, place: LedgerPlace) -> None:
        self._place = place

    def entry_of_sign_in_name(self, compared: str) -> Entry | None:
        """The person who owns a local sign-in name, in whichever state. Raises LedgerError."""
        with self._opened(read_only=True) as (database, marks), database.reading() as connection:
            row = connection.execute(entries_where("of_mark"), (marks.of_local(compared),)).fetchone()
            return entry_of_row(row) if row else None

    def entry_of_legacy_id(self, legacy_id: str) -> Entry | None:
        """The person whose accounts carry this legacyId, in whichever state. Raises LedgerError."""
        with self._opened(read_only=True) as (database, _marks), database.reading() as connection:
            rows = list(in_groups(connection, entries_where("of_legacy_ids"), [legacy_id]))
            return entry_of_row(rows[0]) if rows else None

    def claim(self, person_id: int, *, at: datetime) -> bool:
        """Take a planned person to `creating`; False: somebody else is creating or has created the account.

        Raises LedgerError.
        """
        with self._opened(read_only=False) as (database, _marks), database.writing() as connection:
            row = connection.execute(_SQL["state_of"], (person_id,)).fetchone()
            last = connection.execute(_SQL["last_event"], (person_id,)).fetchone()
            is_claimed = bool(last) and last[0] == EventKind.CLAIMED.value
            is_free = row is not None and (
                row[0] == State.PLANNED.value or (row[0] == State.CREATING.value and is_claimed)
            )
            if is_free:
                connection.execute(_SQL["claim"], (person_id,))
                connection.execute(_SQL["append_claim"], (time_to_text(at), person_id))
            return is_free

    def claimed(self, *, after: int, limit: int) -> Sequence[tuple[Entry, datetime]]:
        """People in `creating` by a claim with person_id > `after`, and since when. Raises LedgerError."""
        with self._opened(read_only=True) as (database, _marks), database.reading() as connection:
            since = {row[0]: row[1] for row in connection.execute(_SQL["claimed"], (after, limit))}
            rows = in_groups(connection, entries_where("of_people"), list(since))
            entries = sorted((entry_of_row(row) for row in rows), key=lambda one: one.person_id)
            return [(one, datetime.fromisoformat(since[one.person_id])) for one in entries]

    def record(self, observation: Observation, *, at: datetime) -> None:
        """Record what was seen; a state that may not follow is left out. Raises LedgerError."""
        with self._opened(read_only=False) as (database, _marks):
            record_note(database, observation, at=at)
        self._place.recorded(observation)

    @contextmanager
    def _opened(self, *, read_only: bool) -> Iterator[tuple[Database, SignInMarks]]:
        place = self._place
        try:
            database, marks = open_ledger_file(
                place.path,
                tenant_id=place.tenant_id,
                project=place.project,
                random_bytes=place.random_bytes,
                at=place.now(),
                read_only=read_only,
                busy_ms=CLAIM_BUSY_MS,
            )
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(f"the ledger cannot be opened: {type(error).__name__}") from error
        try:
            yield database, marks
        finally:
            database.close()
