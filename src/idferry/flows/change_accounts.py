"""Change accounts that exist: intent before act, observation after, several chunks under way.

One thread alone owns the ledger. A chunk's call leaves only after its intents are on disk, together with whatever was
seen since. A change may be repeated freely: whoever starts again after a crash looks at what the directory holds.
Nothing here decides what changes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from idferry.errors import DirectoryError, Stopped, Unreachable, error_in_a_run
from idferry.flows.await_answer import WAIT_SECONDS_MAX
from idferry.ports import Clock, ObservationLedger, Stop
from idferry.rules.answers import ChangeAnswer, Fatal
from idferry.rules.entry import EventKind, Observation

CHUNK_ACCOUNTS_MAX = 20  # https://learn.microsoft.com/graph/json-batching
CHUNKS_UNDER_WAY_MAX = 8
STOP_SECONDS_MAX = 15.0  # how long a stop waits for answers that are under way

Call = Callable[[], "Future[Mapping[str, ChangeAnswer]]"]


@dataclass(frozen=True, slots=True)
class Intended:
    """A change of one account that is about to be sent; `answered` makes of its code what is to be recorded."""

    person_id: int
    object_id: str
    kind: EventKind
    reason: str
    answered: Callable[[str], Observation]


@dataclass(slots=True, kw_only=True)
class AccountChanges:
    """What waits to be recorded, and what is under way. Made by `account_changes`.

    `waited` is called whenever answers were waited for, heard or not: to tell how far it is.
    """

    observations: ObservationLedger
    clock: Clock
    run: str
    stop: Stop
    waited: Callable[[], None] = lambda: None
    _observed: list[Observation] = field(default_factory=list)
    _under_way: "dict[Future[Mapping[str, ChangeAnswer]], Sequence[Intended]]" = field(default_factory=dict)

    def note(self, seen: Observation) -> None:
        """Something seen without a call; recorded with the next transaction."""
        self._observed.append(seen)
        if len(self._observed) >= CHUNK_ACCOUNTS_MAX:
            self._record()

    def send(self, chunk: Sequence[Intended], call: Call) -> None:
        """Record the intents and make the call, as soon as there is room for one more.

        Raises:
            DirectoryError: the directory refuses everybody or cannot be reached.
            LedgerError, Stopped.
        """
        while len(self._under_way) >= CHUNKS_UNDER_WAY_MAX:
            self._hear()
        self._check_stop()
        self._observed += [Observation(one.person_id, one.kind, reason=one.reason) for one in chunk]
        self._record()
        self._under_way[call()] = chunk

    def finish(self) -> None:
        """Wait until nothing is under way any more, and record it; raises what `send` raises."""
        while self._under_way:
            self._hear()
        self._record()

    def end(self) -> None:
        """Whatever ends this: give answers that are under way some time to come, and record what was seen."""
        deadline = self.clock.elapsed() + STOP_SECONDS_MAX
        while self._under_way and self.clock.elapsed() < deadline:
            with suppress(DirectoryError, Stopped):  # the first error is the one to tell
                self._hear_done()
        self._record()

    def _hear(self) -> None:
        self._check_stop()
        self._hear_done()

    def _hear_done(self) -> None:
        finished = self.clock.wait_for(list(self._under_way), WAIT_SECONDS_MAX)
        for future in [one for one in self._under_way if one in finished]:
            self._settle(self._under_way.pop(future), future.result())
        self.waited()

    def _settle(self, chunk: Sequence[Intended], answers: Mapping[str, ChangeAnswer]) -> None:
        refusal: Fatal | None = None
        for one in chunk:
            answer = answers.get(one.object_id, Unreachable.code)
            if isinstance(answer, Fatal):
                refusal = refusal or answer  # it is about everybody, so nobody is marked as failed
            else:
                self._observed.append(one.answered(answer))
        if refusal:
            raise error_in_a_run(refusal.code, refusal.reason, remedy=refusal.remedy)

    def _record(self) -> None:
        if self._observed:
            self.observations.observe(run=self.run, observed=self._observed, at=self.clock.now())
            self._observed = []

    def _check_stop(self) -> None:
        if self.stop():
            raise Stopped("stopped")


@contextmanager
def account_changes(
    *, observations: ObservationLedger, clock: Clock, run: str, stop: Stop
) -> Iterator[AccountChanges]:
    """What changes of accounts go through; everything is answered and recorded when the context ends.

    Raises:
        DirectoryError, LedgerError, Stopped.
    """
    changes = AccountChanges(observations=observations, clock=clock, run=run, stop=stop)
    try:
        yield changes
        changes.finish()
    finally:
        changes.end()
