"""Accounts that were created an hour ago, taken away again, and what becomes of them in the recycle bin."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.support.builders import (
    PROJECT,
    MemorySource,
    World,
    crowd,
)

from idferry.flows.choose_people import choose_people
from idferry.flows.purge import purge
from idferry.flows.recycle import RecycleReport
from idferry.flows.remove import RemoveReport, remove
from idferry.flows.restore import restore
from idferry.rules.entry import Entry, Selection
from idferry.rules.lifecycle import WITH_ACCOUNT
from idferry.rules.password import Password
from idferry.rules.removal import STATES_AFTER_REMOVAL

DONE: Mapping[Any, str] = {remove: "removed", restore: "restored", purge: "purged"}
MINE = Password("a secret of my own 1")
LATER = timedelta(hours=1)


def created(people: int = 60, **settings: Any) -> World:
    """So many people, created an hour ago."""
    world = World(MemorySource(crowd(people)), **settings)
    world.premigrate()
    world.clock.advance(LATER.total_seconds())
    return world


def removed(world: World, *, people: Any = None, execute: bool = True, **settings: Any) -> RemoveReport:
    return remove(
        people=people or (lambda: chosen(world)),
        remover=world.tenant.remover,
        observations=world.ledger.observations,
        clock=world.clock,
        tell=world.told.append,
        execute=execute,
        **settings,
    )


def chosen(world: World, selection: Selection | None = None, file: MemorySource | None = None) -> list[Entry]:
    wanted = replace(selection or Selection(), states=WITH_ACCOUNT)
    return list(choose_people(ledger=world.ledger.report, selection=wanted, project=PROJECT, file=file))


def recycled(
    world: World, flow: Callable[..., RecycleReport], *, execute: bool = True, **settings: Any
) -> RecycleReport:
    gone = Selection(states=STATES_AFTER_REMOVAL)
    return flow(
        people=choose_people(ledger=world.ledger.report, selection=gone, project=PROJECT),
        remover=world.tenant.remover,
        observations=world.ledger.observations,
        clock=world.clock,
        execute=execute,
        **settings,
    )


def use(world: World, keys: Iterable[str]) -> None:
    """People begin to use their accounts, each in one of three ways."""
    for number, key in enumerate(keys):
        object_id, now = world.account_of(key).object_id, world.clock.now()
        match number % 3:
            case 0 if key.startswith(("r", "w")):
                world.tenant.person_sets_password(object_id, MINE)
            case 1:
                world.tenant.change(object_id, password_changed_at=now)
            case _:
                world.tenant.change(object_id, last_sign_in_at=now)


def some_keys(world: World, count: int) -> list[str]:
    return [human.key for human in world.source.humans][5 : 5 + count]
