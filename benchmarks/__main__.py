"""`python -m benchmarks [NAME ...]`: run benchmarks, print their rows, and write them into RESULTS.md.

Results of another size than the full one are printed only, unless --output names a file.
"""

import argparse
import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import page
from benchmarks.rows import Bench, Row
from idferry.wiring.system import SystemClock

# In this order they stand in the table. Each module has `rows(bench)`, see `rows.Benchmark`.
NAMES = (
    "quota",
    "sending",
    "latency",
    "rehearsal",
    "memory",
    "survey",
    "status_endpoint",
    "guard",
    "hashes",
    "beside_an_import",
    "crowd",
    "external_id_call",
)
RESULTS = Path(__file__).parent / "RESULTS.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    asked = _parse(arguments)
    names = asked.names or NAMES
    results = {name: _run(name, asked.part) for name in names}
    today = SystemClock().now().date()
    print(page(results, on=today, part=asked.part))
    output = asked.output or (RESULTS if asked.part == 1 else None)
    if output:
        # A part that is measured again replaces itself; a run of everything begins a new page.
        before = output.read_text(encoding="utf-8") if asked.names and output.exists() else ""
        output.write_text(page(results, on=today, part=asked.part, before=before), encoding="utf-8")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which benchmarks; all by default")
    parser.add_argument("--part", type=float, default=1.0, help="how much of the full size is measured")
    parser.add_argument("--output", type=Path, help="write the page to this file")
    return parser.parse_args(arguments)


def _run(name: str, part: float) -> list[Row]:
    module = importlib.import_module(f"benchmarks.{name}")
    with tempfile.TemporaryDirectory(prefix="idferry-bench-") as folder:
        found = []
        for row in module.rows(Bench(folder=Path(folder), part=part, say=_say)):
            _say(f"{row.what}: {row.measured} (target {row.target}) {'; '.join(row.figures)}")
            found.append(row)
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
