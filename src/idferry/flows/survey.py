"""Survey a source: what would be created, left out and refused, and why. Nothing outside a scratch ledger changes."""

from idferry.flows.plan_people import PlanReport, plan_people
from idferry.ports import Clock, LegacySource, PlanLedger, Stop, Tell, never
from idferry.rules.plan import PlanRules

BATCH_PEOPLE = 100  # so few stay in the processor's cache until they are counted: a fifth faster than 1,000


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
    return plan_people(
        source=source,
        ledger=scratch,
        rules=rules,
        batch_people=BATCH_PEOPLE,
        clock=clock,
        tell=tell,
        stop=stop,
    )
