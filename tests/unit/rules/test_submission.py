import hmac
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.password import Password
from idferry.rules.submission import (
    Front,
    b2c_submission,
    external_submission,
    is_remembered,
    is_wrong_again,
    key_of_person,
    key_of_unknown,
    password_mark,
)
from idferry.rules.verdict import Barred, Match, Mismatch, NoAnswer, NoSuchUser, Silence

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def keyed(text: bytes, key: bytes = b"k" * 32) -> bytes:
    return hmac.digest(key, text, "sha256")


def mark(text: str, person: str = "anna") -> int:
    return password_mark(Password(text), person=person, keyed=keyed)


def test_a_mark_is_32_bits_of_person_and_password_under_the_key() -> None:
    assert mark("Summer-2019!") == mark("Summer-2019!")
    assert mark("Summer-2019!") != mark("Summer-2019! ")
    assert mark("Summer-2019!") != mark("Summer-2019!", person="ben")
    other = password_mark(
        Password("Summer-2019!"), person="anna", keyed=lambda text: keyed(text, b"other" * 6)
    )
    assert mark("Summer-2019!") != other
    assert 0 <= mark("x") < 2**32


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_password_is_an_error(text: str, person: str) -> None:
    person = person.encode("utf-8", "replace").decode()
    assert 0 <= mark(text, person) < 2**32
    assert 0 <= mark("half \ud800 a character", "half \ud800 a name") < 2**32


def test_retries_of_b2c_are_known_for_two_minutes_and_those_of_entra_until_the_token_ends() -> None:
    b2c = b2c_submission(correlation_id="c", person="anna", mark=1, at=AT)
    assert (b2c.front, b2c.remembered_until - AT) == (Front.B2C, timedelta(seconds=120))
    ends = AT + timedelta(minutes=10)
    entra = external_submission(correlation_id="c", nonce="n", person="anna", mark=1, expires_at=ends, at=AT)
    assert (entra.ident, entra.nonce, entra.remembered_until) == ("c", "n", ends)


def test_a_token_that_never_ends_is_not_remembered_for_ever_and_a_nonce_stands_in_for_the_correlation_id() -> (
    None
):
    entra = external_submission(
        correlation_id="", nonce="n", person="anna", mark=1, expires_at=AT + timedelta(days=9), at=AT
    )
    assert (entra.ident, entra.remembered_until - AT) == ("n", timedelta(minutes=15))


def test_a_person_has_one_key_whatever_is_typed_and_no_two_people_share_one() -> None:
    assert key_of_unknown(" Anna@X.org ") == key_of_unknown("anna@x.org")
    assert key_of_person("a", "b c") != key_of_person("a b", "c")
    assert key_of_person("shop", "1") != key_of_unknown("person 4 shop 1")


def test_an_outage_is_never_remembered_and_only_a_wrong_password_is_wrong_on_any_page() -> None:
    silent = NoAnswer(Silence.TIMED_OUT, reached=True)
    answers = [Match(), Mismatch(), NoSuchUser(), Barred(proven=True), silent]
    assert [is_remembered(one) for one in answers] == [True, True, True, True, False]
    assert [is_wrong_again(one) for one in answers] == [False, True, True, False, False]
