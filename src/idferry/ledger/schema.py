"""The ledger's schema and its versions. It must not know whose ledger it is.

`user_version` says which migrations a file has had, `application_id` that it is a ledger at all.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from idferry.errors import LedgerError
from idferry.ledger.named_queries import migrations, named_queries

APPLICATION_ID = 0x4944_4652  # "IDFR"; https://sqlite.org/pragma.html#pragma_application_id

_SQL = named_queries("opening")


def check_version(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> bool:
    """Whether the file must be migrated, which an empty file must.

    Raises:
        LedgerError: another program's database, a newer schema, or an older one that may only be read.
    """
    version = _pragma(connection, "user_version")
    latest = len(migrations())
    empty = connection.execute(_SQL["count_tables"]).fetchone()[0] == 0
    if not empty and _pragma(connection, "application_id") != APPLICATION_ID:
        raise LedgerError(f"{path} is a database, but not a ledger")
    if version > latest:
        raise LedgerError(
            f"the ledger {path} has schema {version}, this idferry knows schemas up to {latest}",
            remedy="Install the newer idferry that wrote this ledger.",
        )
    if version < latest and read_only:
        raise LedgerError(
            f"the ledger {path} has schema {version} and needs {latest}",
            remedy="Run `idferry premigrate` once (a dry run will not do): it brings the ledger up to date.",
        )
    return version < latest


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing, inside the caller's transaction."""
    scripts = migrations()
    for script in scripts[_pragma(connection, "user_version") :]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(scripts)}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    # executescript would commit the transaction that makes a migration all or nothing.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
