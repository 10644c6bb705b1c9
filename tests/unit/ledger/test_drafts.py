"""The stored form of a draft: complete, compact, and a promise to ledgers that were written earlier."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idferry.errors import LedgerError
from idferry.ledger.drafts import draft_from_json, draft_to_json, written_from_json, written_to_json
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.names import Identity, SignInType

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.one_of(
    TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.lists(TEXTS, max_size=3).map(tuple)
)
DRAFTS = st.builds(
    AccountDraft,
    legacy_id=TEXTS,
    display_name=TEXTS,
    identities=st.lists(st.builds(Identity, st.sampled_from(SignInType), TEXTS, TEXTS), max_size=3).map(
        tuple
    ),
    password_plan=st.sampled_from(PasswordPlan),
    attributes=st.dictionaries(TEXTS, VALUES, max_size=4),
    extensions=st.dictionaries(TEXTS, VALUES, max_size=4),
    enabled=st.booleans(),
)


@given(DRAFTS)
def test_a_draft_comes_back_as_it_was(draft: AccountDraft) -> None:
    back = draft_from_json(draft_to_json(draft))
    assert back == draft
    assert {name: type(value) for name, value in back.values.items()} == {
        name: type(value) for name, value in draft.values.items()
    }


def test_the_stored_form_stays_what_it_is() -> None:
    draft = AccountDraft(
        legacy_id="contoso:shop:1",
        display_name="Zoë",
        identities=(
            Identity(SignInType.EMAIL_ADDRESS, "Zoe@x.org"),
            Identity(SignInType.FEDERATED, "g-1", "google.com"),
        ),
        password_plan=PasswordPlan.KNOWN_WEAK,
        attributes={"otherMails": ("b@x.org",), "city": "Köln"},
        extensions={"points": 7},
    )
    assert draft_to_json(draft) == (
        '{"legacy_id":"contoso:shop:1","display_name":"Zoë",'
        '"identities":[["emailAddress","Zoe@x.org",""],["federated","g-1","google.com"]],'
        '"password_plan":"known_weak",'
        '"attributes":{"city":"Köln","otherMails":["b@x.org"]},"extensions":{"points":7}}'
    )


def test_equal_drafts_have_equal_text() -> None:
    one = AccountDraft("id", "name", (), PasswordPlan.NONE, {"a": "1", "b": "2"})
    two = AccountDraft("id", "name", (), PasswordPlan.NONE, {"b": "2", "a": "1"})
    assert draft_to_json(one) == draft_to_json(two)


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"legacy_id":"secretive"}'])
def test_a_damaged_draft_is_an_error_that_quotes_nothing(damaged: str) -> None:
    with pytest.raises(LedgerError) as told:
        draft_from_json(damaged)
    assert "secretive" not in str(told.value)


def test_written_digests_come_back() -> None:
    written = {"displayName": "ab12", "city": "cd34"}
    assert written_from_json(written_to_json(written)) == written
    assert written_from_json("") == {}
