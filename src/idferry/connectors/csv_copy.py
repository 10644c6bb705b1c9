"""CSV written out again without secrets, for people to mend in a spreadsheet, and read back as corrections.

The heading stays, less its password columns, so that the source's mapping fits the copy too; cells of columns that
nobody asked for are empty. The page docs/reference/csv.md describes the format.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from types import MappingProxyType

from idferry.connectors.copying import taken
from idferry.connectors.csv_table import (
    KEY_COLUMN,
    KEY_FIELD,
    SECRET_FIELDS,
    CsvSource,
    Row,
    likely_delimiter,
    read_row,
)
from idferry.connectors.export_file import open_export
from idferry.errors import SourceError
from idferry.ports import Take
from idferry.rules.correction import (
    DISPLAY_NAME,
    EMAIL,
    EMAIL_ADDRESS,
    ENABLED,
    FEDERATED,
    LAST_SIGN_IN,
    SIGN_IN_NAME,
    USER_NAME,
    Correction,
)
from idferry.rules.legacy_user import BadRecord, Place
from idferry.rules.spreadsheet_cells import kept
from idferry.rules.withholding import CONTACT, Withholds

_SAYS = MappingProxyType(
    {
        "signInName": SIGN_IN_NAME,
        "userName": USER_NAME,
        "emailAddress": EMAIL_ADDRESS,
        "issuer": FEDERATED,
        "issuerUserId": FEDERATED,
        "displayName": DISPLAY_NAME,
        "email": EMAIL,
        "lastSignIn": LAST_SIGN_IN,
        "accountEnabled": ENABLED,
    }
)
_NAMES = (SIGN_IN_NAME, USER_NAME, EMAIL_ADDRESS)
_NOT_JUDGED = frozenset(_SAYS) - {"displayName", "email"} | {KEY_FIELD}


def plain_copy(source: CsvSource, take: Take, withholds: Withholds) -> Iterator[bytes]:
    """The heading and the wanted rows without passwords and without what is withheld, safe to open in a spreadsheet.

    Raises:
        SourceError: the file cannot be read, or its heading says nothing.
    """
    with open_export(source.path) as stream:
        line = _CsvLine(source.delimiter or likely_delimiter(stream))
    with open_export(source.path) as stream:
        table = source.rows(stream)
        heading = next(table, None)
        targets = source.targets(heading)
        assert isinstance(heading, Row)  # noqa: S101  targets() refuses everything else
        added = [] if KEY_FIELD in targets else [KEY_COLUMN]
        places = [place for place, target in enumerate(targets) if target not in SECRET_FIELDS]
        yield line.of([*(heading.cells[place] for place in places), *added])
        meant = [targets[place] for place in places]
        for key, cells in taken(_keyed(table, targets, places, source), take):
            plain = [_cell(target, cell, withholds) for target, cell in zip(meant, cells, strict=True)]
            yield line.of([*plain, *([key] if added else [])])


def corrections(source: CsvSource, *, names: Sequence[str] = ()) -> Iterator[Correction | BadRecord]:
    """The rows of a mended file, each with what its columns speak of.

    `names`: the columns with sign-in names that the mended table had.

    Raises:
        SourceError: the file cannot be read, or one of those columns is gone: nobody knows whose names are meant then.
    """
    with open_export(source.path) as stream:
        table = source.rows(stream)
        targets = source.targets(next(table, None))
        gone = [name for name in names if name not in targets]
        if gone and set(_NAMES).intersection(targets):
            raise SourceError(
                f"{source.path} has no column for {gone[0]}, in which the source {source.name} has sign-in names",
                remedy="Put that column back, filled as in the source, or mend these records as JSON Lines.",
            )
        says = frozenset(_SAYS.get(target, target) for target in targets if target)
        for ordinal, row in enumerate(table):
            read = read_row(row, targets, source.name, Place(source.path.name, row.line, ordinal))
            yield read if isinstance(read, BadRecord) else Correction(read.user, says)


def name_columns(source: CsvSource) -> list[str]:
    """Which columns of the table hold sign-in names, by their fields. Raises SourceError."""
    with open_export(source.path) as stream:
        targets = source.targets(next(source.rows(stream), None))
    return [name for name in _NAMES if name in targets]


def _keyed(
    table: Iterator[Row | BadRecord], targets: Sequence[str], places: Sequence[int], source: CsvSource
) -> Iterator[tuple[str, list[str]]]:
    for ordinal, row in enumerate(table):
        read = read_row(row, targets, source.name, Place(source.path.name, row.line, ordinal))
        if isinstance(row, Row) and not isinstance(read, BadRecord):
            withheld = read.user.withheld
            yield read.user.key, [_not_withheld(row.cells[one], targets[one], withheld) for one in places]


def _not_withheld(cell: str, target: str, withheld: Sequence[str]) -> str:
    return "" if withheld and (CONTACT if target == "email" else target) in withheld else cell


def _cell(target: str, cell: str, withholds: Withholds) -> str:
    if not target:
        return ""
    return cell if target in _NOT_JUDGED or not withholds(target, cell) else ""


class _CsvLine:
    """Writes one line at a time, every cell protected."""

    def __init__(self, delimiter: str) -> None:
        self._buffer = io.StringIO()
        self._writer = csv.writer(self._buffer, delimiter=delimiter, lineterminator="\r\n")

    def of(self, cells: Sequence[str]) -> bytes:
        """The line of these cells."""
        self._buffer.seek(0)
        self._buffer.truncate()
        self._writer.writerow(map(kept, cells))
        return self._buffer.getvalue().encode()
