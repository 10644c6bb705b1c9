"""The accounts of one emulated tenant on disk, so that a million of them cost disk space and not memory.

One SQLite file in the run's temporary folder, thrown away with it: nothing here is durable, and nothing decides.
Rules about what may be stored, seen or changed live in `directory` and `graph/`.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

Channel = Literal["get", "filter", "sign_in"]
LookupKey = tuple[str, str]  # attribute, compared value

PAGE_CACHE_KIB = 16 * 1024
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Account:
    """One account: `body` holds Graph's property names; `password` is salt and digest, or None."""

    seq: int
    id: str
    body: dict[str, Any]
    password: bytes | None
    deleted_s: float | None


@dataclass(frozen=True, slots=True)
class SeenUntil:
    """Until when (seconds since 1970) each kind of reader is shown the state before a change."""

    get: float
    filter: float
    sign_in: float


class AccountStore:
    """Keeps accounts and the values they are found by.

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

    def close(self) -> None:
        """Gives the file up."""
        self._db.close()

    def clear(self) -> None:
        """Forgets every account."""
        for statement in self._sql["clear"].split(";"):
            self._db.execute(statement)

    def insert(self, *, body: dict[str, Any], password: bytes | None, keys: Iterable[LookupKey]) -> int:
        """Adds an account and the values it is found by; gives its place in the enumeration."""
        cursor = self._db.execute(self._sql["insert"], (body["id"], _encode(body).decode(), password))
        seq = cursor.lastrowid
        assert seq is not None  # noqa: S101  SQLite sets it on every insert
        self.add_keys(seq, keys=keys)
        return seq

    def update(self, account: Account) -> None:
        """Writes body, password and deletion mark of an account that exists."""
        row = (_encode(account.body).decode(), account.password, account.deleted_s, account.seq)
        self._db.execute(self._sql["update"], row)

    def delete(self, seq: int) -> None:
        """Removes the account for good; its lookup values must have gone before."""
        self._db.execute(self._sql["delete"], (seq,))
        self._db.execute(self._sql["older_forget"], (seq,))

    def add_keys(self, seq: int, *, keys: Iterable[LookupKey]) -> None:
        """Makes the account found by these values."""
        self._db.executemany(self._sql["lookup_insert"], [(name, value, seq) for name, value in keys])

    def drop_keys(self, seq: int, *, keys: Iterable[LookupKey]) -> None:
        """Makes the account not found by these values any more."""
        self._db.executemany(self._sql["lookup_delete"], [(name, value, seq) for name, value in keys])

    def by_id(self, object_id: str) -> Account | None:
        """The account with this object id, live or deleted."""
        return self._one("by_id", object_id)

    def by_seq(self, seq: int) -> Account | None:
        """The account at this place of the enumeration, live or deleted."""
        return self._one("by_seq", seq)

    def found_by(self, key: LookupKey) -> list[int]:
        """Places of the accounts that hold this value now."""
        return [row[0] for row in self._db.execute(self._sql["lookup_exact"], key)]

    def found_between(self, attribute: str, *, low: str, high: str) -> list[int]:
        """Places of the accounts whose value of `attribute` lies in low <= value < high."""
        return [row[0] for row in self._db.execute(self._sql["lookup_range"], (attribute, low, high))]

    def page(self, kind: Literal["live", "lagging", "deleted"], *, after: int, limit: int) -> list[Account]:
        """At most `limit` accounts behind place `after`, in order of place."""
        rows = self._db.execute(self._sql[f"page_{kind}"], (after, limit))
        return [_account(row) for row in rows.fetchall()]

    def page_by_name(self, *, after: tuple[str, int], limit: int) -> list[tuple[str, int]]:
        """At most `limit` (lower-case display name, place) behind `after`, in that order."""
        return self._db.execute(self._sql["page_by_name"], (*after, limit)).fetchall()

    def count(self) -> tuple[int, int]:
        """How many accounts are live, and how many are in the recycle bin."""
        total, deleted = self._db.execute(self._sql["count"]).fetchone()
        return total - deleted, deleted

    def deleted_before(self, moment_s: float) -> list[int]:
        """Places of the accounts that went to the recycle bin before this moment."""
        return [row[0] for row in self._db.execute(self._sql["deleted_before"], (moment_s,))]

    def drop_attribute(self, name: str) -> None:
        """Takes the attribute's values from every account, as deleting an extension attribute does."""
        path = f'$."{name}"'
        self._db.execute(self._sql["drop_attribute"], (path, path))
        self._db.execute(self._sql["lookup_drop_attribute"], (name,))

    def keep_older(
        self, seq: int, *, body: dict[str, Any] | None, password: bytes | None, until: SeenUntil
    ) -> None:
        """Remembers the state before a change for readers that lag; `body` None: there was no account."""
        text = None if body is None else _encode(body).decode()
        row = (seq, text, password, until.get, until.filter, until.sign_in)
        self._db.execute(self._sql["older_insert"], row)

    def older(
        self, seq: int, *, channel: Channel, now_s: float
    ) -> tuple[dict[str, Any] | None, bytes | None] | None:
        """The state that this kind of reader is still shown, or None when it sees the present one."""
        row = self._db.execute(self._sql[f"older_first_{channel}"], (seq, now_s)).fetchone()
        if row is None:
            return None
        return (None if row[0] is None else _decode(row[0])), row[1]

    def lagging_places(self, *, now_s: float) -> Iterator[int]:
        """Places of the accounts of which an older state may still be shown."""
        for row in self._db.execute(self._sql["older_present"], {"now": now_s}).fetchall():
            yield row[0]

    def prune_older(self, *, now_s: float) -> bool:
        """Forgets older states that nobody is shown any more; tells whether any remain."""
        self._db.execute(self._sql["older_prune"], {"now": now_s})
        return bool(self._db.execute(self._sql["older_any"]).fetchone()[0])

    def _one(self, query: str, value: str | int) -> Account | None:
        row = self._db.execute(self._sql[query], (value,)).fetchone()
        return None if row is None else _account(row)


def _account(row: tuple[int, str, str, bytes | None, float | None]) -> Account:
    return Account(seq=row[0], id=row[1], body=_decode(row[2]), password=row[3], deleted_s=row[4])


def _named_queries() -> dict[str, str]:
    text = resources.files("idferry.emulator").joinpath("store.sql").read_text(encoding="utf-8")
    sections = text.split("-- name: ")[1:]
    return {
        name.strip(): query.strip() for name, _, query in (section.partition("\n") for section in sections)
    }
