"""The threat model names what shows each of its claims: tests that exist, or the words that nothing does."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from tests.docs.repository import ROOT

PAGE = ROOT / "docs/explain/journey-of-a-password.md"
SHOWN_BY = "shown by"
THREATS_MIN = 40
# Not ours: outside of what the tool can hold. Not built: known, and left open.
WITHOUT_A_TEST = ("not ours", "not built")


def threats() -> Iterator[tuple[str, str]]:
    """Each threat, and what is said to show that something stands against it."""
    columns = 0
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [one.strip() for one in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            columns = 0
        elif cells[-1] == SHOWN_BY:
            columns = len(cells)
        elif columns and not set(cells[0]) <= {"-"}:
            assert len(cells) == columns, f"a row with {len(cells)} cells: {line}"
            yield cells[0], cells[-1]


@cache
def existing_tests() -> frozenset[str]:
    defined = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
    files = (ROOT / "tests").rglob("test_*.py")
    return frozenset(name for file in files for name in defined.findall(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("threat", "shown_by"), list(threats()))
def test_every_threat_names_existing_tests_or_says_that_there_are_none(threat: str, shown_by: str) -> None:
    named = re.findall(r"`(\w+)`", shown_by)
    assert named or shown_by in WITHOUT_A_TEST, threat
    assert set(named) <= existing_tests(), sorted(set(named) - existing_tests())


def test_there_are_threats() -> None:
    assert len(list(threats())) >= THREATS_MIN
    assert len({threat for threat, _ in threats()}) == len(list(threats()))
