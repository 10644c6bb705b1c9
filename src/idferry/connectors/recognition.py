"""Which kind of export a path is, for people who name a file and no kind.

A guess from the extension and the first bytes; where two kinds are possible it asks instead of guessing. It must not
read more than the beginning of the file, and it must not open a source.
"""

import re
from pathlib import Path
from typing import Literal

import msgspec

from idferry.connectors.export_file import open_export
from idferry.errors import SourceError

Kind = Literal["json_lines", "users_data", "csv"]

HEAD_BYTES = 64 * 1024
_BY_EXTENSION: dict[str, tuple[Kind, ...]] = {
    ".jsonl": ("json_lines",),
    ".ndjson": ("json_lines",),
    ".json": ("users_data", "json_lines"),
    ".csv": ("csv",),
    ".tsv": ("csv",),
    ".txt": ("csv", "json_lines", "users_data"),
}
_USERS_DATA_NAMES = re.compile(rb'"(?:userType|Users)"\s*:', re.IGNORECASE)
_COMMENTS = re.compile(rb"\s*(?://[^\n]*\n\s*)*")


def recognise(path: Path) -> Kind:
    """The kind of this export.

    Raises:
        SourceError: unreadable, no kind fits, or more than one does.
    """
    fitting = candidates(path)
    if len(fitting) == 1:
        return fitting[0]
    found = f"may be any of {', '.join(fitting)}" if fitting else "is of no kind that is known"
    raise SourceError(
        f"{path} {found}",
        remedy="Name the source in the settings with its kind: json_lines, users_data or csv.",
    )


def candidates(path: Path) -> tuple[Kind, ...]:
    """Every kind that fits the extension and the first bytes, the likeliest first. Raises SourceError (unreadable)."""
    with open_export(path) as stream:
        head = stream.read(HEAD_BYTES)
    by_content = _by_content(head)
    by_extension = _BY_EXTENSION.get(path.suffix.lower())
    return by_content if by_extension is None else tuple(kind for kind in by_extension if kind in by_content)


def _by_content(head: bytes) -> tuple[Kind, ...]:
    start = _COMMENTS.match(head)
    body = head[start.end() :] if start else head
    if body.startswith(b"["):
        return ()
    if not body.startswith(b"{"):
        return ("csv",)
    names = _names_of_object(body.partition(b"\n")[0])
    if names is not None:
        return ("users_data",) if "users" in names else ("json_lines",)
    return ("users_data",) if _USERS_DATA_NAMES.search(body) else ("users_data", "json_lines")


def _names_of_object(line: bytes) -> set[str] | None:
    """The names in a line that is one whole JSON object, in lower case; None for any other line."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return {name.lower() for name in found} if isinstance(found, dict) else None
