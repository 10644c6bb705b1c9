"""Records written out again in their own format: no secret leaves, and what is read back is what was read first."""

import csv
import io
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.export_reading import passwords, people

from idferry.connectors import csv_copy, json_lines_copy, users_data_copy
from idferry.connectors.copying import GROUP_RECORDS_MAX
from idferry.connectors.csv_table import KEY_COLUMN, CsvSource
from idferry.connectors.json_lines import JsonLinesSource
from idferry.connectors.users_data import UsersDataSource
from idferry.errors import SourceError
from idferry.ports import LegacySource
from idferry.rules.correction import (
    DISPLAY_NAME,
    EMAIL,
    EMAIL_ADDRESS,
    FEDERATED,
    LOCAL,
    SIGN_IN_NAME,
    USER_NAME,
    Correction,
)
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.withholding import withholding

SECRET = "Hunter2-Hunter2"
CARD = "4111 1111 1111 1111"
FORMULAS = ["=1+1", "+49 30 1234", "-7", "@SUM(A1)", "\ttab", "＝1", "'=x", "''+1"]
WITHHOLDS = withholding({"note": "apiToken"})
NOWHERE = Place("", 0, 0)


def everybody(keys: Sequence[str]) -> Collection[str]:
    return keys


def only(*wanted: str) -> object:
    return lambda keys: [key for key in keys if key in wanted]


def bare(source: LegacySource) -> list[LegacyUser]:
    """The people without what a copy cannot keep: where they stood."""
    return [replace(user, place=NOWHERE, record_digest=b"") for user in people(source)]


def file(tmp_path: Path, name: str, content: bytes | str) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def written(tmp_path: Path, name: str, pieces: Iterator[bytes]) -> Path:
    content = b"".join(pieces)
    assert SECRET.encode() not in content
    assert CARD.encode() not in content
    return file(tmp_path, name, content)


# --- JSON Lines -------------------------------------------------------------------------------------------------------

LINES = [
    {
        "key": 17,
        "signInName": "ana@example.com",
        "signInNames": ["ana", {"type": "userName", "value": "an@a"}],
        "federated": [{"issuer": "Google.com", "issuerUserId": 5}],
        "displayName": 'Ana \\ "A" 🙂',
        "password": SECRET,
        "lastSignIn": "2024-05-31",
        "accountEnabled": False,
        "attributes": {"city": "Köln", "points": 7, "vip": True, "otherMails": ["a@x.org"], "none": None},
    },
    {"key": "2", "signInName": "ben@example.com", "password": SECRET, "attributes": None},
    {"key": "3", "signInName": "cy@example.com", "displayName": f"Card {CARD}", "givenName": CARD},
    {
        "key": "4",
        "signInName": "di@example.com",
        "email": f"{CARD.replace(' ', '')}@example.com",
        "attributes": {"passwordHash": "x" + SECRET, "card": CARD, "note": SECRET, "city": "Porto"},
    },
]


def lines(tmp_path: Path, records: Sequence[object] = LINES) -> JsonLinesSource:
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
    return JsonLinesSource(path=file(tmp_path, "people.jsonl", text), name="crm")


def test_json_lines_come_back_but_for_what_is_secret(tmp_path: Path) -> None:
    source = lines(tmp_path)
    pieces = json_lines_copy.plain_copy(source, everybody, WITHHOLDS)
    copy = JsonLinesSource(path=written(tmp_path, "copy.jsonl", pieces), name="crm")
    before, after = bare(source), bare(copy)
    assert after[:2] == before[:2]
    assert passwords(copy) == [None] * 4
    assert after[2] == replace(before[2], display_name="", attributes={})
    assert after[3] == replace(before[3], contact_email="", attributes={"city": "Porto"})


def test_only_what_is_wanted_is_copied_and_of_equal_keys_the_first(tmp_path: Path) -> None:
    records = [{"key": str(n % 150), "signInName": f"p{n}@example.com"} for n in range(3 * GROUP_RECORDS_MAX)]
    asked: list[int] = []

    def take(keys: Sequence[str]) -> Collection[str]:
        asked.append(len(keys))
        return [key for key in ("7", "149") if key in keys]

    pieces = json_lines_copy.plain_copy(lines(tmp_path, records), take, WITHHOLDS)
    assert [json.loads(piece)["signInName"] for piece in pieces][:2] == ["p7@example.com", "p149@example.com"]
    assert asked == [GROUP_RECORDS_MAX] * 3


def test_what_cannot_be_read_is_not_copied(tmp_path: Path) -> None:
    text = '{"key": "1", "signInName": "a@example.com"}\nno json\n\n{"key": "2", "surprise": 1}\n'
    source = JsonLinesSource(path=file(tmp_path, "people.jsonl", text), name="crm")
    assert len(list(json_lines_copy.plain_copy(source, everybody, WITHHOLDS))) == 1


