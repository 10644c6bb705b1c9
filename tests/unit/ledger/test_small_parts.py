"""The ledger's pure parts: marks of sign-in names, named queries, times."""

import re
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files

import pytest

from idferry.ledger.named_queries import migrations, named_queries
from idferry.ledger.sign_in_marks import SignInMarks
from idferry.ledger.times import time_or_none, time_to_text
from idferry.rules.names import Identity, SignInType, local_identity

MARKS = SignInMarks(bytes(range(32)))
PACKAGE = files("idferry.ledger")


def test_a_mark_is_an_hmac_over_kind_and_compared_form() -> None:
    # Reckoned once with: printf 'local|a@x.org' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f
    expected = bytes.fromhex("ebb87d86de3dd4699590d69db9dd25535a2e2777f3397848cef26c577de5aed1")
    assert MARKS.of_local("a@x.org") == expected
    assert MARKS.of_identities([local_identity(" A@X.org "), local_identity("a@x.org")]) == {
        expected: "local"
    }


def test_marks_of_another_key_or_kind_differ() -> None:
    name = Identity(SignInType.FEDERATED, "1", "google.com")
    look_alike = Identity(SignInType.USER_NAME, "google.com|1")
    assert MARKS.of_identities([name]).keys() != MARKS.of_identities([look_alike]).keys()
    assert SignInMarks(bytes(32)).of_local("a@x.org") != MARKS.of_local("a@x.org")
    assert SignInMarks(bytes(32)).key_check != MARKS.key_check


def test_a_look_alike_form_has_the_mark_of_the_name_that_is_written_like_it() -> None:
    federated = Identity(SignInType.FEDERATED, "josé", "google.com")
    names = [local_identity(typed) for typed in ("JOSÉ@x.org", "jose@x.org", "김@x.org")]
    forms = MARKS.of_look_alike_forms([*names, federated])
    assert forms == {MARKS.of_local("josé@x.org"): MARKS.of_local("jose@x.org")}


def test_marks_do_not_show_their_key() -> None:
    assert bytes(range(32)).hex() not in repr(MARKS)
    assert "\\x01" not in repr(MARKS)


@pytest.mark.parametrize("file", [one.name for one in PACKAGE.joinpath("queries").iterdir()])
def test_every_named_query_is_used(file: str) -> None:
    sources = [one.read_text() for one in PACKAGE.iterdir() if one.name.endswith(".py")]
    used = set(re.findall(r'"(\w+)"', "\n".join(sources)))
    assert named_queries(file.removesuffix(".sql")).keys() <= used


def test_migrations_are_numbered_without_gaps() -> None:
    names = sorted(one.name for one in PACKAGE.joinpath("migrations").iterdir() if one.name.endswith(".sql"))
    assert [int(name[:4]) for name in names] == list(range(1, len(migrations()) + 1))


def test_times_are_stored_in_utc_and_sort_as_text() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    there = noon.astimezone(timezone(timedelta(hours=5)))
    assert time_to_text(there) == "2026-03-01T12:00:00+00:00"
    assert time_or_none(time_to_text(there)) == noon
    assert time_or_none(None) is None
    texts = [time_to_text(noon + timedelta(microseconds=step)) for step in (0, 1, 999_999, 1_000_000)]
    assert sorted(texts) == texts
