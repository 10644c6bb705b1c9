"""Where it stands who must still reset the password: the ledger, a table in Azure, or the account itself."""

from collections.abc import Callable
from typing import assert_never

from idferry.graph.urgency import Urgency
from idferry.ledger.reset_status import LedgerPlace, LedgerResetStatus
from idferry.ports import Clock, ResetStatus
from idferry.settings import Settings
from idferry.stores.account_attribute import AccountAttributeStatus
from idferry.stores.settled_hashes import Recorded, unheard
from idferry.wiring.directories import directory_of
from idferry.wiring.ledgers import need_ledger
from idferry.wiring.outside_status import outside_status_of
from idferry.wiring.system import random_bytes


def reset_status_of(
    settings: Settings, clock: Clock, *, on_end: list[Callable[[], None]], recorded: Recorded = unheard
) -> ResetStatus:
    """The store that `[service] status_store` chose. Nothing is called before it is used.

    `on_end` takes what gives back what was opened; `recorded` hears of steps in the ledger.

    Raises:
        SettingsError: it cannot be used as the settings have it.
        UsageError: it is the ledger, and there is none.
    """
    store = settings.service.status_store
    match store:
        case "ledger":
            need_ledger(settings)
            ledger = ledger_status_of(settings, clock, recorded=recorded)
            on_end.append(ledger.close)
            return ledger
        case "azure_table":
            outside = outside_status_of(settings)
            assert outside  # noqa: S101  it was chosen
            return outside
        case "attribute":
            directory = directory_of(settings, clock, urgency=Urgency.SOMEBODY_WAITS)
            on_end.append(directory.close)
            return AccountAttributeStatus(reader=directory.reader, updater=directory.updater, clock=clock)
        case _:
            assert_never(store)


def ledger_status_of(settings: Settings, clock: Clock, *, recorded: Recorded = unheard) -> LedgerResetStatus:
    """The ledger as the store."""
    return LedgerResetStatus(
        LedgerPlace(
            path=settings.ledger_path,
            tenant_id=settings.need_tenant().id,
            project=settings.project,
            random_bytes=random_bytes,
            now=clock.now,
            elapsed=clock.elapsed,
            recorded=recorded,
        )
    )
