"""`verify` sweeps too (nobody's chosen password is left behind a flag), and tells whom a sign-in is creating."""

from datetime import timedelta

from tests.support.builders import World
from tests.support.memory_directory import FLAG
from tests.support.verification import NAMES, change, keys, migrated, planned

from idferry.errors import Forbidden
from idferry.flows.verify import VerifyReport, VerifyScope, verify
from idferry.rules.account import Account
from idferry.rules.answers import Fatal
from idferry.rules.entry import CLAIM_KEPT, EventKind, Observation
from idferry.rules.lifecycle import State


def verified(world: World, *, sweeps: bool = True) -> VerifyReport:
    return verify(
        scope=VerifyScope("contoso", FLAG, NAMES),
        reader=world.tenant.reader,
        ledger=world.ledger.report,
        observations=world.ledger.observations,
        clock=world.clock,
        tell=world.told.append,
        runs=world.ledger.report,
        updater=world.tenant.updater,
        sweeps=sweeps,
    )


def dated(world: World) -> World:
    """Creation and first password of each account bear the same time."""
    for account in world.tenant.accounts():
        created = account.created_at or world.clock.now()
        world.tenant.change(account.object_id, created_at=created, password_changed_at=created)
    return world


def choose(world: World, key: str) -> Account:
    """Self-service reset: another password, and the flag stays."""
    world.clock.advance(60)
    account = world.account_of(key)
    world.tenant.change(account.object_id, password_changed_at=world.clock.now())
    return account


def test_a_flag_goes_down_where_somebody_has_chosen_a_password_and_nothing_else_changes() -> None:
    world = dated(migrated())
    change(world, "k0", city="Bergen")
    chosen = [choose(world, key).object_id for key in keys(world, "r")[:3]]
    before = {one.object_id: one for one in world.tenant.accounts()}
    report = verified(world)
    assert (report.differences, report.swept.cleared, report.swept.checked) == (0, 3, 3)
    assert [one.object_id for one in report.swept.changed] == chosen
    for account in world.tenant.accounts():
        flag = False if account.object_id in chosen else before[account.object_id].flag
        assert (account.flag, account.values) == (flag, before[account.object_id].values)
    assert world.events_of(keys(world, "r")[0])[-2:] == [
        EventKind.PASSWORD_FOUND_CHANGED,
        EventKind.FLAG_CLEARED,
    ]
    assert verified(world).swept.cleared == 0


def test_who_may_only_read_is_told_whose_flag_should_go_down() -> None:
    world = dated(migrated())
    choose(world, keys(world, "r")[0])
    before = world.tenant.accounts()
    report = verified(world, sweeps=False)
    assert (report.differences, report.swept.cleared, len(report.swept.changed)) == (0, 1, 1)
    assert world.tenant.accounts() == before
    assert EventKind.FLAG_CLEARED not in world.events_of(keys(world, "r")[0])


def test_a_tenant_that_lets_us_change_nothing_is_asked_once_and_verifying_goes_on() -> None:
    world = dated(migrated(120))
    chosen = [choose(world, key).object_id for key in keys(world, "r")]
    assert len(chosen) > 20
    refusal = Fatal(Forbidden.code, "HTTP 403")
    world.tenant.updater.refuses.update(dict.fromkeys(chosen, refusal))
    report = verified(world)
    assert (report.differences, report.swept.refused) == (0, Forbidden.code)
    assert (report.swept.cleared, report.swept.failed, len(report.swept.changed)) == (
        0,
        len(chosen),
        len(chosen),
    )
    asked = [one for one in world.tenant.calls if one[0] == "update"]
    assert len(asked) == 20, "one call, and nobody is asked again"


def test_only_those_who_may_be_concerned_are_read_again() -> None:
    world = dated(migrated())
    assert verified(world).swept.checked == 0
    person = world.entries()["r1"].person_id
    vouched = Observation(person, EventKind.VOUCHED, State.CONFIRMING)
    world.ledger.observations.observe(run="", observed=[vouched], at=world.clock.now())
    assert (verified(world).swept.checked, world.entries()["r1"].state) == (1, State.CONFIRMING)
    world.clock.advance(16 * 60)
    assert (verified(world).swept.returned, world.entries()["r1"].state) == (1, State.AWAITING_PASSWORD)


def test_whom_a_sign_in_is_creating_is_no_difference_until_nothing_came_of_it() -> None:
    world = planned()
    before = verified(world)
    assert (before.differences, before.claimed) == (3, 0)
    for key in ("0", "1"):
        assert world.ledger.claims.claim(world.entries()[key].person_id, at=world.clock.now())
    draft = world.entries()["1"].draft
    assert draft
    made = world.tenant.plant(*draft.identities, legacy_id=draft.legacy_id)
    report = verified(world)
    assert (report.differences, report.claimed) == (1, 2), "with an account, and not yet with one"
    world.clock.advance((CLAIM_KEPT + timedelta(seconds=1)).total_seconds())
    late = verified(world)
    assert (late.differences, late.claimed) == (3, 0)
    claimed = next(one for one in late.missing if one.legacy_id.endswith(":0"))
    assert "a sign-in claimed it at " in claimed.reason
    assert "asks the directory" in claimed.reason
    assert [one.object_id for one in late.differing] == [made]
