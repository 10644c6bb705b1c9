"""SQL of the stores lives in .sql files; this reads them. It must not build SQL from values.

A file holds blocks `-- name: some_query`, each followed by one statement.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from sqlite3 import complete_statement
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_PACKAGE = "idferry.stores"


def named_queries(file: str) -> Mapping[str, str]:
    """Name -> SQL of every block in `stores/queries/<file>.sql`."""
    text = files(_PACKAGE).joinpath("queries", f"{file}.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    queries = dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
    assert len(queries) == len(parts) // 2  # noqa: S101  one of two queries of the same name would be lost
    return MappingProxyType(queries)


def migrations(store: str) -> tuple[str, ...]:
    """The scripts `stores/migrations/<store>_NNNN_*.sql`; the n-th leads to user_version n."""
    folder = files(_PACKAGE).joinpath("migrations")
    mine = (one for one in folder.iterdir() if one.name.startswith(f"{store}_") and one.name.endswith(".sql"))
    scripts = sorted(mine, key=lambda one: one.name)
    return tuple(script.read_text(encoding="utf-8") for script in scripts)


def statements(script: str) -> Iterator[str]:
    """One by one: sqlite3's executescript would commit the transaction that makes a migration all or nothing."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if complete_statement(statement):
            yield statement
            statement = ""
