import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.export_reading import bad_records, passwords, people

from idferry.connectors.export_file import RECORD_BYTES_MAX
from idferry.connectors.json_lines import JsonLinesSource
from idferry.errors import SourceError
from idferry.ports import SourceRecord
from idferry.rules.legacy_user import BadRecord
from idferry.rules.names import Identity, SignInType

SECRET = "Hunter2-Hunter2"
DEEP = "[" * 100_000 + "]" * 100_000
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
FILLED = TEXT.filter(lambda text: bool(text.strip()))


def source_of(tmp_path: Path, *lines: object, end: str = "\n") -> JsonLinesSource:
    path = tmp_path / "people.jsonl"
    written = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_bytes(end.join(written).encode())
    return JsonLinesSource(path=path, name="shop")


def test_every_field_arrives_where_it_belongs(tmp_path: Path) -> None:
    source = source_of(
        tmp_path,
        {
            "key": "c-1",
            "signInName": " ana@example.com ",
            "signInNames": ["ana2", {"type": "userName", "value": "ana@home"}],
            "federated": [{"issuer": " Facebook.com ", "issuerUserId": 117}],
            "displayName": "Ana Silva",
            "givenName": "Ana",
            "surname": "Silva",
            "email": "ana@example.org",
            "password": " Ferry-Boat-1 ",
            "lastSignIn": "2026-05-31T11:30:00+02:00",
            "accountEnabled": False,
            "attributes": {
                "city": "Porto",
                "points": 7,
                "news": True,
                "otherMails": ["a@b.example"],
                "no": None,
            },
        },
    )
    (user,) = people(source)
    assert user.source == "shop"
    assert user.key == "c-1"
    assert (user.place.file, user.place.line, user.place.ordinal) == ("people.jsonl", 1, 0)
    assert user.identities == (
        Identity(SignInType.EMAIL_ADDRESS, "ana@example.com"),
        Identity(SignInType.USER_NAME, "ana2"),
        Identity(SignInType.USER_NAME, "ana@home"),
        Identity(SignInType.FEDERATED, "117", "facebook.com"),
    )
    assert user.display_name == "Ana Silva"
    assert user.attributes == {
        "givenName": "Ana",
        "surname": "Silva",
        "city": "Porto",
        "points": 7,
        "news": True,
        "otherMails": ("a@b.example",),
    }
    assert user.contact_email == "ana@example.org"
    assert user.last_sign_in == datetime(2026, 5, 31, 9, 30, tzinfo=UTC)
    assert user.enabled is False
    assert passwords(source) == [" Ferry-Boat-1 "]


def test_a_record_of_a_key_alone_is_a_person_without_anything(tmp_path: Path) -> None:
    (user,) = people(source_of(tmp_path, {"key": 1}))
    assert user.key == "1"
    assert user.identities == ()
    assert user.attributes == {}
    assert user.last_sign_in is None
    assert user.enabled is True


@pytest.mark.parametrize(
    "field", ["signInName", "displayName", "password", "lastSignIn", "email", "attributes"]
)
def test_null_is_as_good_as_missing(tmp_path: Path, field: str) -> None:
    (with_null,) = people(source_of(tmp_path, {"key": 1, field: None}))
    (without,) = people(source_of(tmp_path, {"key": 1}))
    assert with_null == without


@pytest.mark.parametrize("written", ["", "   "])
def test_a_blank_sign_in_name_is_none(tmp_path: Path, written: str) -> None:
    (user,) = people(source_of(tmp_path, {"key": 1, "signInName": written, "signInNames": [written]}))
    assert user.identities == ()


def test_an_empty_password_counts_as_none_and_one_of_blanks_does_not(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"key": 1, "password": ""}, {"key": 2, "password": "  "})
    assert passwords(source) == [None, "  "]


