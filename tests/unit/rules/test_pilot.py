import pytest
from msgspec import structs

from idferry.errors import UsageError
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.names import Identity, SignInType, local_identity
from idferry.rules.pilot import parse_pilot

USER = LegacyUser(
    source="shop",
    key="C-17",
    place=Place("f", 1, 0),
    identities=(
        local_identity("Ana@Example.com"),
        local_identity("ana-s"),
        Identity(SignInType.FEDERATED, "117", "google.com"),
    ),
    display_name="Ana Silva",
    attributes={"city": "Porto", "points": 7, "news": True, "otherMails": ("a@x.example", "b@y.example")},
    contact_email="ana@example.org",
)
NOBODY = LegacyUser(source="shop", key="1", place=Place("f", 2, 1))


@pytest.mark.parametrize(
    ("expressions", "taken"),
    [
        ((), True),
        (("key=c-17",), True),
        (("key = C-1? ",), True),
        (("key=c-1",), False),
        (("signInName=*@example.com",), True),
        (("signInName=ANA-S",), True),
        (("signInName=117",), False),
        (("displayName=*silva",), True),
        (("email=ana@example.org",), True),
        (("city=porto",), True),
        (("city!=porto",), False),
        (("city!=lisboa",), True),
        (("points=7",), True),
        (("news=true",), True),
        (("otherMails=b@*",), True),
        (("otherMails!=b@*",), False),
        (("nothing=",), True),
        (("nothing=?*",), False),
        (("nothing!=?*",), True),
        (("city=a=b",), False),
        (("city=porto", "points=8"), False),
        (("city=porto", "points=7"), True),
    ],
)
def test_who_is_taken(expressions: tuple[str, ...], taken: bool) -> None:
    assert parse_pilot(expressions)(USER) is taken


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [("ana [team a]", True), ("ana [*]", True), ("ana [at]*", False), ("ana ?team a?", True)],
)
def test_a_bracket_is_a_bracket(pattern: str, taken: bool) -> None:
    assert (
        parse_pilot((f"displayName={pattern}",))(structs.replace(USER, display_name="Ana [team a]")) is taken
    )


def test_an_empty_list_is_an_empty_value() -> None:
    user = structs.replace(USER, attributes={"otherMails": ()})
    assert parse_pilot(("otherMails=",))(user)
    assert not parse_pilot(("otherMails!=",))(user)


def test_somebody_without_a_sign_in_name_has_an_empty_one() -> None:
    assert parse_pilot(("signInName=",))(NOBODY)
    assert not parse_pilot(("signInName=?*",))(NOBODY)


@pytest.mark.parametrize("expression", ["", "city", "=porto", " = x", "!=x"])
def test_what_is_no_expression_is_said_with_an_example(expression: str) -> None:
    with pytest.raises(UsageError, match="is not NAME=PATTERN") as caught:
        parse_pilot((expression,))
    assert "--only" in caught.value.remedy
