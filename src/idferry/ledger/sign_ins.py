"""The ledger beside sign-ins: people are looked up at the last commit, and notes are taken by a thread of their own.

An import that commits at full speed must not make anybody at a sign-in page wait, and a ledger that takes nothing must
not make a sign-in fail: what is lost here is found again, because the directory's flag decides.
"""

import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime

from msgspec import structs

from idferry.errors import LedgerBusy, LedgerError
from idferry.ledger.database import Database, places
from idferry.ledger.entry_rows import entries_where, entry_of_row
from idferry.ledger.named_queries import named_queries
from idferry.ledger.opening import open_ledger_file
from idferry.ledger.reset_status import LedgerPlace
from idferry.ledger.sending import observe_within
from idferry.ledger.sign_in_marks import SignInMarks
from idferry.ledger.times import time_or_none
from idferry.ports import PersonHere
from idferry.rules.entry import OURS_UP_TO, Entry, EventKind, Observation
from idferry.rules.lifecycle import State, may_follow

LOOK_BUSY_MS = 50
NOTE_BUSY_MS = 5_000
NOTES_MAX = 1_000
NOTES_AT_ONCE_MAX = 50
GATHERED_SECONDS = 0.25
"""Notes that nobody waits for are written so often at most: opening the ledger and writing to the disk cost 1.2 ms of CPU."""
TRIES_MAX = 5
CLOSE_SECONDS_MAX = 3.0
_SQL = named_queries("sign_ins")
_OURS = tuple(kind.value for kind in OURS_UP_TO)
_LAST_WRITTEN = _SQL["last_written"].format(places=places(len(_OURS)))
_NOBODY_WAITS_FOR = frozenset({EventKind.VOUCHED})
_Note = tuple[Observation, datetime, "Future[bool]"]


class LedgerSignIns:
    """SignInLedger over the ledger's file. Safe to use from several threads; close it in the end.

    `lost` hears how many notes were dropped, because too many waited or the ledger took none.
    """

    def __init__(self, place: LedgerPlace, *, lost: Callable[[int], None] = lambda _: None) -> None:
        self._place = place
        self._lost = lost
        self._lock = threading.Lock()
        self._looks = _OpenLedger(place, busy_ms=LOOK_BUSY_MS, read_only=True)
        self._writes = _OpenLedger(place, busy_ms=NOTE_BUSY_MS, read_only=False)
        self._notes: queue.Queue[_Note | None] = queue.Queue(maxsize=NOTES_MAX)
        self._hurry = threading.Event()
        self._writer = threading.Thread(target=self._write_notes, name="ledger-notes", daemon=True)

    def by_object_id(self, object_id: str) -> PersonHere | None:
        """The person of this account. Raises LedgerError."""
        return self._find("of_object_id", lambda _: object_id)

    def by_legacy_id(self, legacy_id: str) -> PersonHere | None:
        """The person whose accounts carry this legacyId, known to have one or about to. Raises LedgerError."""
        return self._find("of_legacy_ids", lambda _: legacy_id, may_be_unseen=True)

    def by_sign_in_name(self, compared: str) -> PersonHere | None:
        """The person who owns a local sign-in name, in its compared form. Raises LedgerError."""
        return self._find("of_mark", lambda marks: marks.of_local(compared))

    def note(self, observation: Observation, *, at: datetime) -> "Future[bool]":
        """Record it soon; never raises. The future says whether that is done."""
        noted: Future[bool] = Future()
        with self._lock:
            if self._writer.ident is None:
                self._writer.start()
        try:
            self._notes.put_nowait((observation, at, noted))
        except queue.Full:
            noted.set_result(False)
            self._lost(1)
        if observation.kind not in _NOBODY_WAITS_FOR or self._notes.qsize() >= NOTES_AT_ONCE_MAX:
            self._hurry.set()
        return noted

    def close(self) -> None:
        """Write what waits, within a few seconds, and give the files back."""
        with self._lock:
            runs = self._writer.ident is not None
        if runs:
            try:
                self._notes.put(None, timeout=CLOSE_SECONDS_MAX)
            except queue.Full:
                self._lost(self._notes.qsize())
            self._hurry.set()
            self._writer.join(CLOSE_SECONDS_MAX)
        with self._lock:
            self._looks.give_back()

    def _find(
        self, query: str, value: Callable[[SignInMarks], str | bytes], *, may_be_unseen: bool = False
    ) -> PersonHere | None:
        statement = entries_where(query).format(places="?")
        with self._lock:
            try:
                database, marks = self._looks.take()
                with database.reading() as connection:
                    row = connection.execute(statement, (value(marks),)).fetchone()
                    entry = entry_of_row(row) if row else None
                    if entry is None or not _has_account(entry, may_be_unseen=may_be_unseen):
                        return None
                    written = connection.execute(_LAST_WRITTEN, (entry.person_id, *_OURS)).fetchone()
            except LedgerError:
                self._looks.give_back()
                raise
            except OSError as error:
                self._looks.give_back()
                raise LedgerError(f"the ledger cannot be read: {type(error).__name__}") from error
        return PersonHere(
            person_id=entry.person_id,
            object_id=entry.object_id,
            legacy_id=entry.legacy_id,
            legacy_users=entry.legacy_users,
            sign_in_names=entry.sign_in_names,
            written_at=time_or_none(written[0]),
        )

    # --- notes, in the writer's thread -----------------------------------------------------------------------------

    def _write_notes(self) -> None:
        goes_on, not_before_s = True, 0.0
        while goes_on:
            notes, goes_on = self._next_notes(not_before_s)
            for note in self._unwritten(notes):
                self._lost(1)
                note[2].set_result(False)
            # Held open, it wrote into a log that another process had taken away when it closed the ledger.
            self._writes.give_back()
            not_before_s = self._place.elapsed() + GATHERED_SECONDS

    def _next_notes(self, not_before_s: float) -> tuple[list[_Note], bool]:
        """Some notes, as many as wait at that moment, or earlier if somebody is in a hurry; False with the last ones."""
        first = self._notes.get()
        left_s = not_before_s - self._place.elapsed()
        if left_s > 0:  # one wait for all of them: to be woken for each one costs more than writing it
            self._hurry.wait(left_s)
        self._hurry.clear()
        notes: list[_Note] = []
        with suppress(queue.Empty):
            while first is not None:
                notes.append(first)
                if len(notes) == NOTES_AT_ONCE_MAX:
                    self._hurry.set()  # there may be more
                    break
                first = self._notes.get_nowait()
        return notes, first is not None

    def _unwritten(self, notes: Sequence[_Note]) -> Sequence[_Note]:
        """Write these notes; those that could not be."""
        if not notes or self._are_written(notes):
            return ()
        # One that the ledger does not take must not take the others with it.
        return [one for one in notes if len(notes) == 1 or not self._are_written([one])]

    def _are_written(self, notes: Sequence[_Note]) -> bool:
        """Write these notes in one transaction, or none of them."""
        for _ in range(TRIES_MAX):
            try:
                database, _marks = self._writes.take()
                _record(database, [(observation, at) for observation, at, _ in notes])
            except LedgerBusy:
                continue
            except (LedgerError, sqlite3.Error, OSError):
                self._writes.give_back()
                return False
            for observation, _, noted in notes:
                noted.set_result(True)
                self._place.recorded(observation)
            return True
        return False


