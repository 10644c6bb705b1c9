import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.export_reading import bad_records, passwords, people
from tests.support.outside_data import outside_data

from idferry.connectors.csv_table import CsvSource, Row, rows
from idferry.connectors.export_file import RECORD_BYTES_MAX
from idferry.errors import SourceError
from idferry.ports import SourceRecord
from idferry.rules.legacy_user import BadRecord
from idferry.rules.names import Identity, SignInType

SECRET = "Hunter2-Hunter2"
SPECTRUM = [
    *("comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates"),
    *("newlines", "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8"),
]
# Their own meanings contradict their files here: a telephone number was changed in one of the two only, and git
# turned the CRLF within a cell into LF in one of the two only.
SPECTRUM_MENDED = {"1234567890": "2095257564", "Once upon \r\na time": "Once upon \na time"}


def source_of(tmp_path: Path, text: str | bytes, **choices: object) -> CsvSource:
    path = tmp_path / "people.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CsvSource(path=path, name="shop", **choices)  # type: ignore[arg-type]


def test_every_field_arrives_where_it_belongs(tmp_path: Path) -> None:
    heading = (
        "key,signInName,userName,emailAddress,displayName,givenName,surname,email,password,lastSignIn,"
        "accountEnabled,issuer,issuerUserId,city,otherMails,Loyalty No"
    )
    cells = (
        "1,ana@example.com,ana,ana2@example.com,Ana Silva,Ana,Silva,a@example.org, pw ,2026-05-31 09:30,"
        "No,Google.com,117,Porto,a@x.example; b@x.example,P-1"
    )
    source = source_of(tmp_path, f"{heading}\n{cells}\n", columns={"Loyalty No": "loyaltyNumber"})
    (user,) = people(source)
    assert user.key == "1"
    assert user.identities == (
        Identity(SignInType.EMAIL_ADDRESS, "ana@example.com"),
        Identity(SignInType.USER_NAME, "ana"),
        Identity(SignInType.EMAIL_ADDRESS, "ana2@example.com"),
        Identity(SignInType.FEDERATED, "117", "google.com"),
    )
    assert user.display_name == "Ana Silva"
    assert user.attributes == {
        "givenName": "Ana",
        "surname": "Silva",
        "city": "Porto",
        "otherMails": ("a@x.example", "b@x.example"),
        "loyaltyNumber": "P-1",
    }
    assert user.contact_email == "a@example.org"
    assert user.last_sign_in == datetime(2026, 5, 31, 9, 30, tzinfo=UTC)
    assert user.enabled is False
    assert passwords(source) == [" pw "]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiter_line_end_and_byte_order_mark_are_recognised(
    tmp_path: Path, delimiter: str, end: str, mark: str
) -> None:
    lines = [["signInName", "displayName", "city"], ["ana@example.com", "Ana; Silva, Porto", ""]]
    text = mark + end.join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    (user,) = people(source_of(tmp_path, text))
    assert (user.key, user.display_name, user.attributes) == ("ana@example.com", "Ana; Silva, Porto", {})


def test_a_given_delimiter_is_taken(tmp_path: Path) -> None:
    (user,) = people(source_of(tmp_path, "signInName|displayName\na@b.example|A\n", delimiter="|"))
    assert user.display_name == "A"


