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
from idferry.ports.sign_ins import (
    AttemptGuard,
    Booked,
    Booking,
    Deadline,
    HashRow,
    HashStore,
    LegacyRef,
    OnLateVerdict,
    PasswordVerifier,
    ProtectedVerifier,
    ResetStatus,
    Settlement,
    Verifiers,
)
from idferry.ports.sources import LegacySource, RecordCopier, SourceRecord, Take

__all__ = [
    "AccountReader",
    "AccountRemover",
    "AccountUpdater",
    "AccountWriter",
    "AttemptGuard",
    "Booked",
    "Booking",
    "Clock",
    "CreateOrder",
    "Deadline",
    "HashRow",
    "HashStore",
    "IsRunActive",
    "LedgerReport",
    "LegacyRef",
    "LegacySource",
    "ObservationLedger",
    "OnLateVerdict",
    "PasswordVerifier",
    "PlanLedger",
    "ProtectedVerifier",
    "RandomBelow",
    "RecordCopier",
    "RecordReport",
    "ResetStatus",
    "RunLedger",
    "RunReport",
    "SendLedger",
    "Settlement",
    "SourceRecord",
    "Stop",
    "Take",
    "Tell",
    "TenantFacts",
    "TenantInspector",
    "Verifiers",
    "WantedDrafts",
    "never",
]
