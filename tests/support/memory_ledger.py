"""A ledger in memory: the five ledger ports, for tests of flows, written as plainly as the rules can be said.

It shares no code with `idferry.ledger`, so that the contract suite compares two independent readings of the ports.
It must not know files, and it forgets everything with the process.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby

from msgspec import structs

from idferry.rules.account import AccountDraft
from idferry.rules.entry import (
    CLAIM_KEPT,
    Entry,
    Event,
    EventKind,
    FailureGroup,
    KnownRecord,
    Observation,
    PlanEffect,
    PlanItem,
    Run,
    Selection,
    Settled,
    TakeUp,
)
from idferry.rules.legacy_user import LegacyUser, LegacyUserKey
from idferry.rules.lifecycle import State, may_follow
from idferry.rules.names import LOOK_ALIKE_NAMES_MAX, Identity, look_alike_form
from idferry.rules.outcomes import LeftOut
from idferry.rules.plan import NotPlanned, Planned

LEGACY_IDS_MAX = 1_000
UNTOUCHED = (State.CREATING, State.COMPLETE, State.AWAITING_PASSWORD, State.CONFIRMING)

Mark = tuple[str, str]
AfterWrite = Callable[[str], None]


@dataclass(slots=True)
class Person:
    """One person, with the record that leads to the draft. `repeat` is 0, or the ordinal of a repeated key."""

    person_id: int
    source: str
    key: str
    repeat: int
    state: State = State.LEFT_OUT
    code: str = ""
    reason: str = ""
    ordinal: int = 0
    record_digest: bytes = b""
    planning_pass: int = 0
    legacy_id: str = ""
    object_id: str = ""
    draft: AccountDraft | None = None
    cohort: str = ""
    run: str = ""
    created_by_run: str = ""
    created_at: datetime | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    merged: tuple[LegacyUserKey, ...] = ()

    @property
    def shown_key(self) -> str:
        return f"{self.key}#{self.repeat}" if self.repeat else self.key

    @property
    def kept_key(self) -> str:
        return f"{self.source}:{self.shown_key}"

    def known(self) -> KnownRecord:
        return KnownRecord(self.person_id, self.key, self.state, self.record_digest, self.run, self.cohort)

    def entry(self) -> Entry:
        return Entry(
            person_id=self.person_id,
            state=self.state,
            code=self.code,
            reason=self.reason,
            source=self.source,
            key=self.shown_key,
            ordinal=self.ordinal,
            record_digest=self.record_digest,
            legacy_id=self.legacy_id,
            object_id=self.object_id,
            draft=self.draft,
            cohort=self.cohort,
            created_by_run=self.created_by_run,
            created_at=self.created_at,
            written=self.written,
            merged=self.merged,
        )


@dataclass
class Shelves:
    """Everything the ledger remembers. `after_write` is called after every write, with its name: tests stop there."""

    after_write: AfterWrite = lambda _: None
    people: dict[int, Person] = field(default_factory=dict)
    by_key: dict[tuple[str, str, int], Person] = field(default_factory=dict)
    owners: dict[Mark, Person] = field(default_factory=dict)
    alike: dict[str, list[str]] = field(default_factory=dict)  # form -> names, the first to come and not all
    events: list[tuple[int, Event]] = field(default_factory=list)
    settled_at: list[tuple[int, datetime]] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    planning_pass: int = 0

    def append(self, person: Person, at: datetime, run: str, kind: EventKind, **why: str) -> None:
        event = Event(at, run, kind, why.get("code", ""), why.get("reason", ""))
        self.events.append((person.person_id, event))

    def claimed_at(self, person_id: int) -> datetime | None:
        """When a sign-in claimed this person, if nothing has been recorded since."""
        last = [event for owner, event in self.events if owner == person_id][-1:]
        is_creating = self.people[person_id].state is State.CREATING
        return last[0].at if is_creating and last and last[0].kind is EventKind.CLAIMED else None

    def is_held(self, person_id: int, at: datetime) -> bool:
        if person_id not in self.people:
            return False
        claimed_at = self.claimed_at(person_id)
        recently = claimed_at is not None and at - claimed_at < CLAIM_KEPT
        return recently or self.people[person_id].state.has_account

    def selected(self, selection: Selection) -> list[Person]:
        return [
            person
            for person in self.people.values()
            if selection.run in ("", person.run)
            and selection.source in ("", person.source)
            and selection.cohort in ("", person.cohort)
            and (not selection.states or person.state in selection.states)
        ]


class MemoryPlanning:
    """PlanLedger."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def begin_planning(self) -> None:
        self._shelves.planning_pass += 1
        self._shelves.after_write("begin_planning")

    def plan(
        self, items: Sequence[PlanItem], *, run: str, take_up: TakeUp, at: datetime
    ) -> Sequence[PlanEffect]:
        effects = [self._plan_one(item, run, take_up, at) for item in items]
        self._shelves.after_write("plan")
        return effects

    def _plan_one(self, item: PlanItem, run: str, take_up: TakeUp, at: datetime) -> PlanEffect:
        person = self._person_of(item.user)
        if person.state in UNTOUCHED:
            return self._untouched(item, person)
        if person.state is State.FAILED and not take_up.retries(item.user.key):
            return PlanEffect(State.FAILED, person.code)
        if person.state is State.REMOVED and not take_up.again:
            return PlanEffect(State.LEFT_OUT, LeftOut.REMOVED)
        verdict, keeper = self._verdict(item, person)
        if isinstance(verdict, NotPlanned):
            state = State.LEFT_OUT if isinstance(verdict.code, LeftOut) else State.REFUSED
            if person.state is not State.REMOVED:  # only --again leads out of it, and only to an account
                self._decide(person, run, take_up, state=state, code=verdict.code, reason=verdict.reason)
                person.record_digest = item.user.record_digest
            return PlanEffect(state, verdict.code, keeper.kept_key if keeper else "")
        if person.state in (State.FAILED, State.REMOVED):
            self._shelves.append(person, at, run, EventKind.PLANNED_AGAIN)
        self._decide(person, run, take_up, state=State.PLANNED, draft=verdict.draft)
        person.record_digest = item.user.record_digest
        marks = marks_of(verdict.draft.identities)
        for mark in marks:
            owner = self._shelves.owners.get(mark)
            if owner and owner.state is State.REMOVED:
                self._release(owner)
            elif owner:
                self._push_out(owner, run, keeper=person)
        for mark in marks:
            self._claim(mark, person)
        return PlanEffect(State.PLANNED, look_alike_key=self._look_alike(person, verdict.draft))

    def _untouched(self, item: PlanItem, person: Person) -> PlanEffect:
        """A person with an account, unless the record under this key is somebody else's by every sign-in name."""
        if isinstance(item.plan, Planned):
            marks = marks_of(item.plan.draft.identities)
            if all(self._shelves.owners.get(mark) is not person for mark in marks):
                return PlanEffect(State.LEFT_OUT, LeftOut.KEY_REUSED, person.kept_key)
        return PlanEffect(person.state)

    def _person_of(self, user: LegacyUser) -> Person:
        shelves = self._shelves
        person = shelves.by_key.get((user.source, user.key, 0))
        repeat = 0
        if person and person.planning_pass == shelves.planning_pass:
            repeat = user.place.ordinal
            person = shelves.by_key.get((user.source, user.key, repeat))
        if person is None:
            person = Person(len(shelves.people) + 1, user.source, user.key, repeat)
            shelves.people[person.person_id] = person
            shelves.by_key[user.source, user.key, repeat] = person
        person.planning_pass = shelves.planning_pass
        person.ordinal = user.place.ordinal
        return person

    def _verdict(self, item: PlanItem, person: Person) -> tuple[Planned | NotPlanned, Person | None]:
        if isinstance(item.plan, NotPlanned):
            return item.plan, None
        for mark in marks_of(item.plan.draft.identities):
            owner = self._shelves.owners.get(mark)
            if owner and owner is not person and not self._gives_way(owner, item.user.source):
                reason = f"a sign-in name belongs to {owner.kept_key}"
                return NotPlanned(LeftOut.DUPLICATE_SIGN_IN_NAME, reason), owner
        if person.repeat:
            first = self._shelves.by_key[person.source, person.key, 0]
            return NotPlanned(LeftOut.DUPLICATE_KEY, f"{first.kept_key} came before"), first
        return item.plan, None

    def _gives_way(self, owner: Person, source: str) -> bool:
        """An owner that was removed, or only planned and further down in the same source or no longer in it."""
        seen = owner.planning_pass == self._shelves.planning_pass
        later = owner.state in (State.PLANNED, State.FAILED) and owner.source == source and not seen
        return later or owner.state is State.REMOVED

    def _look_alike(self, person: Person, draft: AccountDraft) -> str:
        found = []
        for kind, name in marks_of(draft.identities):
            form = look_alike_form(name)
            alike = self._shelves.alike.get(form, []) if kind == "local" else []
            owners = (self._shelves.owners.get(("local", one)) for one in (form, *alike))
            found += [owner for owner in owners if owner and owner is not person]
        before = [owner for owner in found if not self._gives_way(owner, person.source)]
        named = min(before, key=lambda owner: (owner.source, owner.key, owner.repeat), default=None)
        return named.kept_key if named else ""

    def _push_out(self, owner: Person, run: str, *, keeper: Person) -> None:
        reason = f"a sign-in name belongs to {keeper.kept_key}"
        code = LeftOut.DUPLICATE_SIGN_IN_NAME
        self._decide(owner, run, TakeUp(), state=State.LEFT_OUT, code=code, reason=reason)

    def _claim(self, mark: Mark, person: Person) -> None:
        self._shelves.owners[mark] = person
        kind, name = mark
        form = look_alike_form(name)
        if kind == "local" and form != name:
            alike = self._shelves.alike.setdefault(form, [])
            if len(alike) < LOOK_ALIKE_NAMES_MAX:
                alike.append(name)

    def _release(self, person: Person) -> None:
        owners = self._shelves.owners
        for mark in [mark for mark, owner in owners.items() if owner is person]:
            del owners[mark]
            for alike in self._shelves.alike.values():
                if mark[0] == "local" and mark[1] in alike:
                    alike.remove(mark[1])

    def _decide(
        self,
        person: Person,
        run: str,
        take_up: TakeUp,
        *,
        state: State,
        code: str = "",
        reason: str = "",
        draft: AccountDraft | None = None,
    ) -> None:
        self._release(person)
        person.state, person.code, person.reason = state, str(code), reason
        person.draft, person.legacy_id = draft, draft.legacy_id if draft else ""
        person.run, person.cohort = run, take_up.cohort or person.cohort


