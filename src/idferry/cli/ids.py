"""`idferry ids export`: which account belongs to which old id, for applications that stored the old one."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, TextIO

import typer

from idferry.cli.options import CohortOption, JsonOption, RunOption, SettingsOption
from idferry.cli.output import figures, print_json, screen
from idferry.cli.result_files import new_files
from idferry.cli.stopping import stop_on_signals
from idferry.flows.check_selection import check_selection
from idferry.flows.export_ids import Ids, count_without_account, export_ids
from idferry.rules.entry import Selection
from idferry.rules.spreadsheet_cells import protected
from idferry.settings import read_settings
from idferry.wiring import clock_of, ledger_to_read, spared_files

SEPARATOR = " "  # of several names in one cell: no sign-in name holds a blank
COLUMNS = tuple(field.name for field in fields(Ids))

Write = Callable[[Ids], None]


class IdsFormat(StrEnum):
    """How the file is written."""

    CSV = "csv"
    JSONL = "jsonl"


def export(
    file: Annotated[Path, typer.Argument(help="Where to write it; readable for you only.", metavar="FILE")],
    file_format: Annotated[
        IdsFormat,
        typer.Option(
            "--format",
            help="csv: cells that a spreadsheet would take for a formula get an apostrophe in front; "
            "jsonl: values as they are.",
        ),
    ] = IdsFormat.CSV,
    source: Annotated[
        str, typer.Option("--source", help="Only people of this source (its name).", metavar="NAME")
    ] = "",
    run: RunOption = "",
    cohort: CohortOption = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write old and new ids of everybody who has an account: key, source, object id, legacyId, state, sign-in names.

    Example: idferry ids export ids.csv --source people
    """
    read = read_settings(settings)
    clock = clock_of(read)
    selection = Selection(run=run, source=source, cohort=cohort)
    people = 0
    with ledger_to_read(read, clock) as ledger, stop_on_signals() as stop:
        check_selection(runs=ledger.report, selection=selection)
        spared = spared_files(read, runs=ledger.report.runs())
        with new_files([file], overwrite=force, spared=spared) as [whole], _as_text(whole) as text:
            write = _writer(text, file_format)
            for people, ids in enumerate(  # noqa: B007  it counts them
                export_ids(ledger=ledger.report, selection=selection, stop=stop), start=1
            ):
                write(ids)
        without = count_without_account(ledger=ledger.report, selection=selection)
    if as_json:
        print_json(
            {"file": str(file), "format": file_format.value, "people": people, "without_account": without}
        )
        return
    rows = [("people", f"{people:,}", f"written to {file}")]
    rows.append(("without account", f"{without:,}", "not in the file: `idferry status` tells why"))
    screen().print(figures(rows))


@contextmanager
def _as_text(whole: BinaryIO) -> Iterator[TextIO]:
    """Text in UTF-8, line ends as written; half a character, which no file can hold, is shown by its code."""
    text = io.TextIOWrapper(whole, encoding="utf-8", errors="backslashreplace", newline="")
    try:
        yield text
    finally:
        text.detach()


def _writer(file: TextIO, file_format: IdsFormat) -> Write:
    match file_format:
        case IdsFormat.CSV:
            return _csv_writer(file)
        case IdsFormat.JSONL:
            return lambda ids: _write_line(file, ids)


def _csv_writer(file: TextIO) -> Write:
    """RFC 4180, every cell quoted: a spreadsheet that separates by semicolons must not split one either."""
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)

    def write(ids: Ids) -> None:
        cells = asdict(ids).values()
        writer.writerow(
            [protected(cell if isinstance(cell, str) else SEPARATOR.join(cell)) for cell in cells]
        )

    return write


def _write_line(file: TextIO, ids: Ids) -> None:
    text = json.dumps(asdict(ids), ensure_ascii=False)
    whole = text if text.isprintable() else json.dumps(asdict(ids))  # half a character has a code in JSON
    file.write(f"{whole}\n")
