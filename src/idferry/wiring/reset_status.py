"""Where it stands who must still reset the password: the ledger, a table in Azure, or the account itself."""

from typing import assert_never

from idferry.ledger.reset_status import LedgerPlace, LedgerResetStatus
from idferry.ports import Clock, ResetStatus
from idferry.settings import Settings
from idferry.wiring.ledgers import need_ledger
from idferry.wiring.system import random_bytes


def reset_status_of(settings: Settings, clock: Clock) -> ResetStatus:
    """The store that `[service] status_store` chose. Nothing is called before it is used.

    Raises:
        SettingsError: it cannot be used as the settings have it.
        UsageError: it is the ledger, and there is none.
    """
    store = settings.service.status_store
    match store:
        case "ledger":
            need_ledger(settings)
            return ledger_status_of(settings, clock)
        case "azure_table":
            raise NotImplementedError
        case "attribute":
            raise NotImplementedError
        case _:
            assert_never(store)


def ledger_status_of(settings: Settings, clock: Clock) -> LedgerResetStatus:
    """The ledger as the store."""
    return LedgerResetStatus(
        LedgerPlace(
            path=settings.ledger_path,
            tenant_id=settings.need_tenant().id,
            project=settings.project,
            random_bytes=random_bytes,
            now=clock.now,
        )
    )
