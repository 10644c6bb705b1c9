"""A correction says what counts; the rest stays the original's, and the digest speaks of both."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from tests.support.ledger_records import federated

from idferry.rules.correction import (
    DISPLAY_NAME,
    EMAIL,
    EMAIL_ADDRESS,
    ENABLED,
    FEDERATED,
    LAST_SIGN_IN,
    LOCAL,
    SIGN_IN_NAME,
    USER_NAME,
    Correction,
    corrected,
    is_renamed,
    sign_in_names_problem,
)
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.names import local_identity

GOOGLE, FACEBOOK = federated("google.com", "1"), federated("facebook.com", "2")
ORIGINAL = LegacyUser(
    source="crm",
    key="1",
    place=Place("people.jsonl", 7, 6),
    identities=(local_identity("old@example.com"), local_identity("old"), GOOGLE),
    display_name="Old",
    attributes={"city": "Old", "jobTitle": "Baker"},
    contact_email="old@example.net",
    last_sign_in=datetime(2020, 1, 1, tzinfo=UTC),
    record_digest=b"original",
)
MENDED = LegacyUser(
    source="crm",
    key="1",
    place=Place("mended.jsonl", 1, 0),
    identities=(local_identity("new@example.com"), FACEBOOK),
    display_name="New",
    attributes={"city": "New"},
    contact_email="new@example.net",
    last_sign_in=None,
    enabled=False,
    record_digest=b"mended",
)
EVERYTHING = frozenset({LOCAL, FEDERATED, DISPLAY_NAME, EMAIL, LAST_SIGN_IN, ENABLED, "city", "jobTitle"})


def test_everything_it_says_counts_and_key_and_place_stay() -> None:
    user = corrected(ORIGINAL, Correction(MENDED, EVERYTHING))
    assert replace(user, record_digest=b"") == replace(
        MENDED, place=ORIGINAL.place, identities=MENDED.identities, record_digest=b""
    )


def test_what_it_does_not_speak_of_stays() -> None:
    silent = replace(MENDED, identities=(), display_name="", attributes={}, contact_email="", enabled=True)
    user = corrected(ORIGINAL, Correction(silent, frozenset()))
    assert replace(user, record_digest=ORIGINAL.record_digest) == ORIGINAL


def test_sign_in_names_and_federated_identities_are_replaced_apart() -> None:
    local = corrected(ORIGINAL, Correction(MENDED, frozenset({LOCAL})))
    assert local.identities == (MENDED.identities[0], GOOGLE)
    other = corrected(ORIGINAL, Correction(MENDED, frozenset({FEDERATED})))
    assert other.identities == (*ORIGINAL.identities[:2], FACEBOOK)


def test_an_attribute_that_is_said_to_be_empty_goes() -> None:
    user = corrected(ORIGINAL, Correction(replace(MENDED, attributes={}), frozenset({"jobTitle"})))
    assert user.attributes == {"city": "Old"}


def test_the_digest_changes_with_either_record() -> None:
    digests = {
        corrected(
            replace(ORIGINAL, record_digest=one), Correction(replace(MENDED, record_digest=two), EVERYTHING)
        ).record_digest
        for one in (b"a", b"b")
        for two in (b"a", b"b")
    }
    assert len(digests) == 4
    assert all(len(one) == 16 for one in digests)


@pytest.mark.parametrize(
    ("names", "says", "is_clear"),
    [
        (["a@example.com", "a"], {SIGN_IN_NAME}, False),
        (["a@example.com", "a"], {SIGN_IN_NAME, USER_NAME}, True),
        (["a@example.com", "a"], {SIGN_IN_NAME, USER_NAME, EMAIL_ADDRESS}, True),
        (["a@example.com", "a"], {USER_NAME}, True),
        (["a@example.com", "a"], {SIGN_IN_NAME, LOCAL}, True),
        (["a@example.com", "a"], {DISPLAY_NAME}, True),
        (["a", "b"], {USER_NAME}, False),
        (["a", "b"], {USER_NAME, SIGN_IN_NAME}, True),
        (["a@example.com", "b@example.com"], {USER_NAME, SIGN_IN_NAME}, False),
        (["a"], {SIGN_IN_NAME}, True),
        ([], {SIGN_IN_NAME}, True),
    ],
)
def test_a_field_speaks_of_one_name(names: list[str], says: set[str], is_clear: bool) -> None:
    user = replace(ORIGINAL, identities=(*map(local_identity, names), GOOGLE))
    problem = sign_in_names_problem(user, Correction(MENDED, frozenset(says)))
    assert (problem is None) == is_clear
    assert problem is None or "a@example" not in problem


def test_a_name_of_one_type_leaves_the_others() -> None:
    mended = replace(MENDED, identities=(local_identity("new"),))
    user = corrected(ORIGINAL, Correction(mended, frozenset({USER_NAME})))
    assert user.identities == (local_identity("new"), ORIGINAL.identities[0], GOOGLE)
    gone = corrected(ORIGINAL, Correction(replace(MENDED, identities=()), frozenset({EMAIL_ADDRESS})))
    assert gone.identities == (ORIGINAL.identities[1], GOOGLE)


def test_only_other_identities_are_another_name() -> None:
    louder = replace(ORIGINAL, identities=(local_identity("OLD@example.com"), *ORIGINAL.identities[1:]))
    assert not is_renamed(ORIGINAL, replace(louder, display_name="New"))
    assert is_renamed(ORIGINAL, replace(ORIGINAL, identities=(*ORIGINAL.identities[:2], FACEBOOK)))
