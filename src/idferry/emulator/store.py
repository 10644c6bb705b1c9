"""The accounts of one emulated tenant on disk, so that a million of them cost disk space and not memory.

One SQLite file in the run's temporary folder, thrown away with it: nothing here is durable, and nothing decides.
Rules about what may be stored, seen or changed live in `directory`, `sight` and `graph/`.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

# Ids are random, and so are their places in the index: of a million people 16 MiB hold a tenth of it.
PAGE_CACHE_KIB = 64 * 1024
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

Body = dict[str, Any]


@dataclass(slots=True)
class Account:
    """One account: `body` holds Graph's property names; `password` is salt and digest, or None."""

    seq: int
    id: str
    body: Body
    password: bytes | None
    deleted_s: float | None


def encode_body(body: Body) -> str:
    """The stored form of a body."""
    return _encode(body).decode()


def decode_body(text: str) -> Body:
    """A stored body."""
    return _decode(text)


class Database:
    """The file and its named queries.

    Args:
        path: a file that does not exist yet; the caller removes its folder.
    """

    def __init__(self, path: Path) -> None:
        self._sql = _named_queries()
        self._db = sqlite3.connect(path, isolation_level=None)
        # A file that nobody reopens needs no journal, no flush and no second reader: one transaction that is never
        # committed lets SQLite write pages only when its cache is full.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
        self._db.executescript(self._sql["schema"])
        self._db.execute("BEGIN")

    def run(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Runs the named query."""
        return self._db.execute(self._sql[query], values)

    def run_repeated(self, query: str, values: Sequence[Any], *, times: int) -> sqlite3.Cursor:
        """Runs the named query with its `{rows}` written out as so many pairs."""
        return self._db.execute(self._sql[query].format(rows=",".join(["(?,?)"] * times)), values)

    def run_many(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs the named query once for each row."""
        self._db.executemany(self._sql[query], rows)

    def clear(self) -> None:
        """Forgets everything."""
        for statement in self._sql["clear"].split(";"):
            self._db.execute(statement)

    def close(self) -> None:
        """Gives the file up."""
        self._db.close()


class AccountStore:
    """Accounts by object id and by place, the number that orders the enumeration."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, body: Body, *, password: bytes | None) -> int:
        """Adds an account; gives its place."""
        place = self._db.run("insert", (body["id"], encode_body(body), password)).lastrowid
        assert place is not None  # noqa: S101  SQLite sets it on every insert
        return place

    def update(self, account: Account) -> None:
        """Writes body, password and deletion mark of an account that exists."""
        self._db.run("update", (encode_body(account.body), account.password, account.deleted_s, account.seq))

    def delete(self, place: int) -> None:
        """Removes the account for good."""
        self._db.run("delete", (place,))

    def by_id(self, object_id: str) -> Account | None:
        """The account with this object id, live or deleted."""
        row = self._db.run("by_id", (object_id.lower(),)).fetchone()
        return None if row is None else _account(row)

    def by_place(self, place: int) -> Account | None:
        """The account at this place, live or deleted."""
        row = self._db.run("by_seq", (place,)).fetchone()
        return None if row is None else _account(row)

    def page(self, kind: Literal["live", "lagging", "deleted"], *, after: int, limit: int) -> list[Account]:
        """At most `limit` accounts behind place `after`, in order of place."""
        return [_account(row) for row in self._db.run(f"page_{kind}", (after, limit)).fetchall()]

    def deleted_before(self, moment_s: float) -> list[Account]:
        """The accounts that went to the recycle bin before this moment."""
        return [_account(row) for row in self._db.run("deleted_before", (moment_s,)).fetchall()]

    def drop_attribute(self, name: str) -> None:
        """Takes the attribute's values from every account, as deleting an extension attribute does."""
        path = f'$."{name}"'
        self._db.run("drop_attribute", (path, path))


def _account(row: tuple[int, str, str, bytes | None, float | None]) -> Account:
    return Account(seq=row[0], id=row[1], body=_decode(row[2]), password=row[3], deleted_s=row[4])


def _named_queries() -> dict[str, str]:
    text = resources.files("idferry.emulator").joinpath("store.sql").read_text(encoding="utf-8")
    sections = text.split("-- name: ")[1:]
    return {
        name.strip(): query.strip() for name, _, query in (section.partition("\n") for section in sections)
    }