class MemoryRuns:
    """RunLedger."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def open_run(
        self,
        *,
        command: str,
        source: str,
        source_digest: str,
        cohort: str,
        at: datetime,
        place: str = "",
    ) -> tuple[Run, bool]:
        for run in reversed(self._shelves.runs.values()):
            asked = (command, source, source_digest, None)
            if (run.command, run.source, run.source_digest, run.ended_at) == asked:
                return run, True
        name = f"{at.astimezone(UTC).date().isoformat()}-{len(self._shelves.runs):04x}"
        run = Run(name, command, source, source_digest, cohort, at, None, place)
        self._shelves.runs[name] = run
        self._shelves.after_write("open_run")
        return run, False

    def close_run(self, run: str, *, at: datetime) -> None:
        self._shelves.runs[run] = replace(self._shelves.runs[run], ended_at=at)
        self._shelves.after_write("close_run")

    def supersede_runs(self, *, by: str, at: datetime) -> None:
        what = {run.run: (run.command, run.source) for run in self._shelves.runs.values()}
        still_open = [run for run in self._shelves.runs.values() if run.ended_at is None and run.run != by]
        superseded = [run for run in still_open if what[run.run] == what[by]]
        for older in superseded:
            self._shelves.runs[older.run] = replace(older, ended_at=at, superseded_by=by)
            for person in self._shelves.people.values():
                if person.run == older.run and person.state is State.PLANNED:
                    self._leave_out(person, older.run, by)
        if superseded:
            self._shelves.after_write("supersede_runs")

    def _leave_out(self, person: Person, older: str, by: str) -> None:
        owners = self._shelves.owners
        for mark in [mark for mark, owner in owners.items() if owner is person]:
            del owners[mark]
            for alike in self._shelves.alike.values():
                if mark[0] == "local" and mark[1] in alike:
                    alike.remove(mark[1])
        person.state, person.code = State.LEFT_OUT, LeftOut.RECORD_GONE.value
        person.reason = f"planned by {older}, and gone from the source since"
        person.draft, person.legacy_id, person.run = None, "", by


class MemorySending:
    """SendLedger and ObservationLedger."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def count_to_send(self, run: str) -> int:
        source = self._shelves.runs[run].source if run in self._shelves.runs else None
        return sum(
            (person.run == run and person.state in (State.PLANNED, State.CREATING))
            or (person.source == source and person.state is State.CREATING)
            for person in self._shelves.people.values()
        )

    def under_way(self, *, after: int, limit: int) -> Sequence[Entry]:
        found = (person for person in self._shelves.people.values() if person.state is State.CREATING)
        return [person.entry() for person in found if person.person_id > after][:limit]

    def planned(self, run: str, *, after: int, limit: int) -> Sequence[Entry]:
        found = [
            person
            for person in self._shelves.people.values()
            if person.state is State.PLANNED and person.run == run and person.ordinal > after
        ]
        found.sort(key=lambda person: person.ordinal)
        return [person.entry() for person in found[:limit]]

    def turn(
        self, *, run: str, observed: Sequence[Observation], sending: Sequence[int], at: datetime
    ) -> Collection[int]:
        held = {one for one in sending if self._shelves.is_held(one, at)}
        self._check(observed, [one for one in sending if one not in held])
        for observation in observed:
            self._observe_one(observation, run, at)
        for person_id in sending:
            if person_id in held:
                continue
            person = self._shelves.people[person_id]
            person.state, person.run = State.CREATING, run
            self._shelves.append(person, at, run, EventKind.SENT)
        self._shelves.after_write("turn")
        return held

    def observe(self, *, run: str, observed: Sequence[Observation], at: datetime) -> None:
        self._check(observed, ())
        for observation in observed:
            self._observe_one(observation, run, at)
        self._shelves.after_write("observe")

    def _check(self, observed: Sequence[Observation], sending: Sequence[int]) -> None:
        """Everything is checked before anything changes: a turn is one transaction."""
        states = {person.person_id: person.state for person in self._shelves.people.values()}
        moves = [(one.person_id, one.state, one.kind is EventKind.REBUILT) for one in observed if one.state]
        assert all(one in states for one in (*(seen.person_id for seen in observed), *sending))
        for person_id, state, rebuilt in [*moves, *((one, State.CREATING, False) for one in sending)]:
            assert may_follow(states[person_id], state, rebuilding=rebuilt), f"{states[person_id]} -> {state}"
            states[person_id] = state

    def _observe_one(self, seen: Observation, run: str, at: datetime) -> None:
        person = self._shelves.people[seen.person_id]
        self._shelves.append(person, at, run, seen.kind, code=seen.code, reason=seen.reason)
        if seen.kind in (EventKind.CREATED, EventKind.ADOPTED) or seen.state is State.FAILED:
            self._shelves.settled_at.append((seen.person_id, at))
        if seen.state:
            if person.state in (State.CREATING, State.PLANNED) and seen.state.has_account:
                person.run = person.created_by_run = run
                person.created_at = seen.created_at or at
            if person.state.has_account and seen.state is State.FAILED:
                person.object_id = person.created_by_run = ""
                person.created_at, person.written = None, {}
            person.state, person.code, person.reason = seen.state, seen.code, seen.reason
        person.object_id = seen.object_id or person.object_id
        if seen.written is not None:
            person.written = dict(seen.written)
        if seen.draft is not None:
            person.draft = seen.draft


