"""Creating people and finding them again: names that are taken, answers that are lost, what shows late."""

import pytest
from msgspec import structs
from tests.support.any_directory import KNOWN, AnyDirectory, MemoryDirectory, local_draft

from idferry.rules.account import PasswordPlan
from idferry.rules.answers import (
    Created,
    Fatal,
    InRecycleBin,
    Ours,
    Postponed,
    Stranger,
    Taken,
    Unanswered,
    Unseen,
)
from idferry.rules.names import Identity, SignInType, local_identity
from idferry.rules.quota import HeldBy

pytestmark = pytest.mark.xdist_group("directory-contract")

GOOGLE = Identity(SignInType.FEDERATED, "Google-Subject/1+1='x'", "google.com")
AWKWARD = [
    "plus+tag@example.com",
    "o'brien@example.com",
    "a!#$%&*/=?^_`{|}~-@example.com",
    "UPPER.Case@Example.COM",
    "user-name_1",
]
DISPLAY_NAMES = [
    "O'Neil & Sons + 100% #1?",
    "Ελένη Παπαδοπούλου",
    "山田 太郎",
    "محمد العربي",
    "Zoë Ångström 🜁",
    "e\u0301 decomposed",
    "''",
]


# --- creating ---------------------------------------------------------------------------------------------------------


def test_twenty_people_are_created_and_can_be_read(directory: AnyDirectory) -> None:
    drafts = [directory.draft(str(n), f"p{n}@example.com", f"person-{n}") for n in range(20)]
    answers = directory.create(*drafts)
    ids = [answer.object_id for answer in answers if isinstance(answer, Created)]
    assert len(set(ids)) == 20
    for draft, object_id in zip(drafts, ids, strict=True):
        account = directory.reader.by_id(object_id)
        assert account is not None
        assert account.object_id == object_id
        assert account.identities == draft.identities
        assert account.legacy_id == draft.legacy_id
        assert account.flag is None
        assert account.enabled is True
        assert account.values["displayName"] == draft.display_name
        assert account.created_at is not None
    assert directory.opens("p3@example.com", KNOWN)
    assert directory.opens("person-3", KNOWN)
    assert not directory.opens("p3@example.com", KNOWN.lower())


def test_a_random_password_comes_with_the_flag(directory: AnyDirectory) -> None:
    (answer,) = directory.create(
        directory.draft("1", "a@example.com", plan=PasswordPlan.RANDOM), password="Rand0m-One!"
    )
    assert isinstance(answer, Created)
    account = directory.reader.by_id(answer.object_id)
    assert account is not None
    assert account.flag is True
    assert directory.opens("a@example.com", "Rand0m-One!")


def test_social_and_mixed_people_keep_all_their_identities(directory: AnyDirectory) -> None:
    other = Identity(SignInType.FEDERATED, "42", "facebook.com")
    social = directory.draft("1", GOOGLE, plan=PasswordPlan.NONE)
    mixed = directory.draft("2", "mixed@example.com", other)
    answers = directory.create(social, mixed)
    for draft, answer in zip((social, mixed), answers, strict=True):
        assert isinstance(answer, Created)
        account = directory.reader.by_id(answer.object_id)
        assert account is not None
        assert set(account.identities) == set(draft.identities)


def test_a_disabled_person_stays_disabled(directory: AnyDirectory) -> None:
    (answer,) = directory.create(directory.draft("1", "a@example.com", enabled=False))
    assert isinstance(answer, Created)
    account = directory.reader.by_id(answer.object_id)
    assert account is not None
    assert account.enabled is False
    assert not directory.opens("a@example.com", KNOWN) or isinstance(directory, MemoryDirectory)


def test_attributes_and_extension_attributes_come_back_as_they_went(directory: AnyDirectory) -> None:
    directory.declare("loyaltyNumber", "Integer")
    directory.declare("vip", "Boolean")
    directory.declare("nickName", "String")
    draft = directory.draft(
        "1",
        "a@example.com",
        attributes={"givenName": "Zoë", "surname": "O'Neil", "businessPhones": ("+49 30 1",), "city": "北京"},
        extensions={"loyaltyNumber": 42, "vip": True, "nickName": "Zo+ë"},
    )
    directory.hand_over([draft])
    (account,) = directory.reader.every([*draft.values, "jobTitle", "otherMails"])
    assert {name: account.values[name] for name in draft.values} == draft.values
    assert account.values["jobTitle"] is None
    assert not account.values["otherMails"]


def test_an_unknown_extension_attribute_stops_the_run_and_blames_nobody(directory: AnyDirectory) -> None:
    (answer,) = directory.create(directory.draft("1", "a@example.com", extensions={"undeclared": "x"}))
    assert isinstance(answer, Fatal)
    assert answer.code == "tenant_not_ready"


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_sign_in_names_are_found_in_any_case(directory: AnyDirectory, name: str) -> None:
    directory.plant(local_identity("decoy@example.com"))
    directory.plant(local_identity("plustag@example.com"))
    (object_id,) = directory.hand_over([directory.draft("1", name)])
    for spelled in (name, name.upper(), name.lower(), f"  {name} "):
        assert [one.object_id for one in directory.reader.by_sign_in_name(spelled)] == [object_id], spelled
    assert directory.reader.by_sign_in_name(f"x{name}") == []


