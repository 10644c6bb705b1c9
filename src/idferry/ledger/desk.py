"""The people that one call of planning touches, held while it decides and written in one go at its end.

Statements that run once over many rows cost a third of statements that run row by row, and records of one call must
see what was decided about those before them. It must not decide anything: see `planning`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from sqlite3 import Connection
from typing import Any

from idferry.ledger.database import in_groups
from idferry.ledger.drafts import draft_to_json
from idferry.ledger.entry_rows import shown_key
from idferry.ledger.named_queries import named_queries
from idferry.rules.account import AccountDraft
from idferry.rules.entry import EventKind
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.lifecycle import State
from idferry.rules.names import LOOK_ALIKE_NAMES_MAX
from idferry.rules.outcomes import LeftOut, Refused

_SQL = named_queries("planning")
_SOURCE_KEY_REPEAT = itemgetter(2, 3, 4)  # of a row of new records
_APPEND_EVENT = named_queries("sending")["append_event"]


@dataclass(slots=True, eq=False)
class Seat:
    """One person while planning decides.

    `state` is None for a person who was not known; `repeat` is 0, or the ordinal of a record whose key came before;
    `marks` are the sign-in names the person owns, None as long as nobody looked.
    """

    person_id: int
    state: State | None
    code: str
    source: str
    key: str
    repeat: int
    planning_pass: int
    marks: list[bytes] | None = None

    @property
    def shown(self) -> str:
        """`<source>:<key>`, as reports name a kept record."""
        return f"{self.source}:{shown_key(self.key, self.repeat)}"


class Desk:
    """Looks people up in the ledger, or in what was decided a moment ago; `write` makes it last."""

    def __init__(self, connection: Connection, *, run: str, cohort: str, at: str) -> None:
        self._connection = connection
        self._run = run
        self._cohort = cohort or None
        self._at = at
        counters = connection.execute(_SQL["counters"]).fetchone()
        self._pass, self._people_made, self._look_alikes_stored = counters
        self._looked_up: set[tuple[str, str, int]] = set()
        self._seats: dict[tuple[str, str, int], Seat] = {}
        self._owners: dict[bytes, Seat | None] = {}
        self._stored_owners: dict[bytes, int] = {}
        self._kinds: dict[bytes, str] = {}
        # Sign-in names whose look-alike form is another one: name -> form, of this call and as stored, and
        # form -> remembered names, all of them marks.
        self._forms: Mapping[bytes, bytes] = {}
        self._stored_forms: dict[bytes, bytes] = {}
        self._names_of_form: dict[bytes, dict[bytes, None]] = {}
        # What `write` writes, as values for its statements; one row per person, the last decision counts.
        self._new_people: dict[int, tuple[Any, ...]] = {}
        self._decisions: dict[int, tuple[Any, ...]] = {}
        self._new_records: list[tuple[Any, ...]] = []
        self._records: list[tuple[Any, ...]] = []
        self._pushed_out: list[tuple[str, str, str, int]] = []
        self._events: list[tuple[str, str, int, str, str, str, str]] = []

    def look_up(
        self, users: Iterable[LegacyUser], marks: Iterable[bytes], forms: Mapping[bytes, bytes]
    ) -> None:
        """Read all that is known about these records and sign-in names: at once, it costs a third.

        `forms` maps those sign-in names that have a look-alike form of their own to it.
        """
        keys: dict[str, dict[str, None]] = {}
        for user in users:
            keys.setdefault(user.source, {})[user.key] = None
        for source, some_keys in keys.items():
            self._looked_up.update((source, key, 0) for key in some_keys)
            for known in self._rows("people_of_records", list(some_keys), source):
                self._seat_of_row(known)
        some_marks = list(dict.fromkeys(chain(marks, forms.values())))
        self._owners = dict.fromkeys(some_marks)
        for mark, *row in self._rows("owners_of_marks", some_marks):
            self._note_owner(mark, row)
        if forms or self._look_alikes_stored:
            self._look_up_forms(some_marks, forms)

    def seat_of(self, user: LegacyUser) -> Seat:
        """The person of this record, known or new. From now on this pass has met the record."""
        repeat = 0
        seat = self._find(user.source, user.key, 0)
        if seat and self.met(seat):
            repeat = user.place.ordinal
            seat = self._find(user.source, user.key, repeat)
        record = (user.place.ordinal, self._pass)
        if seat is None:
            self._people_made += 1
            seat = Seat(self._people_made, None, "", user.source, user.key, repeat, self._pass, [])
            self._seats[seat.source, seat.key, repeat] = seat
            self._new_records.append((*record, seat.source, seat.key, repeat, seat.person_id))
        else:
            seat.planning_pass = self._pass
            self._records.append((*record, seat.source, seat.key, repeat))
        return seat

    def met(self, seat: Seat) -> bool:
        """Whether this pass over the source has come across this person's record."""
        return bool(seat.planning_pass == self._pass)

    def first_of(self, seat: Seat) -> Seat:
        """The person whose record has the same key and came first."""
        first = self._find(seat.source, seat.key, 0)
        assert first is not None  # noqa: S101  a key is repeated only after it came first
        return first

    def owners(self, marks: Iterable[bytes]) -> list[Seat]:
        """The people who own these sign-in names, in the order of the names."""
        return [owner for owner in map(self._owners.__getitem__, marks) if owner]

    def look_alikes(self, marks: Iterable[bytes]) -> list[Seat]:
        """The people whose sign-in names look like one of these, or are one of these.

        Of the names that share a form, LOOK_ALIKE_NAMES_MAX are remembered, the first to come, and the form itself.
        """
        found: list[Seat] = []
        if not self._names_of_form:  # so it is in most sources
            return found
        for mark in marks:
            form = self._forms.get(mark, mark)
            names = self._names_of_form.get(form)
            if names:
                found += [owner for owner in map(self._owners.get, (form, *names)) if owner]
        return found

    def take_up(self, seat: Seat, user: LegacyUser, draft: AccountDraft, marks: Mapping[bytes, str]) -> None:
        """Plan this person, who owns these sign-in names (mark -> kind) from now on."""
        if seat.state in (State.FAILED, State.REMOVED):
            kind, state = EventKind.PLANNED_AGAIN.value, State.PLANNED.value
            self._events.append((self._at, self._run, seat.person_id, kind, state, "", ""))
        self._release_marks(seat)
        self._owners.update(dict.fromkeys(marks, seat))
        self._kinds.update(marks)
        seat.marks = list(marks)
        self._remember_forms(marks)
        self._decide(seat, user, State.PLANNED, draft=draft)

    def keep_back(
        self, seat: Seat, user: LegacyUser, state: State, code: LeftOut | Refused, reason: str
    ) -> None:
        """Leave this person out, or refuse the record: no draft, and no sign-in names."""
        self._release_marks(seat)
        self._decide(seat, user, state, code=code.value, reason=reason)

    def push_out(self, seat: Seat, code: LeftOut, reason: str) -> None:
        """Take the names from a person who gives way: a planned one is left out, a removed one stays removed."""
        self._release_marks(seat)
        if seat.state is State.REMOVED:
            return
        seat.state, seat.code = State.LEFT_OUT, code.value
        self._pushed_out.append((code.value, reason, self._run, seat.person_id))

    def write(self) -> None:
        """Write what was decided, inside the caller's transaction."""
        many = self._connection.executemany
        many(_SQL["push_out"], self._pushed_out)
        many(_SQL["decide_again"], self._decisions.values())
        many(_SQL["insert_person"], self._new_people.values())
        # Keys are often random, and marks always: written in their order, each page of an index is looked for once.
        many(_SQL["insert_legacy_user"], sorted(self._new_records, key=_SOURCE_KEY_REPEAT))
        many(_SQL["read_legacy_user_again"], self._records)
        stored = self._stored_owners
        owned = {mark: owner.person_id if owner else None for mark, owner in self._owners.items()}
        changed = {mark: owner for mark, owner in owned.items() if stored.get(mark) != owner}
        many(_SQL["release_mark"], [(mark,) for mark in changed if mark in stored])
        claimed = [(mark, self._kinds[mark], owner) for mark, owner in changed.items() if owner]
        claimed.sort()
        many(_SQL["claim_mark"], claimed)
        remembered = {mark: form for form, names in self._names_of_form.items() for mark in names}
        stale = [(mark,) for mark in self._stored_forms if mark in changed or mark not in remembered]
        many(_SQL["forget_form"], stale)
        fresh = (mark for mark in remembered if mark in changed or mark not in self._stored_forms)
        many(_SQL["record_form"], [(mark, remembered[mark]) for mark in fresh])
        many(_APPEND_EVENT, self._events)
        self._connection.execute(_SQL["record_people_made"], (self._people_made,))

    def _find(self, source: str, key: str, repeat: int) -> Seat | None:
        seat = self._seats.get((source, key, repeat))
        if seat is None and (source, key, repeat) not in self._looked_up:
            row = self._connection.execute(_SQL["person_of_record"], (source, key, repeat)).fetchone()
            seat = self._seat_of_row(row) if row else None
        return seat

    def _rows(self, query: str, values: Sequence[Any], *before: Any) -> Iterator[tuple[Any, ...]]:
        return in_groups(self._connection, _SQL[query], values, *before)

    def _look_up_forms(self, marks: Iterable[bytes], forms: Mapping[bytes, bytes]) -> None:
        self._forms = forms
        wanted = list({forms.get(mark, mark) for mark in marks})
        for form, mark, *row in self._rows("owners_of_forms", wanted):
            self._note_owner(mark, row)
            self._stored_forms[mark] = form
            self._names_of_form.setdefault(form, {})[mark] = None

    def _remember_forms(self, marks: Iterable[bytes]) -> None:
        for mark in marks:
            form = self._forms.get(mark)
            if form is None:
                continue
            names = self._names_of_form.setdefault(form, {})
            if len(names) < LOOK_ALIKE_NAMES_MAX:
                names[mark] = None

    def _forget_forms(self, marks: Iterable[bytes]) -> None:
        for mark in marks:
            form = self._forms.get(mark) or self._stored_forms.get(mark)
            if form:
                self._names_of_form.get(form, {}).pop(mark, None)

    def _note_owner(self, mark: bytes, row: Sequence[Any]) -> None:
        owner = self._seat_of_row(row)
        self._owners[mark] = owner
        self._stored_owners[mark] = owner.person_id

    def _seat_of_row(self, row: Sequence[Any]) -> Seat:
        person_id, state, code, source, key, repeat, planning_pass = row
        seat = self._seats.get((source, key, repeat))
        if seat is None:
            seat = Seat(person_id, State(state), code, source, key, repeat, planning_pass)
            self._seats[source, key, repeat] = seat
        return seat

    def _release_marks(self, seat: Seat) -> None:
        if seat.marks is None:
            rows = self._connection.execute(_SQL["marks_of_person"], (seat.person_id,))
            seat.marks = [mark for (mark,) in rows]
            self._stored_owners.update(dict.fromkeys(seat.marks, seat.person_id))
        self._owners.update(dict.fromkeys(seat.marks))
        self._forget_forms(seat.marks)
        seat.marks = []

    def _decide(
        self,
        seat: Seat,
        user: LegacyUser,
        state: State,
        *,
        code: str = "",
        reason: str = "",
        draft: AccountDraft | None = None,
    ) -> None:
        decision = (
            state.value,
            code,
            reason,
            user.place.ordinal,
            user.record_digest,
            draft.legacy_id if draft else None,
            draft_to_json(draft) if draft else None,
            draft.display_name if draft else user.display_name,
            user.identities[0].issuer_assigned_id if user.identities else "",
            self._cohort,
            self._run,
            seat.person_id,
        )
        if seat.state is None or seat.person_id in self._new_people:
            self._new_people[seat.person_id] = (*decision, seat.source, seat.key, seat.repeat)
        else:
            self._decisions[seat.person_id] = decision
        seat.state, seat.code = state, code
