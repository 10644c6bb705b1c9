"""How long to wait: what a `Retry-After` asks for, and what we choose by ourselves where nobody says. Nobody waits here."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Between two looks at what the directory shows late.
LOOK_AGAIN_SECONDS_FIRST = 1.0
LOOK_AGAIN_SECONDS_MAX = 15.0
BACKOFF_SECONDS_FIRST = 1.0
BACKOFF_SECONDS_MAX = 30.0
# The longest allowance that is documented spans 300 s. Whoever says more than a day is asked again after a day.
RETRY_AFTER_SECONDS_MAX = 86_400.0


def retry_after_seconds(text: str | None, *, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for: an integer, a decimal or an HTTP date; None if it is neither.

    None as well for a moment that has passed: one of the two clocks is wrong, and calling at once helps nobody.
    Decimals were seen inside batches: https://github.com/microsoftgraph/microsoft-graph-docs/issues/3877
    """
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, now=now)
    return min(seconds, RETRY_AFTER_SECONDS_MAX) if seconds > 0 else None


def time_told(text: str | None) -> datetime | None:
    """The moment in a `Date` header; None where there is none."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def skew_seconds(text: str | None, *, now: datetime) -> float | None:
    """By how much the clock behind a `Date` header is ahead of ours, which is `now`; None where there is none."""
    moment = time_told(text)
    return None if moment is None else (moment - now).total_seconds()


def backoff_seconds(failures_in_a_row: int, *, jitter: float) -> float:
    """How long to wait after so many failures: doubling, and between a half and the whole of it by `jitter` (0..1)."""
    whole = min(BACKOFF_SECONDS_FIRST * 2.0 ** min(failures_in_a_row - 1, 30), BACKOFF_SECONDS_MAX)
    return whole * (0.5 + jitter / 2)


def _seconds_until(text: str, *, now: datetime) -> float:
    moment = time_told(text)
    return float("nan") if moment is None else (moment - now).total_seconds()
