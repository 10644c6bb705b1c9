"""What the flows need from outside, as small protocols. Adapters satisfy them; flows never name an adapter.

A port has the methods one flow needs, at most seven; one class may satisfy several ports.
"""

from idferry.ports.directories import (
    AccountReader,
    AccountRemover,
    AccountUpdater,
    AccountWriter,
    CreateOrder,
    TenantFacts,
    TenantInspector,
)
from idferry.ports.ledgers import (
    LedgerReport,
    ObservationLedger,
    PlanLedger,
    RecordReport,
    RunLedger,
    RunReport,
    SendLedger,
    WantedDrafts,
)
from idferry.ports.machine import Clock, IsRunActive, RandomBelow, Stop, Tell, never
from idferry.ports.sources import LegacySource, RecordCopier, SourceRecord, Take

__all__ = [
    "AccountReader",
    "AccountRemover",
    "AccountUpdater",
    "AccountWriter",
    "Clock",
    "CreateOrder",
    "IsRunActive",
    "LedgerReport",
    "LegacySource",
    "ObservationLedger",
    "PlanLedger",
    "RandomBelow",
    "RecordCopier",
    "RecordReport",
    "RunLedger",
    "RunReport",
    "SendLedger",
    "SourceRecord",
    "Stop",
    "Take",
    "Tell",
    "TenantFacts",
    "TenantInspector",
    "WantedDrafts",
    "never",
]
