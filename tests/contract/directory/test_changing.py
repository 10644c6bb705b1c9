"""Changing accounts and taking them away; what pre-flight reads and creates."""

from dataclasses import replace

import pytest
from msgspec import structs
from tests.support.any_directory import FLAG, KNOWN, AnyDirectory, local_draft

from idferry.errors import Forbidden
from idferry.rules.account import AccountChange
from idferry.rules.answers import (
    Created,
)

pytestmark = pytest.mark.xdist_group("directory-contract")


# --- changing ---------------------------------------------------------------------------------------------------------


def test_a_change_changes_what_it_names_and_nothing_else(directory: AnyDirectory) -> None:
    directory.declare("shoeSize", "Integer")
    draft = structs.replace(
        directory.draft("1", "o'hara+1@example.com"), attributes={"city": "Köln", "surname": "O'Hara"}
    )
    first, second = directory.hand_over([draft, directory.draft("2", "b@example.com")])
    change = AccountChange(first, {"city": None, "jobTitle": "Fährmann", "shoeSize": 44}, flag=True)
    both = [change, AccountChange(second, {"city": "Cork"})]
    assert directory.updater.update(both).result(60) == {first: "", second: ""}
    names = ("city", "jobTitle", "surname", "shoeSize")
    shown = {account.object_id: account for account in directory.reader.every(names)}
    assert [shown[first].values.get(name) for name in names] == [None, "Fährmann", "O'Hara", 44]
    assert (shown[first].flag, shown[first].legacy_id, shown[second].flag) == (True, draft.legacy_id, None)
    assert shown[second].values["city"] == "Cork"


def test_a_change_waits_for_an_account_that_shows_late_and_tells_of_one_that_never_does(
    directory: AnyDirectory,
) -> None:
    directory.set_lag(20)
    (answer,) = directory.create(directory.draft("1", "a@example.com"))
    assert isinstance(answer, Created)
    nobody = "7d2b2a3c-0000-4000-8000-000000000000"
    done = directory.updater.update(
        [AccountChange(answer.object_id, flag=False), AccountChange(nobody, flag=False)]
    ).result(60)
    assert done == {answer.object_id: "", nobody: "not_found"}


def test_a_disabled_account_opens_to_nobody_and_keeps_everything_else(directory: AnyDirectory) -> None:
    first, second = directory.hand_over([local_draft(directory, "1"), local_draft(directory, "2")])
    nobody = "7d2b2a3c-0000-4000-8000-000000000000"
    before = directory.reader.by_ids([first, second, nobody], ["city"])
    assert set(before) == {first, second}
    for _ in range(2):
        assert directory.updater.disable([first, nobody]).result(60) == {first: "", nobody: "not_found"}
    after = directory.reader.by_ids([first, second], ["city"])
    assert (after[first].enabled, after[second].enabled) == (False, True)
    assert replace(after[first], enabled=True, graph={}) == replace(before[first], graph={})


def test_accounts_by_their_ids_come_with_the_values_asked_for(directory: AnyDirectory) -> None:
    drafts = [
        directory.draft(str(number), f"p{number}@example.com", attributes={"city": f"City {number}"})
        for number in range(23)
    ]
    ids = directory.hand_over(drafts)
    nobody = "7d2b2a3c-0000-4000-8000-000000000000"
    found = directory.reader.by_ids([*ids, nobody], ["city", "jobTitle"])
    assert set(found) == set(ids)
    assert [found[one].values["city"] for one in ids] == [f"City {number}" for number in range(23)]
    assert found[ids[0]].values["jobTitle"] is None
    assert found[ids[0]].legacy_id == "p:s:0"
    assert directory.reader.by_ids([], ["city"]) == {}


# --- removal ----------------------------------------------------------------------------------------------------------


def test_accounts_go_into_the_recycle_bin_and_come_back(directory: AnyDirectory) -> None:
    ids = directory.hand_over([local_draft(directory, str(number)) for number in range(23)])
    assert set(directory.remover.usage(ids)) == set(ids)
    gone = "7d2b2a3c-0000-4000-8000-000000000000"
    assert directory.remover.delete([*ids, gone]) == dict.fromkeys([*ids, gone], "")
    assert directory.remover.delete(ids) == dict.fromkeys(ids, "")
    assert directory.remover.usage(ids) == {}
    assert directory.account_count() == 0
    bin_before = directory.remover.deleted([*ids, gone])
    assert set(bin_before) == set(ids)
    assert bin_before[ids[0]].legacy_id == "p:s:0"
    outcome = directory.remover.restore([ids[0], ids[1], gone])
    assert outcome == {ids[0]: "", ids[1]: "", gone: "not_found"}
    assert directory.remover.restore([ids[0]]) == {ids[0]: ""}
    assert directory.opens("0@example.com", KNOWN)
    assert directory.account_count() == 2
    assert directory.remover.purge([*ids[2:], gone]) == dict.fromkeys([*ids[2:], gone], "")
    assert directory.remover.deleted(ids) == {}


def test_a_restored_account_does_not_take_a_name_back(directory: AnyDirectory) -> None:
    # A user name: addresses of External ID stay taken for as long as the deleted account lies in the bin.
    (old,) = directory.hand_over([directory.draft("1", "ada-1")])
    directory.remover.delete([old])
    directory.hand_over([directory.draft("2", "ADA-1")])
    assert directory.remover.restore([old]) == {old: "conflict"}


def test_usage_tells_when_the_password_changed(directory: AnyDirectory) -> None:
    (object_id,) = directory.hand_over([directory.draft("1", "a@example.com")])
    account = directory.remover.usage([object_id])[object_id]
    assert account.legacy_id == "p:s:1"
    assert account.created_at is not None
    assert account.password_changed_at is not None
    assert abs((account.password_changed_at - account.created_at).total_seconds()) < 5
    assert account.last_sign_in_at is None


# --- pre-flight -------------------------------------------------------------------------------------------------------


def test_the_tenant_is_inspected(directory: AnyDirectory) -> None:
    directory.hand_over([directory.draft("1", "a@example.com")])
    facts = directory.inspector.inspect()
    assert facts.attributes == {"legacyId": "String", FLAG: "Boolean"}
    assert len(facts.extension_app_id) == 36
    assert "User.ReadWrite.All" in (facts.permissions["import"] or ())
    assert facts.objects_used is not None
    assert facts.objects_max is not None
    assert 1 <= facts.objects_used < facts.objects_max


def test_an_extension_attribute_is_created_once(directory: AnyDirectory) -> None:
    directory.inspector.create_attribute("shoeSize", "Integer")
    directory.inspector.create_attribute("shoeSize", "Integer")
    assert directory.inspector.inspect().attributes["shoeSize"] == "Integer"


def test_who_may_not_create_attributes_is_told_the_exact_call(directory: AnyDirectory) -> None:
    directory.forbid_attributes()
    with pytest.raises(Forbidden) as caught:
        directory.inspector.create_attribute("shoeSize", "Integer")
    assert "POST" in caught.value.remedy
    assert "extensionProperties" in caught.value.remedy
    assert "shoeSize" in caught.value.remedy