@pytest.mark.parametrize("delimiter", ["", "||", '"', "\n"])
def test_a_delimiter_is_one_character(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(SourceError, match="not one character"):
        source_of(tmp_path, "", delimiter=delimiter)


def test_a_file_of_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert [user.key for user in people(source_of(tmp_path, "signInName\na@b.example\nb@b.example"))] == [
        "a@b.example",
        "b@b.example",
    ]


def test_headings_are_known_names_in_any_case(tmp_path: Path) -> None:
    (user,) = people(source_of(tmp_path, "UserName;SURNAME;givenname\nana;Silva;Ana\n"))
    assert user.attributes == {"surname": "Silva", "givenName": "Ana"}
    assert user.key == "ana"


def test_a_column_mapped_to_nothing_is_left_out(tmp_path: Path) -> None:
    (user,) = people(source_of(tmp_path, "signInName,x\na@b.example,1\n", columns={"x": ""}))
    assert user.attributes == {}


@pytest.mark.parametrize(
    ("cell", "enabled"),
    [("true", True), ("1", True), ("YES", True), ("false", False), ("0", False), (" No ", False), ("", True)],
)
def test_booleans(tmp_path: Path, cell: str, enabled: bool) -> None:
    (user,) = people(source_of(tmp_path, f"signInName,accountEnabled\na@b.example,{cell}\n"))
    assert user.enabled is enabled


def test_the_key_is_the_sign_in_name_else_the_federated_identity_else_the_place(tmp_path: Path) -> None:
    text = "signInName,issuer,issuerUserId,city\nAna@B.example,,,\n,Google.com,7,\n,,,Porto\n"
    assert [user.key for user in people(source_of(tmp_path, text))] == [
        "ana@b.example",
        "google.com|7",
        "record 3",
    ]


def test_lines_are_counted_through_cells_with_line_ends(tmp_path: Path) -> None:
    text = (
        'signInName,displayName\na@b.example,"two\nlines"\n\nb@b.example,"three\n\nlines"\n,\nc@b.example,C\n'
    )
    users = people(source_of(tmp_path, text))
    assert [user.place.line for user in users] == [2, 5, 9]
    assert [user.place.ordinal for user in users] == [0, 1, 2]
    assert users[1].display_name == "three\n\nlines"


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("k,a@b.example", "", "has 2 cells, the heading has 5"),
        (f"k,a@b.example,,,,{SECRET}", "", "has 6 cells, the heading has 5"),
        (",a@b.example,,,", "key", "is empty"),
        (f"k,a@b.example,{SECRET},,", "lastSignIn", "is no ISO 8601 time"),
        (f"k,a@b.example,,{SECRET},", "accountEnabled", "is none of true, false, 1, 0, yes, no"),
        ("k,,,,facebook.com", "issuerUserId", "is missing beside issuer"),
        ('k,"a@b.example,,,', "", "is broken"),
        (f'k,"a@b.example"{SECRET},,,', "", "is broken"),
        ("k,a@b.example\rx,,,", "", "is broken"),
        ("k,Andr\udce9,,,", "", "is not UTF-8"),
        ("k," + "x" * 140_000 + ",,,", "", "is broken"),
        ("k," + "x" * RECORD_BYTES_MAX + ",,,", "", "has a line longer than 1048576 bytes"),
        ("k," + "x" * 3 * RECORD_BYTES_MAX + ",,,", "", "has a line longer than 1048576 bytes"),
    ],
)
def test_a_bad_row_is_reported_and_the_others_are_read(
    tmp_path: Path, line: str, field: str, reason: str
) -> None:
    text = f"key,signInName,lastSignIn,accountEnabled,issuer\n1,b@b.example,,,\n{line}\n2,c@b.example,,,\n3,,,,\n"
    source = source_of(tmp_path, text.encode(errors="surrogateescape"))
    assert [one.user.key for one in source.records() if isinstance(one, SourceRecord)] == ["1", "2", "3"]
    ((number, bad_field, said),) = bad_records(source)
    assert (number, bad_field) == (3, field)
    assert reason in said
    assert SECRET not in said


def test_a_quote_left_open_to_the_end_costs_one_line(tmp_path: Path) -> None:
    lines = "".join(f"p{number}@b.example,P\n" for number in range(5000))
    source = source_of(tmp_path, f'signInName,displayName\n"open@b.example,P\n{lines}')
    assert [line for line, _, _ in bad_records(source)] == [2]
    assert sum(isinstance(one, SourceRecord) for one in source.records()) == 5000


def heading_error(tmp_path: Path, text: str | bytes, columns: dict[str, str] | None = None) -> SourceError:
    with pytest.raises(SourceError) as caught:
        list(source_of(tmp_path, text, columns=columns or {}).records())
    return caught.value


