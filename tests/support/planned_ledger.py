"""A ledger in which everybody of an export is planned and nobody is created: what `premigrate` does before it sends."""

from pathlib import Path

from idferry.rules.account import TenantKind
from idferry.rules.entry import PlanItem, TakeUp
from idferry.rules.plan import PasswordFacts, PlanRules, plan_person
from idferry.settings import read_settings
from idferry.wiring import clock_of, ledger_of, source_of


def plan_everybody(folder: Path, export: str) -> None:
    """Plan these people, without passwords, for a B2C tenant: into the ledger of the settings in this folder."""
    settings = read_settings(folder / "idferry.toml")
    rules = PlanRules(project=settings.project, tenant_kind=TenantKind.B2C)
    source = source_of(settings, str(folder / export))
    nothing = PasswordFacts(present=False)
    items = [
        PlanItem(record.user, plan_person(record.user, nothing, rules))
        for record in source.records()
        if not hasattr(record, "reason")
    ]
    clock = clock_of(settings)
    at = clock.now()
    with ledger_of(settings, clock) as ledger:
        run, _ = ledger.runs.open_run(
            command="premigrate", source=source.name, source_digest=source.digest(), cohort="", at=at
        )
        ledger.plan.begin_planning()
        ledger.plan.plan(items, run=run.run, take_up=TakeUp(), at=at)
