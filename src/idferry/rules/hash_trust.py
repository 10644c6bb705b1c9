"""Whether a stored hash still says what the legacy system would say: only while nobody can have changed the password.

A password that was changed there after the export would still open the account by the old hash. Pure.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HashTrust(StrEnum):
    """What a hash of the store is worth."""

    TRUSTED = "trusted"
    """The legacy system was frozen when it was exported: nobody could change the password since."""
    STALE = "stale"
    """Somebody may have changed the password since."""
    ACCEPTED = "accepted"
    """Stale, and the operator has said that this is wanted."""

    @property
    def may_be_asked(self) -> bool:
        """Whether a password may be checked with it."""
        return self is not HashTrust.STALE


@dataclass(frozen=True, slots=True)
class Freeze:
    """Since when nobody can change a password in the legacy system (None: people still can)."""

    legacy_frozen_at: datetime | None = None
    accept_stale: bool = False

    def is_over(self, now: datetime) -> bool:
        """Whether the legacy system is frozen at this moment."""
        return self.legacy_frozen_at is not None and self.legacy_frozen_at <= now

    def trust(self, *, exported_at: datetime | None, now: datetime) -> HashTrust:
        """What a hash of this age is worth; one of unknown age is stale."""
        frozen = self.legacy_frozen_at
        if frozen is not None and frozen <= now and exported_at is not None and exported_at >= frozen:
            return HashTrust.TRUSTED
        return HashTrust.ACCEPTED if self.accept_stale else HashTrust.STALE