class MemoryReports:
    """LedgerReport and RunReport."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def states(self, selection: Selection) -> Mapping[State, int]:
        return dict(Counter(person.state for person in self._shelves.selected(selection)))

    def failures(self, selection: Selection) -> Sequence[FailureGroup]:
        wanted = replace(selection, states=selection.states or (State.FAILED,))
        groups = Counter(person.code for person in self._shelves.selected(wanted))
        ordered = sorted(groups.items(), key=lambda group: (-group[1], group[0]))
        return [FailureGroup(code, count) for code, count in ordered]

    def entries(self, selection: Selection) -> Iterator[Entry]:
        for person in self._shelves.selected(selection):
            yield person.entry()

    def entries_of_legacy_ids(self, legacy_ids: Collection[str]) -> Mapping[str, Entry]:
        assert len(legacy_ids) <= LEGACY_IDS_MAX
        wanted = set(legacy_ids) - {""}
        people = self._shelves.people.values()
        return {person.legacy_id: person.entry() for person in people if person.legacy_id in wanted}

    def entry_of_sign_in_name(self, compared: str) -> Entry | None:
        owner = self._shelves.owners.get(("local", compared))
        return owner.entry() if owner else None

    def entries_of_identities(self, identities: Collection[Identity]) -> Sequence[Entry]:
        owners = (self._shelves.owners.get(mark) for mark in marks_of(tuple(identities)))
        return list({owner.person_id: owner.entry() for owner in owners if owner}.values())

    def events(self, person_id: int) -> Sequence[Event]:
        return [event for owner, event in self._shelves.events if owner == person_id]

    def settled_since(self, since: datetime, selection: Selection) -> Sequence[Settled]:
        chosen = {person.person_id for person in self._shelves.selected(selection)}
        moments = [at for one, at in self._shelves.settled_at if at >= since and one in chosen]
        seconds = groupby(sorted(moments), key=lambda at: at.replace(microsecond=0))
        return [Settled(at[0], len(at)) for at in (list(group) for _, group in seconds)]

    def runs(self) -> Sequence[Run]:
        return list(reversed(self._shelves.runs.values()))


class MemoryCaptures:
    """CaptureReport."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def captures_refused(self, selection: Selection) -> int:
        ends = (EventKind.CAPTURE_REFUSED, EventKind.PASSWORD_WRITTEN)
        last = {owner: event.kind for owner, event in self._shelves.events if event.kind in ends}
        awaiting = (State.PLANNED, State.AWAITING_PASSWORD)
        people = [one for one in self._shelves.selected(selection) if one.state in awaiting]
        return sum(last.get(one.person_id) is EventKind.CAPTURE_REFUSED for one in people)

    def claimed(self, selection: Selection) -> Sequence[datetime]:
        since = (self._shelves.claimed_at(one.person_id) for one in self._shelves.selected(selection))
        return sorted(at for at in since if at is not None)


