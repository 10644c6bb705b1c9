"""Several services for one tenant, each with a guard and a memory of its own: what that does to limits, and to people.

Nothing is shared between them. So limits towards a legacy system are divided, and what cannot be divided is told.
"""

from collections.abc import Sequence
from datetime import timedelta

from idferry.rules.lockout import LegacyLockout
from idferry.settings import Settings, Verifier


def lockout_for_each(verifier: Verifier, *, replicas: int) -> LegacyLockout | None:
    """The part of a legacy system's lock that one replica may use up: together they stay below the whole."""
    lockout = verifier.legacy_lockout
    if lockout is None:
        return None
    return LegacyLockout(-(-lockout.threshold // replicas), timedelta(seconds=lockout.window_seconds))


def rate_for_each(calls_per_second: int, *, replicas: int) -> int:
    """The part of a legacy system's rate that one replica may use; 0 is no limit."""
    return max(calls_per_second // replicas, 1) if calls_per_second else 0


def advice_for_replicas(settings: Settings) -> Sequence[str]:
    """What replicas do not know of each other; nothing where there is one."""
    service = settings.service
    if service.replicas == 1:
        return []
    told = [
        (
            f"{service.replicas} replicas share no memory of sign-ins: a retry that reaches another one is another "
            "attempt and another question to the legacy system. Let the front keep a caller's connections with one."
        ),
        f"What an address and everybody may fail ([guard]) holds for each of the {service.replicas} replicas alone.",
    ]
    if service.capture_callers:
        told.append(
            "Captured passwords of one person are in order within one replica only: let fronts send passwordChangedAt."
        )
    if service.status_store == "ledger":
        told.append(
            "Each replica reads the ledger file beside it: where they do not share it, use another status_store."
        )
    return told
