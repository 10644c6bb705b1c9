"""A migrated crowd that is read back."""

from dataclasses import replace

from tests.support.builders import (
    PROJECT,
    SOURCE,
    Human,
    MemorySource,
    World,
    crowd,
)
from tests.support.memory_directory import FLAG

from idferry.flows.verify import SourceCheck, VerifyReport, VerifyScope, verify
from idferry.ports import LegacySource
from idferry.rules.entry import PlanItem, Selection, TakeUp
from idferry.rules.password import Password
from idferry.rules.plan import PasswordFacts, plan_person

NAMES = ("displayName", "mail", "givenName", "city", "tier")
MINE = Password("a secret of my own 1")


def migrated(people: int = 40, **settings: object) -> World:
    humans = [replace(human, attributes={"city": "Oslo", "tier": "gold"}) for human in crowd(people)]
    world = World(MemorySource(humans), **settings)  # type: ignore[arg-type]
    world.premigrate()
    return world


def verified(
    world: World,
    *,
    source: LegacySource | None = None,
    strict: bool = False,
    selection: Selection | None = None,
    stop: bool = False,
) -> VerifyReport:
    return verify(
        scope=VerifyScope(PROJECT, FLAG, NAMES, selection or Selection(), strict),
        reader=world.tenant.reader,
        ledger=world.ledger.report,
        observations=world.ledger.observations,
        clock=world.clock,
        tell=world.told.append,
        runs=world.ledger.report,
        source_check=SourceCheck(source, world.rules, world.ledger.records) if source else None,
        stop=lambda: stop,
    )


def change(world: World, key: str, **values: object) -> None:
    account = world.account_of(key)
    world.tenant.change(account.object_id, values={**account.values, **values})


def keys(world: World, *kinds: str) -> list[str]:
    return [human.key for human in world.source.humans if human.key[0] in kinds]


def planned(people: int = 3) -> World:
    """People whom no run goes on to send: their accounts are made when they sign in."""
    world = World(MemorySource([]))
    humans = [Human(str(one), f"p{one}@example.com") for one in range(people)]
    users = [one.record(ordinal, source=SOURCE).user for ordinal, one in enumerate(humans)]
    plans = [plan_person(user, PasswordFacts(present=False), world.rules) for user in users]
    world.ledger.plan.begin_planning()
    items = [PlanItem(user, plan) for user, plan in zip(users, plans, strict=True)]
    world.ledger.plan.plan(items, run="run-1", take_up=TakeUp(), at=world.clock.now())
    return world