@pytest.mark.parametrize("name", DISPLAY_NAMES)
def test_awkward_display_names_are_found_exactly(directory: AnyDirectory, name: str) -> None:
    directory.plant(local_identity("decoy@example.com"), display_name=f"{name}x")
    (object_id,) = directory.hand_over([directory.draft("1", "a@example.com", display_name=name)])
    assert [one.object_id for one in directory.reader.by_display_name(name)] == [object_id]


def test_nobody_is_found_where_nobody_is(directory: AnyDirectory) -> None:
    assert directory.reader.by_id("7d2b2a3c-0000-4000-8000-000000000000") is None
    assert directory.reader.by_sign_in_name("nobody@example.com") == []
    assert directory.reader.by_display_name("Nobody") == []
    assert list(directory.reader.every(())) == []


def test_the_whole_directory_is_read_once_over_several_pages(directory: AnyDirectory) -> None:
    ids = directory.hand_over([local_draft(directory, str(number)) for number in range(2040)])
    read = [account.object_id for account in directory.reader.every(("givenName",))]
    assert sorted(read) == sorted(ids)


# --- taken names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("legacy_id", [None, "p:s:2", "P:S:1", "other:s:1"])
def test_a_stranger_is_never_adopted(directory: AnyDirectory, legacy_id: str | None, named: bool) -> None:
    stranger = directory.plant(local_identity("TAKEN@example.com"), legacy_id=legacy_id)
    if not named:
        directory.hide_the_holder()
    draft = directory.draft("1", "taken@example.com")
    (answer,) = directory.create(draft)
    assert isinstance(answer, Taken)
    assert answer.holder_id == (stranger if named else None)
    (holder,) = directory.writer.holders([(draft, answer.holder_id)]).result(60)
    assert holder == Stranger(stranger, legacy_id)
    assert directory.account_count() == 1


def test_a_federated_identity_is_taken_by_its_exact_id_only(directory: AnyDirectory) -> None:
    stranger = directory.plant(GOOGLE)
    same = directory.draft("1", GOOGLE, plan=PasswordPlan.NONE)
    other_case = Identity(SignInType.FEDERATED, GOOGLE.issuer_assigned_id.upper(), GOOGLE.issuer)
    answers = directory.create(same, directory.draft("2", other_case, plan=PasswordPlan.NONE))
    assert isinstance(answers[0], Taken)
    assert isinstance(answers[1], Created)
    directory.hide_the_holder()
    (holder,) = directory.writer.holders([(same, None)]).result(60)
    assert holder == Stranger(stranger, None)


def test_an_account_in_the_recycle_bin_may_hold_the_name(directory: AnyDirectory) -> None:
    directory.keep_names_of_deleted()
    (deleted,) = directory.hand_over([directory.draft("old", "taken@example.com")])
    directory.remover.delete([deleted])
    draft = directory.draft("1", "taken@example.com")
    for named in (True, False):
        if not named:
            directory.hide_the_holder()
        (answer,) = directory.create(draft)
        assert isinstance(answer, Taken)
        (holder,) = directory.writer.holders([(draft, answer.holder_id)]).result(60)
        assert holder == InRecycleBin(deleted)


def test_a_mixed_chunk_answers_each_person(directory: AnyDirectory) -> None:
    directory.plant(local_identity("taken@example.com"))
    drafts = [
        directory.draft("1", "one@example.com"),
        directory.draft("2", "taken@example.com"),
        directory.draft("3", "three@example.com"),
        directory.draft("4", "ONE@example.com"),
    ]
    kinds = [type(answer) for answer in directory.create(*drafts)]
    assert kinds == [Created, Taken, Created, Taken]
    assert directory.account_count() == 3


# --- lost answers and lag ---------------------------------------------------------------------------------------------


def test_a_lost_answer_after_the_write_is_found_to_be_ours(directory: AnyDirectory) -> None:
    draft = directory.draft("1", "a@example.com", plan=PasswordPlan.RANDOM)
    directory.lose_the_next_answer(written=True)
    (lost,) = directory.create(draft)
    assert isinstance(lost, Unanswered)
    (answer,) = directory.create(draft)
    assert isinstance(answer, Taken)
    (holder,) = directory.writer.holders([(draft, answer.holder_id)]).result(60)
    assert isinstance(holder, Ours)
    assert holder.flag is True
    assert directory.writer.ours([draft]).result(60) == {draft.legacy_id: holder}
    assert directory.account_count() == 1


