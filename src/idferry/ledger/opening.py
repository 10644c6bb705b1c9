"""Opening a ledger: the real one, or a copy to throw away.

It must open nothing that belongs to another tenant or project, and must notice before anything is sent that nothing
can be written.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from idferry.errors import LedgerError, LedgerForeign
from idferry.ledger import key_file, schema
from idferry.ledger.database import (
    BUSY_TIMEOUT_MS,
    CACHE_KIB,
    CHECKPOINT_PAGES,
    LOCK_POLL_MS,
    NOWHERE,
    WRITER_CACHE_KIB,
    Database,
    told_as_ledger_errors,
)
from idferry.ledger.key_file import RandomBytes
from idferry.ledger.named_queries import named_queries
from idferry.ledger.planning import SqlitePlanning
from idferry.ledger.records import SqliteRecords
from idferry.ledger.reports import SqliteCaptures, SqliteReports
from idferry.ledger.runs import SqliteRuns
from idferry.ledger.sending import SqliteSending
from idferry.ledger.sign_in_marks import KEY_BYTES, SignInMarks
from idferry.ledger.times import time_to_text
from idferry.ports import ObservationLedger, SendLedger

_SQL = named_queries("opening")

_EVERYWHERE = {
    "busy_timeout": str(BUSY_TIMEOUT_MS),
    "foreign_keys": "ON",
    "cache_size": f"-{CACHE_KIB}",
}
_READ_ONLY = {"query_only": "ON"}
_DURABLE = {
    "cache_size": f"-{WRITER_CACHE_KIB}",
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "wal_autocheckpoint": str(CHECKPOINT_PAGES),
}
# It need not outlive the process. Its cache stays small: of a private database SQLite goes through all changed pages
# with every commit, to decide whether it is time to write them, and with 48 MiB sending took 50 us a person more.
_SCRATCH = {"journal_mode": "MEMORY", "synchronous": "OFF"}


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger, one part per port, over one connection. It belongs to the thread that opened it."""

    plan: SqlitePlanning
    runs: SqliteRuns
    send: SendLedger
    report: SqliteReports
    records: SqliteRecords
    captures: SqliteCaptures
    observations: ObservationLedger
    _database: Database

    def close(self) -> None:
        """Give the file back; nothing else works afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Owner:
    tenant_id: str
    project: str
    at: datetime


def open_ledger(
    path: Path,
    *,
    tenant_id: str,
    project: str,
    random_bytes: RandomBytes,
    at: datetime,
    read_only: bool = False,
) -> Ledger:
    """The ledger in this file, for this tenant and project; made with its key when it does not exist yet.

    `random_bytes` gives so many bytes from a secure source: for the key, and for the ids of runs.

    Raises:
        LedgerForeign: it belongs to another tenant or project.
        LedgerUnwritable: the file, its folder or the disk takes nothing; never when `read_only`.
        LedgerError: unreadable, not a ledger, without its key, of a newer schema, or missing when `read_only`.
    """
    owner = _Owner(tenant_id, project, at)
    database, marks = _open(path.absolute(), owner, random_bytes, read_only=read_only)
    return _assemble(database, marks, random_bytes)


def open_ledger_file(
    path: Path,
    *,
    tenant_id: str,
    project: str,
    random_bytes: RandomBytes,
    at: datetime,
    read_only: bool,
    busy_ms: int,
) -> tuple[Database, SignInMarks]:
    """The file of an existing ledger, for the sign-in service: waits at most `busy_ms` for other writers.

    Any thread may use it, one at a time. That it can be written shows only when something is written. Raises what
    `open_ledger` raises.
    """
    if not key_file.holds_something(path):
        raise LedgerError(f"there is no ledger at {path}")
    owner = _Owner(tenant_id, project, at)
    return _open(path.absolute(), owner, random_bytes, read_only=read_only, beside_ms=busy_ms)


@contextmanager
def scratch_copy(
    path: Path | None,
    *,
    tenant_id: str,
    project: str,
    random_bytes: RandomBytes,
    at: datetime,
) -> Iterator[Ledger]:
    """A ledger to throw away, for dry runs and surveys: a copy of the one at `path`, or an empty one.

    Empty when `path` is None or names no file. It is SQLite's own kind of private database, in memory until it is large
    and then in a file without a name (https://sqlite.org/inmemorydb.html#temp_db): nothing of it stays, however the
    process ends. Raises what `open_ledger` raises.
    """
    owner = _Owner(tenant_id, project, at)
    with told_as_ledger_errors(NOWHERE):
        database = Database(sqlite3.connect(""), NOWHERE)
    try:
        marks = _fill(database, path, owner, random_bytes)
        must_migrate = _prepare(database, NOWHERE, _SCRATCH, read_only=False)
        _make_ours(database, owner, marks, must_migrate=must_migrate)
        yield _assemble(database, marks, random_bytes)
    finally:
        database.close()


def _open(
    path: Path, owner: _Owner, random_bytes: RandomBytes, *, read_only: bool, beside_ms: int | None = None
) -> tuple[Database, SignInMarks]:
    """`beside_ms`: it is opened beside an import that writes to it, which is waited for so long."""
    marks = SignInMarks(_key_of(path, random_bytes, read_only=read_only))
    beside = beside_ms is not None
    with told_as_ledger_errors(path):
        address = _address(path, read_only=read_only)
        connection = sqlite3.connect(address, uri=True, check_same_thread=not beside)
        tries = beside_ms // LOCK_POLL_MS if beside_ms else 1
        database = Database(connection, path, tries=tries)
    pragmas = dict(_READ_ONLY if read_only else _DURABLE)
    if beside_ms is not None:
        pragmas["busy_timeout"] = str(beside_ms if read_only else LOCK_POLL_MS)
    try:
        must_migrate = _prepare(database, path, pragmas, read_only=read_only)
        if must_migrate or not (read_only or beside):
            _make_ours(database, owner, marks, must_migrate=must_migrate)
        _check_owner(database, path, owner, marks)
    except BaseException:
        database.close()
        raise
    return database, marks


def _fill(scratch: Database, path: Path | None, owner: _Owner, random_bytes: RandomBytes) -> SignInMarks:
    if path is None or not path.exists():
        return SignInMarks(random_bytes(KEY_BYTES))
    original, marks = _open(path.absolute(), owner, random_bytes, read_only=True)
    try:
        with original.reading() as source, scratch.reading() as target:
            source.backup(target)
    finally:
        original.close()
    return marks


def _key_of(path: Path, random_bytes: RandomBytes, *, read_only: bool) -> bytes:
    if key_file.holds_something(path):
        return key_file.read_key(path)
    if read_only:
        raise LedgerError(
            f"there is no ledger at {path}",
            remedy="Run `idferry premigrate --execute` first, or correct [ledger] path.",
        )
    return key_file.make_files(path, random_bytes)


def _address(path: Path, *, read_only: bool) -> str:
    if not read_only:
        return f"{path.as_uri()}?mode=rw"
    # A reader of a WAL file needs to make its -shm file. Where it may not, and no writer left anything in the log,
    # the file can be read as it stands: https://sqlite.org/wal.html#read_only_databases
    log = path.with_name(path.name + "-wal")
    alone = not key_file.may_write(path.parent) and not log.exists()
    return f"{path.as_uri()}?{'immutable=1' if alone else 'mode=ro'}"


def _prepare(database: Database, path: Path, pragmas: Mapping[str, str], *, read_only: bool) -> bool:
    """Whether the file must be migrated."""
    with database.reading() as connection:
        must_migrate = schema.check_version(connection, path, read_only=read_only)
        for name, value in {**_EVERYWHERE, **pragmas}.items():
            connection.execute(f"PRAGMA {name} = {value}")
    return must_migrate


def _make_ours(database: Database, owner: _Owner, marks: SignInMarks, *, must_migrate: bool) -> None:
    """Bring the file up to date, say whose it is, and prove that it takes something."""
    with database.writing() as connection:
        if must_migrate:
            schema.migrate(connection)
        if connection.execute(_SQL["owner"]).fetchone() is None:
            facts = (owner.tenant_id, owner.project, time_to_text(owner.at), marks.key_check)
            connection.execute(_SQL["insert_ledger"], facts)
        connection.execute(_SQL["prove_writable"])


def _check_owner(database: Database, path: Path, owner: _Owner, marks: SignInMarks) -> None:
    with database.reading() as connection:
        tenant_id, project, key_check = connection.execute(_SQL["owner"]).fetchone()
    if tenant_id.lower() != owner.tenant_id.lower():
        raise LedgerForeign(
            f"the ledger {path} belongs to tenant {tenant_id}, the settings name {owner.tenant_id}"
        )
    if project != owner.project:
        raise LedgerForeign(
            f"the ledger {path} belongs to project {project}, the settings name {owner.project}"
        )
    if key_check != marks.key_check:
        raise LedgerError(
            f"the key file {key_file.key_path(path)} belongs to another ledger",
            remedy="Restore the key file that was made with this ledger from a backup.",
        )


def _assemble(database: Database, marks: SignInMarks, random_bytes: RandomBytes) -> Ledger:
    sending = SqliteSending(database)
    return Ledger(
        plan=SqlitePlanning(database, marks),
        runs=SqliteRuns(database, random_bytes),
        send=sending,
        report=SqliteReports(database, marks),
        records=SqliteRecords(database),
        captures=SqliteCaptures(database),
        observations=sending,
        _database=database,
    )