class MemoryClaims:
    """ClaimLedger."""

    def __init__(self, shelves: Shelves, sending: MemorySending) -> None:
        self._shelves = shelves
        self._sending = sending

    def entry_of_sign_in_name(self, compared: str) -> Entry | None:
        owner = self._shelves.owners.get(("local", compared))
        return owner.entry() if owner else None

    def entry_of_legacy_id(self, legacy_id: str) -> Entry | None:
        people = self._shelves.people.values()
        return next((one.entry() for one in people if legacy_id and one.legacy_id == legacy_id), None)

    def claim(self, person_id: int, *, at: datetime) -> bool:
        person = self._shelves.people[person_id]
        if person.state is not State.PLANNED and self._shelves.claimed_at(person_id) is None:
            return False
        person.state = State.CREATING
        self._shelves.append(person, at, "", EventKind.CLAIMED)
        return True

    def claimed(self, *, after: int, limit: int) -> Sequence[tuple[Entry, datetime]]:
        found = [
            (one.entry(), self._shelves.claimed_at(one.person_id)) for one in self._shelves.people.values()
        ]
        return [(entry, at) for entry, at in found if at and entry.person_id > after][:limit]

    def record(self, observation: Observation, *, at: datetime) -> None:
        before = self._shelves.people[observation.person_id].state
        if observation.state and not may_follow(before, observation.state):
            observation = structs.replace(observation, state=None)
        self._sending.observe(run="", observed=[observation], at=at)


