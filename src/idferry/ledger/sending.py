"""Sending: intents on disk before the act, observations after it. Verify and remove record here too.

It must not decide what an answer means: the flow says which state follows, and this module refuses a step that the
transition table does not know.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from sqlite3 import Connection

from idferry.ledger.database import PLACES_MAX, Database, in_groups, places
from idferry.ledger.drafts import draft_to_json, written_to_json
from idferry.ledger.entry_rows import entries_where, entry_of_row
from idferry.ledger.named_queries import named_queries
from idferry.ledger.times import time_to_text
from idferry.rules.entry import CLAIM_KEPT, Entry, EventKind, Observation
from idferry.rules.lifecycle import State, may_follow

_STATES = {state.value: state for state in State}  # a look-up costs a third of State(...) and of .value
_TEXT = {kind: kind.value for kind in (*State, *EventKind)}
_SQL = named_queries("sending")
_ENTRIES = named_queries("entries")
_SIGN_INS = named_queries("sign_ins")
_CLAIMED = EventKind.CLAIMED.value


class SqliteSending:
    """SendLedger and ObservationLedger over the ledger's file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count_to_send(self, run: str) -> int:
        """How many people this run plans or left in `creating`, or an earlier run of its source did.

        Raises LedgerError.
        """
        with self._database.reading() as connection:
            return int(connection.execute(_ENTRIES["count_to_send"], (run,)).fetchone()[0])

    def under_way(self, *, after: int, limit: int) -> Sequence[Entry]:
        """People in `creating` with person_id > `after`, in order of person_id. Raises LedgerError."""
        with self._database.reading() as connection:
            rows = connection.execute(entries_where("under_way"), (after, limit))
            return [entry_of_row(row) for row in rows]

    def planned(self, run: str, *, after: int, limit: int) -> Sequence[Entry]:
        """People in `planned` by this run behind ordinal `after`, in source order. Raises LedgerError."""
        with self._database.reading() as connection:
            rows = connection.execute(entries_where("planned"), (run, after, limit))
            return [entry_of_row(row) for row in rows]

    def turn(
        self, *, run: str, observed: Sequence[Observation], sending: Sequence[int], at: datetime
    ) -> Collection[int]:
        """One transaction, on disk when it returns: what was seen, and for whom a create is now sent.

        A person in `creating` may be sent again. The people in `sending` belong to this run from now on, except those
        that are returned: a sign-in has claimed them, or given them an account.
        Raises LedgerError; an unknown person or an illegal step is a bug, and changes nothing.
        """
        with self._database.writing() as connection:
            turn = _Turn(connection, run, time_to_text(at))
            turn.read_states([*(one.person_id for one in observed), *sending])
            for observation in observed:
                turn.observe(observation)
            for person_id in sending:
                turn.intend(person_id, at=at)
            turn.write()
            return turn.held

    def observe(self, *, run: str, observed: Sequence[Observation], at: datetime) -> None:
        """Append observations in one transaction, on disk when it returns. Raises as `turn` does."""
        self.turn(run=run, observed=observed, sending=(), at=at)


def observe_within(connection: Connection, observed: Sequence[Observation], *, at: datetime) -> None:
    """Append observations of no run inside a transaction of the caller's. An unknown person or an illegal step is a bug."""
    turn = _Turn(connection, "", time_to_text(at))
    turn.read_states([one.person_id for one in observed])
    for observation in observed:
        turn.observe(observation)
    turn.write()


