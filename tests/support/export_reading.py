"""Reads a legacy source as the tests of the connectors look at it: people, bad records, passwords in clear."""

from collections.abc import Callable

from idferry.ports import LegacySource, SourceRecord
from idferry.rules.legacy_user import BadRecord, LegacyUser


def people(source: LegacySource) -> list[LegacyUser]:
    """The readable records, when every record must be readable."""
    found = list(source.records())
    bad = [record for record in found if isinstance(record, BadRecord)]
    assert not bad
    return [record.user for record in found if isinstance(record, SourceRecord)]


def bad_records(source: LegacySource) -> list[tuple[int, str, str]]:
    """Line, field and reason of what could not be read."""
    return [(one.line, one.field, one.reason) for one in source.records() if isinstance(one, BadRecord)]


def passwords(source: LegacySource) -> list[str | None]:
    """The passwords of the readable records, in clear."""
    same: Callable[[str], str] = lambda text: text  # noqa: E731
    return [
        record.password.reveal_to(same) if record.password else None
        for record in source.records()
        if isinstance(record, SourceRecord)
    ]
