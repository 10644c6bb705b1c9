from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from idferry.rules.account import Account, AccountDraft, PasswordPlan
from idferry.rules.entry import Entry
from idferry.rules.lifecycle import State
from idferry.rules.names import local_identity
from idferry.rules.removal import (
    CREATION_TAKES_AT_MOST,
    MEANINGS,
    Kept,
    has_removed_account,
    is_still_ours,
    reason_to_keep,
    state_of_restored,
)

MADE = datetime(2026, 3, 1, 12, tzinfo=UTC)
DRAFT = AccountDraft("contoso:crm:1", "Anna", (local_identity("a@example.com"),), PasswordPlan.RANDOM)
ENTRY = Entry(
    person_id=1,
    state=State.AWAITING_PASSWORD,
    code="",
    reason="",
    source="crm",
    key="1",
    ordinal=0,
    record_digest=b"",
    legacy_id="contoso:crm:1",
    object_id="id-1",
    draft=DRAFT,
    cohort="",
    created_by_run="run",
    created_at=MADE,
)
ACCOUNT = Account(
    object_id="id-1",
    identities=DRAFT.identities,
    legacy_id="contoso:crm:1",
    flag=True,
    enabled=True,
    values={},
    created_at=MADE,
    password_changed_at=MADE,
    sign_ins_shown=True,
)
KNOWN = structs.replace(ENTRY, draft=structs.replace(DRAFT, password_plan=PasswordPlan.KNOWN))
FEDERATED = structs.replace(ENTRY, draft=structs.replace(DRAFT, password_plan=PasswordPlan.NONE))


@pytest.mark.parametrize(
    ("entry", "changes", "kept"),
    [
        (ENTRY, {}, None),
        (ENTRY, {"legacy_id": "contoso:crm:2"}, Kept.OTHER_LEGACY_ID),
        (ENTRY, {"legacy_id": None}, Kept.OTHER_LEGACY_ID),
        (ENTRY, {"legacy_id": "CONTOSO:crm:1"}, Kept.OTHER_LEGACY_ID),
        (structs.replace(ENTRY, legacy_id=""), {"legacy_id": ""}, Kept.OTHER_LEGACY_ID),
        (ENTRY, {"flag": False}, Kept.FLAG_FALLEN),
        (ENTRY, {"flag": None}, Kept.FLAG_FALLEN),
        (KNOWN, {"flag": None}, None),
        (ENTRY, {"password_changed_at": MADE + CREATION_TAKES_AT_MOST}, None),
        (
            ENTRY,
            {"password_changed_at": MADE + CREATION_TAKES_AT_MOST + timedelta(seconds=1)},
            Kept.PASSWORD_CHANGED,
        ),
        (KNOWN, {"password_changed_at": MADE + timedelta(days=1), "flag": None}, Kept.PASSWORD_CHANGED),
        (KNOWN, {"last_sign_in_at": MADE, "flag": None}, Kept.SIGNED_IN),
        (KNOWN, {"sign_ins_shown": False, "flag": None}, Kept.SIGN_IN_UNKNOWN),
        (FEDERATED, {"sign_ins_shown": False, "flag": None}, Kept.SIGN_IN_UNKNOWN),
        (ENTRY, {"sign_ins_shown": False}, None),  # nobody knows a random password
        (ENTRY, {"created_at": None, "password_changed_at": None}, None),
    ],
)
def test_why_an_account_stays(entry: Entry, changes: dict[str, object], kept: Kept | None) -> None:
    assert reason_to_keep(entry, replace(ACCOUNT, **changes)) is kept  # type: ignore[arg-type]


def test_a_foreign_legacy_id_is_the_one_reason_that_nobody_can_overrule() -> None:
    assert [kept for kept in Kept if not kept.means_used] == [Kept.OTHER_LEGACY_ID]


def test_the_foreign_legacy_id_is_the_reason_even_for_an_account_in_use() -> None:
    account = replace(ACCOUNT, legacy_id="fabrikam:crm:1", flag=False, last_sign_in_at=MADE)
    assert reason_to_keep(ENTRY, account) is Kept.OTHER_LEGACY_ID


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Kept)


@pytest.mark.parametrize(
    ("shown", "ours"), [("contoso:crm:1", True), (None, True), ("contoso:crm:2", False), ("", False)]
)
def test_what_lies_in_the_recycle_bin_is_ours_unless_another_legacy_id_claims_it(
    shown: str | None, ours: bool
) -> None:
    assert (
        is_still_ours(structs.replace(ENTRY, state=State.REMOVED), replace(ACCOUNT, legacy_id=shown)) is ours
    )


@pytest.mark.parametrize(
    ("shown", "ours"), [("contoso:crm:1", True), (None, False), ("contoso:crm:2", False), ("", False)]
)
def test_the_account_of_somebody_planned_again_must_say_itself_whose_it_is(
    shown: str | None, ours: bool
) -> None:
    assert (
        is_still_ours(structs.replace(ENTRY, state=State.FAILED), replace(ACCOUNT, legacy_id=shown)) is ours
    )


@pytest.mark.parametrize(
    ("state", "object_id", "expected"),
    [
        (State.REMOVED, "id-1", True),
        (State.FAILED, "id-1", True),
        (State.FAILED, "", False),
        (State.REMOVED, "", False),
        (State.COMPLETE, "id-1", False),
        (State.CREATING, "id-1", False),
    ],
)
def test_who_has_a_removed_account(state: State, object_id: str, expected: bool) -> None:
    assert has_removed_account(structs.replace(ENTRY, state=state, object_id=object_id)) is expected


@pytest.mark.parametrize(
    ("entry", "flag", "state"),
    [
        (ENTRY, True, State.AWAITING_PASSWORD),
        (ENTRY, False, State.COMPLETE),
        (ENTRY, None, State.AWAITING_PASSWORD),  # not shown: what we created it with
        (KNOWN, None, State.COMPLETE),
        (structs.replace(ENTRY, draft=None), None, State.COMPLETE),
        (
            structs.replace(ENTRY, state=State.FAILED),
            None,
            State.COMPLETE,
        ),  # planned with a flag, created without one
        (structs.replace(KNOWN, state=State.FAILED), True, State.AWAITING_PASSWORD),
    ],
)
def test_the_flag_says_what_a_restored_person_is(entry: Entry, flag: bool | None, state: State) -> None:
    assert state_of_restored(entry, replace(ACCOUNT, flag=flag)) is state
