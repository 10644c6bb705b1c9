"""A correction says what counts; the rest stays the original's, and the digest speaks of both."""

from datetime import UTC, datetime

from msgspec.structs import replace
from tests.support.ledger_records import federated

from idferry.rules.correction import (
    DISPLAY_NAME,
    EMAIL,
    ENABLED,
    FEDERATED,
    LAST_SIGN_IN,
    LOCAL,
    Correction,
    corrected,
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
