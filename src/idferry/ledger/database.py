"""One connection to the ledger's file: transactions, and sqlite3's errors told in our words.

Every statement of the ledger runs inside `writing` or `reading`. It must not know what the tables mean, and no
message may carry more of SQLite's own than the name of its error: values could be in the text.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from idferry.errors import IdferryError, LedgerBusy, LedgerError, LedgerUnwritable

BUSY_TIMEOUT_MS = 5_000
LOCK_POLL_MS = 10
"""How often a sign-in service asks for its turn to write. SQLite by itself soon asks only ten times a second
(https://sqlite.org/c3ref/busy_timeout.html), and an import leaves less time than that between two transactions."""
CHECKPOINT_PAGES = 4_000  # fewer, larger write-backs while planning; the log grows to 16 MiB
PLACES_MAX = 500  # SQLite before 3.32 takes 999 values in one statement
NOWHERE = Path("(a file without a name in the temporary folder)")  # for messages
CACHE_KIB = 4_096  # for readers, who go from page to page
# Of 300,000 people with random keys one in four pages was written twice within a transaction with the cache of readers.
# It is full after 100,000 people, so that more of them take no more memory.
WRITER_CACHE_KIB = 49_152

_PRIMARY_CODE = 0xFF  # https://sqlite.org/rescode.html#primary_result_codes_versus_extended_result_codes
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNWRITABLE = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_CANTOPEN,
)
_NO_LEDGER = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


class Database:
    """A connection in autocommit mode. It belongs to the thread that opened it.

    A transaction asks `tries` times for its turn to write, each time for as long as the connection's busy_timeout.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, *, tries: int = 1) -> None:
        connection.isolation_level = None  # transactions begin and end below, nowhere else
        self.connection = connection
        self._path = path
        self._tries = tries

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything or nothing, and on disk when it ends without an error.

        Raises:
            LedgerUnwritable, LedgerBusy, LedgerError.
        """
        with told_as_ledger_errors(self._path):
            self._begin()
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the first error is the one to tell
                    self.connection.rollback()
                raise

    def _begin(self) -> None:
        for left in reversed(range(self._tries)):
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not left or _primary_code(error) not in _BUSY:
                    raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read; each statement sees one state of the ledger. Raises LedgerError."""
        with told_as_ledger_errors(self._path):
            yield self.connection

    def close(self) -> None:
        """Give the file back."""
        with told_as_ledger_errors(self._path):
            self.connection.close()


def places(count: int) -> str:
    """So many placeholders, for `IN ({places})`."""
    return ",".join("?" * count)


def in_groups(
    connection: sqlite3.Connection, statement: str, values: Sequence[Any], *before: Any
) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement with `{places}` for any number of values; `before` are the values in front of them."""
    for start in range(0, len(values), PLACES_MAX):
        some = values[start : start + PLACES_MAX]
        yield from connection.execute(statement.format(places=places(len(some))), (*before, *some))


@contextmanager
def told_as_ledger_errors(path: Path) -> Iterator[None]:
    """Turn every sqlite3 error into a LedgerError that keeps it as its cause."""
    try:
        yield
    except sqlite3.Error as error:
        raise _told(error, path) from error


def _primary_code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & _PRIMARY_CODE


def _told(error: sqlite3.Error, path: Path) -> LedgerError:
    code = _primary_code(error)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if code in _BUSY:
        return LedgerBusy(f"another process is writing to the ledger {path} ({name})")
    if code in _UNWRITABLE:
        return LedgerUnwritable(f"the ledger {path} cannot be written ({name})")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return LedgerError(
            f"the ledger {path} refuses what contradicts itself ({name}); nothing of this step was written",
            remedy=IdferryError.default_remedy,  # nothing is wrong with the file: a backup would not help
        )
    if code in _NO_LEDGER:
        return LedgerError(f"{path} is not a ledger, or it is damaged ({name})")
    return LedgerError(f"the ledger {path} cannot be used ({name})")
