"""Who must still reset the password, read from the ledger's own file: as true as its last commit, without a cache.

The look runs on the service's event loop, so it waits for nobody: readers of a WAL file need not wait for writers
(https://sqlite.org/wal.html). What is recorded goes through a connection of its own, for one transaction.
"""

import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from idferry.errors import LedgerError, StatusUnavailable
from idferry.ledger.database import Database
from idferry.ledger.key_file import RandomBytes
from idferry.ledger.named_queries import named_queries
from idferry.ledger.opening import open_ledger_file
from idferry.ledger.sending import SqliteSending
from idferry.ledger.sign_in_marks import SignInMarks
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.rules.names import compared_form

LOOK_BUSY_MS = 50
RECORD_BUSY_MS = 1_500
ANOTHER_FILE_SECONDS_MAX = 0.5
"""A ledger that takes another one's place is noticed so soon; commits to the one that is open are seen at once."""
_SQL = named_queries("reset_status")
_LOOK = _SQL["state_of_name"]
_AWAITING = State.AWAITING_PASSWORD.value
_RESETS = (State.AWAITING_PASSWORD, State.CONFIRMING)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlace:
    """Which ledger, and whose. `recorded` hears of every step of a person that is on disk."""

    path: Path
    tenant_id: str
    project: str
    random_bytes: RandomBytes
    now: Callable[[], datetime]
    elapsed: Callable[[], float]
    recorded: Callable[[Observation], None] = lambda _: None


class LedgerResetStatus:
    """ResetStatus over the ledger's file. Looks belong to one thread at a time; `settle` may come from any."""

    def __init__(self, place: LedgerPlace) -> None:
        self._place = place
        self._file: tuple[int, int] | None = None
        self._database: Database | None = None
        self._marks: SignInMarks | None = None
        self._look_at_file_s = 0.0

    def must_reset(self, sign_in_name: str) -> bool:
        """Whether the ledger has this person waiting for a password. Raises StatusUnavailable."""
        try:
            if self._database is None or self._place.elapsed() >= self._look_at_file_s:
                self._look_at_file()
            assert self._database  # noqa: S101  it was opened above
            assert self._marks  # noqa: S101  as above
            mark = self._marks.of_local(compared_form(sign_in_name))
            row = self._database.connection.execute(_LOOK, (mark,)).fetchone()
        except (sqlite3.Error, OSError, LedgerError) as error:
            self.close()
            raise StatusUnavailable(f"the ledger cannot be read: {type(error).__name__}") from error
        return row is not None and row[0] == _AWAITING

    def settle(self, *, sign_in_name: str, object_id: str) -> None:
        """Record that the person has reset the password: complete from now on. Raises StatusUnavailable."""
        try:
            database, marks = self._opened(busy_ms=RECORD_BUSY_MS, read_only=False)
            try:
                person = _person(database, marks, sign_in_name, object_id)
                if person and person[1] in _RESETS:
                    seen = Observation(person[0], EventKind.PASSWORD_RESET, State.COMPLETE)
                    SqliteSending(database).observe(run="", observed=[seen], at=self._place.now())
                    self._place.recorded(seen)
            finally:
                database.close()
        except LedgerError as error:
            raise StatusUnavailable(f"the ledger takes nothing: {error.code}") from error

    def legacy_user_of(self, *, sign_in_name: str, object_id: str) -> tuple[str, str] | None:
        """Source and key of this person's leading legacy user; None for nobody. Raises StatusUnavailable."""
        try:
            database, marks = self._opened(busy_ms=LOOK_BUSY_MS, read_only=True)
            try:
                person = _person(database, marks, sign_in_name, object_id)
                return (person[2], person[3]) if person else None
            finally:
                database.close()
        except LedgerError as error:
            raise StatusUnavailable(f"the ledger cannot be read: {error.code}") from error

    def add(self, people: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Nothing: whoever creates an account has recorded it in the ledger before."""

    def close(self) -> None:
        """Give the file back; the next look opens it again."""
        if self._database:
            self._database.close()
        self._database = self._file = None

    def _look_at_file(self) -> None:
        """Open the ledger, also when another file has taken its place: one that was rebuilt, say."""
        about = os.stat(self._place.path)  # noqa: PTH116  a third of the time of Path.stat
        file = (about.st_dev, about.st_ino)
        if self._file != file or self._database is None:
            self.close()
            self._database, self._marks = self._opened(busy_ms=LOOK_BUSY_MS, read_only=True)
            self._file = file
        self._look_at_file_s = self._place.elapsed() + ANOTHER_FILE_SECONDS_MAX

    def _opened(self, *, busy_ms: int, read_only: bool) -> tuple[Database, SignInMarks]:
        place = self._place
        return open_ledger_file(
            place.path,
            tenant_id=place.tenant_id,
            project=place.project,
            random_bytes=place.random_bytes,
            at=place.now(),
            read_only=read_only,
            busy_ms=busy_ms,
        )


def _person(
    database: Database, marks: SignInMarks, sign_in_name: str, object_id: str
) -> tuple[int, State, str, str] | None:
    """The person of an account, else of a sign-in name: the account's id is the surer of the two."""
    asked = (
        ("person_of_account", object_id),
        ("person_of_name", marks.of_local(compared_form(sign_in_name))),
    )
    with database.reading() as connection:
        for query, value in asked:
            row = connection.execute(_SQL[query], (value,)).fetchone() if value else None
            if row:
                return int(row[0]), State(row[1]), str(row[2]), str(row[3])
    return None
