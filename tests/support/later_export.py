"""A later export brought into a World: plan, refuse or update, as the command line does it, and killed where asked."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.support.builders import Killed, Living, Mortality, World
from tests.support.memory_directory import FLAG, MemoryInspector, MemoryTenant
from tests.support.memory_wanted import MemoryWantedDrafts

from idferry.flows.plan_update import UpdatePlan, plan_update
from idferry.flows.update_people import UpdateLedgers, UpdatePorts, UpdateReport, update_people
from idferry.ports import TenantFacts
from idferry.rules.attributes import GRAPH_NAMES
from idferry.rules.departure import Departures
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
