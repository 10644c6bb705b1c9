"""SQL lives in .sql files; this reads them. It must not build SQL from values.

A file holds blocks `-- name: some_query`, each followed by one statement or by a piece of one.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def named_queries(file: str) -> Mapping[str, str]:
    """Name -> SQL of every block in `ledger/queries/<file>.sql`."""
    text = files("idferry.ledger").joinpath("queries", f"{file}.sql").read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    queries = dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
    assert len(queries) == len(parts) // 2  # noqa: S101  one of two queries of the same name would be lost
    return MappingProxyType(queries)


def migrations() -> tuple[str, ...]:
    """The SQL scripts that lead from an empty file to today's schema; the n-th leads to user_version n."""
    folder = files("idferry.ledger").joinpath("migrations")
    scripts = sorted((one for one in folder.iterdir() if one.name.endswith(".sql")), key=lambda one: one.name)
    return tuple(script.read_text(encoding="utf-8") for script in scripts)
