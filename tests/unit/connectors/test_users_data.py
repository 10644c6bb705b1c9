import contextlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.export_reading import bad_records, passwords, people

from idferry.connectors import users_data
from idferry.connectors.export_file import RECORD_BYTES_MAX
from idferry.connectors.users_data import UsersDataSource
from idferry.errors import SourceError
from idferry.ports import SourceRecord
from idferry.rules.names import Identity, SignInType
from idferry.rules.stored_hash import StoredHash

SECRET = "Hunter2-Hunter2"

# The layout of the sample's file: byte order mark, comments within objects, the three kinds of account.
AS_THE_SAMPLE_HAS_IT = """\ufeff{
  "userType": "emailAddress",
  "Users": [
    {
      // Local account only: signInName
      "signInName": "ana.silva@example.com",
      "displayName": "Ana Silva",
      "firstName": "Ana",
      "lastName": "Silva",
      "password": "Ferry//Boat-\\"1\\""
    },
    {
      // Social account only: issuer and issuerUserId
      "issuer": "Facebook.com",
      "issuerUserId": "1234567890",
      "email": "noa@example.org",
      "displayName": "Noa Ben",
      "firstName": "Noa",
      "lastName": "Ben"
    },
    {
      // Both: "signInName", { and [
      "signInName": "li.wei@example.com",
      "issuer": "Facebook.com",
      "issuerUserId": "987",
      "displayName": "Li Wei", // http://example.com
      "firstName": "Li",
      "lastName": "Wei",
      "password": "Ferry-Boat-3"
    }
  ]
}
"""


def source_of(tmp_path: Path, text: str | bytes) -> UsersDataSource:
    path = tmp_path / "UsersData.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return UsersDataSource(path=path, name="legacy")


def users(*objects: str, head: str = '"userType": "emailAddress", ') -> str:
    return "{" + head + '"Users": [\n' + ",\n".join(objects) + "\n]}"


def test_the_three_kinds_of_account_of_the_sample(tmp_path: Path) -> None:
    source = source_of(tmp_path, AS_THE_SAMPLE_HAS_IT)
    local, social, both = people(source)
    assert local.identities == (Identity(SignInType.EMAIL_ADDRESS, "ana.silva@example.com"),)
    assert local.key == "ana.silva@example.com"
    assert local.attributes == {"givenName": "Ana", "surname": "Silva"}
    assert social.identities == (Identity(SignInType.FEDERATED, "1234567890", "facebook.com"),)
    assert social.key == "facebook.com|1234567890"
    assert social.contact_email == "noa@example.org"
    assert both.key == "li.wei@example.com"
    assert [one.sign_in_type for one in both.identities] == [SignInType.EMAIL_ADDRESS, SignInType.FEDERATED]
    assert [user.place.line for user in (local, social, both)] == [4, 12, 21]
    assert [user.place.ordinal for user in (local, social, both)] == [0, 1, 2]
    assert passwords(source) == ['Ferry//Boat-"1"', None, "Ferry-Boat-3"]


def test_the_user_name_file_of_the_sample(tmp_path: Path) -> None:
    text = '{"userType": "userName", "Users": [{"signInName": "ana.1", "email": "a@example.org", "password": "1111"}]}'
    (user,) = people(source_of(tmp_path, text))
    assert user.identities == (Identity(SignInType.USER_NAME, "ana.1"),)
    assert user.contact_email == "a@example.org"


@pytest.mark.parametrize(
    ("head", "sign_in_type"),
    [
        ('"userType": "userName", ', SignInType.USER_NAME),
        ('"USERTYPE": "username", ', SignInType.USER_NAME),
        ('"userType": "emailAddress", ', SignInType.EMAIL_ADDRESS),
        ("", SignInType.EMAIL_ADDRESS),
    ],
)
def test_user_type_decides_for_the_whole_file(tmp_path: Path, head: str, sign_in_type: SignInType) -> None:
    (user,) = people(source_of(tmp_path, users('{"signInName": "a@b.example"}', head=head)))
    assert user.identities[0].sign_in_type is sign_in_type


def test_user_type_may_stand_behind_users(tmp_path: Path) -> None:
    (user,) = people(
        source_of(tmp_path, '{"users": [{"signInName": "a@b.example"}], "userType": "userName"}')
    )
    assert user.identities[0].sign_in_type is SignInType.USER_NAME


def test_commented_out_lines_leave_no_commas_behind(tmp_path: Path) -> None:
    text = users('{"signInName": "a@b.example",\n//"password": "x"\n}', '//{"signInName": "gone"}')
    assert [user.key for user in people(source_of(tmp_path, text))] == ["a@b.example"]


