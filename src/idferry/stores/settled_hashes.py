"""Takes the hashes of people out of the hash store soon after the ledger has them settled: nobody waits for it.

What waits is bounded and in memory. What is lost here leaves a row that opens nothing more than before; `idferry verify`
deletes it. This module must not open a file: how rows are deleted is handed in.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from idferry.errors import IdferryError
from idferry.ports import ObservationLedger
from idferry.rules.entry import Observation

WAITING_MAX = 10_000
AT_ONCE_MAX = 500
CLOSE_SECONDS_MAX = 3.0
GATHERED_SECONDS = 0.5
"""So often at most: opening the store and overwriting in it costs the disk more than the rows do."""

Delete = Callable[[Sequence[int]], None]
"""Deletes the hashes of those of these people (by their own ids in the ledger) who are settled. Raises IdferryError."""
Recorded = Callable[[Observation], None]
"""Hears of every step of a person that is on disk."""


def unheard(_observation: Observation) -> None:
    """For whoever does not want to know."""


class SettledHashes:
    """A queue of people before one thread. `kept` hears how many rows may have stayed, and why, by a code."""

    def __init__(self, delete: Delete, *, kept: Callable[[int, str], None]) -> None:
        self._delete = delete
        self._kept = kept
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._waiting: queue.Queue[int | None] = queue.Queue(maxsize=WAITING_MAX)
        self._thread = threading.Thread(target=self._work, name="settled-hashes", daemon=True)

    def recorded(self, observation: Observation) -> None:
        """A step of a person is in the ledger. Never raises, and waits for nothing."""
        if observation.state is None:
            return
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()
        try:
            self._waiting.put_nowait(observation.person_id)
        except queue.Full:
            self._kept(1, "queue_full")

    def close(self) -> None:
        """Delete what waits, within a few seconds."""
        with self._lock:
            runs = self._thread.ident is not None
        self._closing.set()
        if runs:
            try:
                self._waiting.put(None, timeout=CLOSE_SECONDS_MAX)
            except queue.Full:
                self._kept(self._waiting.qsize(), "stopped")
            self._thread.join(CLOSE_SECONDS_MAX)

    def _work(self) -> None:
        goes_on = True
        while goes_on:
            people, goes_on = self._next()
            try:
                if people:
                    self._delete(people)
            except IdferryError as error:
                self._kept(len(people), error.code)
            except Exception as error:  # noqa: BLE001  this thread serves everybody after this one
                self._kept(len(people), type(error).__name__)
            self._closing.wait(GATHERED_SECONDS)

    def _next(self) -> tuple[Sequence[int], bool]:
        """Some people, as many as wait; False with the last ones."""
        people: list[int] = []
        while len(people) < AT_ONCE_MAX:
            try:
                one = self._waiting.get(block=not people)
            except queue.Empty:
                break
            if one is None:
                return people, False
            people.append(one)
        return people, True


class HeardObservations:
    """An ObservationLedger whose every step is told, once it is on disk."""

    def __init__(self, ledger: ObservationLedger, recorded: Recorded) -> None:
        self._ledger = ledger
        self._recorded = recorded

    def observe(self, *, run: str, observed: Sequence[Observation], at: datetime) -> None:
        """As the ledger."""
        self._ledger.observe(run=run, observed=observed, at=at)
        for one in observed:
            self._recorded(one)
