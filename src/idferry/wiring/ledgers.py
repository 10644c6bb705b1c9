"""The ledger of the settings, opened as a command needs it: to write, to read, or a copy to throw away."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from idferry.errors import UsageError
from idferry.flows.report_status import StatusLedger
from idferry.ledger.locking import run_lock
from idferry.ledger.opening import Ledger, open_ledger, scratch_copy
from idferry.ports import Clock, ObservationLedger, PlanLedger, RunLedger, SendLedger
from idferry.settings import Settings
from idferry.wiring.system import random_bytes

NO_TENANT = "none"
"""The tenant id of a scratch ledger when the settings name no tenant: `survey` needs none."""


@dataclass(frozen=True, slots=True)
class LedgerParts:
    """One open ledger, as the ports that flows ask for."""

    plan: PlanLedger
    runs: RunLedger
    send: SendLedger
    report: StatusLedger
    observations: ObservationLedger


@contextmanager
def ledger_of(settings: Settings, clock: Clock) -> Iterator[LedgerParts]:
    """The ledger, to write; made when it does not exist yet."""
    tenant = settings.need_tenant()
    with open_ledger(
        settings.ledger_path,
        tenant_id=tenant.id,
        project=settings.project,
        random_bytes=random_bytes,
        at=clock.now(),
    ) as ledger:
        yield _parts(ledger)


@contextmanager
def ledger_if_any(settings: Settings, clock: Clock) -> Iterator[LedgerParts | None]:
    """The ledger, only to read, if there is one: reading commands make none and need no right to write."""
    tenant = settings.need_tenant()
    if not settings.ledger_path.is_file():
        yield None
        return
    with open_ledger(
        settings.ledger_path,
        tenant_id=tenant.id,
        project=settings.project,
        random_bytes=random_bytes,
        at=clock.now(),
        read_only=True,
    ) as ledger:
        yield _parts(ledger)


@contextmanager
def scratch_of(settings: Settings, clock: Clock) -> Iterator[LedgerParts]:
    """A throw-away copy of the ledger (an empty one where there is none yet), for dry runs and surveys."""
    with scratch_copy(
        settings.ledger_path if settings.tenant and settings.ledger_path.is_file() else None,
        tenant_id=settings.tenant.id if settings.tenant else NO_TENANT,
        project=settings.project,
        random_bytes=random_bytes,
        at=clock.now(),
    ) as scratch:
        yield _parts(scratch)


def need_ledger(settings: Settings) -> None:
    """Refuse commands that make no sense before anybody was premigrated.

    Raises:
        UsageError: there is no ledger.
    """
    settings.need_tenant()
    if not settings.ledger_path.is_file():
        raise UsageError(
            f"there is no ledger at {settings.ledger_path}", remedy="Run `idferry premigrate` first."
        )


def run_lock_of(settings: Settings) -> AbstractContextManager[None]:
    """The run lock of the ledger: held by one acting command at a time."""
    return run_lock(settings.ledger_path)


def _parts(ledger: Ledger) -> LedgerParts:
    return LedgerParts(
        plan=ledger.planning,
        runs=ledger.runs,
        send=ledger.sending,
        report=ledger.reports,
        observations=ledger.observations,
    )
