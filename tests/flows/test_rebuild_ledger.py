"""A ledger that was lost is made anew out of directory and source: what can be known is known, the rest is listed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.builders import (
    PROJECT,
    SOURCE,
    Human,
    Killed,
    Living,
    MemorySource,
    Mortality,
    World,
    crowd,
    with_password,
    without_password,
)
from tests.support.later_export import NAMES, LaterExport
from tests.support.memory_directory import FLAG, LostAfter
from tests.support.memory_ledger import MemoryLedger

from idferry.errors import Stopped, UsageError
from idferry.flows.rebuild_ledger import Found, RebuildLedgers, RebuildReport, rebuild_ledger
from idferry.flows.remove import RemoveReport, remove
from idferry.flows.verify import SourceCheck, VerifyReport, VerifyScope, verify
from idferry.rules.departure import Departures, WhenBarred
from idferry.rules.entry import EventKind, Selection, TakeUp
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity, SignInType
from idferry.rules.password import Password

MINE = Password("a secret of my own 1")


def migrated(people: int = 40) -> World:
    humans = [replace(human, attributes={"city": "Oslo", "tier": "gold"}) for human in crowd(people)]
    world = World(MemorySource(humans))
    world.premigrate()
    world.clock.advance(86_400)
    world.tenant.calls.clear()
    return world


def rebuilt(world: World, *, mortality: Mortality | None = None, stop: bool = False) -> RebuildReport:
    life = mortality or Mortality()
    world._shelves.after_write = life.after_write  # type: ignore[attr-defined]
    ledger = world.ledger
    try:
        return rebuild_ledger(
            source=world.source,
            rules=world.rules,
            ledgers=RebuildLedgers(
                Living(ledger.plan, life),  # type: ignore[arg-type]
                Living(ledger.runs, life),  # type: ignore[arg-type]
                ledger.records,
                ledger.report,
                Living(ledger.observations, life),  # type: ignore[arg-type]
            ),
            inspector=world.tenant.inspector,
            reader=world.tenant.reader,
            clock=world.clock,
            tell=world.told.append,
            stop=lambda: stop,
        )
    finally:
        world._shelves.after_write = lambda _name: None  # type: ignore[attr-defined]


def lost_and_rebuilt(world: World) -> RebuildReport:
    world.ledger = MemoryLedger()
    return rebuilt(world)


def verified(world: World) -> VerifyReport:
    return verify(
        scope=VerifyScope(PROJECT, FLAG, NAMES),
        reader=world.tenant.reader,
        ledger=world.ledger.report,
        observations=world.ledger.observations,
        clock=world.clock,
        tell=world.told.append,
        source_check=SourceCheck(world.source, world.rules, world.ledger.records),
    )


def removed(world: World) -> RemoveReport:
    return remove(
        people=lambda: world.ledger.report.entries(
            Selection(source=SOURCE, states=(State.COMPLETE, State.AWAITING_PASSWORD))
        ),
        remover=world.tenant.remover,
        observations=world.ledger.observations,
        clock=world.clock,
        tell=world.told.append,
        execute=True,
    )


def test_a_lost_ledger_comes_back_as_it_was() -> None:
    world = migrated()
    before, accounts = world.entries(), world.tenant.accounts()
    report = lost_and_rebuilt(world)
    assert (report.read, report.complete, report.awaiting_password, report.missing) == (40, 20, 20, 0)
    assert (report.undecided, report.changed) == (0, 0)
    assert world.tenant.accounts() == accounts
    assert {kind for kind, _ in world.tenant.calls} == {"every"}, "reading only"
    for key, entry in world.entries().items():
        was = before[key]
        assert structs.replace(entry, created_by_run=was.created_by_run, person_id=was.person_id) == was, key
        assert entry.created_by_run == report.run
        assert world.events_of(key) == [EventKind.REBUILT], "no call is told of that nobody knows of"
    assert verified(world).differences == 0
    assert world.premigrate().send.done == 0
    assert world.creates() == 0


def test_afterwards_exactly_the_missing_ones_are_created() -> None:
    world = migrated()
    gone = [world.account_of(key).object_id for key in ("k0", "r1", "f7")]
    for object_id in gone:
        del world.tenant.stored[object_id]
    world.source.humans.append(with_password(100))
    report = lost_and_rebuilt(world)
    assert (report.complete + report.awaiting_password, report.missing) == (37, 4)
    assert world.premigrate().send.created == 4
    assert {legacy_id for kind, legacy_id in world.tenant.calls if kind == "create"} == {
        f"contoso:crm:{key}" for key in ("k0", "r1", "f7", "k100")
    }
    assert verified(world).differences == 0


def test_the_flag_of_the_account_says_the_state() -> None:
    world = migrated(8)
    world.tenant.person_sets_password(world.account_of("r1").object_id, MINE)
    lost_and_rebuilt(world)
    states = {key: entry.state for key, entry in world.entries().items()}
    assert states["r1"] is State.COMPLETE
    assert states["r5"] is State.AWAITING_PASSWORD
    found = removed(world)
    assert (found.removed, found.kept) == (7, {"flag_fallen": 1})


def test_a_random_password_is_known_by_the_flag_even_where_the_source_has_one_by_now() -> None:
    world = migrated(4)
    world.source.humans[1] = replace(
        world.source.humans[1], password="Sunny-Meadow-1!", attributes={"city": "Oslo", "tier": "gold"}
    )
    world.tenant.shows_sign_ins = False
    lost_and_rebuilt(world)
    draft = world.entries()["r1"].draft
    assert draft is not None
    assert draft.sets_flag
    assert removed(world).removed == 2, "nobody can have used a random password"


def test_whoever_was_barred_before_the_ledger_was_lost_is_barred_by_the_next_update() -> None:
    world = migrated(8)
    barred, disabled, both = world.source.humans[:3]
    for place in (0, 2):
        world.source.humans[place] = replace(world.source.humans[place], enabled=False)
    for human in (disabled, both):
        world.tenant.change(world.account_of(human.key).object_id, enabled=False)
    lost_and_rebuilt(world)
    assert [world.entries()[one.key].draft.enabled for one in (barred, disabled, both)] == [
        True,
        False,
        False,
    ]  # type: ignore[union-attr]
    report = LaterExport(world, Departures(barred=WhenBarred.DISABLE)).run()
    assert [one.legacy_id for one in report.plan.barred.people] == [barred.legacy_id]
    assert [one.legacy_id for one in report.returned.people] == [disabled.legacy_id]
    assert world.account_of(barred.key).enabled is False
    found = verified(world)
    assert (found.differences, found.changed_by_person) == (0, 0)


def test_the_account_keeps_its_own_age() -> None:
    world = migrated(4)
    born = world.account_of("k0").created_at
    assert born is not None
    lost_and_rebuilt(world)
    assert world.entries()["k0"].created_at == born
    assert world.clock.now() - born >= timedelta(days=1)


def test_a_value_that_differs_counts_as_changed_by_the_person() -> None:
    world = migrated(8)
    for key, city in (("k0", "Mine"), ("r1", None)):
        account = world.account_of(key)
        world.tenant.change(account.object_id, values={**account.values, "city": city})
    report = lost_and_rebuilt(world)
    assert report.changed == 2
    found = verified(world)
    assert (found.differences, found.changed_by_person) == (0, 2)
    delta = LaterExport(world).run()
    assert (delta.values.updated, delta.values.changed_by_person) == (0, 2)
    for place in range(4):
        human = world.source.humans[place]
        world.source.humans[place] = replace(human, attributes={"city": "Turku", "tier": "gold"})
    delta = LaterExport(world).run()
    assert (delta.values.updated, delta.values.changed_by_person) == (2, 2)
    assert world.account_of("r1").values["city"] is None


def test_what_cannot_be_decided_is_listed_and_nobody_s() -> None:
    world = migrated(12)
    keys = [human.key for human in world.source.humans]
    ids = {key: world.account_of(key).object_id for key in keys}
    del world.source.humans[0]  # an account of ours without a record
    world.tenant.change(ids["r1"], identities=(Identity(SignInType.EMAIL_ADDRESS, "x@example.com"),))
    del world.tenant.stored[ids["w2"]]
    stranger = world.tenant.plant(*world.source.humans[1].identities, legacy_id="fabrikam:crm:1")
    report = lost_and_rebuilt(world)
    assert report.unknown.accounts == [Found(ids["k0"], "contoso:crm:k0")]
    assert report.nameless.accounts == [Found(ids["r1"], "contoso:crm:r1")]
    assert report.held.accounts == [Found(stranger, "contoso:crm:w2")]
    assert report.undecided == 3
    entries = world.entries()
    assert (entries["r1"].state, entries["r1"].code) == (State.FAILED, "conflict_undecided")
    assert entries["r1"].object_id == ""
    assert entries["w2"].state is State.PLANNED, "premigrate finds out by itself"
    world.premigrate()
    assert world.failures() == {"conflict_undecided": 1, "conflict": 1}
    assert world.creates() == 1, "nobody is created of whom nobody knows whether he has an account"


@pytest.mark.parametrize("page", [1, 500])
def test_a_person_with_two_accounts_has_none_until_somebody_decides(
    monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("idferry.flows.rebuild_ledger.BATCH_ACCOUNTS", page)
    human = Human("1", "a@example.com", federated=("google.com", "g-1"), display_name="Two")
    world = World(MemorySource([human, with_password(2)]))
    world.premigrate()
    first = world.account_of("1").object_id
    world.tenant.change(first, identities=human.identities[:1])
    second = world.tenant.plant(human.identities[1], legacy_id=human.legacy_id)
    third = world.tenant.plant(Identity(SignInType.EMAIL_ADDRESS, "x@example.com"), legacy_id=human.legacy_id)
    report = lost_and_rebuilt(world)
    assert report.doubled.accounts == [Found(first, human.legacy_id), Found(second, human.legacy_id)]
    assert report.nameless.accounts == [Found(third, human.legacy_id)]
    entry = world.entries()["1"]
    assert (entry.state, entry.object_id, entry.created_by_run) == (State.FAILED, "", "")
    assert (entry.created_at, entry.written) == (None, {})
    assert world.premigrate().send.done == 0
    world.tenant.stored[second].deleted = world.tenant.stored[third].deleted = True
    world.premigrate(take_up=TakeUp(retry_failed=True), command="again")
    assert world.entries()["1"].object_id == first


def test_a_copied_legacy_id_does_not_take_the_account_from_the_person() -> None:
    world = migrated(4)
    mine = world.account_of("k0").object_id
    world.tenant.plant(Identity(SignInType.EMAIL_ADDRESS, "x@example.com"), legacy_id="contoso:crm:k0")
    world.tenant.stored = dict(reversed(world.tenant.stored.items()))  # the stranger is met first
    report = lost_and_rebuilt(world)
    assert (report.nameless.count, report.complete + report.awaiting_password) == (1, 4)
    assert world.entries()["k0"].object_id == mine


def test_a_page_that_comes_twice_is_no_second_account() -> None:
    world = migrated(8)
    every = world.tenant.reader.every
    world.tenant.reader.every = lambda names: [*every(names), *every(names)]  # type: ignore[method-assign, assignment, return-value]
    report = lost_and_rebuilt(world)
    assert (report.undecided, report.complete + report.awaiting_password) == (0, 8)


def test_people_who_stay_behind_by_rule_stay_behind() -> None:
    humans = [*crowd(4), Human("nobody"), Human("again", "KNOWN0@example.com")]
    world = World(MemorySource(humans))
    world.premigrate()
    before = world.states()
    lost_and_rebuilt(world)
    assert world.states() == before


def test_a_ledger_that_knows_the_source_is_refused() -> None:
    world = migrated(4)
    events = len(world._shelves.events)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="already holds 4 people"):
        rebuilt(world)
    assert len(world._shelves.events) == events  # type: ignore[attr-defined]


def test_another_source_of_the_same_ledger_is_left_alone() -> None:
    world = migrated(4)
    crm = world.source
    shop = [replace(without_password(number), key=f"s{number}") for number in (50, 51)]
    world.source = MemorySource(shop, name="shop")
    world.premigrate()
    world.ledger = MemoryLedger()
    assert rebuilt(world).unknown.count == 0
    world.source = crm
    report = rebuilt(world)
    assert (report.complete + report.awaiting_password, report.unknown.count) == (4, 0)
    assert len(world.entries()) == 6
    assert verified(world).differences == 0


def test_killed_after_any_write_the_same_command_finishes() -> None:
    def lost() -> World:
        world = migrated(30)
        for key in ("k0", "r1"):
            del world.tenant.stored[world.account_of(key).object_id]
        world.tenant.change(
            world.account_of("w2").object_id,
            identities=(Identity(SignInType.EMAIL_ADDRESS, "x@example.com"),),
        )
        world.ledger = MemoryLedger()
        return world

    straight = lost()
    life = Mortality()
    rebuilt(straight, mortality=life)
    assert life.writes >= 5
    for write in range(1, life.writes + 1):
        world = lost()
        with pytest.raises(Killed):
            rebuilt(world, mortality=Mortality(write))
        if write < life.writes:
            report = rebuilt(world)
            assert (report.missing, report.nameless.count, report.doubled.count) == (2, 1, 0)
        assert world.states() == straight.states()
        assert world.premigrate().send.created == 2
        assert verified(world).differences == 1, "the account that nobody can decide about"


def test_an_answer_that_was_lost_with_the_ledger_leaves_no_trace() -> None:
    world = World(MemorySource(crowd(8)))
    world.tenant.plan_faults([LostAfter()])
    world.premigrate()
    assert lost_and_rebuilt(world).missing == 0


def test_it_can_be_stopped() -> None:
    world = migrated(4)
    world.ledger = MemoryLedger()
    with pytest.raises(Stopped):
        rebuilt(world, stop=True)
