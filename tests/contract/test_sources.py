"""What every legacy source must do, whatever its format."""

import hashlib
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import pytest

from idferry.connectors.csv_table import CsvSource
from idferry.connectors.json_lines import JsonLinesSource
from idferry.connectors.users_data import UsersDataSource
from idferry.errors import EXIT_USAGE, SourceError
from idferry.ports import LegacySource, SourceRecord
from idferry.rules.legacy_user import BadRecord

MEMORY_BYTES_MAX = 1_500_000  # the reading buffer of 1 MiB, and little more than one record
SECRETS = ("Ferry-Boat-1", "Ferry-Boat-2")


@dataclass(frozen=True)
class Format:
    """One format: how to open it, the same three records in it, the second of them bad, and how to write many."""

    open: Callable[[Path], LegacySource]
    text: str
    lines: tuple[int, int, int]
    head: str
    record: str
    tail: str


FORMATS = {
    "json_lines": Format(
        lambda path: JsonLinesSource(path=path, name="shop"),
        '{"key": "ana@example.com", "signInName": "ana@example.com", "displayName": "Zoë", "password": "Ferry-Boat-1"}\n'
        '{"password": "Ferry-Boat-2"}\n'
        '{"key": "li@example.com", "signInName": "li@example.com"}\n',
        (1, 2, 3),
        "",
        '{"key": %(number)d, "signInName": "p%(number)d@example.com", "displayName": "%(text)s"}\n',
        "",
    ),
    "users_data": Format(
        lambda path: UsersDataSource(path=path, name="shop"),
        '{"Users": [\n'
        '{"signInName": "ana@example.com", "displayName": "Zoë", "password": "Ferry-Boat-1"},\n'
        '{"signInName": 1.5, "password": "Ferry-Boat-2"},\n'
        '{"signInName": "li@example.com"}\n]}',
        (2, 3, 4),
        '{"Users": [',
        '{"signInName": "p%(number)d@example.com", "displayName": "%(text)s"},',
        "]}",
    ),
    "csv": Format(
        lambda path: CsvSource(path=path, name="shop"),
        "signInName,displayName,password\nana@example.com,Zoë,Ferry-Boat-1\nx,Ferry-Boat-2\nli@example.com,,\n",
        (2, 3, 4),
        "signInName,displayName\n",
        'p%(number)d@example.com,"%(text)s"\n',
        "",
    ),
}


@pytest.fixture(params=list(FORMATS))
def form(request: pytest.FixtureRequest) -> Format:
    return FORMATS[request.param]


@pytest.fixture
def path(form: Format, tmp_path: Path) -> Path:
    path = tmp_path / "people"
    path.write_bytes(form.text.encode())
    return path


def test_records_come_in_source_order_with_their_places(form: Format, path: Path) -> None:
    source = form.open(path)
    first, second, third = source.records()
    assert isinstance(first, SourceRecord)
    assert isinstance(second, BadRecord)
    assert isinstance(third, SourceRecord)
    assert source.name == first.user.source == "shop"
    assert [first.user.place.line, second.line, third.user.place.line] == list(form.lines)
    assert [first.user.place.ordinal, third.user.place.ordinal] == [0, 2]
    assert first.user.place.file == second.file == "people"
    assert (first.user.key, first.user.display_name) == ("ana@example.com", "Zoë")
    assert third.password is None


def test_a_source_can_be_read_again_and_says_the_same(form: Format, path: Path) -> None:
    source = form.open(path)
    users = [
        [record.user for record in source.records() if isinstance(record, SourceRecord)] for _ in range(2)
    ]
    assert users[0] == users[1]


def test_two_readings_do_not_disturb_each_other(form: Format, path: Path) -> None:
    source = form.open(path)
    for one, other in zip(source.records(), source.records(), strict=True):
        assert type(one) is type(other)


def test_a_byte_order_mark_changes_nothing_but_the_digest(form: Format, path: Path) -> None:
    source = form.open(path)
    before, digest = [type(one) for one in source.records()], source.digest()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [type(one) for one in source.records()] == before
    assert source.digest() != digest


