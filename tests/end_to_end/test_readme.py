"""README shows what the demo really prints: the demo is run, and every line of README's picture of it must come."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ELIDED = "..."
# What differs from run to run: the id of a run, the temporary folder.
VARIABLE = (
    (re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{4}"), "2026-11-20-4f3a"),
    (re.compile(r"\S+/people\.jsonl"), "people.jsonl"),
)


def plain(text: str) -> list[str]:
    """Lines as README shows them: without what differs from run to run."""
    for pattern, shown in VARIABLE:
        text = pattern.sub(shown, text)
    return [line.rstrip() for line in text.splitlines()]


def shown_in_readme() -> list[str]:
    """The lines of the console block under "What the demo shows", without the command that starts it."""
    block = README.read_text(encoding="utf-8").split("## What the demo shows")[1].split("```console\n")[1]
    return block.split("```")[0].splitlines()[1:]


def test_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "idferry", "demo"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    printed = iter(plain(demo.stdout))
    shown = [line for line in shown_in_readme() if line.strip() and line.strip() != ELIDED]
    assert len(shown) > 20
    for line in shown:
        assert any(line == other for other in printed), (
            f"README shows a line that the demo does not print: {line!r}"
        )