COPIES = {"city": SECRET, "otherMails": ["a@x.org", SECRET], "points": 7}


def test_what_repeats_the_password_is_not_copied_either(tmp_path: Path) -> None:
    fields = dict.fromkeys(("displayName", "givenName", "email", "password"), SECRET)
    source = lines(tmp_path, [{"key": "1", "signInName": "a@example.com", **fields, "attributes": COPIES}])
    [piece] = json_lines_copy.plain_copy(source, everybody, WITHHOLDS)
    assert json.loads(piece) == {"key": "1", "signInName": "a@example.com", "attributes": {"points": 7}}


def test_json_lines_corrections_say_what_they_name(tmp_path: Path) -> None:
    records = [
        {"key": "1", "signInNames": [], "attributes": {"city": None, "points": 1}},
        {"key": "2", "federated": None, "displayName": "", "email": "x@example.com"},
        {"key": "3"},
    ]
    says = [
        one.says
        for one in json_lines_copy.corrections(lines(tmp_path, records))
        if isinstance(one, Correction)
    ]
    assert says == [{LOCAL, "city", "points"}, {FEDERATED, DISPLAY_NAME, EMAIL}, frozenset()]


# --- CSV --------------------------------------------------------------------------------------------------------------

HEADING = "id;mail;name;pw;phone;remark;internal"
COLUMNS = {
    "id": "key",
    "mail": "signInName",
    "name": "displayName",
    "pw": "password",
    "phone": "mobilePhone",
    "remark": "note",
    "internal": "",
}


def table(
    tmp_path: Path, rows: Sequence[Sequence[str]], *, heading: str = HEADING, **more: object
) -> CsvSource:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";").writerows([heading.split(";"), *rows])
    choices = {"columns": COLUMNS, **more}
    return CsvSource(path=file(tmp_path, "people.csv", buffer.getvalue()), name="shop", **choices)  # type: ignore[arg-type]


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline=""), delimiter=";"))


def test_csv_keeps_its_heading_less_the_password_and_comes_back(tmp_path: Path) -> None:
    rows = [[str(n), f"p{n}@example.com", cell, SECRET, cell, "", SECRET] for n, cell in enumerate(FORMULAS)]
    source = table(tmp_path, rows)
    path = written(tmp_path, "copy.csv", csv_copy.plain_copy(source, everybody, WITHHOLDS))
    assert cells(path)[0] == ["id", "mail", "name", "phone", "remark", "internal"]
    assert all(row[-1] == "" for row in cells(path)[1:]), "a column that nobody asked for may hold anything"
    copy = CsvSource(path=path, name="shop", columns=COLUMNS, written_by_us=True)
    assert bare(copy) == bare(source)
    assert passwords(copy) == [None] * len(rows)


def test_no_csv_cell_begins_like_a_formula(tmp_path: Path) -> None:
    rows = [[f, "p@example.com", f, SECRET, f, "", f] for f in FORMULAS]
    path = written(tmp_path, "copy.csv", csv_copy.plain_copy(table(tmp_path, rows), everybody, WITHHOLDS))
    for cell in (cell for row in cells(path) for cell in row):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


def test_csv_withholds_what_is_secret(tmp_path: Path) -> None:
    rows = [["1", "p@example.com", CARD, SECRET, CARD, SECRET, SECRET]]
    path = written(tmp_path, "copy.csv", csv_copy.plain_copy(table(tmp_path, rows), everybody, WITHHOLDS))
    assert cells(path)[1] == ["1", "p@example.com", "", "", "", ""]


def test_csv_withholds_what_repeats_the_password(tmp_path: Path) -> None:
    heading = "key;signInName;displayName;password;email;city;surname"
    row = ["1", "p@example.com", SECRET, SECRET, SECRET, SECRET, "Silva"]
    source = table(tmp_path, [row], heading=heading, columns={})
    path = written(tmp_path, "copy.csv", csv_copy.plain_copy(source, everybody, WITHHOLDS))
    assert cells(path)[1] == ["1", "p@example.com", "", "", "", "Silva"]


def test_csv_without_a_key_gets_a_column_with_the_original_one(tmp_path: Path) -> None:
    source = table(tmp_path, [["Ana@Example.com", "Ana"]], heading="signInName;displayName", columns={})
    path = written(tmp_path, "copy.csv", csv_copy.plain_copy(source, everybody, WITHHOLDS))
    assert cells(path) == [
        ["signInName", "displayName", KEY_COLUMN],
        ["Ana@Example.com", "Ana", "ana@example.com"],
    ]
    path.write_text(path.read_text().replace("Ana@Example.com", "new@example.com"))
    [user] = people(CsvSource(path=path, name="shop", written_by_us=True))
    assert (user.key, user.identities[0].issuer_assigned_id) == ("ana@example.com", "new@example.com")


