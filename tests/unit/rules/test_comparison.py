from dataclasses import replace

import pytest
from msgspec import structs

from idferry.rules.account import Account, AccountDraft, PasswordPlan, written_digests
from idferry.rules.comparison import compare, made_from, source_differences
from idferry.rules.entry import Entry
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity, SignInType

FLAG = "requiresMigration"
EMAIL = Identity(SignInType.EMAIL_ADDRESS, "Anna@example.com")
GOOGLE = Identity(SignInType.FEDERATED, "g-1", "google.com")
DRAFT = AccountDraft(
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
    legacy_id=DRAFT.legacy_id,
    object_id="id-1",
    draft=DRAFT,
    cohort="",
    created_by_run="run",
    created_at=None,
    written=written_digests(DRAFT),
)
ACCOUNT = Account(
    object_id="id-1",
    identities=DRAFT.identities,
    legacy_id=DRAFT.legacy_id,
    flag=True,
    enabled=True,
    values=DRAFT.values,
)


def names(differences: object) -> list[str]:
    return [one.attribute for one in differences]  # type: ignore[attr-defined]


def test_what_we_wrote_is_no_difference() -> None:
    comparison = compare(ENTRY, ACCOUNT, flag_name=FLAG)
    assert (comparison.differences, comparison.changes, comparison.flag_fell) == ((), (), False)


def test_a_state_is_told_as_a_plain_text() -> None:
    [one] = compare(structs.replace(ENTRY, state=State.FAILED), ACCOUNT, flag_name=FLAG).differences
    assert f"{one.expected!r}, {one.found!r}" == "'failed', 'account exists'"


@pytest.mark.parametrize(
    ("state", "flag", "differs", "fell"),
    [
        (State.AWAITING_PASSWORD, True, False, False),
        (State.AWAITING_PASSWORD, False, False, True),
        (State.AWAITING_PASSWORD, None, True, False),
        (State.CONFIRMING, True, False, False),
        (State.CONFIRMING, False, False, True),
        (State.CONFIRMING, None, False, False),
        (State.COMPLETE, True, True, False),
        (State.COMPLETE, False, False, False),
        (State.COMPLETE, None, False, False),
    ],
)
def test_the_flag(state: State, flag: bool | None, differs: bool, fell: bool) -> None:
    comparison = compare(structs.replace(ENTRY, state=state), replace(ACCOUNT, flag=flag), flag_name=FLAG)
    assert names(comparison.differences) == ([FLAG] if differs else [])
    assert comparison.flag_fell is fell


@pytest.mark.parametrize(
    "state", [State.PLANNED, State.CREATING, State.FAILED, State.REMOVED, State.LEFT_OUT, State.REFUSED]
)
def test_an_account_of_somebody_who_has_none_differs(state: State) -> None:
    comparison = compare(structs.replace(ENTRY, state=state), ACCOUNT, flag_name=FLAG)
    assert names(comparison.differences) == ["state"]
    assert not comparison.flag_fell


@pytest.mark.parametrize(
    ("name", "found", "changed"),
    [
        ("city", "Bergen", True),
        ("city", None, True),
        ("city", "oslo", True),
        ("mail", "anna@example.com", False),
        ("mail", "other@example.com", True),
        ("mail", None, True),
        ("businessPhones", ("2",), True),
        ("points", 8, True),
        ("points", "7", True),
        ("displayName", "Anna B", True),
        ("unknown", "whatever", False),
    ],
)
def test_values_that_somebody_else_has_set_are_changes(name: str, found: object, changed: bool) -> None:
    account = replace(ACCOUNT, values={**ACCOUNT.values, name: found})  # type: ignore[dict-item]
    for entry in (ENTRY, structs.replace(ENTRY, written={})):
        comparison = compare(entry, account, flag_name=FLAG)
        assert names(comparison.changes) == ([name] if changed else [])
        assert comparison.differences == ()


def test_a_value_that_is_the_one_we_wrote_is_no_change_even_if_the_draft_moved_on() -> None:
    moved = structs.replace(
        ENTRY, draft=structs.replace(DRAFT, attributes={**DRAFT.attributes, "city": "Turku"})
    )
    assert compare(moved, ACCOUNT, flag_name=FLAG).changes == ()


@pytest.mark.parametrize(("enabled", "changed"), [(True, False), (False, True), (None, False)])
def test_an_account_that_was_disabled_was_changed(enabled: bool | None, changed: bool) -> None:
    comparison = compare(ENTRY, replace(ACCOUNT, enabled=enabled), flag_name=FLAG)
    assert names(comparison.changes) == (["accountEnabled"] if changed else [])


@pytest.mark.parametrize(
    ("identities", "missing"),
    [
        ((EMAIL, GOOGLE), 0),
        ((Identity(SignInType.EMAIL_ADDRESS, "ANNA@EXAMPLE.COM"), GOOGLE), 0),
        ((EMAIL, Identity(SignInType.FEDERATED, "", "Google.com")), 0),
        ((EMAIL, Identity(SignInType.FEDERATED, "", "facebook.com")), 1),
        ((EMAIL, Identity(SignInType.FEDERATED, "g-2", "google.com")), 1),
        ((EMAIL, GOOGLE, Identity(SignInType.USER_NAME, "anna")), 0),
        ((), 2),
    ],
)
def test_identities_that_we_wrote_must_be_there(identities: tuple[Identity, ...], missing: int) -> None:
    comparison = compare(ENTRY, replace(ACCOUNT, identities=identities), flag_name=FLAG)
    assert names(comparison.differences) == ["identities"] * missing


@pytest.mark.parametrize(
    ("account", "ours"),
    [
        (ACCOUNT, True),
        (replace(ACCOUNT, legacy_id="contoso:crm:2"), False),
        (replace(ACCOUNT, legacy_id=None), False),
        (replace(ACCOUNT, identities=(GOOGLE,)), True),
        (replace(ACCOUNT, identities=(Identity(SignInType.FEDERATED, "", "google.com"),)), True),
        (replace(ACCOUNT, identities=(Identity(SignInType.USER_NAME, "somebody"),)), False),
        (replace(ACCOUNT, identities=()), False),
        (replace(ACCOUNT, identities=(), identities_shown=False), True),
    ],
)
def test_an_account_is_ours_by_legacy_id_and_identity_together(account: Account, ours: bool) -> None:
    assert made_from(DRAFT, account) is ours


def test_the_source_is_compared_with_what_was_written() -> None:
    wanted = structs.replace(
        DRAFT, display_name="Anna B", attributes={"city": "Oslo", "mail": "Anna@example.com"}
    )
    found = {one.attribute: (one.expected, one.found) for one in source_differences(ENTRY, wanted)}
    assert found == {"displayName": ("Anna B", "Anna"), "businessPhones": (None, ("1",))}
    assert source_differences(ENTRY, DRAFT) == ()


def test_without_digests_the_draft_says_what_was_written() -> None:
    assert source_differences(structs.replace(ENTRY, written={}), DRAFT) == ()


def test_without_a_draft_there_is_nothing_to_compare() -> None:
    assert source_differences(structs.replace(ENTRY, draft=None), DRAFT) == ()
    assert names(compare(structs.replace(ENTRY, draft=None), ACCOUNT, flag_name=FLAG).differences) == [
        "state"
    ]