@pytest.mark.parametrize(
    ("heading", "columns", "message", "remedy"),
    [
        (
            "signInNme,city",
            {},
            "the column 'signInNme' means; the nearest: signInName",
            'or "" to leave it out',
        ),
        ("signInName,", {}, "the column '' means", 'or "" to leave it out'),
        (
            "mail",
            {"Mail": "signInName"},
            "has no column Mail, which the mapping names; the nearest: mail",
            "case",
        ),
        (
            "a,b",
            {"a": "signInName", "b": "displayname"},
            "mapped to 'displayname': write it displayName",
            "nearest",
        ),
        (
            "a,b",
            {"a": "signInName", "b": "my note"},
            "mapped to 'my note': an extension attribute's name",
            "nearest",
        ),
        ("a,b", {"a": "signInName", "b": "Mail"}, "'Mail': is a name that Microsoft Graph", "nearest"),
        ("a,b", {"a": "signInName", "b": "Pwd"}, "'Pwd': is a password by its name", "nearest"),
        (
            "a,password_md5",
            {"a": "signInName", "password_md5": "note"},
            "the column 'password_md5' is a secret by its name and is mapped to 'note'",
            "Map it to password",
        ),
        ("a,b", {"a": "signInName", "b": "identities"}, "'identities': is a field of the record", "nearest"),
        ("a,b", {"a": "city", "b": "city"}, "more than one column for city", 'Map all but one of them to ""'),
        ("signInName,SignInName", {}, "more than one column for signInName", 'Map all but one of them to ""'),
        ("displayName,city", {}, "has no column with a sign-in name", "Map a column to one of signInName"),
        ('"signInName', {}, "line 1: the heading is broken", "UTF-8"),
        ("signInName\rcity", {}, "line 1: the heading is broken", "UTF-8"),
        ("signInName,st\udce9", {}, "line 1: the heading is not UTF-8", "UTF-8"),
        (" , ", {}, "none of the 2 columns", "first line"),
        ("\n\n", {}, "it has no heading", "first line"),
    ],
)
def test_a_heading_that_nobody_explains_stops_the_reading(
    tmp_path: Path, heading: str, columns: dict[str, str], message: str, remedy: str
) -> None:
    error = heading_error(tmp_path, heading.encode(errors="surrogateescape"), columns)
    assert message in str(error)
    assert remedy in error.remedy


def test_a_heading_alone_is_a_source_without_people(tmp_path: Path) -> None:
    assert list(source_of(tmp_path, "signInName\n").records()) == []


def test_the_digest_of_a_record_covers_everything_but_the_password(tmp_path: Path) -> None:
    text = "key,signInName,password\n1,a@b.example,one\n1,a@b.example,two\n1,A@b.example,one\n"
    digests = [user.record_digest for user in people(source_of(tmp_path, text))]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum(name: str) -> None:
    path = outside_data(
        f"csv/csv-spectrum/csvs/{name}.csv", criterion="csv-spectrum is read as its authors mean it"
    )
    with path.open("rb") as stream:
        heading, *found = rows(stream, file=path.name)
    assert isinstance(heading, Row)
    read = [dict(zip(heading.cells, row.cells, strict=True)) for row in found if isinstance(row, Row)]
    meant = json.loads((path.parents[1] / "json" / f"{name}.json").read_text(encoding="utf-8"))
    assert len(read) == len(found)
    meant = meant if isinstance(meant, list) else [meant]
    assert read == [{name: SPECTRUM_MENDED.get(cell, cell) for name, cell in one.items()} for one in meant]


def test_an_export_of_another_system_is_read_with_a_mapping() -> None:
    path = outside_data(
        "exports/fusionauth/csv/example_users.csv", criterion="a foreign CSV export is read by a mapping"
    )
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    columns = dict.fromkeys(table[0], "") | {"LOGIN": "key", "EMAIL": "emailAddress"}
    users = people(CsvSource(path=path, name="shop", columns=columns))
    assert [user.identities[0].issuer_assigned_id for user in users] == [row["EMAIL"] for row in table]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12) | st.sampled_from(
    ['"', '""', "a\nb", ",;\t"]
)


@given(
    table=st.lists(st.tuples(CELL.filter(lambda cell: bool(cell.strip())), CELL, CELL), max_size=5),
    delimiter=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_csv_writer_writes_comes_back(
    tmp_path: Path, table: list[tuple[str, str, str]], delimiter: str, end: str, quoting: int
) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["key", "password", "signInName"])
    writer.writerows(table)
    source = source_of(tmp_path, written.getvalue())
    assert passwords(source) == [password or None for _, password, _ in table]
    assert [user.key for user in people(source)] == [key.strip(" \t\r\n\f\v") or key for key, _, _ in table]


@given(st.lists(st.binary(max_size=30), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_whatever_hide_the_rows_before_them(tmp_path: Path, lines: list[bytes]) -> None:
    source = source_of(tmp_path, b"key,signInName\nfirst,a@b.example\n" + b"\n".join(lines))
    found = list(source.records())
    assert isinstance(found[0], SourceRecord)
    assert all(isinstance(one, SourceRecord | BadRecord) for one in found)


@pytest.mark.parametrize("columns", [{}, {"login": "signInName", "pw": "password"}])
def test_a_first_line_that_is_a_person_is_not_shown(tmp_path: Path, columns: dict[str, str]) -> None:
    error = heading_error(tmp_path, b"Sunny-Meadow-1!,ann@example.org,17\n", columns)
    assert "none of the 3 columns that the first line names is known" in str(error)
    for cell in ("Sunny", "ann@", "17"):
        assert cell not in f"{str(error).removeprefix(str(tmp_path))} {error.remedy}"
