"""Opening the guard's file: made private with its key when it is not there, and brought up to date.

It must open nothing that is not a guard, and must notice before the first sign-in that nothing can be written.
"""

import hmac
import sqlite3
from pathlib import Path

from idferry.errors import GuardUnavailable
from idferry.rules.attempts import Everyone, GuardRules
from idferry.stores import private_files
from idferry.stores.group_commit import GroupCommit
from idferry.stores.guard import SqliteGuard
from idferry.stores.named_queries import named_queries
from idferry.stores.private_files import RandomBytes
from idferry.stores.schema import ForeignDatabase, NewerSchema, StoreKind, migrate

KIND = StoreKind(
    "guard", application_id=0x4944_4647
)  # "IDFG"; https://sqlite.org/pragma.html#pragma_application_id
BUSY_TIMEOUT_MS = 1_000  # the help desk's own change takes a millisecond
_SQL = named_queries("guard")
_PRAGMAS = {"busy_timeout": str(BUSY_TIMEOUT_MS), "journal_mode": "WAL", "synchronous": "FULL"}


def open_guard(path: Path, *, rules: GuardRules, random_bytes: RandomBytes) -> SqliteGuard:
    """The guard in this file, made when it is not there. `random_bytes` gives so many from a secure source.

    Raises:
        GuardUnavailable: the file or its key cannot be used, or belongs to something else.
    """
    path = path.absolute()
    key = _key(path, random_bytes)
    try:
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise _unavailable(path, error) from error
    try:
        _prepare(connection, path, key)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise _unavailable(path, error) from error
        raise
    return SqliteGuard(GroupCommit(connection), key=key, rules=rules, random_bytes=random_bytes, path=path)


def _key(path: Path, random_bytes: RandomBytes) -> bytes:
    try:
        if private_files.holds_something(path):
            return private_files.key_of(path)
        return private_files.made_with_key(path, random_bytes)
    except FileNotFoundError as error:
        missing = private_files.key_path(path).name if path.exists() else "its folder"
        raise GuardUnavailable(
            f"the guard {path} cannot be used: {missing} is missing",
            remedy="Restore the key from a backup, or move the guard's file away: a new one is made, which has "
            "counted nothing yet. A folder is made by hand.",
        ) from error
    except OSError as error:
        raise GuardUnavailable(f"the guard {path} cannot be used ({type(error).__name__})") from error
    except ValueError as error:
        raise GuardUnavailable(f"the guard {path} cannot be used: {error}") from error


def _prepare(connection: sqlite3.Connection, path: Path, key: bytes) -> None:
    for name, value in _PRAGMAS.items():
        connection.execute(f"PRAGMA {name} = {value}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrate(connection, KIND)
    except ForeignDatabase as error:
        raise GuardUnavailable(
            f"{path} is a database, but no guard", remedy="Name another file in [guard] path."
        ) from error
    except NewerSchema as error:
        raise GuardUnavailable(
            f"the guard {path} {error}", remedy="Install the newer idferry that wrote it."
        ) from error
    _check_key(connection, path, key)
    connection.execute(_SQL["prove_writable"])
    connection.execute("COMMIT")


def _check_key(connection: sqlite3.Connection, path: Path, key: bytes) -> None:
    check = hmac.digest(key, b"idferry guard", "sha256")
    row = connection.execute(_SQL["key_check"]).fetchone()
    if row is None:
        calm = Everyone(at=0.0)
        connection.execute(_SQL["insert_guard"], (check,))
        connection.execute(_SQL["insert_everyone"], (calm.failures, calm.matches, calm.usual_share, calm.at))
    elif row[0] != check:
        raise GuardUnavailable(
            f"the key file {private_files.key_path(path)} belongs to another guard",
            remedy="Restore the key file that was made with this guard, or move both away: a new guard is made.",
        )


def _unavailable(path: Path, error: sqlite3.Error) -> GuardUnavailable:
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return GuardUnavailable(f"the guard {path} cannot be used ({name})")