def test_a_lost_answer_before_the_write_can_be_sent_again(directory: AnyDirectory) -> None:
    draft = directory.draft("1", "a@example.com")
    directory.lose_the_next_answer(written=False)
    (lost,) = directory.create(draft)
    assert isinstance(lost, Unanswered)
    assert directory.writer.ours([draft]).result(60) == {}
    (answer,) = directory.create(draft)
    assert isinstance(answer, Created)
    assert directory.account_count() == 1


@pytest.mark.parametrize("named", [True, False])
def test_an_account_that_shows_late_is_waited_for(directory: AnyDirectory, named: bool) -> None:
    if not named:
        directory.hide_the_holder()
    directory.set_lag(50)
    draft = directory.draft("1", "a@example.com")
    (created,) = directory.create(draft)
    (answer,) = directory.create(draft)
    assert isinstance(created, Created)
    assert isinstance(answer, Taken)
    assert directory.reader.by_id(created.object_id) is None
    (holder,) = directory.writer.holders([(draft, answer.holder_id)]).result(60)
    assert holder == Ours(created.object_id, None)


def test_an_account_that_never_shows_is_unseen(directory: AnyDirectory) -> None:
    directory.hide_the_holder()
    directory.set_lag(36_000)
    draft = directory.draft("1", "a@example.com")
    directory.create(draft)
    before_s = directory.clock.elapsed()
    (holder,) = directory.writer.holders([(draft, None)]).result(60)
    assert holder == Unseen()
    assert 115 <= directory.clock.elapsed() - before_s <= 130


def test_several_holders_are_looked_for_at_once(directory: AnyDirectory) -> None:
    drafts = [local_draft(directory, str(number)) for number in range(12)]
    strangers = {n: directory.plant(drafts[n].identities[0]) for n in (0, 5, 11)}
    directory.create(*drafts)
    holders = directory.writer.holders([(draft, None) for draft in drafts]).result(60)
    for number, holder in enumerate(holders):
        expected = Stranger if number in strangers else Ours
        assert isinstance(holder, expected)


def test_ours_are_found_by_their_exact_legacy_id(directory: AnyDirectory) -> None:
    drafts = [directory.draft(f"key {n} + 'ü'&%#", f"p{n}@example.com") for n in range(25)]
    ids = directory.hand_over(drafts)
    shouted = structs.replace(drafts[0], legacy_id=drafts[0].legacy_id.upper())
    found = directory.writer.ours([*drafts, shouted, directory.draft("?", "nobody@example.com")])
    assert found.result(60) == {
        draft.legacy_id: Ours(object_id, None) for draft, object_id in zip(drafts, ids, strict=True)
    }


@pytest.mark.parametrize("ours_exists", [False, True])
def test_a_stranger_with_a_copied_legacy_id_is_not_ours(directory: AnyDirectory, ours_exists: bool) -> None:
    draft = directory.draft("1", "a@example.com")
    directory.plant(local_identity("stranger@example.com"), legacy_id=draft.legacy_id)
    (answer,) = directory.create(draft) if ours_exists else (None,)
    expected = {draft.legacy_id: Ours(answer.object_id, None)} if isinstance(answer, Created) else {}
    assert directory.writer.ours([draft]).result(60) == expected


@pytest.mark.parametrize("named", [False, True])
def test_a_stranger_with_our_mail_and_a_copied_legacy_id_is_not_ours(
    directory: AnyDirectory, named: bool
) -> None:
    draft = directory.draft("1", "a@example.com")
    if "mail" not in draft.attributes:
        return  # only External ID makes the mail address unique beside the sign-in names
    stranger = directory.plant(
        local_identity("stranger@example.com"), legacy_id=draft.legacy_id, mail="a@example.com"
    )
    (holder,) = directory.writer.holders([(draft, stranger if named else None)]).result(60)
    assert holder == Stranger(stranger, draft.legacy_id)


# --- limits of the tenant ---------------------------------------------------------------------------------------------


def test_a_throttled_call_is_postponed_and_goes_through_later(directory: AnyDirectory) -> None:
    draft = directory.draft("1", "a@example.com")
    directory.postpone_the_next_call()
    (answer,) = directory.create(draft)
    assert isinstance(answer, Postponed)
    pace = directory.writer.pace()
    assert (pace.held_by, 0 < pace.waiting_s <= 7) == (HeldBy.TENANT, True)
    assert directory.updater.pace().held_by is HeldBy.TENANT, "changes wait as well"
    (answer,) = directory.create(draft)
    assert isinstance(answer, Created)


def test_a_full_directory_stops_the_run(directory: AnyDirectory) -> None:
    directory.set_quota(2)
    answers = directory.create(*(local_draft(directory, str(number)) for number in range(4)))
    assert [type(answer) for answer in answers] == [Created, Created, Fatal, Fatal]
    assert {answer.code for answer in answers if isinstance(answer, Fatal)} == {"quota_exceeded"}
