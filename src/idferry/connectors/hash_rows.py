"""Test rows for password hashes, as JSON Lines: `hash`, `password`, and what tells how the hash is to be read.

People write them by hand or with a script, so a row that cannot be read is told with its line and never stops the rest.
The page docs/how-to/check-password-hashes.md describes every field.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from idferry.errors import SourceError
from idferry.hashes import Descriptor, Malformed, Unsupported, described_hash
from idferry.ports.hash_cases import HashCase
from idferry.rules.password import Password

ROW_BYTES_MAX = 65_536
_FIELDS = frozenset({"hash", "password", "expect", "hashed_name", "username", "line", "comment"})
_DESCRIPTOR_FIELDS = (*(one.name for one in fields(Descriptor)), "salt_position")
VERDICTS = ("match", "mismatch", "malformed", "unsupported")


@dataclass(frozen=True, slots=True)
class HashRows:
    """A file of test rows. Satisfies `ports.HashCases`."""

    path: Path

    def cases(self) -> Iterator[HashCase]:
        """Stream the rows; blank lines are none.

        Raises:
            SourceError: the file cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(_lines(file), start=1):
                    if line.strip():
                        yield _case(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read: {error.strerror}") from error


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long a piece that is too long as well, and no more."""
    while line := file.readline(ROW_BYTES_MAX + 1):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(ROW_BYTES_MAX)
        yield line


def _case(number: int, line: bytes) -> HashCase:
    if len(line) > ROW_BYTES_MAX:
        return _unreadable(number, f"longer than {ROW_BYTES_MAX} bytes")
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _unreadable(number, "not one JSON object on one line")
    if not isinstance(row, dict):
        return _unreadable(number, "not one JSON object on one line")
    return _read(number, row)


def _read(number: int, row: dict[str, Any]) -> HashCase:
    password, expect = row.get("password"), row.get("expect", "")
    name = row.get("hashed_name", row.get("username", ""))
    if expect is not None and expect not in ("", *VERDICTS):
        return _unreadable(number, f"expect is one of {', '.join(VERDICTS)}")
    if not isinstance(name, str) or not isinstance(password, str | None):
        return _unreadable(number, "password and hashed_name are texts", expect=expect)
    found = _described(row)
    if not isinstance(found, tuple):
        return HashCase(line=number, unreadable=found, expect=expect or "")
    value, descriptor = found
    return HashCase(
        line=number,
        value=value,
        descriptor=descriptor,
        password=None if password is None else Password(password),
        hashed_name=name,
        expect=expect or "",
    )


def _described(row: Mapping[str, Any]) -> tuple[str, Descriptor] | Malformed | Unsupported:
    """The value and its descriptor, from fields of our own or an object of Auth0's, Okta's or Keycloak's."""
    stored = row.get("custom_password_hash", row.get("hash"))
    more = {name: one for name, one in row.items() if one is not None and _describes(name)}
    if isinstance(stored, dict):
        if "algorithm" in stored:
            return described_hash(stored)
        if "value" in stored and "algorithm" in more:
            return described_hash({"hash": stored, **more})
        stored = msgspec.json.encode(stored).decode()
    if not isinstance(stored, str):
        return Malformed("the row has no hash")
    descriptor = Descriptor.of(more)
    return descriptor if isinstance(descriptor, Malformed) else (stored, descriptor)


def _describes(name: str) -> bool:
    """Whether a field tells how the hash is to be read, or is meant to: people add ids and notes of their own."""
    return name not in _FIELDS and bool(difflib.get_close_matches(name, _DESCRIPTOR_FIELDS, n=1, cutoff=0.75))


def _unreadable(number: int, reason: str, *, expect: str | None = "") -> HashCase:
    return HashCase(line=number, unreadable=Malformed(reason), expect=expect or "")
