"""Times as the ledger stores them: ISO 8601 text in UTC, which sorts as it stands and which people can read."""

from datetime import UTC, datetime


def time_to_text(at: datetime) -> str:
    """The stored form of a time with a zone."""
    assert at.tzinfo is not None  # noqa: S101  clocks give times with a zone
    return at.astimezone(UTC).isoformat()


def time_or_none(text: str | None) -> datetime | None:
    """The time behind a stored form; None stays None."""
    return None if text is None else datetime.fromisoformat(text)
