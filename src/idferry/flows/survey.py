"""Survey a source: what would be created, left out and refused, and why. Nothing outside a scratch ledger changes."""

from idferry.flows.plan_people import PlanReport, plan_people
from idferry.ports import Clock, LegacySource, PlanLedger, Stop, Tell, never
from idferry.rules.plan import PlanRules


def survey(
    *,
    source: LegacySource,
    scratch: PlanLedger,
    rules: PlanRules,
    clock: Clock,
    tell: Tell,
    stop: Stop = never,
) -> PlanReport:
    """Plan everybody in the source on a ledger that is thrown away, and report.

    Raises:
        SourceError: the source as a whole cannot be read.
        Stopped: `stop` said so.
    """
    return plan_people(source=source, ledger=scratch, rules=rules, clock=clock, tell=tell, stop=stop)
