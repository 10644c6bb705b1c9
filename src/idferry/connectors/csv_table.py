"""CSV with a heading, whose columns a mapping names: what databases and spreadsheets hand out.

Cells with line ends in them, any of three delimiters, records that are broken by a stray quote: the line numbers hold
and the other records are read. A column that nobody has named stops the reading, because it may hold anything.
This module must not judge a record. The page docs/reference/csv.md describes every field.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import BinaryIO

from idferry.connectors.export_file import (
    AS_UTF8,
    RECORD_BYTES_MAX,
    ExportFile,
    FieldProblem,
    attribute_name_problem,
    distinct,
    federated_identity,
    instant,
    nearest,
    open_export,
    record_digest,
    shown,
    truth,
)
from idferry.errors import SourceError
from idferry.ports import SourceRecord
from idferry.rules.attributes import (
    LENGTHS_MAX,
    AttributeValue,
    extension_name_problem,
    is_sensitive_name,
    takes_list,
)
from idferry.rules.legacy_user import BadRecord, LegacyUser, Place, fallback_key
from idferry.rules.names import ASCII_BLANKS, Identity, SignInType, local_identity
from idferry.rules.password import Password
from idferry.rules.spreadsheet_cells import unprotected
from idferry.rules.stored_hash import StoredHash
from idferry.rules.withholding import without_copies

DELIMITERS = (",", ";", "\t")
LIST_SEPARATOR = ";"
SECRET_FIELD = "password"
HASH_FIELD, SALT_FIELD, HASHED_NAME_FIELD = "passwordHash", "passwordSalt", "hashedName"
SECRET_FIELDS = frozenset({SECRET_FIELD, HASH_FIELD, SALT_FIELD, HASHED_NAME_FIELD})
"""What no copy of a table repeats."""
KEY_FIELD = "key"
KEY_COLUMN = "idferryKey"
"""The column that `status --export-failures` adds where the table has no key: there a sign-in name may be mended."""

_SIGN_IN_TYPES: Mapping[str, SignInType | None] = MappingProxyType(
    {"signInName": None, "userName": SignInType.USER_NAME, "emailAddress": SignInType.EMAIL_ADDRESS}
)
_OTHER_FIELDS = (
    "key",
    "displayName",
    "givenName",
    "surname",
    "email",
    "password",
    "passwordHash",
    "passwordSalt",
    "hashedName",
    "lastSignIn",
    "accountEnabled",
)
FIELDS = (*_SIGN_IN_TYPES, *_OTHER_FIELDS, "issuer", "issuerUserId")
_NOT_ATTRIBUTES = frozenset(FIELDS) - {"givenName", "surname"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSource(ExportFile):
    """A legacy source in a CSV file. Satisfies `ports.LegacySource`.

    `columns`: name in the heading -> field, attribute or extension attribute; "" leaves the column out. Columns that
    it does not name must be called like a field or a Graph attribute. `delimiter`: None recognises , ; and tab.
    `written_by_us`: cells are protected as in `rules.spreadsheet_cells`, and password columns may be missing.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    written_by_us: bool = False

    def __post_init__(self) -> None:
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise SourceError(
                f"the delimiter of the source {self.name} is not one character",
                remedy="Leave the delimiter out, or set it to the one character between two cells.",
            )

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        """Stream the rows behind the heading; rows without any value are none.

        Raises:
            SourceError: the file cannot be read, has no heading, or a column that neither it nor the mapping explains.
        """
        with open_export(self.path) as stream:
            table = self.rows(stream)
            targets = self.targets(next(table, None))
            for ordinal, row in enumerate(table):
                yield read_row(row, targets, self.name, Place(self.path.name, row.line, ordinal))

    def rows(self, stream: BinaryIO) -> "Iterator[Row | BadRecord]":
        """The records as they are written, the heading first."""
        table = rows(stream, file=self.path.name, delimiter=self.delimiter)
        if not self.written_by_us:
            return table
        return (
            one if isinstance(one, BadRecord) else Row(one.line, list(map(unprotected, one.cells)))
            for one in table
        )

    def targets(self, heading: "Row | BadRecord | None") -> list[str]:
        """What each column of the heading means. Raises SourceError."""
        if not isinstance(heading, Row):
            what = f"line {heading.line}: the heading {heading.reason}" if heading else "it has no heading"
            raise SourceError(
                f"{self.path}, {what}", remedy=f"Write the column names in the first line. {AS_UTF8}"
            )
        names = [name.strip() for name in heading.cells]
        self._check_heading(names)
        needed = (
            one for one in self.columns if not (self.written_by_us and self.columns[one] in SECRET_FIELDS)
        )
        missing = [column for column in needed if column not in names]
        if missing:
            raise SourceError(
                f"{self.path} has no column {shown(missing[0])}, which the mapping names; "
                f"the nearest: {nearest(missing[0], names)}",
                remedy="Correct the column's name in the source's columns; upper and lower case count.",
            )
        targets = [self._target(name) for name in names]
        for target in targets:
            if target and targets.count(target) > 1:
                raise SourceError(
                    f"{self.path} has more than one column for {target}",
                    remedy='Map all but one of them to "".',
                )
        if not {*_SIGN_IN_TYPES, "issuerUserId"}.intersection(targets):
            raise SourceError(
                f"{self.path} has no column with a sign-in name",
                remedy=f"Map a column to one of {', '.join(_SIGN_IN_TYPES)}, or to issuer and issuerUserId.",
            )
        return targets

    def _check_heading(self, names: Sequence[str]) -> None:
        """Refuse a first line in which nothing is known: it may be a person, so none of its cells is shown."""
        known = {*_known_names(), *(column.lower() for column in self.columns)}
        if not any(name.lower() in known for name in names):
            raise SourceError(
                f"{self.path}: none of the {len(names)} columns that the first line names is known",
                remedy="Write the column names in the first line; name those that are neither a field nor an "
                "attribute in the source's columns.",
            )

    def _target(self, column: str) -> str:
        known = _known_names()
        if column not in self.columns:
            if column.lower() not in known:
                raise SourceError(
                    f"{self.path}: nobody has said what the column {shown(column)!r} means; "
                    f"the nearest: {nearest(column, known.values())}",
                    remedy='Name the column in the source\'s columns: a field, an attribute, or "" to leave it out.',
                )
            return known[column.lower()]
        target = self.columns[column]
        meant = known.get(target.lower(), target)
        if target and target not in SECRET_FIELDS and is_sensitive_name(column):
            raise SourceError(
                f"{self.path}: the column {shown(column)!r} is a secret by its name and is mapped to {shown(target)!r}",
                remedy=f'Map it to {SECRET_FIELD} or {HASH_FIELD} if it holds those, else to "". A column that is no '
                "secret needs another name in the heading.",
            )
        problem = f"write it {meant}" if meant != target else None
        if target and target not in known.values():
            problem = problem or attribute_name_problem(target) or extension_name_problem(target)
        if problem:
            raise SourceError(
                f"{self.path}: the column {shown(column)!r} is mapped to {shown(target)!r}: {problem}",
                remedy=f"The nearest known names: {nearest(target, known.values())}.",
            )
        return target


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one record and the line it begins in."""

    line: int
    cells: Sequence[str]


def rows(stream: BinaryIO, *, file: str, delimiter: str | None = None) -> Iterator[Row | BadRecord]:
    """The records of a CSV file, the heading first; a broken one costs its first line only.

    Each Row has as many cells as the heading. A delimiter is chosen by the heading when none is given.
    """
    lines = _Lines(stream)
    reader = csv.reader(lines, delimiter=delimiter or lines.likely_delimiter(), strict=True)
    columns = None
    while True:
        lines.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield BadRecord(
                file,
                lines.give_back(),
                "",
                "is broken: a quote is not closed, a cell is too long, or a line ends with CR alone",
            )
            continue
        problem = lines.problem
        if problem is None and not any(cells):
            continue
        if problem is None and columns not in (None, len(cells)):
            problem = f"has {len(cells)} cells, the heading has {columns}"
        if problem:
            yield BadRecord(file, lines.first, "", problem)
        else:
            columns = columns or len(cells)
            yield Row(lines.first, cells)


def likely_delimiter(stream: BinaryIO) -> str:
    """The delimiter that the heading, the next line of the stream, suggests."""
    return _Lines(stream).likely_delimiter()


class _Lines:
    """Feeds lines to the csv module, counts them, and can take the lines of a broken record back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._behind = 0
        self._returned: deque[tuple[int, bytes]] = deque()
        self._taken: list[tuple[int, bytes]] = []
        self.problem: str | None = None

    def begin_record(self) -> None:
        self._taken.clear()
        self.problem = None

    @property
    def first(self) -> int:
        """The line in which the record begins."""
        return self._taken[0][0]

    def give_back(self) -> int:
        """Take back every line of the record but its first, whose number is returned."""
        self._returned.extendleft(reversed(self._taken[1:]))
        return self.first

    def likely_delimiter(self) -> str:
        number, line = self._read()
        self._returned.append((number, line))
        heading = line.decode(errors="replace").strip("\r\n")

        def columns(delimiter: str) -> int:
            try:
                return len(next(csv.reader([heading], delimiter=delimiter), ()))
            except csv.Error:
                return 0

        return max(DELIMITERS, key=columns)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        number, line = self._returned.popleft() if self._returned else self._read()
        if not line:
            raise StopIteration
        self._taken.append((number, line))
        if len(line) > RECORD_BYTES_MAX:
            self.problem = f"has a line longer than {RECORD_BYTES_MAX} bytes"
            return "\n"
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.problem = "is not UTF-8"
            return line.decode(errors="replace")

    def _read(self) -> tuple[int, bytes]:
        self._behind += 1
        line = rest = self._stream.readline(RECORD_BYTES_MAX + 1)
        while len(rest) > RECORD_BYTES_MAX and not rest.endswith(b"\n"):
            rest = self._stream.readline(RECORD_BYTES_MAX + 1)
        return self._behind, line


