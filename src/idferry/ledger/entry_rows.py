"""Rows of the ledger as entries. It must not decide which rows."""

from collections.abc import Sequence
from typing import Any

import msgspec

from idferry.ledger.drafts import draft_from_json, written_from_json
from idferry.ledger.named_queries import named_queries
from idferry.ledger.times import time_or_none
from idferry.rules.entry import Entry
from idferry.rules.legacy_user import LegacyUserKey
from idferry.rules.lifecycle import State

_SQL = named_queries("entries")
_FURTHER = msgspec.json.Decoder(list[tuple[int, str, str, int, str]])
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_STATES = {state.value: state for state in State}  # a look-up costs a third of State(...)


def entries_where(query: str, *, people: str = "from_people") -> str:
    """The statement that selects entries by these blocks of entries.sql."""
    return "\n".join((_SQL["columns"], _SQL[people], _SQL[query]))


def entry_of_row(row: Sequence[Any]) -> Entry:
    """The entry behind a row of the `columns` block of entries.sql."""
    return Entry(
        person_id=row[0],
        state=_STATES[row[1]],
        code=row[2],
        reason=row[3],
        source=row[4],
        key=shown_key(row[5], row[6]),
        ordinal=row[7],
        record_digest=row[8],
        legacy_id=row[9] or "",
        object_id=row[10] or "",
        draft=draft_from_json(row[11]) if row[11] else None,
        cohort=row[12] or "",
        created_by_run=row[13],
        created_at=time_or_none(row[14]),
        written=written_from_json(row[15]),
        merged=_merged(row) if row[17] else (),
    )


def _merged(row: Sequence[Any]) -> tuple[LegacyUserKey, ...]:
    """All legacy users of somebody who has several, in their order."""
    leading = LegacyUserKey(row[4], shown_key(row[5], row[6]), _names(row[16]))
    further = sorted(_FURTHER.decode(f"[{row[17]}]"))
    return (
        leading,
        *(
            LegacyUserKey(source, shown_key(key, repeat), _names(names))
            for _, source, key, repeat, names in further
        ),
    )


def _names(text: str) -> tuple[str, ...]:
    return _NAMES.decode(text) if text else ()


def shown_key(key: str, repeat: int) -> str:
    """The key as reports name it: a key that came twice carries the ordinal of the later record."""
    return f"{key}#{repeat}" if repeat else key
