"""What the tests of the connectors share: reading a text as a source, and finding the outside test data."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from idferry.ports import LegacySource, SourceRecord
from idferry.rules.legacy_user import BadRecord, LegacyUser

ROOT = Path(__file__).parents[3]


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


def outside_data(relative: str, *, criterion: str) -> Path:
    """A file of the outside test data; without it the test is skipped and names what was not checked."""
    folder = Path(os.environ.get("IDFERRY_TEST_DATA", ROOT.parent / "shared" / "data"))
    path = folder / relative
    if not path.exists():
        pytest.skip(f"NOT CHECKED: {criterion} ({relative} is not in the test data folder)")
    return path