def test_a_record_may_carry_the_hash_of_its_password(tmp_path: Path) -> None:
    records = [
        {"signInName": "a@example.com", "passwordHash": "$2b$10$not-a-real-hash"},
        {"signInName": "b@example.com", "PasswordHash": "ab12", "passwordSalt": " 7", "hashedName": "Bea"},
        {"signInName": "c@example.com", "passwordHash": "ab12", "passwordSalt": 7050461, "password": SECRET},
        {"signInName": "d@example.com", "passwordSalt": "alone", "passwordHash": ""},
    ]
    source = source_of(tmp_path, json.dumps({"Users": records}))
    read = [one for one, _ in source.parsed()]
    assert [one.hashed if isinstance(one, SourceRecord) else one for one in read] == [
        StoredHash("$2b$10$not-a-real-hash"),
        StoredHash("ab12", " 7", "Bea"),
        StoredHash("ab12", "7050461"),
        None,
    ]
    assert passwords(source) == [None, None, SECRET, None]


def test_a_hash_is_in_no_copy_no_reason_and_no_digest(tmp_path: Path) -> None:
    secret = "$2b$10$never-shown-anywhere"
    bare, hashed = ({"signInName": "a@example.com", **more} for more in ({}, {"passwordHash": secret}))
    [(one, _)] = source_of(tmp_path, json.dumps({"Users": [bare]})).parsed()
    source = source_of(tmp_path, json.dumps({"Users": [hashed]}))
    [(other, fields)] = source.parsed()
    assert isinstance(one, SourceRecord)
    assert isinstance(other, SourceRecord)
    assert one.user.record_digest == other.user.record_digest, "another hash is no other record"
    assert secret not in f"{other!r} {fields!r}"
    broken = source_of(tmp_path, json.dumps({"Users": [{"passwordHash": [secret]}]}))
    assert bad_records(broken) == [(1, "passwordHash", "takes text")]


def test_names_are_taken_in_any_case_and_integers_as_text(tmp_path: Path) -> None:
    source = source_of(tmp_path, users('{"SigninName": "a@b.example", "PASSWORD": 1111, "issuer": null}'))
    assert [user.key for user in people(source)] == ["a@b.example"]
    assert passwords(source) == ["1111"]


@pytest.mark.parametrize("record", ["{}", '{"signInName": "  "}', '{"displayName": "Ana"}'])
def test_a_person_without_any_identity_is_read(tmp_path: Path, record: str) -> None:
    first, second = people(source_of(tmp_path, users('{"signInName": "a@b.example"}', record)))
    assert first.key == "a@b.example"
    assert (second.key, second.identities) == ("record 2", ())


@pytest.mark.parametrize(
    ("record", "field", "reason"),
    [
        (f'{{"fristName": "{SECRET}"}}', "fristName", "the nearest: firstName"),
        ('{"signInName": "a", "SIGNINNAME": "b"}', "signInName", "comes twice"),
        ('{"signInName": true}', "signInName", "takes text"),
        ('{"signInName": 1.5}', "signInName", "takes text"),
        ('{"signInName": ["a"]}', "signInName", "takes text"),
        ('{"signInName": {"a": "b"}}', "signInName", "takes text"),
        ('{"issuer": "facebook.com"}', "issuerUserId", "is missing beside issuer"),
        ('{"issuerUserId": "1"}', "issuer", "is missing beside issuerUserId"),
        ("null", "", "is no object"),
        ("[1, 2]", "", "is no object"),
        (f'"{SECRET}"', "", "is no object"),
        (f'{{"signInName" "{SECRET}"}}', "", "is no JSON"),
        (f'{{"signInName": "{SECRET}" "password": "x"}}', "", "is no JSON"),
        ("{signInName: 1}", "", "is no JSON"),
        ("{'signInName': 'a'}", "", "is no JSON"),
        ('{"password": 0123}', "", "is no JSON"),
        ('{"signInName": "a\\q"}', "", "is no JSON"),
        ('{"signInName": "\\ud800"}', "signInName", "half of a character"),
        ('{"\\ud800": "a"}', "?", "is no field"),
        ('{"password": "' + "x" * RECORD_BYTES_MAX + '"}', "", "longer than 1048576 bytes"),
        ('{/* no */ "signInName": "a"}', "", "is no JSON"),
    ],
)
def test_a_bad_object_is_reported_and_the_others_are_read(
    tmp_path: Path, record: str, field: str, reason: str
) -> None:
    source = source_of(
        tmp_path, users('{"signInName": "a@b.example"}', record, '{"signInName": "z@b.example"}')
    )
    found = [one.user.key for one in source.records() if isinstance(one, SourceRecord)]
    assert found == ["a@b.example", "z@b.example"]
    ((line, bad_field, said),) = bad_records(source)
    assert (line, bad_field) == (3, field)
    assert reason in said
    assert SECRET not in said


def test_a_forgotten_quote_costs_one_object(tmp_path: Path) -> None:
    text = users('{\n"signInName": "a@b.example,\n"displayName": "A"\n}', '{"signInName": "z@b.example"}')
    source = source_of(tmp_path, text)
    assert [line for line, _, _ in bad_records(source)] == [3]