def test_the_first_of_two_equal_sign_in_names_is_kept(tmp_path: Path) -> None:
    (user,) = people(
        source_of(tmp_path, {"key": 1, "signInName": "Ana@x.example", "signInNames": ["b", "ana@X.example"]})
    )
    assert [one.issuer_assigned_id for one in user.identities] == ["Ana@x.example", "b"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_blank_lines_and_line_ends_change_nothing(tmp_path: Path, end: str) -> None:
    source = source_of(tmp_path, '\ufeff{"key": 1}', "", "  \t", '{"key": 2}', end=end)
    assert [(user.key, user.place.line, user.place.ordinal) for user in people(source)] == [
        ("1", 1, 0),
        ("2", 4, 1),
    ]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-05-31", datetime(2026, 5, 31, tzinfo=UTC)),
        ("2026-05-31T09:30:00", datetime(2026, 5, 31, 9, 30, tzinfo=UTC)),
        ("2026-05-31 09:30:00.123456Z", datetime(2026, 5, 31, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-05-31T09:30:00-05:00", datetime(2026, 5, 31, 14, 30, tzinfo=UTC)),
    ],
)
def test_times_are_iso_8601_and_utc_without_a_zone(tmp_path: Path, written: str, moment: datetime) -> None:
    (user,) = people(source_of(tmp_path, {"key": 1, "lastSignIn": written}))
    assert user.last_sign_in == moment


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("nonsense", "", "is no JSON"),
        ('{"key": 1', "", "breaks off"),
        ('{"key": 1} {"key": 2}', "", "is no JSON"),
        ("[1]", "", "takes object, found list"),
        ({"signInName": "x"}, "key", "is missing"),
        ({"key": "  "}, "key", "is empty"),
        ({"key": 1.5}, "key", "takes integer or text, found decimal number"),
        ({"key": True}, "key", "found boolean"),
        ({"key": 1, "fristName": SECRET}, "fristName", "the nearest: "),
        ({"key": 1, "signInNames": [{"type": SECRET, "value": "a"}]}, "signInNames[0].type", "is one of"),
        (
            {"key": 1, "signInNames": [{"typ": "a", "value": SECRET}]},
            "signInNames[0].typ",
            "the nearest: type",
        ),
        ({"key": 1, "signInNames": [{"type": "userName"}]}, "signInNames[0].value", "is missing"),
        ({"key": 1, "federated": [{"issuer": "", "issuerUserId": SECRET}]}, "issuer", "is missing beside"),
        (
            {"key": 1, "federated": [{"issuer": "a", "issuerUserId": " "}]},
            "issuerUserId",
            "is missing beside",
        ),
        ({"key": 1, "federated": [{"issuer": "a"}]}, "federated[0].issuerUserId", "is missing"),
        ({"key": 1, "password": 1111}, "password", "takes text"),
        ({"key": 1, "lastSignIn": SECRET}, "lastSignIn", "is no ISO 8601 time"),
        ({"key": 1, "lastSignIn": "0001-01-01T00:00:00+14:00"}, "lastSignIn", "is no ISO 8601 time"),
        ({"key": 1, "accountEnabled": "yes"}, "accountEnabled", "takes boolean, found text"),
        ({"key": 1, "attributes": {"a": "x", "b": 1.5}}, "attributes.b", "found decimal number"),
        ({"key": 1, "attributes": {"a": [SECRET], "b": [1]}}, "attributes.b", "takes text, found integer"),
        ({"key": 1, "attributes": {"a": {"b": SECRET}}}, "attributes.a", "found object"),
        ('{"key": 1, "attributes": {"a": 1, "b": 1e400}}', "attributes.b", "wrong form"),
        (
            '{"key": 1, "attributes": {"a": "x", "b": 1.5, "c": 1e400}}',
            "attributes.b",
            "found decimal number",
        ),
        ('{"key": 1, "attributes": {"b": 1.5}, ', "attributes", "found decimal number"),
        ('{"key": 1, "attributes": {"b": 1.5}} {', "attributes", "found decimal number"),
        ('{"key": 1, "attributes": {"b": 1.5}, "city": "\\ud800"}', "attributes", "found decimal number"),
        (f'{{"key": 1, "attributes": {{"b": {DEEP}}}}}', "attributes", "found list"),
        (f'{{"key": 1, "attributes": {{"b": 1.5, "c": {DEEP}}}}}', "attributes", "found decimal number"),
        (f'{{"key": 1, "attributes": {{"b": [{DEEP}]}}}}', "attributes", "takes text, found list"),
        (f'{{"key": {DEEP}}}', "key", "found list"),
        (f'{{"key": 1, "password": {DEEP}}}', "", "is nested too deep"),
        (DEEP, "", "takes object, found list"),
        ({"key": 1, "attributes": {"password": SECRET}}, "attributes.password", "is a field of the record"),
        ({"key": 1, "attributes": {"PassWord": SECRET}}, "attributes.PassWord", "never stored"),
        ({"key": 1, "attributes": {"pwd": SECRET}}, "attributes.pwd", "never stored"),
        ({"key": 1, "attributes": {"signInName": "x"}}, "attributes.signInName", "is a field of the record"),
        ({"key": 1, "attributes": {" ": "x"}}, "attributes. ", "has no name"),
        ({"key": 1, "attributes": [SECRET]}, "attributes", "takes object"),
        ({"key": 1, "displayName": "x" * RECORD_BYTES_MAX}, "", "longer than 1048576 bytes"),
        ({"key": 1, "displayName": "x" * 3 * RECORD_BYTES_MAX}, "", "longer than 1048576 bytes"),
        ('{"key": 1, "displayName": "\\ud800x"}', "", "is no JSON"),
        ('{"key": 1, "displayName": "\\udc00"}', "", ""),
    ],
)
def test_a_bad_line_is_reported_and_the_others_are_read(
    tmp_path: Path, line: object, field: str, reason: str
) -> None:
    source = source_of(tmp_path, {"key": "before"}, line, {"key": "behind"})
    found = list(source.records())
    assert [record.user.key for record in found if isinstance(record, SourceRecord)] == ["before", "behind"]
    assert len(found) == 3
    bad = found[1]
    assert isinstance(bad, BadRecord)
    assert (bad.file, bad.line, bad.field) == ("people.jsonl", 2, field)
    assert reason in bad.reason
    assert SECRET not in str(bad)


