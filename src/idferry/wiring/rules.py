"""What the settings say about planning and sending, as the values the flows take."""

from datetime import timedelta

from idferry.flows.send_people import SendLimits
from idferry.ports import Clock
from idferry.rules.account import TenantKind
from idferry.rules.attributes import MIGRATION_FLAG
from idferry.rules.plan import PasswordMode, PlanRules, WhenTooLong
from idferry.settings import Settings

CHUNKS_PER_CONNECTION = 2
"""One chunk under way and one waiting for its turn keep a connection busy."""


def plan_rules_of(
    settings: Settings, clock: Clock, *, password_mode: PasswordMode = PasswordMode.AUTO
) -> PlanRules:
    """The rules of planning; without a tenant in the settings those of a B2C tenant."""
    stale_after = timedelta(days=settings.shape.stale_after_days)
    return PlanRules(
        project=settings.project,
        tenant_kind=TenantKind(settings.tenant.kind if settings.tenant else "b2c"),
        password_mode=password_mode,
        weak_passwords_allowed=settings.passwords.weak == "allow",
        when_too_long=WhenTooLong(settings.shape.too_long),
        stale_before=clock.now() - stale_after if stale_after else None,
        attribute_names=settings.shape.attributes,
        migration_flag=settings.tenant.migration_flag if settings.tenant else MIGRATION_FLAG,
    )


def send_limits_of(settings: Settings) -> SendLimits:
    """How much is under way at once, and how often one person is tried."""
    return SendLimits(
        chunks_under_way_max=CHUNKS_PER_CONNECTION * settings.limits.connections,
        attempts_max=settings.limits.attempts,
    )
