"""Reading the ledger for reports. It changes nothing, and holds no more than one page of people at a time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from idferry.ledger.database import Database, in_groups, places
from idferry.ledger.entry_rows import entries_where, entry_of_row
from idferry.ledger.named_queries import named_queries
from idferry.ledger.runs import run_of_row
from idferry.ledger.sign_in_marks import SignInMarks
from idferry.ledger.times import time_to_text
from idferry.rules.entry import Entry, Event, EventKind, FailureGroup, Run, Selection, Settled
from idferry.rules.lifecycle import State
from idferry.rules.names import Identity

LEGACY_IDS_MAX = 1_000
IDENTITIES_MAX = 1_000
PAGE_PEOPLE = 500

_SQL = named_queries("entries")
_RUNS = named_queries("runs")
_SIGN_INS = named_queries("sign_ins")


class SqliteReports:
    """LedgerReport and RunReport over the ledger's file."""

    def __init__(self, database: Database, marks: SignInMarks) -> None:
        self._database = database
        self._marks = marks

    def states(self, selection: Selection) -> Mapping[State, int]:
        """How many people are in each state; states without people are not named. Raises LedgerError."""
        where, values = _conditions(selection)
        with self._database.reading() as connection:
            rows = connection.execute(_SQL["count_states"].format(where=where), values)
            return {State(state): count for state, count in rows}

    def failures(self, selection: Selection) -> Sequence[FailureGroup]:
        """People grouped by code, largest group first: failed ones, or those in the states asked for.

        Raises LedgerError.
        """
        where, values = _conditions(replace(selection, states=selection.states or (State.FAILED,)))
        with self._database.reading() as connection:
            rows = connection.execute(_SQL["count_codes"].format(where=where), values)
            return [FailureGroup(code, count) for code, count in rows]

    def entries(self, selection: Selection) -> Iterator[Entry]:
        """People in order of person_id, streamed page by page: writes between two pages do no harm.

        Raises LedgerError.
        """
        where, values = _conditions(selection)
        # Through an index each page would gather and sort all that is selected: every page costs as much as the first.
        statement = entries_where("page", people="from_people_in_order").format(where=where)
        after = 0
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(statement, (after, *values, PAGE_PEOPLE)).fetchall()
            for row in rows:
                yield entry_of_row(row)
            if len(rows) < PAGE_PEOPLE:
                return
            after = rows[-1][0]

    def entries_of_legacy_ids(self, legacy_ids: Collection[str]) -> Mapping[str, Entry]:
        """legacyId -> entry, for those that exist; at most 1,000 at a time. Raises LedgerError."""
        assert len(legacy_ids) <= LEGACY_IDS_MAX  # noqa: S101  a bug of ours
        with self._database.reading() as connection:
            rows = in_groups(connection, entries_where("of_legacy_ids"), list(legacy_ids))
            return {entry.legacy_id: entry for entry in map(entry_of_row, rows)}

    def entries_of_people(self, person_ids: Sequence[int]) -> Mapping[int, Entry]:
        """person_id -> entry, for those that exist. Raises LedgerError."""
        with self._database.reading() as connection:
            rows = in_groups(connection, entries_where("of_people"), person_ids)
            return {entry.person_id: entry for entry in map(entry_of_row, rows)}

    def entry_of_sign_in_name(self, compared: str) -> Entry | None:
        """The person who owns a local sign-in name, given in its compared form. Raises LedgerError."""
        with self._database.reading() as connection:
            mark = self._marks.of_local(compared)
            row = connection.execute(entries_where("of_mark"), (mark,)).fetchone()
            return entry_of_row(row) if row else None

    def entries_of_identities(self, identities: Collection[Identity]) -> Sequence[Entry]:
        """The people who own any of these identities, in no order; at most 1,000 at a time. Raises LedgerError."""
        assert len(identities) <= IDENTITIES_MAX  # noqa: S101  a bug of ours
        marks = list(self._marks.of_identities(identities))
        with self._database.reading() as connection:
            rows = in_groups(connection, entries_where("of_marks"), marks)
            return list({row[0]: entry_of_row(row) for row in rows}.values())

    def events(self, person_id: int) -> Sequence[Event]:
        """One person's story, oldest first. Raises LedgerError."""
        with self._database.reading() as connection:
            rows = connection.execute(_RUNS["events"], (person_id,))
            return [
                Event(datetime.fromisoformat(at), run, EventKind(kind), code, reason)
                for at, run, kind, code, reason in rows
            ]

    def settled_since(self, since: datetime, selection: Selection) -> Sequence[Settled]:
        """How many of these people got an account or a final refusal in each second since this moment, oldest first.

        Raises LedgerError.
        """
        where, values = _conditions(selection)
        with self._database.reading() as connection:
            statement = _RUNS["settled_since"].format(where=where)
            rows = connection.execute(statement, (time_to_text(since), *values))
            return [Settled(datetime.fromisoformat(at), people) for at, people in rows]

    def runs(self) -> Sequence[Run]:
        """All runs, newest first. Raises LedgerError."""
        with self._database.reading() as connection:
            return [run_of_row(row) for row in connection.execute(_RUNS["runs"])]


class SqliteCaptures:
    """CaptureReport over the ledger's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def captures_refused(self, selection: Selection) -> int:
        """How many of these people still await a password after a captured one was refused. Raises LedgerError."""
        where, values = _conditions(selection)
        with self._database.reading() as connection:
            rows = connection.execute(_SIGN_INS["captures_refused"].format(where=where), values)
            return int(rows.fetchone()[0])

    def claimed(self, selection: Selection) -> Sequence[datetime]:
        """Since when each of these people is claimed by a sign-in that has not been settled. Raises LedgerError."""
        where, values = _conditions(selection)
        with self._database.reading() as connection:
            rows = connection.execute(_SIGN_INS["claims"].format(where=where), values)
            return [datetime.fromisoformat(at) for (at,) in rows]


def _conditions(selection: Selection) -> tuple[str, list[str]]:
    """An SQL condition of constant pieces, and its values in order."""
    asked = [
        (_SQL["only_run"], selection.run),
        (_SQL["only_source"], selection.source),
        (_SQL["only_cohort"], selection.cohort),
    ]
    pieces = [piece for piece, value in asked if value]
    values = [value for _, value in asked if value]
    if selection.states:
        pieces.append(_SQL["only_states"].format(places=places(len(selection.states))))
        values += [state.value for state in selection.states]
    return " AND ".join(pieces) or "TRUE", values
