import copy
import dataclasses
import json
import pickle
import random
import secrets
import string
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.password import Password, random_password

SECRET = "Kestrel-On-A-Wire-7"
STRONG = "Abcdefg1"


def chance_of(seed: int) -> Callable[[int], int]:
    return random.Random(seed).randrange  # noqa: S311  seeded, so that a failure can be repeated


def revealed(password: Password) -> str:
    return password.reveal_to(str)


@pytest.fixture
def password() -> Password:
    return Password(SECRET)


def test_the_one_door_opens(password: Password) -> None:
    assert password.reveal_to(len) == len(SECRET)
    assert revealed(password) == SECRET


@dataclasses.dataclass
class Holder:
    password: Password


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        lambda one: f"{one}",
        lambda one: f"{one!r:>40}",
        "{:s}".format,
        lambda one: f"{one!s} {one!a}",
        lambda one: repr([one]),
        lambda one: repr({"p": one}),
        lambda one: repr(Holder(one)),
        lambda one: str(ValueError(one)),
        lambda one: repr(dataclasses.asdict(Holder(one))),
        dir,
    ],
)
def test_it_does_not_print(password: Password, show: object) -> None:
    assert callable(show)
    assert SECRET not in str(show(password))


@pytest.mark.parametrize(
    "refused",
    [
        pickle.dumps,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        hash,
        len,
        iter,
        vars,
        bytes,
        sorted,
        lambda one: pickle.dumps(Holder(one)),
        lambda one: one.__reduce_ex__(4),
        lambda one: one.__getstate__(),
        lambda one: one == one,
        lambda one: one == SECRET,
        lambda one: one != SECRET,
        lambda one: one < SECRET,
        lambda one: {one},
        lambda one: SECRET in [one],
        lambda one: one + "",
    ],
)
def test_it_is_not_compared_hashed_or_serialised(password: Password, refused: object) -> None:
    assert callable(refused)
    with pytest.raises(TypeError) as caught:
        refused(password)
    assert SECRET not in str(caught.value)


def test_a_copy_is_the_same_value(password: Password) -> None:
    assert copy.copy(password) is password
    assert copy.deepcopy([password])[0] is password


def test_nothing_can_be_hung_on_it(password: Password) -> None:
    with pytest.raises(AttributeError):
        password.note = SECRET  # type: ignore[attr-defined]


@pytest.mark.parametrize(("text", "is_empty"), [("", True), (" ", False), ("x", False)])
def test_only_nothing_is_empty(text: str, is_empty: bool) -> None:
    assert Password(text).is_empty is is_empty


@pytest.mark.parametrize(
    "text",
    [STRONG, "abcdefg1!", "ABCDEFG1!", "Abcdefg!", "Pass word1", "A1" + "b" * 254, "aA1\\|`~\"'()<>;:[]{}"],
)
def test_strong_passwords(text: str) -> None:
    assert Password(text).weakness(["ana@example.com"]) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "shorter than 8"),
        ("Abcdef1", "shorter than 8"),
        ("A1" + "b" * 255, "longer than 256"),
        ("abcdefgh", "needs 3 of"),
        ("abcdefg1", "needs 3 of"),
        ("ABCDEFG1", "needs 3 of"),
        ("1234567!", "needs 3 of"),
        ("        ", "needs 3 of"),
        ("Ābcdefg1", "outside the directory's alphabet"),
        ("Abcdefg1é", "outside the directory's alphabet"),
        ("Abcdefg1\t", "outside the directory's alphabet"),
        ("Abcdefg1€", "outside the directory's alphabet"),
        ("Abcdefg١", "outside the directory's alphabet"),
        ("X-ana.SILVA-1", "contains the sign-in name"),
        ("1-Bird99-", "contains the sign-in name"),
        ("$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "a password hash"),
        ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=Aa1", "a password hash"),
    ],
)
def test_weak_passwords_and_why(text: str, reason: str) -> None:
    weakness = Password(text).weakness(["Ana.Silva@example.com", "bird99"])
    assert weakness
    assert reason in weakness


@pytest.mark.parametrize("name", ["Ab@example.com", "ab", "", "@example.com"])
def test_a_name_of_two_letters_is_no_fragment(name: str) -> None:
    assert Password(STRONG).weakness([name]) is None


@pytest.mark.parametrize(
    ("text", "storable"),
    [
        ("1111", True),
        ("111", False),
        ("sunshine", True),
        ("    ", True),
        ("x" * 256, True),
        ("x" * 257, False),
        ("пароль", False),
        ("", False),
        ("$1$abcdefgh$Xy12Xy12Xy12Xy12Xy12X.", False),
        (STRONG, True),
    ],
)
def test_what_the_directory_stores_when_weak_is_allowed(text: str, storable: bool) -> None:
    assert Password(text).storable_when_weak() is storable


@given(st.text(max_size=300))
def test_a_reason_never_quotes_the_password(text: str) -> None:
    weakness = Password(text + "\x00hunter2").weakness()
    assert weakness
    assert "hunter2" not in weakness


LOCAL_PARTS = st.text(string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~.-", min_size=1, max_size=4)


@given(seed=st.integers(), names=st.lists(LOCAL_PARTS, max_size=5))
def test_a_random_password_is_strong_for_everybody(seed: int, names: list[str]) -> None:
    password = random_password(chance_of(seed))
    fragments = [revealed(password)[start : start + 2] for start in range(0, 22, 3)]
    assert password.weakness([*names, *fragments, *(f"{name}@example.com" for name in names)]) is None
    assert len(revealed(password)) == 24


def test_no_name_of_three_characters_fits_into_a_random_password() -> None:
    for _ in range(200):
        text = revealed(random_password(secrets.randbelow))
        for start in range(len(text) - 2):
            assert set(text[start : start + 3]) & set("@,:")


def test_a_random_password_depends_on_chance_alone() -> None:
    assert revealed(random_password(chance_of(7))) == revealed(random_password(chance_of(7)))
    drawn = {revealed(random_password(secrets.randbelow)) for _ in range(500)}
    assert len(drawn) == 500


def test_every_character_and_every_place_is_used() -> None:
    chance = chance_of(1)
    drawn = [revealed(random_password(chance)) for _ in range(3000)]
    for place in range(24):
        wanted = "@,:" if place % 3 == 2 else string.ascii_letters + string.digits
        assert {text[place] for text in drawn} == set(wanted)


@pytest.mark.parametrize("extreme", [lambda n: 0, lambda n: n - 1], ids=["lowest", "highest"])
def test_even_the_worst_luck_gives_a_strong_password(extreme: object) -> None:
    assert callable(extreme)
    assert random_password(extreme).weakness() is None
