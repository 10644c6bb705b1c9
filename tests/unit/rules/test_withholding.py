"""What repeats a record's own password stays where the password is; the rest of the record is as it was."""

import pytest
from msgspec.structs import replace
from tests.support import planned_people

from idferry.rules.attributes import AttributeValue
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.names import local_identity
from idferry.rules.outcomes import RefusedAttribute
from idferry.rules.password import Password
from idferry.rules.withholding import without_copies

SECRET = "Sunny-Meadow-1!"
USER = LegacyUser(
    source="crm",
    key="1",
    place=Place("people.csv", 2, 0),
    identities=(local_identity("anna@example.com"),),
    display_name="Anna",
    attributes={"city": "Oslo", "points": 7, "vip": True, "businessPhones": ("1", "2")},
    contact_email="anna@example.org",
)


@pytest.mark.parametrize(
    ("password", "value"),
    [
        (SECRET, SECRET),
        (SECRET, ("1", SECRET)),
        ("12345678", 12345678),
        ("-5", "-5"),
        (f" {SECRET} ", SECRET),
        (f" {SECRET} ", f" {SECRET} "),
        (SECRET, f"{SECRET}{' ' * 17}"),
        (SECRET, f"\t{SECRET}"),
        (SECRET, ("1", f" {SECRET}")),
        (f"{SECRET} ", f" {SECRET}"),
        ("12345678", "12345678  "),
        ("    ", "    "),
    ],
)
def test_a_value_that_repeats_the_password_is_withheld_and_named(
    password: str, value: AttributeValue
) -> None:
    user = replace(USER, attributes={**USER.attributes, "note": value})
    assert without_copies(user, Password(password)) == replace(USER, withheld=("note",))


@pytest.mark.parametrize(
    ("field", "name"), [("display_name", "displayName"), ("contact_email", "otherMails")]
)
def test_so_is_a_display_name_or_a_contact_address(field: str, name: str) -> None:
    for told in (SECRET, f" {SECRET} "):
        user = replace(USER, **{field: told})
        assert without_copies(user, Password(SECRET)) == replace(USER, **{field: ""}, withheld=(name,))


@pytest.mark.parametrize("password", [SECRET, "sunny-meadow-1!", "Osl", "1", "True", "", " ", "3"])
def test_nothing_else_is(password: str) -> None:
    user = replace(
        USER, attributes={**USER.attributes, "note": f"{SECRET}.", "blanks": "  ", "empty": "", "list": ()}
    )
    if password == "1":
        assert without_copies(user, Password(password)).withheld == ("businessPhones",)
    else:
        assert without_copies(user, Password(password)) is user


def test_what_was_withheld_before_stays_named() -> None:
    user = replace(USER, attributes={"note": SECRET}, withheld=("other",))
    assert without_copies(user, Password(SECRET)).withheld == ("other", "note")


def test_what_repeats_the_password_is_told_under_the_name_it_would_have_had() -> None:
    user = replace(planned_people.USER, display_name="", withheld=("code", "left", "displayName"))
    plan = planned_people.planned(user, attribute_names={"code": "employeeId", "left": ""})
    assert plan.refused_attributes == {
        "employeeId": RefusedAttribute.SENSITIVE,
        "displayName": RefusedAttribute.SENSITIVE,
    }
    assert plan.draft.display_name == planned_people.MAIL.issuer_assigned_id