def test_a_line_that_is_not_utf8_costs_itself_only(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"key": 1})
    source.path.write_bytes(b'{"key": 1}\n{"key": 2, "displayName": "Andr\xe9"}\n{"key": 3}\n')
    assert bad_records(source) == [(2, "", "is not UTF-8")]


def test_an_attribute_before_bytes_that_are_not_utf8_is_a_bad_record_too(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"key": 1})
    source.path.write_bytes(b'{"key": 2, "attributes": {"b": 1.5, "Andr\xe9": "x"}}\n')
    ((line, field, reason),) = bad_records(source)
    assert (line, field) == (1, "attributes")
    assert "found decimal number" in reason


def test_a_field_name_fit_for_no_terminal_is_made_so(tmp_path: Path) -> None:
    ((_, field, _),) = bad_records(source_of(tmp_path, {"key": 1, "\x1b[31m" + "x" * 100: 1}))
    assert field == "?[31m" + "x" * 35 + "..."


def test_a_file_of_blank_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="blank lines only"):
        list(source_of(tmp_path, "\n", "  ").records())


def test_the_digest_of_a_record_covers_everything_but_the_password(tmp_path: Path) -> None:
    record = {"key": 1, "signInName": "a@b.example", "password": "one", "attributes": {"a": 1, "b": 2}}
    reordered = {"attributes": {"b": 2, "a": 1}, "password": "two", "signInName": "a@b.example", "key": 1}
    other = record | {"displayName": "A"}
    digests = [user.record_digest for user in people(source_of(tmp_path, record, reordered, other))]
    assert digests[0] == digests[1] != digests[2]
    assert len(digests[0]) == 16


def test_no_password_shows_in_what_was_read(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"key": 1, "password": SECRET})
    assert SECRET not in repr(list(source.records()))


@given(
    key=FILLED | st.integers(),
    name=st.none() | TEXT,
    password=st.none() | TEXT.map(lambda text: text and f"nothing else says {text}"),
    attributes=st.dictionaries(
        st.sampled_from(["city", "note", "Ünlü", "日本"]),
        TEXT | st.booleans() | st.integers() | st.lists(TEXT),
    ),
    ascii_only=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_json_can_hold_comes_back(
    tmp_path: Path,
    key: str | int,
    name: str | None,
    password: str | None,
    attributes: dict[str, object],
    ascii_only: bool,
) -> None:
    record = {"key": key, "displayName": name, "password": password, "attributes": attributes}
    source = source_of(tmp_path, json.dumps(record, ensure_ascii=ascii_only))
    (user,) = people(source)
    assert user.key == str(key)
    assert user.display_name == (name or "")
    assert user.attributes == {
        name: tuple(value) if isinstance(value, list) else value for name, value in attributes.items()
    }
    assert passwords(source) == [password or None]


@given(st.lists(st.binary(max_size=40), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_whatever_raise_anything_but_a_source_error(tmp_path: Path, lines: list[bytes]) -> None:
    path = tmp_path / "garbage.jsonl"
    path.write_bytes(b'{"key": "first"}\n' + b"\n".join(lines) + b'\n{"key": "last"}')
    found = list(JsonLinesSource(path=path, name="shop").records())
    keys = [record.user.key for record in found if isinstance(record, SourceRecord)]
    assert keys[0] == "first"
    assert keys[-1] == "last"