class _OpenLedger:
    """The ledger's file, open as long as it is the one at its place: one that was rebuilt takes another one's place."""

    def __init__(self, place: LedgerPlace, *, busy_ms: int, read_only: bool) -> None:
        self._place = place
        self._busy_ms = busy_ms
        self._read_only = read_only
        self._opened: tuple[Database, SignInMarks] | None = None
        self._file: tuple[int, int] | None = None

    def take(self) -> tuple[Database, SignInMarks]:
        """For one thread at a time. Raises LedgerError, OSError."""
        place = self._place
        about = os.stat(place.path)  # noqa: PTH116  a third of the time of Path.stat
        file = (about.st_dev, about.st_ino)
        if self._opened is None or file != self._file:
            self.give_back()
            self._file = file
            self._opened = open_ledger_file(
                place.path,
                tenant_id=place.tenant_id,
                project=place.project,
                random_bytes=place.random_bytes,
                at=place.now(),
                read_only=self._read_only,
                busy_ms=self._busy_ms,
            )
        return self._opened

    def give_back(self) -> None:
        """The next one who takes it opens it again."""
        if self._opened:
            self._opened[0].close()
        self._opened = None


def record_note(database: Database, observation: Observation, *, at: datetime) -> None:
    """Record one observation; a state that may not follow the person's own is left out.

    Raises LedgerError.
    """
    _record(database, [(observation, at)])


def _record(database: Database, notes: Sequence[tuple[Observation, datetime]]) -> None:
    with database.writing() as connection:
        for observation, at in notes:
            row = connection.execute(_SQL["state_of"], (observation.person_id,)).fetchone()
            if row is None:
                continue
            follows = not observation.state or may_follow(State(row[0]), observation.state)
            seen = observation if follows else structs.replace(observation, state=None)
            observe_within(connection, [seen], at=at)


def _has_account(entry: Entry, *, may_be_unseen: bool) -> bool:
    if entry.state is State.CREATING and may_be_unseen:
        return True
    return entry.state.has_account and bool(entry.object_id)