class _Turn:
    """The rows one turn will write, gathered so that each statement runs once over all of them.

    Its assertions are raised by hand, so that they hold under `python -O` too.
    """

    def __init__(self, connection: Connection, run: str, at: str) -> None:
        self._connection = connection
        self._run = run
        self._at = at
        self._states: dict[int, State] = {}
        self._events: list[tuple[str, str, int, str, str, str, str]] = []
        self._given: list[tuple[str | int | None, ...]] = []
        self._seen: list[tuple[str | int | None, ...]] = []
        self._disowned: list[tuple[int]] = []
        self._intents: list[int] = []
        self.held: set[int] = set()

    def read_states(self, person_ids: Sequence[int]) -> None:
        for person_id, state in in_groups(self._connection, _SQL["states_of"], person_ids):
            self._states[person_id] = _STATES[state]

    def observe(self, seen: Observation) -> None:
        person_id = seen.person_id
        self._check_known(person_id)
        state = _TEXT[seen.state] if seen.state else ""
        self._append(person_id, seen.kind, state, seen.code, seen.reason)
        moved: tuple[str | None, ...] = (None, None, None)
        made: tuple[str | None, ...] = (None, None, None)
        if seen.state:
            before = self._states[person_id]
            if (before is State.CREATING or before is State.PLANNED) and seen.state.has_account:
                created_at = time_to_text(seen.created_at) if seen.created_at else self._at
                made = (self._run, self._run, created_at)
            if before.has_account and seen.state is State.FAILED:
                self._disowned.append((person_id,))
            self._step(person_id, seen.state, rebuilding=seen.kind is EventKind.REBUILT)
            moved = (state, seen.code, seen.reason)
        written = None if seen.written is None else written_to_json(seen.written)
        is_whole = made[2] and seen.object_id and written is not None and seen.draft is None
        if is_whole and not self._seen:
            # Nearly every observation: 0.9 us a person less than where each value may be missing. They are written
            # first, so that nothing seen before, of the same person perhaps, may be waiting.
            self._given.append((state, seen.code, seen.reason, *made, seen.object_id, written, person_id))
            return
        draft = (None, None) if seen.draft is None else (draft_to_json(seen.draft), seen.draft.display_name)
        if seen.state or seen.object_id or written is not None or seen.draft:
            self._seen.append((*moved, *made, seen.object_id or None, written, *draft, person_id))

    def intend(self, person_id: int, *, at: datetime) -> None:
        self._check_known(person_id)
        if self._is_held(person_id, self._states[person_id], at):
            self.held.add(person_id)
            return
        self._step(person_id, State.CREATING, rebuilding=False)
        self._intents.append(person_id)

    def write(self) -> None:
        execute, execute_each = self._connection.execute, self._connection.executemany
        execute_each(_SQL["append_event"], self._events)
        execute_each(_SQL["give_account"], self._given)
        execute_each(_SQL["observe"], self._seen)
        execute_each(_SQL["disown"], self._disowned)
        # What is the same for everybody is one statement for many: 1.3 us a person less than one for each.
        for start in range(0, len(self._intents), PLACES_MAX):
            some = self._intents[start : start + PLACES_MAX]
            everybody = places(len(some))
            execute(_SQL["append_intents"].format(places=everybody), (self._at, self._run, *some))
            execute(_SQL["intend"].format(places=everybody), (self._run, *some))

    def _append(self, person_id: int, kind: EventKind, state: str, code: str = "", reason: str = "") -> None:
        self._events.append((self._at, self._run, person_id, _TEXT[kind], state, code, reason))

    def _check_known(self, person_id: int) -> None:
        if person_id not in self._states:
            raise AssertionError("only people in the ledger can be observed or sent")

    def _is_held(self, person_id: int, state: State, at: datetime) -> bool:
        """Whether a sign-in deals with this person, or has. Hardly anybody who is sent is not `planned`."""
        if state.has_account:
            return True
        if state is not State.CREATING:
            return False
        last = self._connection.execute(_SIGN_INS["last_event"], (person_id,)).fetchone()
        return bool(last) and last[0] == _CLAIMED and at - datetime.fromisoformat(last[1]) < CLAIM_KEPT

    def _step(self, person_id: int, after: State, *, rebuilding: bool) -> None:
        before = self._states[person_id]
        if not may_follow(before, after, rebuilding=rebuilding):
            raise AssertionError(f"a person in {before} cannot become {after}")
        self._states[person_id] = after
