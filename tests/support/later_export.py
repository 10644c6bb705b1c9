"""A later export brought into a World: plan, refuse or update, as the command line does it, and killed where asked."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.support.builders import PROJECT, Killed, Living, MemorySource, Mortality, World, crowd
from tests.support.memory_directory import FLAG, MemoryInspector, MemoryTenant
from tests.support.memory_wanted import MemoryWantedDrafts

from idferry.flows.plan_update import UpdatePlan, plan_update
from idferry.flows.update_people import UpdateLedgers, UpdatePorts, UpdateReport, update_people
from idferry.flows.verify import SourceCheck, VerifyReport, VerifyScope, verify
from idferry.ports import HashStore, TenantFacts
from idferry.rules.attributes import GRAPH_NAMES
from idferry.rules.departure import Departures
from idferry.rules.entry import EventKind
from idferry.rules.password import Password
from idferry.rules.pilot import InPilot
from idferry.rules.plan import PlanRules

NAMES = (*GRAPH_NAMES, "tier", "points")


class Inspector(MemoryInspector):
    """Believes in another number of accounts than there are."""

    def __init__(self, tenant: MemoryTenant, accounts: int) -> None:
        super().__init__(tenant)
        self._accounts = accounts

    def inspect(self) -> TenantFacts:
        return replace(super().inspect(), objects_used=self._accounts)


@dataclass
class LaterExport:
    """One `premigrate --update` without its creating part. `accounts` is what the directory is believed to hold."""

    world: World
    departures: Departures = Departures()  # noqa: RUF009  it is frozen
    accounts: int = 1_000_000
    in_pilot: InPilot = lambda _user: True
    limit: int | None = None
    whole: bool = True
    rules: PlanRules | None = None
    stop: Callable[[], bool] = lambda: False
    hashes: HashStore | None = None

    def run(self, *, execute: bool = True, mortality: Mortality | None = None) -> UpdateReport:
        """The whole story in one process."""
        world, life = self.world, mortality or Mortality()
        world._shelves.after_write = life.after_write  # type: ignore[attr-defined]
        wanted = MemoryWantedDrafts()
        try:
            return update_people(
                plan=self.plan(wanted),
                departures=self.departures,
                ledgers=UpdateLedgers(
                    world.ledger.report,
                    Living(world.ledger.observations, life),  # type: ignore[arg-type]
                    wanted,
                    self.hashes,
                ),
                directory=UpdatePorts(
                    world.tenant.reader,
                    Living(world.tenant.updater, life),  # type: ignore[arg-type]
                    Living(world.tenant.remover, life),  # type: ignore[arg-type]
                    Inspector(world.tenant, self.accounts),
                ),
                flag=FLAG,
                run="delta-run",
                clock=world.clock,
                tell=world.told.append,
                execute=execute,
                stop=self.stop,
            )
        finally:
            world._shelves.after_write = lambda _name: None  # type: ignore[attr-defined]

    def plan(self, wanted: MemoryWantedDrafts | None = None) -> UpdatePlan:
        """The pass over the source alone."""
        return plan_update(
            source=self.world.source,
            ledger=self.world.ledger.report,
            wanted=wanted or MemoryWantedDrafts(),
            rules=self.rules or self.world.rules,
            departures=self.departures,
            in_pilot=self.in_pilot,
            limit=self.limit,
            whole=self.whole,
            tell=self.world.told.append,
            stop=self.stop,
        )

    def killed_at(self, write: int) -> bool:
        """Run, and be killed right after the ledger's write number `write`; False when it does not get there."""
        try:
            self.run(mortality=Mortality(write))
        except Killed:
            return True
        return False


MINE = Password("a secret of my own 1")


def migrated(people: int = 40) -> World:
    humans = [replace(human, attributes={"city": "Oslo", "tier": "gold"}) for human in crowd(people)]
    world = World(MemorySource(humans))
    world.premigrate()
    world.tenant.calls.clear()
    return world


def says(world: World, place: int, **attributes: str | int) -> None:
    """The source says something else about a person."""
    human = world.source.humans[place]
    world.source.humans[place] = replace(human, attributes={**human.attributes, **attributes})


def sets(world: World, place: int, **values: str | None) -> None:
    """The person sets something in the directory."""
    account = world.account_of(world.source.humans[place].key)
    world.tenant.change(account.object_id, values={**account.values, **values})


def held(world: World, place: int, name: str) -> object:
    return world.account_of(world.source.humans[place].key).values.get(name)


def calls(world: World) -> Counter[str]:
    return Counter(kind for kind, _ in world.tenant.calls)


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


def events(world: World, place: int) -> list[EventKind]:
    return world.events_of(world.source.humans[place].key)
