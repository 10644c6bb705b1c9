import pytest

from idferry.errors import SourceError
from idferry.rules.readiness import (
    PASSWORD_RIGHT_MEANINGS,
    PERMISSIONS_TO_CREATE,
    PERMISSIONS_TO_READ,
    PasswordRight,
    data_types,
    lack_of_permission,
    may_change_users,
    password_right,
    room_for_more,
    takes_values,
)


@pytest.mark.parametrize(
    ("granted", "action"),
    [
        (None, None),  # the token does not say
        (frozenset({"User.ReadWrite.All"}), None),
        (frozenset({"User.Create", "User.Read.All"}), None),
        (frozenset({"User.Create"}), "read"),
        (frozenset({"User.Read.All"}), "create"),
        (frozenset(), "create"),
    ],
)
def test_what_the_application_may_not_do(granted: frozenset[str] | None, action: str | None) -> None:
    lack = lack_of_permission(granted)
    assert (lack.action if lack else None) == action


def test_each_permission_that_is_named_would_help() -> None:
    for one in PERMISSIONS_TO_CREATE:
        assert lack_of_permission({one, "User.Read.All"}) is None
    for one in PERMISSIONS_TO_READ:
        assert lack_of_permission({one, "User.Create"}) is None


@pytest.mark.parametrize(
    ("used", "most", "room"),
    [(10, 50, 40), (50, 50, 0), (60, 50, 0), (None, 50, None), (10, None, None), (0, 0, 0)],
)
def test_the_room_that_is_left(used: int | None, most: int | None, room: int | None) -> None:
    assert room_for_more(used=used, most=most) == room


@pytest.mark.parametrize(
    ("existing", "wanted", "fits"),
    [
        ("String", "String", True),
        ("LargeInteger", "Integer", True),
        ("Integer", "LargeInteger", False),
        ("String", "Integer", False),
        ("Boolean", "String", False),
    ],
)
def test_which_attribute_holds_which_values(existing: str, wanted: str, fits: bool) -> None:
    assert takes_values(existing, wanted) is fits


def test_each_attribute_gets_one_type() -> None:
    found = {"a": {"String"}, "b": {"Integer"}, "c": {"Integer", "LargeInteger"}, "d": {"Boolean"}}
    assert data_types(found) == {"a": "String", "b": "Integer", "c": "LargeInteger", "d": "Boolean"}
    assert data_types({}) == {}


@pytest.mark.parametrize(
    "types", [{"String", "Integer"}, {"Boolean", "Integer"}, {"String", "Integer", "LargeInteger"}]
)
def test_values_of_several_types_are_nobodys_attribute(types: set[str]) -> None:
    with pytest.raises(SourceError, match="the attribute vip holds values of several types"):
        data_types({"vip": types})


USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
OTHER_ROLE = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
MAY = frozenset({"User-PasswordProfile.ReadWrite.All"})


@pytest.mark.parametrize(
    ("granted", "roles", "right"),
    [
        (MAY, frozenset({USER_ADMINISTRATOR, OTHER_ROLE}), PasswordRight.GRANTED),
        (MAY, frozenset({OTHER_ROLE}), PasswordRight.NO_ROLE),
        (MAY, frozenset(), PasswordRight.NO_ROLE),
        (MAY, None, PasswordRight.UNSEEN),
        (frozenset({"User.ReadWrite.All"}), frozenset({USER_ADMINISTRATOR}), PasswordRight.NO_PERMISSION),
        (frozenset(), None, PasswordRight.NO_PERMISSION),
        (None, frozenset({USER_ADMINISTRATOR}), PasswordRight.UNSEEN),
        (None, frozenset(), PasswordRight.NO_ROLE),
    ],
)
def test_permission_and_role_are_both_needed_to_set_passwords(
    granted: frozenset[str] | None, roles: frozenset[str] | None, right: PasswordRight
) -> None:
    assert password_right(granted=granted, roles=roles) is right
    assert PASSWORD_RIGHT_MEANINGS[right]


@pytest.mark.parametrize(
    ("granted", "may"),
    [
        (None, True),
        (frozenset({"User.ReadUpdate.All"}), True),
        (frozenset({"User.ReadWrite.All"}), True),
        (frozenset({"User.Read.All", "Directory.Read.All"}), False),
    ],
)
def test_who_may_change_users(granted: frozenset[str] | None, may: bool) -> None:
    assert may_change_users(granted) is may
