"""What the settings say about planning and sending, as the values the flows take."""

from collections.abc import Sequence
from datetime import timedelta

from idferry.flows.send_people import SendLimits
from idferry.ports import Clock
from idferry.rules.account import TenantKind
from idferry.rules.attributes import MIGRATION_FLAG
from idferry.rules.plan import PasswordMode, PlanRules, WhenTooLong
from idferry.rules.quota import Allowance, Pace, Quota, rate_of
from idferry.settings import Application, Settings

CHUNKS_PER_CONNECTION = 8
"""One under way, and enough waiting that a directory that answers at once finds the next one while the ledger writes:
each transaction then holds the answers of many chunks."""


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


def importing_applications(settings: Settings) -> Sequence[Application]:
    """The applications that send, in the order of the settings."""
    return [one for one in settings.applications if one.use == "import"]


def quota_of(settings: Settings) -> Quota:
    """What the tenant is believed to grant us: the settings' allowances less the share that is left to others."""
    return whole_quota_of(settings).leaving(settings.limits.reserve_writes)


def whole_quota_of(settings: Settings) -> Quota:
    """What the tenant is believed to grant to everybody: the settings' allowances."""
    limits = settings.limits
    return Quota(
        app_writes=Allowance(limits.app_writes, limits.app_writes_seconds),
        tenant_writes=Allowance(limits.tenant_writes, limits.tenant_writes_seconds),
        app_units=Allowance(limits.app_units, limits.app_units_seconds),
        creation_writes=limits.creation_writes,
    )


def lasting_pace_of(settings: Settings) -> Pace:
    """How fast people may be created for ever, with the applications of the settings."""
    quota = quota_of(settings)
    return Pace(
        people_per_s=rate_of(quota, applications=max(len(importing_applications(settings)), 1)),
        period_s=quota.app_writes.period_s,
    )


def send_limits_of(settings: Settings) -> SendLimits:
    """How much is under way at once, and how often one person is tried."""
    connections = settings.limits.connections * max(len(importing_applications(settings)), 1)
    return SendLimits(
        chunks_under_way_max=CHUNKS_PER_CONNECTION * connections,
        attempts_max=settings.limits.attempts,
    )
