from dataclasses import replace

import pytest
from msgspec import structs

from idferry.rules.account import Account, AccountDraft, PasswordPlan, value_digest, written_digests
from idferry.rules.attributes import AttributeValue
from idferry.rules.entry import Entry
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity, SignInType
from idferry.rules.outcomes import RefusedAttribute
from idferry.rules.plan import Planned
from idferry.rules.update import (
    NOT_OURS,
    agreed_digests,
    has_other_names,
    is_cheaper_one_by_one,
    names_cleared,
    names_of_others,
    needs_a_look,
    shares_a_name,
    three_way,
    unsent_names,
    wanted_draft,
    written_after,
)

EMAIL = Identity(SignInType.EMAIL_ADDRESS, "Anna@example.com")
GOOGLE = Identity(SignInType.FEDERATED, "g-1", "google.com")
HELD = AccountDraft(
    legacy_id="contoso:crm:1",
    display_name="Anna",
    identities=(EMAIL, GOOGLE),
    password_plan=PasswordPlan.RANDOM,
    attributes={"city": "Oslo", "mail": "Anna@example.com", "businessPhones": ("1",)},
    extensions={"points": 7},
)
ENTRY = Entry(
    person_id=1,
    state=State.AWAITING_PASSWORD,
    code="",
    reason="",
    source="crm",
    key="1",
    ordinal=0,
    record_digest=b"",
    legacy_id=HELD.legacy_id,
    object_id="id-1",
    draft=HELD,
    cohort="",
    created_by_run="run",
    created_at=None,
    written=written_digests(HELD),
)
AS_CREATED = structs.replace(ENTRY, written={})
ACCOUNT = Account("id-1", HELD.identities, HELD.legacy_id, flag=True, enabled=True, values=HELD.values)


def says(**attributes: AttributeValue) -> AccountDraft:
    return structs.replace(HELD, attributes={**HELD.attributes, **attributes})


def holds(**values: AttributeValue | None) -> Account:
    return replace(ACCOUNT, values={**ACCOUNT.values, **values})


@pytest.mark.parametrize(
    ("new", "found", "becomes"),
    [
        ("Oslo", "Oslo", "nothing"),
        ("Oslo", "Mine", "nothing"),
        ("Turku", "Oslo", "changes"),
        ("Turku", "Turku", "already"),
        ("Turku", "Mine", "kept"),
        ("Turku", None, "kept"),
        (None, "Oslo", "changes"),
        (None, None, "already"),
        (None, "Mine", "kept"),
    ],
)
@pytest.mark.parametrize("entry", [ENTRY, AS_CREATED], ids=["updated before", "as created"])
def test_three_values_meet(new: str | None, found: str | None, becomes: str, entry: Entry) -> None:
    others = {name: value for name, value in HELD.attributes.items() if name != "city"}
    wanted = structs.replace(HELD, attributes={**others, **({"city": new} if new else {})})
    update = three_way(entry, wanted, holds(city=found))
    assert dict(update.changes) == ({"city": new} if becomes == "changes" else {})
    assert update.already == (("city",) if becomes == "already" else ())
    assert update.kept == (("city",) if becomes == "kept" else ())
    after = written_after(entry, wanted, update).get("city")
    if becomes in ("changes", "already"):
        assert after == (value_digest(new) if new else None)
    else:
        assert after == value_digest("Oslo")


@pytest.mark.parametrize("nothing", [None, (), ""])
def test_what_was_never_set_is_ours_to_set(nothing: AttributeValue | None) -> None:
    wanted = says(otherMails=("a@example.org",))
    update = three_way(ENTRY, wanted, holds(otherMails=nothing))
    assert (dict(update.changes), dict(update.before)) == (
        {"otherMails": ("a@example.org",)},
        {"otherMails": None},
    )
    assert three_way(ENTRY, wanted, holds(otherMails=("b@example.org",))).kept == ("otherMails",)


def test_a_number_is_not_the_text_that_looks_like_it() -> None:
    wanted = structs.replace(HELD, extensions={"points": "7"})
    assert dict(three_way(ENTRY, wanted, ACCOUNT).changes) == {"points": "7"}