def test_bytes_that_are_not_utf8_cost_one_object_and_name_its_line(tmp_path: Path) -> None:
    text = users(
        '{"signInName": "a@b.example"}', '{\n"displayName": "Andr\udce9"}', '{"signInName": "z@b.example"}'
    )
    source = source_of(tmp_path, text.encode(errors="surrogateescape"))
    assert bad_records(source) == [(4, "", "is not UTF-8")]


def test_a_name_beside_users_is_reported(tmp_path: Path) -> None:
    source = source_of(tmp_path, '{"version": {"a": [1, 2]},\n"Users": [{"signInName": "a@b.example"}]}')
    assert bad_records(source) == [(1, "version", "is neither userType nor Users")]
    assert sum(isinstance(one, SourceRecord) for one in source.records()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "line 1: the file is not one JSON object"),
        ("[]", "line 1: the file is not one JSON object"),
        ("// nothing\n", "the file holds no JSON object"),
        ("{}", "the file has no Users"),
        ('{"User": []}', "the file has no Users"),
        ('{"Users": {}}', "Users is no list"),
        ('{"Users"', "a value is missing"),
        ('{"Users":', "Users has no value"),
        ("{1: 2}", 'a "name": is expected'),
        ('{"Users": [] "userType": "userName"}', "a comma is missing"),
        ('{"Users": []', "the outermost { is never closed"),
        ('{"Users": [\n{"signInName": "a"},\n', "line 2: the [ of Users is never closed"),
        ('{"Users": [\n{"signInName": "a"}\n{"signInName": "b"}]}', "line 3: a comma is missing"),
        (
            '{"Users": [\n{"signInName": "a"\n]}',
            "line 3: this ] closes nothing; a bracket is missing from line 2 on",
        ),
        ('{"Users": [\n{"signInName": "a"', "what begins in line 2 is never closed"),
        ('{"Users": []} {}', "something stands behind the end"),
        ('{"Users": [' + "[" * 40, "brackets stand more than 32 deep"),
        ('{"userType": "phone", "Users": []}', "userType is neither emailAddress nor userName"),
    ],
)
def test_a_file_broken_outside_the_objects_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SourceError, match=re.escape(message)) as caught:
        list(source_of(tmp_path, text).records())
    assert caught.value.remedy


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=15).filter(lambda text: bool(text.strip()))
COMMENT = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=10).map(
    lambda text: f" //{text}\n"
)


@given(
    records=st.lists(
        st.fixed_dictionaries(
            {"signInName": TEXT, "displayName": TEXT, "password": TEXT.map("nothing else says {}".format)},
            optional={"email": TEXT},
        ),
        max_size=4,
    ),
    comment=COMMENT,
    indent=st.sampled_from([None, 0, 2]),
    ascii_only=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_comments_never_change_a_text(
    tmp_path: Path, records: list[dict[str, str]], comment: str, indent: int | None, ascii_only: bool
) -> None:
    written = json.dumps({"userType": "userName", "Users": records}, indent=indent, ensure_ascii=ascii_only)
    # A comment behind every line and before every object, where it cannot stand inside a text.
    commented = comment + "".join(line + comment for line in written.split("\n"))
    source = source_of(tmp_path, commented)
    found = people(source)
    assert [user.display_name for user in found] == [record["displayName"] for record in records]
    assert [user.contact_email for user in found] == [record.get("email", "") for record in records]
    assert passwords(source) == [record["password"] for record in records]


@given(st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_whatever_raise_anything_but_a_source_error(tmp_path: Path, garbage: bytes) -> None:
    source = source_of(tmp_path, b'{"Users": [{"signInName": "a"}, ' + garbage + b"]}")
    with contextlib.suppress(SourceError):
        list(source.records())


@given(
    st.lists(
        st.sampled_from(['{"signInName": "a\\\\", "displayName": "x//y\\"z"}', "//c\n", " ", "\n"]),
        max_size=8,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_where_the_reader_cuts_the_file_does_not_matter(tmp_path: Path, pieces: list[str]) -> None:
    text = (
        '{"Users": ['
        + ",".join(piece for piece in pieces if "{" in piece)
        + "".join(piece for piece in pieces if "{" not in piece)
    )
    source = source_of(tmp_path, text + "]}")
    whole = list(source._parts())
    with pytest.MonkeyPatch.context() as patched:
        for size in (5, 6, 7, 17):
            patched.setattr(users_data, "PIECE_BYTES", size)
            assert list(source._parts()) == whole


def test_a_file_of_one_line_streams_and_counts(tmp_path: Path) -> None:
    record = json.dumps({"signInName": "p@example.com", "displayName": "x" * 200})
    source = source_of(tmp_path, '{"Users": [' + ",".join([record] * 20_000) + "]}")
    assert sum(1 for _ in source.records()) == 20_000