def test_csv_corrections_say_what_their_columns_name_also_where_a_cell_is_empty(tmp_path: Path) -> None:
    source = table(
        tmp_path, [["1", "", "", "", ""]], heading="id;mail;name;phone;internal", written_by_us=True
    )
    columns = {name: COLUMNS[name] for name in ("id", "mail", "name", "phone", "internal", "pw")}
    [one] = csv_copy.corrections(
        CsvSource(path=source.path, name="shop", columns=columns, written_by_us=True)
    )
    assert isinstance(one, Correction)
    assert {SIGN_IN_NAME, DISPLAY_NAME, "mobilePhone"} <= one.says
    assert "" not in one.says


# --- UsersData.json ---------------------------------------------------------------------------------------------------

USERS = """{
  // everybody
  "userType": "emailAddress",
  "Users": [
    { "signInName": "Ana@Example.com", "displayName": "Ana \\"A\\" 🙂", "firstName": "Ana", "password": "Hunter2-Hunter2", },
    { "issuer": "Facebook.com", "issuerUserId": "123", "email": "noa@example.org", "displayName": null },
    { "SIGNINNAME": "cy@example.com", "password": 1111, "lastName": "4111 1111 1111 1111" }
  ]
}
"""


def users(path: Path) -> UsersDataSource:
    return UsersDataSource(path=path, name="crm")


def test_users_data_come_back_with_their_keys(tmp_path: Path) -> None:
    source = users(file(tmp_path, "UsersData.json", USERS))
    pieces = users_data_copy.plain_copy(source, everybody, WITHHOLDS)
    path = written(tmp_path, "copy.json", pieces)
    before, after = bare(source), bare(users(path))
    assert after[:2] == before[:2]
    assert after[2] == replace(before[2], attributes={})
    assert passwords(users(path)) == [None] * 3
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["userType"] == "emailAddress"
    assert [one["idferryKey"] for one in document["Users"]] == [
        "ana@example.com",
        "facebook.com|123",
        "cy@example.com",
    ]


def test_users_data_that_repeat_the_password_are_not_copied(tmp_path: Path) -> None:
    record = {"signInName": "a@example.com", **dict.fromkeys(("displayName", "firstName", "email"), SECRET)}
    text = json.dumps({"Users": [{**record, "lastName": "Silva", "password": SECRET}]})
    pieces = users_data_copy.plain_copy(users(file(tmp_path, "UsersData.json", text)), everybody, WITHHOLDS)
    [copied] = json.loads(b"".join(pieces))["Users"]
    assert copied == {"idferryKey": "a@example.com", "signInName": "a@example.com", "lastName": "Silva"}


def test_a_mended_sign_in_name_of_users_data_keeps_its_key(tmp_path: Path) -> None:
    source = users(file(tmp_path, "UsersData.json", USERS))
    pieces = users_data_copy.plain_copy(source, only("ana@example.com"), WITHHOLDS)  # type: ignore[arg-type]
    text = b"".join(pieces).replace(b"Ana@Example.com", b"mended@example.com")
    [user] = people(users(file(tmp_path, "copy.json", text)))
    assert (user.key, user.identities[0].issuer_assigned_id) == ("ana@example.com", "mended@example.com")


def test_nobody_wanted_is_a_file_without_people(tmp_path: Path) -> None:
    source = users(file(tmp_path, "UsersData.json", USERS))
    pieces = users_data_copy.plain_copy(source, only(), WITHHOLDS)  # type: ignore[arg-type]
    assert people(users(written(tmp_path, "copy.json", pieces))) == []


def test_users_data_corrections_say_what_they_name(tmp_path: Path) -> None:
    says = [
        one.says
        for one in users_data_copy.corrections(users(file(tmp_path, "UsersData.json", USERS)))
        if isinstance(one, Correction)
    ]
    assert says == [
        {SIGN_IN_NAME, DISPLAY_NAME, "givenName"},
        {FEDERATED, EMAIL, DISPLAY_NAME},
        {SIGN_IN_NAME, "surname"},
    ]


@pytest.mark.parametrize("name", ["password", "passwordHash", "apiToken", "note"])
def test_a_secret_by_its_name_is_withheld_whatever_it_holds(name: str) -> None:
    assert WITHHOLDS(name, "harmless")
    assert not WITHHOLDS("city", "harmless")


def test_csv_corrections_without_a_column_of_sign_in_names_say_nothing_of_them(tmp_path: Path) -> None:
    original = CsvSource(
        path=file(tmp_path, "all.csv", "key,userName,emailAddress\n1,ana,ana@example.com\n"), name="shop"
    )
    names = csv_copy.name_columns(original)
    assert names == [USER_NAME, EMAIL_ADDRESS]
    mended = CsvSource(path=file(tmp_path, "less.csv", "key,emailAddress\n1,b@example.com\n"), name="shop")
    with pytest.raises(SourceError, match="no column for userName"):
        list(csv_copy.corrections(mended, names=names))
