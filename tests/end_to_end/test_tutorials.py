"""The tutorials do what they show: every command is run as a reader would run it, in order."""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.end_to_end.tutorial import PICTURES, Play, play, same

START = Path(__file__).parents[2] / "docs/start"
PICTURE_BYTES_MAX = 60_000
PNG = b"\x89PNG\r\n\x1a\n"
# Of a PNG: width and height, four bytes each.
SIZE_IN_PNG = slice(16, 24)
PASSWORDS = ("Not-Real-Heron-03", "Not-Real-Heron-99")


@dataclass(frozen=True)
class Played:
    """What was seen, and where the reader's files and pictures are."""

    plays: Sequence[Play]
    desk: Path
    pictures: Path


def assert_shown(plays: Sequence[Play]) -> None:
    for one in plays:
        assert same(one.shown, one.seen), f"$ {one.command}\n--- shown\n{one.shown}\n--- seen\n{one.seen}"


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> list[Play]:
    desk = tmp_path_factory.mktemp("reader")
    return play(START / "first-migration.md", desk, pictures=desk)


def test_first_migration_shows_what_a_reader_sees(plays: list[Play]) -> None:
    assert_shown(plays)


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


@pytest.fixture(scope="module")
def first_sign_in(tmp_path_factory: pytest.TempPathFactory) -> Played:
    if shutil.which("openssl") is None:
        pytest.skip("NOT CHECKED HERE: the tutorial about a first sign-in needs openssl")
    desk, pictures = tmp_path_factory.mktemp("reader"), tmp_path_factory.mktemp("pictures")
    return Played(play(START / "first-sign-in.md", desk, pictures=pictures), desk, pictures)


def test_first_sign_in_shows_what_a_reader_sees(first_sign_in: Played) -> None:
    assert_shown(first_sign_in.plays)


def test_first_sign_in_makes_the_person_complete_and_the_second_one_calls_nobody(
    first_sign_in: Played,
) -> None:
    last = first_sign_in.plays[-1]
    log = [(one["outcome"], one["migrated"], len(one["calls"])) for one in json.loads(last.seen)["sign_ins"]]
    assert log == [("wrong_password", False, 1), ("ok", True, 1), ("ok", False, 0)]
    story = next(one.seen for one in first_sign_in.plays if one.command.startswith("idferry person"))
    assert story.startswith("noor.haddad@example.org: complete\n")


def test_no_file_of_the_reader_holds_a_password_that_was_typed(first_sign_in: Played) -> None:
    files = [path for path in first_sign_in.desk.rglob("*") if path.is_file()]
    assert {"idferry.ledger", "idferry.guard", "idferry.hashes", "serve.log"} <= {one.name for one in files}
    content = b"".join(one.read_bytes() for one in files)
    assert [one for one in PASSWORDS if one.encode() in content] == []
    assert [one for one in PASSWORDS for play in first_sign_in.plays if one in play.seen] == []


def test_the_pictures_of_the_first_sign_in_are_of_pages_as_they_are(first_sign_in: Played) -> None:
    """As large as a picture taken now: letters differ from machine to machine, what is on the page does not."""
    text = (START / "first-sign-in.md").read_text(encoding="utf-8")
    taken = sorted(first_sign_in.pictures.glob("*.png"))
    assert len(taken) == 2
    for fresh in taken:
        assert f"](../pictures/{fresh.name})" in text
        kept, now = (PICTURES / fresh.name).read_bytes(), fresh.read_bytes()
        assert kept.startswith(PNG)
        assert len(kept) < PICTURE_BYTES_MAX
        wide, high = _size(kept)
        assert wide == _size(now)[0]
        assert abs(high - _size(now)[1]) < high / 4


def _size(png: bytes) -> tuple[int, int]:
    both = png[SIZE_IN_PNG]
    return int.from_bytes(both[:4]), int.from_bytes(both[4:])


def test_the_comparison_can_fail() -> None:
    seen = "first 12.5/s\n\n  second  3\nlast 2026-11-20-f09c\n"
    assert same("first 99.1/s\n...\nlast 2030-01-01-0000\n", seen)
    assert same("first ...\n\n  second  3\nlast ...\n", seen)
    assert not same("first ...\nlast ...\n", seen)
    assert not same("...\n  second  4\n...\n", seen)
    assert not same("first ...\n\n  second  3\n", seen)
    assert not same("", seen)
    assert not same("something", "")
    assert same("", "\n")
