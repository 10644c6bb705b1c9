"""The tutorials do what they show: every command is run as a reader would run it, in order."""

import re
from pathlib import Path

import pytest
from tests.end_to_end.tutorial import Play, play, same

START = Path(__file__).parents[2] / "docs/start"


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> list[Play]:
    return play(START / "first-migration.md", tmp_path_factory.mktemp("reader"))


def test_first_migration_shows_what_a_reader_sees(plays: list[Play]) -> None:
    for one in plays:
        assert same(one.shown, one.seen), f"$ {one.command}\n--- shown\n{one.shown}\n--- seen\n{one.seen}"


def test_first_migration_goes_all_the_way(plays: list[Play]) -> None:
    typed = [one.command for one in plays]
    for step in (
        "emulator",
        "survey",
        "premigrate .* --execute",
        "find",
        "verify",
        "status",
        "remove .* --execute",
    ):
        assert any(re.match(f"idferry {step}", command) for command in typed), f"nobody types {step}"


def test_the_comparison_can_fail() -> None:
    seen = "first 12.5/s\n\n  second  3\nlast 2026-11-20-f09c\n"
    assert same("first 99.1/s\n...\nlast 2030-01-01-0000\n", seen)
    assert same("first ...\n\n  second  3\nlast ...\n", seen)
    assert not same("first ...\nlast ...\n", seen)
    assert not same("...\n  second  4\n...\n", seen)
    assert not same("first ...\n\n  second  3\n", seen)
    assert not same("", seen)