def _known_names() -> dict[str, str]:
    """Fields and attributes by their name in lower case."""
    return {name.lower(): name for name in (*FIELDS, *LENGTHS_MAX)} | {KEY_COLUMN.lower(): KEY_FIELD}


def read_row(
    row: Row | BadRecord, targets: Sequence[str], source: str, place: Place
) -> SourceRecord | BadRecord:
    """The record in one row, or what is wrong with it."""
    if isinstance(row, BadRecord):
        return row
    try:
        return _person(_by_field(row, targets), source, place)
    except FieldProblem as problem:
        return BadRecord(place.file, place.line, problem.field, problem.reason)


def _by_field(row: Row, targets: Sequence[str]) -> dict[str, str]:
    """The cells that hold something, by what their column means. A cell of blanks holds nothing, but for a password."""
    found = {
        target: cell
        for target, cell in zip(targets, row.cells, strict=True)
        if target and cell and (target == SECRET_FIELD or cell.strip(ASCII_BLANKS))
    }
    if KEY_FIELD in targets and KEY_FIELD not in found:
        raise FieldProblem(KEY_FIELD, "is empty")
    return found


def _person(fields: dict[str, str], source: str, place: Place) -> SourceRecord:
    password = fields.pop(SECRET_FIELD, None)
    hashed = _hashed(fields)
    identities = distinct(_identities(fields))
    key = fields.get(KEY_FIELD, "").strip(ASCII_BLANKS)
    user = LegacyUser(
        source=source,
        key=key or fallback_key(identities) or f"record {place.ordinal + 1}",
        place=place,
        identities=identities,
        display_name=fields.get("displayName", ""),
        attributes={name: _value(name, cell) for name, cell in fields.items() if name not in _NOT_ATTRIBUTES},
        contact_email=fields.get("email", ""),
        last_sign_in=instant(fields["lastSignIn"], field="lastSignIn") if "lastSignIn" in fields else None,
        enabled=truth(fields["accountEnabled"], field="accountEnabled")
        if "accountEnabled" in fields
        else True,
        record_digest=record_digest(fields),
    )
    if password is None:
        return SourceRecord(user, None, hashed)
    secret = Password(password)
    return SourceRecord(without_copies(user, secret), secret, hashed)


def _hashed(fields: dict[str, str]) -> StoredHash | None:
    """Taken out of the fields before anything is counted or compared: another hash is no other record."""
    value, salt, name = (fields.pop(one, "") for one in (HASH_FIELD, SALT_FIELD, HASHED_NAME_FIELD))
    return StoredHash(value, salt, name) if value else None


def _value(name: str, cell: str) -> AttributeValue:
    if takes_list(name):
        return tuple(
            part.strip(ASCII_BLANKS) for part in cell.split(LIST_SEPARATOR) if part.strip(ASCII_BLANKS)
        )
    return cell


def _identities(fields: Mapping[str, str]) -> Iterable[Identity]:
    for name, sign_in_type in _SIGN_IN_TYPES.items():
        if name in fields:
            yield local_identity(fields[name], sign_in_type)
    if "issuer" in fields or "issuerUserId" in fields:
        yield federated_identity(fields.get("issuer", ""), fields.get("issuerUserId", ""))