class MemoryRecords:
    """RecordReport."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def open_runs(self, *, command: str, source: str) -> Sequence[Run]:
        runs = reversed(self._shelves.runs.values())
        return [run for run in runs if (run.command, run.source, run.ended_at) == (command, source, None)]

    def known_records(self, source: str, keys: Collection[str]) -> Mapping[str, KnownRecord]:
        found = {key: self._shelves.by_key.get((source, key, 0)) for key in keys}
        return {key: replace(person.known(), key=key) for key, person in found.items() if person}

    def records_of_run(self, run: Run) -> Iterator[KnownRecord]:
        for person in self._shelves.people.values():
            if (person.run, person.source, person.repeat) == (run.run, run.source, 0):
                yield person.known()


class MemoryLedger:
    """The ports over the same shelves, with the attribute names of `idferry.ledger.Ledger`."""

    def __init__(self, *, after_write: AfterWrite = lambda _: None) -> None:
        shelves = Shelves(after_write)
        self.plan = MemoryPlanning(shelves)
        self.runs = MemoryRuns(shelves)
        self.send = MemorySending(shelves)
        self.report = MemoryReports(shelves)
        self.records = MemoryRecords(shelves)
        self.captures = MemoryCaptures(shelves)
        self.claims = MemoryClaims(shelves, self.send)
        self.observations = self.send

    def close(self) -> None:
        """Nothing to close: for tests that run over both ledgers."""


def marks_of(identities: Sequence[Identity]) -> list[Mark]:
    marks = (("local" if identity.is_local else "federated", identity.compared) for identity in identities)
    return list(dict.fromkeys(marks))
