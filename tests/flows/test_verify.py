"""Verify: the directory read back. What a person did since is progress; everything else that differs is told."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.builders import (
    MemorySource,
    World,
    crowd,
)
from tests.support.memory_directory import FLAG, Fault, LostAfter, MemoryTenant
from tests.support.verification import MINE, change, keys, migrated, verified

from idferry.errors import QuotaExceeded, Stopped, Unreachable
from idferry.rules.account import Account
from idferry.rules.answers import Fatal
from idferry.rules.comparison import Extra
from idferry.rules.entry import EventKind, Observation, Selection, TakeUp
from idferry.rules.happenings import AccountsRead, AccountsSought
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity, SignInType


def test_right_after_an_import_nothing_differs() -> None:
    world = migrated()
    for strict in (False, True):
        report = verified(world, source=world.source, strict=strict)
        assert (report.checked, report.differences, report.changed_by_person, report.foreign) == (40, 0, 0, 0)
    assert AccountsRead(40, 40) in world.told


def test_what_people_did_since_is_progress_and_no_difference() -> None:
    """The flags of ten fell, ten profiles changed, one password was reset: verify still says that all is well."""
    world = migrated()
    for key in keys(world, "r")[:10]:
        world.tenant.person_sets_password(world.account_of(key).object_id, MINE)
    for key in keys(world, "k"):
        change(world, key, city="Bergen")
    reset = world.account_of("w2").object_id
    world.tenant.change(reset, password_changed_at=world.clock.now() + timedelta(days=1))
    report = verified(world, source=world.source)
    assert (report.differences, report.progressed, report.changed_by_person) == (0, 10, 10)
    assert {one.attribute for one in report.changes} == {"city"}
    assert [(one.expected, one.found) for one in report.changes[:1]] == [("Oslo", "Bergen")]
    assert world.states() == {State.COMPLETE: 30, State.AWAITING_PASSWORD: 10}
    assert world.entries()["w2"].state is State.AWAITING_PASSWORD, "the flag decides, not the password's date"
    assert EventKind.FLAG_SEEN_DOWN in world.events_of("r1")


def test_progress_is_counted_once() -> None:
    world = migrated(4)
    world.tenant.person_sets_password(world.account_of("r1").object_id, MINE)
    assert [verified(world).progressed for _ in range(2)] == [1, 0]


def test_strict_lets_no_change_pass() -> None:
    world = migrated(4)
    change(world, "k0", city="Bergen")
    report = verified(world, strict=True)
    assert (report.differences, report.changed_by_person) == (1, 1)
    assert report.differing[0].attribute == "city"


def test_a_disabled_account_was_changed_by_somebody() -> None:
    world = migrated(4)
    world.tenant.change(world.account_of("k0").object_id, enabled=False)
    report = verified(world)
    assert (report.differences, report.changed_by_person) == (0, 1)


@pytest.mark.parametrize(
    ("key", "flag", "expected"),
    [("r1", None, True), ("k0", True, False), ("f3", True, False)],
    ids=["missing on a pending entry", "up on a complete entry", "up on a federated one"],
)
def test_a_flag_that_contradicts_the_ledger_is_a_difference(
    key: str, flag: bool | None, expected: bool
) -> None:
    world = migrated(4)
    world.tenant.change(world.account_of(key).object_id, flag=flag)
    report = verified(world)
    (found,) = report.differing
    assert (found.attribute, found.expected, found.found) == (FLAG, expected, flag)
    assert (report.differences, report.progressed) == (1, 0)


def test_deleted_accounts_are_missing() -> None:
    world = migrated(8)
    for key in ("k0", "r1"):
        world.tenant.stored[world.account_of(key).object_id].deleted = True
    report = verified(world)
    assert [one.legacy_id for one in report.missing] == ["contoso:crm:k0", "contoso:crm:r1"]
    assert report.differences == 2


@pytest.mark.parametrize("twin_first", [False, True])
def test_a_second_account_with_the_same_legacy_id_is_the_extra_one(twin_first: bool) -> None:
    world = migrated(4)
    mine = world.account_of("k0").object_id
    twin = world.tenant.plant(
        Identity(SignInType.EMAIL_ADDRESS, "twin@example.com"), legacy_id="contoso:crm:k0"
    )
    if twin_first:
        world.tenant.stored[mine] = world.tenant.stored.pop(mine)
    report = verified(world)
    assert report.extra == [Extra(twin, "contoso:crm:k0")]
    assert (report.differences, report.missing, report.differing) == (1, [], [])
    del world.tenant.stored[mine]
    left = verified(world)
    assert (left.extra, len(left.missing)) == ([Extra(twin, "contoso:crm:k0")], 1)


def test_the_account_that_is_created_again_is_not_measured_by_the_removed_one() -> None:
    """Its answer was lost: the ledger names the removed account still, and the new one is no extra."""
    world = migrated(4)
    for entry in world.entries().values():
        seen = Observation(entry.person_id, EventKind.REMOVED, State.REMOVED)
        world.ledger.observations.observe(run="", observed=[seen], at=world.clock.now())
    world.tenant.stored.clear()
    world.tenant.plan_faults([LostAfter(), Fatal("quota_exceeded", "full")])
    with pytest.raises(QuotaExceeded):
        world.premigrate(take_up=TakeUp(again=True))
    report = verified(world)
    assert (report.extra, [one.attribute for one in report.differing]) == ([], ["state"])


def test_strangers_are_foreign_and_no_difference() -> None:
    world = migrated(4)
    for number, legacy_id in enumerate((None, "fabrikam:crm:1", "contoso-test:crm:k0", "contosocrm")):
        world.tenant.plant(Identity(SignInType.EMAIL_ADDRESS, f"x{number}@example.com"), legacy_id=legacy_id)
    report = verified(world)
    assert (report.foreign, report.differences, report.checked) == (4, 0, 8)


def test_an_account_of_this_project_that_the_ledger_does_not_know_is_extra() -> None:
    world = migrated(4)
    ghost = world.tenant.plant(
        Identity(SignInType.EMAIL_ADDRESS, "g@example.com"), legacy_id="contoso:crm:ghost"
    )
    report = verified(world)
    assert (report.extra, report.differences) == ([Extra(ghost, "contoso:crm:ghost")], 1)


def test_an_account_whose_legacy_id_was_changed_differs() -> None:
    world = migrated(4)
    world.tenant.change(world.account_of("k0").object_id, legacy_id="fabrikam:crm:1")
    report = verified(world)
    (found,) = report.differing
    assert (found.attribute, found.expected, found.found) == ("legacyId", "contoso:crm:k0", "fabrikam:crm:1")


def test_an_identity_that_we_wrote_and_that_is_gone_differs() -> None:
    world = migrated(4)
    identities = (Identity(SignInType.EMAIL_ADDRESS, "new@example.com"),)
    world.tenant.change(world.account_of("k0").object_id, identities=identities)
    (found,) = verified(world).differing
    assert (found.attribute, found.expected) == ("identities", "emailAddress:known0@example.com")


def test_a_call_without_an_answer_differs_until_the_run_is_continued() -> None:
    world = World(MemorySource(crowd(4)))
    script: list[Fault | None] = [LostAfter(), Fatal("quota_exceeded", "full")]
    world.tenant.plan_faults(script)
    with pytest.raises(QuotaExceeded):
        world.premigrate()
    report = verified(world)
    assert [(one.attribute, one.expected) for one in report.differing] == [("state", State.CREATING)]
    world.premigrate()
    assert verified(world, source=world.source).differences == 0


def test_accounts_that_enumeration_does_not_show_yet_are_asked_for_by_id() -> None:
    world = migrated(8)
    hidden = {world.account_of("k0").object_id, world.account_of("r1").object_id}
    world.tenant.person_sets_password(world.account_of("r1").object_id, MINE)
    every = world.tenant.reader.every
    world.tenant.reader.every = lambda names: (  # type: ignore[method-assign]
        one for one in every(names) if one.object_id not in hidden
    )
    report = verified(world)
    assert (report.differences, report.progressed) == (0, 1)
    assert world.entries()["r1"].state is State.COMPLETE


def test_a_page_that_comes_twice_is_counted_as_one() -> None:
    world = migrated(4)
    every = world.tenant.reader.every

    def twice(names: tuple[str, ...]) -> Iterator[Account]:
        yield from every(names)
        yield from every(names)

    world.tenant.reader.every = twice  # type: ignore[method-assign, assignment]
    assert verified(world).differences == 0


def test_a_person_whose_password_the_tenant_was_writing_is_confirmed() -> None:
    world = migrated(4)
    entry = world.entries()["r1"]
    confirming = Observation(entry.person_id, EventKind.TAKEN, State.CONFIRMING)
    world.ledger.observations.observe(run="", observed=[confirming], at=world.clock.now())
    world.tenant.person_sets_password(entry.object_id, MINE)
    assert verified(world).progressed == 1
    assert world.entries()["r1"].state is State.COMPLETE


def test_a_cohort_is_judged_alone() -> None:
    world = World(MemorySource(crowd(8)))
    world.premigrate(take_up=TakeUp(cohort="pilot"), limit=4, command="premigrate pilot")
    pilot = Selection(cohort="pilot")
    alone = verified(world, source=world.source, selection=pilot)
    assert alone.differences == 0, "people outside the pilot are nobody's concern here"
    assert len(verified(world, source=world.source).missing) == 4
    world.premigrate()
    world.tenant.stored[world.account_of("k4").object_id].deleted = True
    world.source.humans[4] = replace(world.source.humans[4], display_name="Renamed")
    world.source.humans[6] = replace(world.source.humans[6], display_name="Renamed")
    assert verified(world, source=world.source, selection=pilot).differences == 0
    everybody = verified(world, source=world.source)
    assert (len(everybody.missing), len(everybody.differing)) == (1, 2)


# --- ending ------------------------------------------------------------------------------------------------------


def test_the_missing_are_asked_for_together_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idferry.flows.verify.SOUGHT_ACCOUNTS", 20)
    world = migrated(50)
    world.tenant.stored.clear()
    asked: list[int] = []
    by_ids = world.tenant.reader.by_ids
    world.tenant.reader.by_ids = lambda ids, names: (asked.append(len(ids)), by_ids(ids, names))[1]  # type: ignore[method-assign]
    assert len(verified(world).missing) == 50
    assert asked == [20, 20, 10]
    sought = [one for one in world.told if isinstance(one, AccountsSought)]
    assert sought == [AccountsSought(20, 50), AccountsSought(40, 50), AccountsSought(50, 50)]


def test_it_can_be_stopped_and_changes_nothing() -> None:
    world = migrated(4)
    with pytest.raises(Stopped):
        verified(world, stop=True)


def test_it_can_be_stopped_while_it_looks_for_the_missing() -> None:
    world = migrated(4)
    world.tenant.stored.clear()
    with pytest.raises(Stopped):
        verified(world, stop=True)


def test_what_was_seen_before_the_directory_failed_is_recorded() -> None:
    world = migrated(4, tenant=MemoryTenant())
    world.tenant.person_sets_password(world.account_of("r1").object_id, MINE)
    missing = world.account_of("k0").object_id
    del world.tenant.stored[missing]

    def by_ids(_object_ids: Sequence[str], _names: Collection[str]) -> Mapping[str, Account]:
        raise Unreachable("no connection")

    world.tenant.reader.by_ids = by_ids  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        verified(world)
    assert world.entries()["r1"].state is State.COMPLETE


def test_listings_end_and_counts_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idferry.flows.verify.LISTED_MAX", 3)
    world = migrated(8)
    world.tenant.stored.clear()
    report = verified(world)
    assert (report.differences, len(report.missing)) == (8, 3)