def test_only_values_come_from_the_later_record() -> None:
    planned = AccountDraft(
        "contoso:crm:1",
        "Anna B",
        (Identity(SignInType.EMAIL_ADDRESS, "other@example.com"),),
        PasswordPlan.KNOWN,
        {"city": "Turku", "mail": "other@example.com"},
        {"points": 8},
        enabled=False,
    )
    wanted = wanted_draft(HELD, planned)
    assert wanted == structs.replace(
        HELD,
        display_name="Anna B",
        attributes={"city": "Turku", "mail": "Anna@example.com"},
        extensions={"points": 8},
    )
    without = structs.replace(HELD, attributes={"city": "Oslo"})
    assert "mail" not in wanted_draft(without, planned).attributes


def test_what_the_source_has_and_may_not_send_has_not_left_it() -> None:
    planned = structs.replace(
        HELD, display_name="Built", attributes={"mail": "Anna@example.com"}, extensions={}
    )
    unsent = {"displayName", "city", "points", "department"}
    assert wanted_draft(HELD, planned, unsent=unsent) == structs.replace(
        HELD, attributes={name: value for name, value in HELD.attributes.items() if name != "businessPhones"}
    )
    assert names_cleared(HELD, wanted_draft(HELD, planned, unsent=unsent)) == {"businessPhones"}


def test_a_contact_address_that_no_directory_takes_has_not_left_the_source_either() -> None:
    user = LegacyUser("crm", "1", Place("x", 1, 0), (EMAIL,), contact_email="jürgen@example.com")
    assert unsent_names(user, Planned(HELD, {"city": RefusedAttribute.SENSITIVE})) == {"city", "otherMails"}
    sent = Planned(says(otherMails=("a@example.com",)))
    assert unsent_names(user, sent) == set()
    assert unsent_names(LegacyUser("crm", "1", Place("x", 1, 0), (EMAIL,)), Planned(HELD)) == set()


def test_mail_is_never_part_of_an_update() -> None:
    entry = structs.replace(ENTRY, written={**ENTRY.written, "mail": "another digest"})
    assert not needs_a_look(entry, HELD)
    assert three_way(entry, says(mail="x@example.com"), ACCOUNT).changes == {}


def test_whoever_says_what_we_wrote_needs_no_look() -> None:
    assert not needs_a_look(ENTRY, HELD)
    assert not needs_a_look(structs.replace(ENTRY, written={}), HELD), "an old entry without digests"
    assert needs_a_look(ENTRY, says(city="Turku"))
    assert needs_a_look(structs.replace(ENTRY, written={**ENTRY.written, "city": NOT_OURS}), HELD)
    assert needs_a_look(structs.replace(ENTRY, draft=says(city="Turku")), HELD), (
        "the ledger remembers a later record"
    )


def test_after_a_lost_ledger_an_account_that_is_as_drafted_carries_no_digests() -> None:
    """What we wrote is what the draft says: seven digests a person would tell nothing more."""
    assert agreed_digests(HELD, holds(mail="anna@EXAMPLE.com")) == {}


def test_after_a_lost_ledger_ours_is_what_both_sides_agree_on() -> None:
    digests = agreed_digests(HELD, holds(city="Mine", points=None, mail="anna@EXAMPLE.com"))
    assert digests["displayName"] == value_digest("Anna")
    assert digests["mail"] == value_digest("Anna@example.com")
    assert (digests["city"], digests["points"]) == (NOT_OURS, NOT_OURS)
    entry = structs.replace(ENTRY, written=digests)
    for found in ("Mine", None, "Oslo"):
        update = three_way(entry, says(city="Turku"), holds(city=found, points=None))
        assert (update.changes, update.kept) == ({}, ("city", "points")), found


def test_sign_in_names_are_compared_as_sign_in_names_are() -> None:
    stranger = Identity(SignInType.EMAIL_ADDRESS, "x@example.com")
    both = HELD.identities
    same = (GOOGLE, Identity(SignInType.EMAIL_ADDRESS, "anna@EXAMPLE.com"))
    assert [has_other_names(both, one) for one in (same, (GOOGLE,), (stranger,))] == [False, True, True]
    assert [shares_a_name(both, one) for one in (same, (GOOGLE,), (stranger,))] == [True, True, False]
    assert names_of_others(both, (*same, stranger)) == [stranger]
    assert names_of_others((), same) == list(same)


@pytest.mark.parametrize(
    ("people", "accounts", "one_by_one"),
    [
        (0, 0, True),
        (1, 10, False),
        (1, 1_000, True),
        (20, 999, True),
        (21, 999, False),
        (20_000, 10**6, True),
    ],
)
def test_people_are_read_by_whichever_way_takes_fewer_calls(
    people: int, accounts: int, one_by_one: bool
) -> None:
    assert is_cheaper_one_by_one(people=people, accounts=accounts) is one_by_one
