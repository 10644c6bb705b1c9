import pytest

from idferry.connectors.export_file import (
    FieldProblem,
    attribute_name_problem,
    distinct,
    federated_identity,
    instant,
    nearest,
    record_digest,
    shown,
    truth,
)
from idferry.rules.names import Identity, SignInType


def test_the_issuer_is_written_as_the_directory_wants_it() -> None:
    assert federated_identity(" Facebook.com\t", " 12Ab ") == Identity(
        SignInType.FEDERATED, "12Ab", "facebook.com"
    )


def test_a_user_name_and_an_address_of_the_same_letters_are_two_identities() -> None:
    name, address = Identity(SignInType.USER_NAME, "ana"), Identity(SignInType.EMAIL_ADDRESS, "ana")
    assert distinct([name, address, Identity(SignInType.USER_NAME, "ANA")]) == (name, address)


@pytest.mark.parametrize(
    "name", ["password", "Password", "PWD", "passwd", "userPassword", "key", "identities", ""]
)
def test_names_that_no_attribute_may_have(name: str) -> None:
    assert attribute_name_problem(name)


@pytest.mark.parametrize("name", ["city", "loyaltyNumber", "passwordLastChanged", "compass"])
def test_names_that_an_attribute_may_have(name: str) -> None:
    assert attribute_name_problem(name) is None


def test_a_value_is_never_in_the_reason() -> None:
    for refuse in (instant, truth):
        with pytest.raises(FieldProblem) as caught:
            refuse("Hunter2", field="password")
        assert "Hunter2" not in str(caught.value)


def test_names_are_shown_short_and_printable() -> None:
    assert shown("a\x07b\ud800") == "a?b?"
    assert shown("x" * 41) == "x" * 40 + "..."


def test_the_nearest_names_or_all_of_them() -> None:
    assert nearest("surName ", ["givenName", "surname", "city"]).startswith("surname")
    assert nearest("zzz", ["b", "a"]) == "a, b"


def test_the_digest_of_a_record_does_not_depend_on_the_order_of_names() -> None:
    assert (
        record_digest({"a": 1, "b": 2}) == record_digest({"b": 2, "a": 1}) != record_digest({"a": 2, "b": 1})
    )
