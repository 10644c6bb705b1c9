"""Which calls a tenant under load refuses first. It changes no allowance, and nothing of ours waits by it.

https://learn.microsoft.com/graph/throttling-limits
"""

from enum import StrEnum


class Urgency(StrEnum):
    """The value of the header `x-ms-throttle-priority`."""

    WORK = "Low"
    SOMEBODY_WAITS = "High"
    """Somebody sits at a sign-in page."""
