"""Password hashes on disk for as long as the migration lasts: sealed, found without names, overwritten when deleted.

It must not judge a hash, and knows no password. One connection behind a lock serves all threads; other processes may
use the file at the same time.
"""

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

import msgspec

from idferry.errors import HashStoreUnavailable
from idferry.ports import HashRow
from idferry.stores import private_files
from idferry.stores.named_queries import named_queries
from idferry.stores.private_files import RandomBytes
from idferry.stores.schema import ForeignDatabase, NewerSchema, StoreKind, migrate
from idferry.stores.sealing import PLAIN_SECRET, SECRET_CHARACTERS_MIN, Seal

KIND = StoreKind(
    "hashes", application_id=0x4944_4648
)  # "IDFH"; https://sqlite.org/pragma.html#pragma_application_id
BUSY_TIMEOUT_MS = 5_000
PAGE_ROWS = 1_000
_SQL = named_queries("hashes")
# A rollback journal is deleted with the transaction; a write-ahead log would keep deleted rows for long.
_PRAGMAS = {
    "busy_timeout": str(BUSY_TIMEOUT_MS),
    "journal_mode": "DELETE",
    "synchronous": "FULL",
    "secure_delete": "ON",
    "foreign_keys": "ON",
}
_BESIDE = ("-journal", "-wal", "-shm")


class _Row(msgspec.Struct, array_like=True):
    """What is sealed."""

    source: str
    key: str
    scheme: str
    value: str
    parameters: str
    hashed_name: str
    exported_at: datetime | None

    def __repr__(self) -> str:
        return "_Row(...)"


class SqliteHashStore:
    """Satisfies `ports.HashStore`. A context manager."""

    def __init__(self, connection: sqlite3.Connection, *, seal: Seal, path: Path) -> None:
        self._connection = connection
        self._seal = seal
        self._path = path
        self._lock = threading.Lock()

    def put(self, rows: Sequence[HashRow]) -> None:
        """Put some there in one transaction."""
        named = [(self._seal.name(row.source, row.key), row) for row in rows]
        sealed = [(name, self._seal.close(_packed(row), name=name)) for name, row in named]
        with self._writing() as connection:
            connection.executemany(_SQL["put"], sealed)

    def of(self, source: str, key: str) -> HashRow | None:
        """The hash of one legacy user.

        Raises:
            HashStoreUnavailable: the row does not open: somebody has changed it.
        """
        name = self._seal.name(source, key)
        with self._using() as connection:
            found = connection.execute(_SQL["one"], (name,)).fetchone()
        return None if found is None else self._opened(name, found[0])

    def rows(self) -> Iterator[HashRow]:
        """All of them, in no order that means anything."""
        last = b""
        while True:
            with self._using() as connection:
                page = connection.execute(_SQL["page"], (last, PAGE_ROWS)).fetchall()
            yield from (self._opened(name, sealed) for name, sealed in page)
            if len(page) < PAGE_ROWS:
                return
            last = page[-1][0]

    def delete(self, people: Collection[tuple[str, str]]) -> int:
        """Delete the rows of these (source, key); how many there were."""
        names = [(self._seal.name(*one),) for one in people]
        with self._writing() as connection:
            return connection.executemany(_SQL["delete"], names).rowcount if names else 0

    def destroy(self) -> int:
        """Delete everything, the file included; how many rows there were."""
        with self._writing() as connection:
            count = int(connection.execute(_SQL["count"]).fetchone()[0])
            connection.execute(_SQL["delete_all"])
        self.close()
        for suffix in ("", *_BESIDE):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        return count

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def __enter__(self) -> "SqliteHashStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self, name: bytes, sealed: bytes) -> HashRow:
        data = self._seal.open(sealed, name=name)
        if data is None:
            raise HashStoreUnavailable(f"a row of {self._path} does not open: somebody has changed it")
        row = msgspec.json.decode(data, type=_Row)
        return HashRow(
            source=row.source,
            key=row.key,
            scheme=row.scheme,
            value=row.value,
            parameters=row.parameters,
            hashed_name=row.hashed_name,
            exported_at=row.exported_at,
        )

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise _unavailable(self._path, error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # Also where it is not committed because somebody reads: an open transaction would lock everybody out.
                with suppress(sqlite3.Error):  # the first error is the one to tell
                    connection.rollback()
                raise


def open_hash_store(
    path: Path, *, secret: str, random_bytes: RandomBytes, plain: bool = False
) -> SqliteHashStore:
    """The hash store in this file, made when it is not there. `plain`: for tests, a new store protects nothing.

    Raises:
        HashStoreUnavailable: the file cannot be used, is something else, or belongs to another key.
    """
    path = path.absolute()
    if not plain and len(secret) < SECRET_CHARACTERS_MIN:
        raise HashStoreUnavailable(
            f"the key of the hash store is shorter than {SECRET_CHARACTERS_MIN} characters",
            remedy="Make one, for example with `openssl rand -base64 32`, and name its place in [hashes] key.",
        )
    seal = Seal(PLAIN_SECRET if plain else secret, random_bytes)
    try:
        private_files.made_private(path)
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )
    except (sqlite3.Error, OSError) as error:
        raise _unavailable(path, error) from error
    try:
        _prepare(connection, path, seal, plain=plain)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise _unavailable(path, error) from error
        raise
    return SqliteHashStore(connection, seal=seal, path=path)


def is_plain_store(path: Path) -> bool:
    """Whether this file is a store that protects nothing: such a one opens without a key."""
    try:
        with_file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return False
    try:
        found = with_file.execute(_SQL["key_check"]).fetchone()
    except sqlite3.Error:
        return False
    finally:
        with_file.close()
    return bool(found and found[1])


def _prepare(connection: sqlite3.Connection, path: Path, seal: Seal, *, plain: bool) -> None:
    for name, value in _PRAGMAS.items():
        connection.execute(f"PRAGMA {name} = {value}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrate(connection, KIND)
    except ForeignDatabase as error:
        raise HashStoreUnavailable(
            f"{path} is a database, but no hash store", remedy="Name another file in [hashes] path."
        ) from error
    except NewerSchema as error:
        raise HashStoreUnavailable(
            f"the hash store {path} {error}", remedy="Install the newer idferry that wrote it."
        ) from error
    _check_key(connection, path, seal, plain=plain)
    connection.execute(_SQL["prove_writable"])
    connection.execute("COMMIT")


def _check_key(connection: sqlite3.Connection, path: Path, seal: Seal, *, plain: bool) -> None:
    found = connection.execute(_SQL["key_check"]).fetchone()
    if found is None:
        connection.execute(_SQL["insert_store"], (seal.check, int(plain)))
    elif found[0] != seal.check:
        raise HashStoreUnavailable(f"the hash store {path} was made with another key")


def _packed(row: HashRow) -> bytes:
    return msgspec.json.encode(
        _Row(row.source, row.key, row.scheme, row.value, row.parameters, row.hashed_name, row.exported_at)
    )


def _unavailable(path: Path, error: Exception) -> HashStoreUnavailable:
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return HashStoreUnavailable(f"the hash store {path} cannot be used ({name})")
