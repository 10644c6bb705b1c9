"""How results reach people and scripts: tables and sentences, or one JSON document on standard output.

Progress and messages go to standard error, so that standard output holds the result and nothing else. On a terminal
lines end at a word before its edge; in a pipe nothing is wrapped, so that a line stays one record for `grep`.
"""

import io
import json
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from idferry.errors import IdferryError, UsageError

INDENT = "  "
GAP = "  "
PIPE_WIDTH = 10_000
SHOWN_MAX = 20
"""Rows of a list of people that a page shows; --json has all that the flow listed."""
LAST_COLUMN_WIDTH_MIN = 20
FIGURES_WIDTHS_MIN = (16, 6)  # the tables of one page stand below each other
FACTS_WIDTHS_MIN = (12,)
_TURNS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))  # the direction of writing
_LINE_ENDS = (0x2028, 0x2029)
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*_TURNS, *_LINE_ENDS, *range(0xD800, 0xE000))}
# JSON escapes what stands below U+0020 itself; the same characters escaped mean the same document.
_ESCAPED_IN_JSON = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
_ESCAPED_IN_JSON |= {code: f"\\u{code:04x}" for code in (*_TURNS, *_LINE_ENDS, *range(0xD800, 0xE000))}


def escape_what_streams_cannot_hold() -> None:
    """Let standard output and error show the code of a letter that they have not, instead of failing.

    A pipe on Windows takes one code page; a Greek name must not end a command whose work is done.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def screen() -> Console:
    """Standard output for people."""
    return _console(is_terminal=sys.stdout.isatty())


def messages() -> Console:
    """Standard error for people: progress, errors, remedies. One console, so that lines go above a progress bar."""
    return _messages_console(is_terminal=sys.stderr.isatty())


def say(console: Console, text: str, *, indent: int = 0, style: str = "") -> None:
    """Print one paragraph as it is, with no markup; every line is indented alike.

    A line break in it comes out of somebody's data and is shown, never obeyed: it could fake a line of our own.
    """
    room = max(console.width - indent, LAST_COLUMN_WIDTH_MIN)
    for line in _wrapped(Text(printable(text)), console, room):
        console.print(Text(" " * indent) + Text(line.plain, style), soft_wrap=True)


def say_command(console: Console, command: str) -> None:
    """Print a command that people copy: on a line of its own, which only the terminal itself may break."""
    console.print(Text(INDENT + printable(command)), soft_wrap=True)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document, one line, keys in the order in which the reference page lists them."""
    text = json_text(document)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json_text(document, in_ascii=True)  # an old code page: the same document
    sys.stdout.write(text + "\n")


def json_text(document: Mapping[str, Any], *, indent: int | None = None, in_ascii: bool = False) -> str:
    """A document as JSON. Characters that would steer a terminal are escaped; with `in_ascii` all but ASCII ones."""
    text = json.dumps(document, ensure_ascii=in_ascii, indent=indent, default=str)
    return text.translate(_ESCAPED_IN_JSON)


def print_error(error: IdferryError, *, as_json: bool, next_command: str = "") -> None:
    """Say what happened, what was done before, what to do and what to type next; never a traceback."""
    console = messages()
    head = Text.assemble(("error", "bold red"), (f" ({error.code})", "dim"), ": ", printable(str(error)))
    told = [("done so far", error.done), ("what to do", error.remedy), ("then", next_command)]
    rest = (Text.assemble((name, "bold"), ": ", printable(text)) for name, text in told if text)
    for text in (head, *rest):
        for line in _wrapped(text, console, console.width):
            console.print(line, soft_wrap=True)
    for line_to_copy in error.to_copy:
        say_command(console, line_to_copy)
    if as_json:
        remedy = "\n".join([error.remedy, *error.to_copy])
        document = {"code": error.code, "message": str(error), "remedy": remedy}
        document |= {"next": next_command} if next_command else {}
        print_json({"error": document, **error.document})


def print_meanings(
    console: Console, meanings: Mapping[str, str], *, examples: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Each code that a report named, what it means and, where there are some, keys to look at."""
    for code, meaning in meanings.items():
        say(console, code, indent=2, style="bold")
        say(console, meaning, indent=4)
        if examples and code in examples:
            say(console, ", ".join(examples[code]), indent=4, style="dim")


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


def command_line(words: Sequence[str]) -> str:
    """A command as people type it, quoted for the shell of this system."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def counts(table: Mapping[str, int]) -> str:
    """`a 3 · b 1`, largest first; nothing for nothing."""
    ordered = sorted(table.items(), key=lambda item: (-item[1], item[0]))
    return " · ".join(f"{name} {count:,}" for name, count in ordered if count)


@dataclass(frozen=True)
class Rows:
    """Aligned columns without a frame and without trailing blanks; the last column wraps below itself.

    `right` is the index of a column of figures, aligned to the right; `header` makes the first row bold;
    `widths_min` are the least widths of the first columns, in characters.
    """

    rows: Sequence[Sequence[str]]
    right: int | None = None
    header: bool = False
    widths_min: tuple[int, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the rows out in the width that there is."""
        widths = self._widths()
        before = len(INDENT) + sum(widths) + len(GAP) * len(widths)
        room = max(options.max_width - before, LAST_COLUMN_WIDTH_MIN)
        for number, row in enumerate(self.rows):
            head = Text(INDENT)
            for column, width in enumerate(widths):
                cell = Text(printable(row[column]))
                cell.align("right" if column == self.right else "left", width)
                head = head + cell + GAP
            last = Text(printable(row[-1].replace("\n", " ")))
            for part in _wrapped(last, console, room):
                line = head + part
                line.rstrip()
                line.stylize("bold" if self.header and number == 0 else "")
                line.no_wrap = True
                yield line
                head = Text(" " * before)

    def _widths(self) -> list[int]:
        columns = len(self.rows[0]) - 1 if self.rows else 0
        widths = [
            max(Text(printable(row[column])).cell_len for row in self.rows) for column in range(columns)
        ]
        least = (*self.widths_min, *(0 for _ in widths))
        return [max(width, minimum) for width, minimum in zip(widths, least, strict=False)]


def figures(rows: Iterable[Sequence[str]]) -> Rows:
    """Rows of a name, a figure, and what the figure is made of."""
    return Rows([tuple(row) for row in rows], right=1, widths_min=FIGURES_WIDTHS_MIN)


def facts(rows: Iterable[Sequence[str]]) -> Rows:
    """Rows of a name and what is known under it."""
    return Rows([tuple(row) for row in rows], widths_min=FACTS_WIDTHS_MIN)


def listing(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Rows:
    """Rows under a heading line; the last column takes the room that is left."""
    return Rows([tuple(columns), *(tuple(row) for row in rows)], header=True)


def printable(text: str) -> str:
    """Control characters, half characters and changes of direction made visible: a name must not steer the terminal."""
    return text.translate(_CONTROLS)


@cache
def _messages_console(*, is_terminal: bool) -> Console:
    return _console(is_terminal=is_terminal, stderr=True)


def _console(*, is_terminal: bool, stderr: bool = False) -> Console:
    # A width is fixed only for pipes: on a terminal rich follows its size.
    return Console(stderr=stderr, highlight=False, width=None if is_terminal else PIPE_WIDTH)


def _wrapped(text: Text, console: Console, width: int) -> list[Text]:
    """The lines of one paragraph, at least one, without trailing blanks."""
    lines = list(text.wrap(console, width, overflow="fold"))
    for line in lines:
        line.rstrip()
    return lines or [Text()]
