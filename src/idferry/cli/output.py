"""How results reach people and scripts: tables and sentences, or one JSON document on standard output.

Progress and messages go to standard error, so that standard output holds the result and nothing else.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from idferry.errors import IdferryError, UsageError

INDENT = "  "


def screen() -> Console:
    """Standard output for people. Wide tables are cut at the terminal's width, never wrapped into each other."""
    return Console(highlight=False, soft_wrap=False)


def messages() -> Console:
    """Standard error for people: progress, errors, remedies."""
    return Console(stderr=True, highlight=False)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document, one line, keys in the order in which the reference page lists them."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")


def print_error(error: IdferryError, *, as_json: bool) -> None:
    """Say what happened and what to do next; never a traceback."""
    console = messages()
    console.print(f"[bold red]error[/] [dim]({error.code})[/]:", end=" ")
    console.print(str(error), markup=False, soft_wrap=True)
    console.print("[bold]what to do[/]:", end=" ")
    console.print(error.remedy, markup=False, soft_wrap=True)
    if as_json:
        print_json({"error": {"code": error.code, "message": str(error), "remedy": error.remedy}})


def write_file(path: Path, text: str) -> None:
    """Write a result file, never over an existing one.

    Raises:
        UsageError: it exists, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already", remedy="Name another file, or move it away.") from error
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", remedy="Name another place."
        ) from error


def counts(table: Mapping[str, int]) -> str:
    """`a 3 · b 1`, largest first; a dash for nothing."""
    ordered = sorted(table.items(), key=lambda item: (-item[1], item[0]))
    return " · ".join(f"{name} {count:,}" for name, count in ordered if count) or "-"


def facts(rows: Iterable[Sequence[str]]) -> Table:
    """A table without lines: a name, a right-aligned figure, and what it is made of."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(INDENT + row[0], *row[1:])
    return table


def listing(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table with a heading line; the last column takes the room that is left."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for position, name in enumerate(columns):
        table.add_column(
            name,
            overflow="fold" if position == len(columns) - 1 else "ellipsis",
            no_wrap=position < len(columns) - 1,
        )
    for row in rows:
        table.add_row(*row)
    return table
