import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.legacy_user import fallback_key
from idferry.rules.names import (
    Identity,
    SignInType,
    compared_form,
    email_problem,
    local_identity,
    look_alike_form,
    user_name_problem,
)

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana@Example.com", "ana@example.COM"),
        (" \t ana@example.com\r\n", "ana@example.com"),
        ("Zoe\u0308", "Zo\u00eb"),  # decomposed and composed
        ("ÅNGSTRÖM", "a\u030angstro\u0308m"),
        ("\u212bngstrom", "\u00e5ngstrom"),  # the Angstrom sign is the letter
        ("İstanbul", "i\u0307stanbul"),
        ("\u0130\u0323", "\u1ecb\u0307"),
        ("J\u030ciri", "\u01f0iri"),  # the composed letter exists in lower case only
        ("W\u030a", "\u1e98"),
        ("ΟΔΟΣ@example.com", "οδος@example.com"),
        ("STRAẞE", "straße"),
    ],
)
def test_these_are_the_same_sign_in_name(one: str, other: str) -> None:
    assert compared_form(one) == compared_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße", "strasse"),
        ("jose", "josé"),
        ("istanbul", "ıstanbul"),
        ("İstanbul", "istanbul"),
        ("paypal", "pаypal"),  # a Cyrillic а
        ("a b", "ab"),
        ("ana\u00a0", "ana"),  # a blank that is not ASCII is part of the name
        ("ﬁnn", "finn"),
        ("ana1", "ana¹"),
    ],
)
def test_these_are_two_sign_in_names(one: str, other: str) -> None:
    assert compared_form(one) != compared_form(other)


@given(ANY_TEXT)
def test_the_compared_form_of_a_compared_form_is_itself(typed: str) -> None:
    compared = compared_form(typed)
    assert compared_form(compared) == compared


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße@example.com", "strasse@example.com"),
        ("josé", "jose"),
        ("josé", "josè"),
        ("ıstanbul", "istanbul"),
        ("İstanbul", "istanbul"),
        ("ＡＮＡ＠example.com", "ana@example.com"),
        ("ﬁnn", "finn"),
        ("ana1", "ana¹"),
        ("ana\u00a0", "ana"),
        ("οδος", "οδοσ"),
    ],
)
def test_these_look_alike(one: str, other: str) -> None:
    one, other = compared_form(one), compared_form(other)
    assert one != other
    assert look_alike_form(one) == look_alike_form(other)


@pytest.mark.parametrize("name", ["ana@example.com", "김민준", "さくら", "pаypal", "łukasz", "اسم"])
def test_a_name_of_plain_letters_looks_like_itself(name: str) -> None:
    assert look_alike_form(name) == name


@given(ANY_TEXT)
def test_a_look_alike_form_is_a_sign_in_name_and_looks_like_itself(typed: str) -> None:
    form = look_alike_form(compared_form(typed))
    assert look_alike_form(form) == form == compared_form(form)


@given(ANY_TEXT)
def test_how_a_keyboard_composes_does_not_matter(typed: str) -> None:
    assert compared_form(unicodedata.normalize("NFD", typed)) == compared_form(
        unicodedata.normalize("NFC", typed)
    )


@given(ANY_TEXT)
def test_what_is_sent_is_what_was_typed_but_for_blanks_around_it(typed: str) -> None:
    sent = local_identity(typed).issuer_assigned_id
    assert sent == typed.strip(" \t\r\n\f\v")


@pytest.mark.parametrize(
    ("typed", "given_type", "sign_in_type"),
    [
        ("ana@example.com", None, SignInType.EMAIL_ADDRESS),
        ("ana", None, SignInType.USER_NAME),
        ("ana", SignInType.EMAIL_ADDRESS, SignInType.EMAIL_ADDRESS),
        ("a@b", SignInType.USER_NAME, SignInType.USER_NAME),
    ],
)
def test_an_at_sign_tells_an_address_unless_the_type_is_given(
    typed: str, given_type: SignInType | None, sign_in_type: SignInType
) -> None:
    assert local_identity(typed, given_type).sign_in_type is sign_in_type


def test_the_issuer_is_compared_without_case_and_the_id_with_it() -> None:
    facebook = Identity(SignInType.FEDERATED, "aB1", "Facebook.com")
    assert facebook.compared == "facebook.com|aB1"
    assert not facebook.is_local


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.com",
        "tomás@example.org",
        "a+b@example.com",
        "siobhan.o'neill@sub.example.org",
        "用户@example.com",
        "a" * 242 + "@example.com",
        "!#$%&'*+/=?^_`{|}~-@example.com",
        "1@2.3",
    ],
)
def test_addresses_that_the_directory_may_take(address: str) -> None:
    assert email_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ana",
        "ana@",
        "@example.com",
        "ana@example",
        "a b@example.com",
        "a@b@example.com",
        "ana@example.com\n",
        ".ana@example.com",
        "ana.@example.com",
        "a..b@example.com",
        "ana@example..com",
        "<ana@example.com>",
        '"ana b"@example.com',
        "ana@exam ple.com",
        "a" * 243 + "@example.com",
    ],
)
def test_addresses_that_the_directory_refuses(address: str) -> None:
    assert email_problem(address)


@pytest.mark.parametrize("name", ["a", "1", "Ana-Silva_2", "a" * 64, "0_-"])
def test_user_names_that_the_directory_takes(name: str) -> None:
    assert user_name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    ["", "-ana", "_ana", "j.doe", "björn", "ana silva", "a@b", "a" * 65, "ana\n", "ana+1", "o'neill", "١"],
)
def test_user_names_that_the_directory_refuses(name: str) -> None:
    assert user_name_problem(name)


@pytest.mark.parametrize(
    ("identity", "refused"),
    [
        (Identity(SignInType.FEDERATED, "any id at all!", "google.com"), False),
        (Identity(SignInType.FEDERATED, "1", "i" * 512), False),
        (Identity(SignInType.FEDERATED, "1", "i" * 513), True),
        (Identity(SignInType.FEDERATED, "", "google.com"), True),
        (Identity(SignInType.FEDERATED, "1"), True),
        (Identity(SignInType.EMAIL_ADDRESS, "ana"), True),
        (Identity(SignInType.USER_NAME, "ana"), False),
    ],
)
def test_every_kind_of_identity_has_its_own_rule(identity: Identity, refused: bool) -> None:
    assert bool(identity.problem) is refused


@given(ANY_TEXT)
def test_a_reason_never_quotes_the_name(typed: str) -> None:
    for problem in (email_problem(typed + "\x00secret"), user_name_problem(typed + "\x00secret")):
        assert problem
        assert "secret" not in problem


def test_the_key_of_a_format_without_keys() -> None:
    local, federated = local_identity("Ana@Example.com"), Identity(SignInType.FEDERATED, "7", "Google.com")
    assert fallback_key((federated, local)) == "ana@example.com"
    assert fallback_key((federated,)) == "google.com|7"
    assert fallback_key(()) == ""
