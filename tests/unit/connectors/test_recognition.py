from pathlib import Path

import pytest

from idferry.connectors.recognition import candidates, recognise
from idferry.errors import SourceError

USERS = '{\n  // who\n  "userType": "userName",\n  "Users": []\n}'
LINES = '{"key": 1}\n{"key": 2}\n'
TABLE = "signInName,city\na@b.example,Porto\n"


def written(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("people.jsonl", LINES, "json_lines"),
        ("PEOPLE.NDJSON", "\ufeff" + LINES, "json_lines"),
        ("people.json", LINES, "json_lines"),
        ("people.jsonl", "{broken\n" + LINES, "json_lines"),
        ("people.jsonl", '{"key": ' + "[" * 60_000 + "\n", "json_lines"),
        ("people.jsonl", '{"key": ' + "[" * 20_000 + "]" * 20_000 + "}\n", "json_lines"),
        ("UsersData.json", USERS, "users_data"),
        ("UsersData.json", "\ufeff// mine\n" + USERS, "users_data"),
        ("UsersData.json", '{"users":[]}', "users_data"),
        ("export", USERS, "users_data"),
        ("export", LINES, "json_lines"),
        ("people.csv", TABLE, "csv"),
        ("people.tsv", TABLE.replace(",", "\t"), "csv"),
        ("people.txt", TABLE, "csv"),
        ("export", TABLE, "csv"),
    ],
)
def test_extension_and_beginning_tell_the_kind(tmp_path: Path, name: str, text: str, kind: str) -> None:
    assert recognise(written(tmp_path, name, text)) == kind


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("people.csv", LINES, "is of no kind that is known"),
        ("people.jsonl", TABLE, "is of no kind that is known"),
        ("people.json", '[{"key": 1}]', "is of no kind that is known"),
        ("people.json", '{\n"key": 1}\n', "may be any of users_data, json_lines"),
    ],
)
def test_where_it_cannot_know_it_asks(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        recognise(written(tmp_path, name, text))
    assert "with its kind" in caught.value.remedy


def test_candidates_are_told_likeliest_first(tmp_path: Path) -> None:
    assert candidates(written(tmp_path, "export", "{\n")) == ("users_data", "json_lines")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        recognise(tmp_path / "people.csv")
