from enum import StrEnum

import pytest

from idferry.rules.outcomes import MEANINGS, LeftOut, Note, Refused, RefusedAttribute

# The contract: scripts and ledgers hold these. New codes may be added here, none renamed or taken away.
CODES: dict[type[StrEnum], set[str]] = {
    LeftOut: {"duplicate_sign_in_name", "duplicate_key", "weak_password", "no_password", "stale", "removed"},
    Refused: {
        "no_identity",
        "attribute_too_long",
        "attribute_invalid",
        "sign_in_name_invalid",
        "too_many_identities",
    },
    RefusedAttribute: {"sensitive", "attribute_too_long"},
    Note: {
        "display_name_built",
        "weak_password_random",
        "weak_password_kept",
        "look_alike_sign_in_name",
        "non_ascii_contact_email",
    },
}


@pytest.mark.parametrize("kind", list(CODES))
def test_no_code_is_renamed(kind: type[StrEnum]) -> None:
    assert {code.value for code in kind} >= CODES[kind]


@pytest.mark.parametrize("kind", list(CODES))
def test_every_code_has_its_sentence(kind: type[StrEnum]) -> None:
    for code in kind:
        assert MEANINGS[code].endswith(".")


def test_no_person_can_be_left_out_and_refused_for_the_same_code() -> None:
    assert not {code.value for code in LeftOut} & {code.value for code in Refused}
