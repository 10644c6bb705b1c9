"""Result files: whole or not at all, and never in the place of what a command works from."""

from pathlib import Path

import pytest

from idferry.cli.result_files import backup_of, new_files
from idferry.errors import UsageError


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder") as caught, new_files([tmp_path], overwrite=False):
        pass
    assert "--force" not in caught.value.remedy


def test_a_spared_file_stays_by_whatever_name(tmp_path: Path) -> None:
    source, link = tmp_path / "people.jsonl", tmp_path / "link.jsonl"
    source.write_text("precious")
    link.symlink_to(source)
    for name in (source, link, tmp_path / "." / "x" / ".." / source.name):
        with (
            pytest.raises(UsageError, match="is a source"),
            new_files([tmp_path / "new", name], overwrite=True, spared={source: "a source"}),
        ):
            pass
    assert source.read_text() == "precious"
    assert not (tmp_path / "new").exists()


def test_what_was_placed_before_a_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "f.jsonl", tmp_path / "f.jsonl.keys"
    place = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target == second:
            raise OSError(28, "No space left on device")
        return place(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with (
        pytest.raises(UsageError, match="keys cannot be written") as caught,
        new_files([first, second], overwrite=False),
    ):
        pass
    assert f"only {first} was written" in caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_a_file_that_appears_meanwhile_keeps_both_away(tmp_path: Path) -> None:
    first, second = tmp_path / "f.jsonl", tmp_path / "f.jsonl.keys"
    with pytest.raises(UsageError, match="exists already"), new_files([first, second], overwrite=False):
        second.write_text("somebody's")
    assert [path.name for path in tmp_path.iterdir()] == [second.name]


def test_the_old_file_is_kept_or_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f.jsonl"
    assert backup_of(path) is None
    path.write_text("old")
    backup = backup_of(path)
    assert backup == tmp_path / "f.jsonl.bak"
    with new_files([path], overwrite=True, backups={path: backup}) as [file]:
        file.write(b"new")
    assert (path.read_text(), backup.read_text()) == ("new", "old")
    another = backup_of(path)
    assert another == tmp_path / "f.jsonl.bak1"

    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with (
        pytest.raises(UsageError, match="No space"),
        new_files([path], overwrite=True, backups={path: another}),
    ):
        pass
    assert path.read_text() == "new"
    assert not another.exists()
