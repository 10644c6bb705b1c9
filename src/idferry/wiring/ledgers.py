"""The ledger of the settings, opened as a command needs it: to write, to read, or a copy to throw away."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

from idferry.errors import UsageError
from idferry.ledger.locking import is_run_active, run_lock
from idferry.ledger.one_pass import open_one_pass
from idferry.ledger.opening import Ledger, open_ledger, open_ledger_file, scratch_copy
from idferry.ports import Clock, IsRunActive, PlanLedger
from idferry.settings import Settings
from idferry.stores.following import FollowedLedger
from idferry.wiring.outside_status import outside_status_of
from idferry.wiring.system import random_bytes

UPGRADE_BUSY_MS = 10_000
NO_TENANT = "none"
"""The tenant id of a scratch ledger when the settings name no tenant: `survey` needs none."""


def ledger_of(settings: Settings, clock: Clock) -> Ledger:
    """The ledger, to write; made when it does not exist yet. A context manager.

    Where another store than the ledger says who must reset, it hears of every step that is recorded.
    """
    tenant = settings.need_tenant()
    status = outside_status_of(settings)
    ledger = open_ledger(
        settings.ledger_path,
        tenant_id=tenant.id,
        project=settings.project,
        random_bytes=random_bytes,
        at=clock.now(),
    )
    if status is None:
        return ledger
    followed = FollowedLedger(ledger.send, entries=ledger.report.entries_of_people, status=status)
    return replace(ledger, send=followed, observations=followed)


def steps_missed(ledger: Ledger) -> int:
    """How many steps the other store of the reset status did not hear of: it gave no answer."""
    return ledger.observations.lost if isinstance(ledger.observations, FollowedLedger) else 0


def ledger_to_read(settings: Settings, clock: Clock) -> Ledger:
    """The ledger, only to read: reading commands make none and need no right to write. A context manager.

    Raises:
        UsageError: there is no ledger.
    """
    need_ledger(settings)
    return open_ledger(
        settings.ledger_path,
        tenant_id=settings.need_tenant().id,
        project=settings.project,
        random_bytes=random_bytes,
        at=clock.now(),
        read_only=True,
    )


def ledger_if_any(settings: Settings, clock: Clock) -> AbstractContextManager[Ledger | None]:
    """The ledger, only to read, if there is one."""
    settings.need_tenant()
    return ledger_to_read(settings, clock) if settings.ledger_path.is_file() else nullcontext()


def scratch_of(settings: Settings, clock: Clock) -> AbstractContextManager[Ledger]:
    """A throw-away copy of the ledger (an empty one where there is none yet), for dry runs and surveys."""
    return scratch_copy(
        settings.ledger_path if settings.tenant and settings.ledger_path.is_file() else None,
        tenant_id=settings.tenant.id if settings.tenant else NO_TENANT,
        project=settings.project,
        random_bytes=random_bytes,
        at=clock.now(),
    )


@contextmanager
def survey_ledger_of(settings: Settings, clock: Clock) -> Iterator[PlanLedger]:
    """Where a survey plans: on a throw-away copy of the ledger, or, where there is none yet, in one pass alone."""
    if settings.tenant and settings.ledger_path.is_file():
        with scratch_of(settings, clock) as scratch:
            yield scratch.plan
    else:
        with open_one_pass() as plan:
            yield plan


def need_ledger(settings: Settings) -> None:
    """Refuse commands that make no sense before anybody was premigrated.

    Raises:
        UsageError: there is no ledger.
    """
    settings.need_tenant()
    if not settings.ledger_path.is_file():
        raise UsageError(
            f"there is no ledger at {settings.ledger_path}",
            remedy="Run `idferry premigrate` first; only `idferry find` works without a ledger.",
        )


def need_current_ledger(settings: Settings, clock: Clock) -> None:
    """As `need_ledger`; one that an older release wrote is brought up to date: whoever only reads it could not.

    Raises:
        UsageError: there is no ledger.
        LedgerError: it cannot be opened, or another process is writing to it for seconds.
    """
    need_ledger(settings)
    database, _ = open_ledger_file(
        settings.ledger_path,
        tenant_id=settings.need_tenant().id,
        project=settings.project,
        random_bytes=random_bytes,
        at=clock.now(),
        read_only=False,
        busy_ms=UPGRADE_BUSY_MS,
    )
    database.close()


def run_lock_of(settings: Settings) -> AbstractContextManager[None]:
    """The run lock of the ledger: held by one acting command at a time."""
    return run_lock(settings.ledger_path)


def run_test_of(settings: Settings) -> IsRunActive:
    """A test whether some process holds the run lock at this moment."""
    return lambda: is_run_active(settings.ledger_path)