def test_the_digest_is_that_of_the_files_bytes(form: Format, path: Path) -> None:
    assert form.open(path).digest() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_passwords_travel_beside_and_do_not_show(form: Format, path: Path) -> None:
    found = list(form.open(path).records())
    assert isinstance(found[0], SourceRecord)
    assert found[0].password is not None
    assert found[0].password.reveal_to(lambda text: text == SECRETS[0])
    assert not any(secret in repr(found) for secret in SECRETS)


def test_another_password_is_the_same_record(form: Format, path: Path) -> None:
    first = next(iter(form.open(path).records()))
    path.write_bytes(path.read_bytes().replace(b"Ferry-Boat-1", b"Other-Boat-9"))
    again = next(iter(form.open(path).records()))
    assert isinstance(first, SourceRecord)
    assert isinstance(again, SourceRecord)
    assert first.user.record_digest == again.user.record_digest


def test_another_value_is_another_record(form: Format, path: Path) -> None:
    first = next(iter(form.open(path).records()))
    path.write_bytes(path.read_bytes().replace("Zoë".encode(), b"Zoe"))
    again = next(iter(form.open(path).records()))
    assert isinstance(first, SourceRecord)
    assert isinstance(again, SourceRecord)
    assert first.user.record_digest != again.user.record_digest


def test_what_it_was_made_with_stays(form: Format, path: Path) -> None:
    with pytest.raises(FrozenInstanceError):
        form.open(path).name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", "{}\n".encode("utf-16"), "{}\n".encode("utf-16-be")]
)
def test_an_empty_or_foreign_file_is_refused_with_a_remedy(form: Format, path: Path, content: bytes) -> None:
    path.write_bytes(b"\xfe\xff" + content if content == "{}\n".encode("utf-16-be") else content)
    _refused(form, path)


def test_a_missing_file_is_refused_with_a_remedy(form: Format, tmp_path: Path) -> None:
    assert "does not exist" in str(_refused(form, tmp_path / "gone"))


def test_a_folder_is_refused_with_a_remedy(form: Format, tmp_path: Path) -> None:
    assert "is a folder" in str(_refused(form, tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_because_it_cannot_be_read_again(form: Format, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in str(_refused(form, tmp_path / "pipe"))


def test_a_file_that_may_not_be_read_is_refused_with_a_remedy(
    form: Format, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Tests may run as a user whom no permission stops.
    monkeypatch.setattr(Path, "open", refuse)
    assert "may not be read" in str(_refused(form, path))


def test_a_path_that_no_file_can_have_is_said_so(form: Format, path: Path) -> None:
    error = _refused(form, path.with_name("people\0"))
    assert "NUL" in str(error)
    assert "\0" not in str(error)


def test_a_disk_that_fails_is_said_so(form: Format, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fail)
    assert "Input/output error" in str(_refused(form, path))


@pytest.mark.parametrize(("count", "characters"), [(100_000, 100), (3_000, 5_000)])
def test_records_stream_in_flat_memory(form: Format, tmp_path: Path, count: int, characters: int) -> None:
    if form.record.endswith("},"):
        count //= 4  # the slowest of the three; a quarter of the file is still more than may be in memory
    path = tmp_path / "many"
    with path.open("w", encoding="utf-8") as file:
        file.write(form.head)
        file.writelines(form.record % {"number": number, "text": "x" * characters} for number in range(count))
        file.write(form.tail)
    source = form.open(path)
    tracemalloc.start()
    try:
        assert sum(isinstance(one, SourceRecord) for one in source.records()) == count
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < MEMORY_BYTES_MAX


def _refused(form: Format, path: Path) -> SourceError:
    source = form.open(path)
    with pytest.raises(SourceError) as caught:
        list(source.records())
    with pytest.raises(SourceError):
        source.digest()
    assert caught.value.remedy
    assert caught.value.exit_code == EXIT_USAGE
    return caught.value
