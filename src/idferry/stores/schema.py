"""Bringing a store's file up to date, alike for every store: whose it is, which schema it has, what is missing.

It must change nothing in a database that is not this store's, nor in one that a newer idferry wrote.
"""

import sqlite3
from dataclasses import dataclass

from idferry.stores.named_queries import migrations, statements

_COUNT_TABLES = "SELECT count(*) FROM sqlite_schema"


@dataclass(frozen=True, slots=True)
class StoreKind:
    """One kind of store. `migrations`: the name of its folder; `application_id`: the mark in its files."""

    migrations: str
    application_id: int


class ForeignDatabase(Exception):
    """A database, but not of this kind of store."""


class NewerSchema(Exception):
    """A newer idferry wrote it: `str` says which schema it has and which are known."""


def migrate(connection: sqlite3.Connection, kind: StoreKind) -> None:
    """Make what is missing, within the transaction that has begun. Raises ForeignDatabase, NewerSchema, sqlite3.Error."""
    scripts = migrations(kind.migrations)
    version = _pragma(connection, "user_version")
    is_empty = connection.execute(_COUNT_TABLES).fetchone()[0] == 0
    if not is_empty and _pragma(connection, "application_id") != kind.application_id:
        raise ForeignDatabase
    if version > len(scripts):
        raise NewerSchema(f"has schema {version}, this idferry knows schemas up to {len(scripts)}")
    for script in scripts[version:]:
        for statement in statements(script):
            connection.execute(statement)
    if version < len(scripts):
        connection.execute(f"PRAGMA user_version = {len(scripts)}")
        connection.execute(f"PRAGMA application_id = {kind.application_id}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
