"""RESULTS.md: the table, with the machine and the day it was measured on. No host name and no path gets into it."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.rows import Row

_HEAD = """# Benchmark results

Written by `make bench`; do not edit. Each ratio was measured side by side in the same run, as the best of interleaved
repetitions. A target that was not reached stays here as it was measured. `python -m benchmarks NAME` measures one part
again and leaves the others as they stand.
"""
_VERDICTS = {True: "yes", False: "**no**", None: ""}
_SECTION = re.compile(r"^## (\w+)$", re.MULTILINE)


def page(results: Mapping[str, Sequence[Row]], *, on: date, part: float, before: str = "") -> str:
    """The whole page; `results` maps the name of a benchmark to its rows, `before` is the page they are written into."""
    _, *parts = _SECTION.split(before)
    sections = {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
    sections |= {name: _section(rows, on=on, part=part) for name, rows in results.items()}
    return "\n".join([_HEAD, *(f"## {name}\n\n{text}\n" for name, text in sections.items())])


def _section(rows: Sequence[Row], *, on: date, part: float) -> str:
    lines = [f"{_machine()}, {on.isoformat()}."]
    if part != 1:
        lines.append(f"\n**Scaled to {part:g} of the full size: the figures prove nothing.**")
    lines += [
        "",
        "| what | compared with | target | measured | reached | figures |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_line, rows)])


def _line(row: Row) -> str:
    cells = (
        row.what,
        row.compared_with,
        row.target,
        row.measured,
        _VERDICTS[row.holds],
        "; ".join(row.figures),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores ({_processor()}), {platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.processor() or "unknown"
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, "unknown")
