import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.rules.account import (
    AccountDraft,
    PasswordPlan,
    legacy_id_of,
    value_digest,
    written_digests,
)
from idferry.rules.attributes import AttributeValue
from idferry.rules.names import LEGACY_ID_CHARACTERS_MAX, local_identity

TEXT = st.text(st.characters(codec="utf-8"), max_size=300)


def test_a_legacy_id_says_where_the_person_comes_from() -> None:
    assert legacy_id_of(project="contoso", source="shop", key="c:1") == "contoso:shop:c:1"


def test_a_long_key_is_hashed_and_keeps_its_origin() -> None:
    fits = "k" * (LEGACY_ID_CHARACTERS_MAX - len("contoso:shop:"))
    assert legacy_id_of(project="contoso", source="shop", key=fits) == f"contoso:shop:{fits}"
    hashed = legacy_id_of(project="contoso", source="shop", key=f"{fits}k")
    # Written down: another release must compute the same, or it would not recognise its accounts.
    assert hashed == "contoso:shop:#d7dc465296c6a89ee84b91d4bafe65ebdcb1a31388c9843a0831a0b173a7b49a"


def test_long_names_of_project_and_source_are_hashed_too() -> None:
    one, other = (legacy_id_of(project="p" * 200, source=source * 200, key="1") for source in "ab")
    assert one != other
    assert len(one) <= LEGACY_ID_CHARACTERS_MAX


def test_a_key_that_is_written_like_the_hash_of_another_is_another() -> None:
    long = "k" * 300
    keys = [long, "#1", "1", ""]
    for _ in range(2):
        keys += {f"#{hashlib.sha256(key.encode()).hexdigest()}" for key in keys} - {*keys}
    made = {legacy_id_of(project="contoso", source="shop", key=key) for key in keys}
    assert len(made) == len(keys)


@given(project=TEXT, source=TEXT, key=TEXT)
def test_a_legacy_id_always_fits_and_depends_on_its_parts_alone(project: str, source: str, key: str) -> None:
    made = legacy_id_of(project=project, source=source, key=key)
    assert len(made) <= LEGACY_ID_CHARACTERS_MAX
    assert made == legacy_id_of(project=project, source=source, key=key)


@given(keys=st.lists(TEXT, unique=True, min_size=2, max_size=2))
def test_two_keys_are_two_legacy_ids(keys: list[str]) -> None:
    one, other = (legacy_id_of(project="contoso", source="shop", key=key) for key in keys)
    assert one != other


@pytest.mark.parametrize(
    ("plan", "is_known", "sets_flag"),
    [
        (PasswordPlan.KNOWN, True, False),
        (PasswordPlan.KNOWN_WEAK, True, False),
        (PasswordPlan.RANDOM, False, True),
        (PasswordPlan.NONE, False, False),
    ],
)
def test_what_follows_from_how_an_account_gets_its_password(
    plan: PasswordPlan, is_known: bool, sets_flag: bool
) -> None:
    draft = AccountDraft("contoso:shop:1", "Ana", (local_identity("ana"),), plan)
    assert draft.password_plan.is_known is is_known
    assert draft.sets_flag is sets_flag


def test_the_values_of_a_draft_are_what_verify_compares() -> None:
    draft = AccountDraft(
        "contoso:shop:1",
        "Ana",
        (),
        PasswordPlan.KNOWN,
        attributes={"city": "Porto"},
        extensions={"points": 7},
    )
    assert draft.values == {"displayName": "Ana", "city": "Porto", "points": 7}
    assert written_digests(draft) == {name: value_digest(value) for name, value in draft.values.items()}


VALUES: list[AttributeValue | None] = [
    "",
    "1",
    "True",
    "None",
    "a\x1fb",
    1,
    0,
    True,
    False,
    None,
    (),
    ("",),
    ("a", "b"),
]


def test_values_of_other_types_have_other_digests() -> None:
    digests = [value_digest(value) for value in VALUES]
    assert len(set(digests)) == len(VALUES) - 1  # no list and a list of one empty text are both nothing
    assert all(len(digest) == 16 for digest in digests)
