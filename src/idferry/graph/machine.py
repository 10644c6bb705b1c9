"""What the client takes from the machine it runs on: time, waiting, chance, fresh ids. Nothing here knows of calls."""

import contextlib
import secrets
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Protocol

from idferry.errors import Stopped
from idferry.ports import Clock

WAIT_SLICE_SECONDS = 0.1  # how long closing may go unnoticed by somebody who waits

TURN_SECONDS_MAX = 60.0  # then whoever waits for a turn looks whether it is over, though nobody told


class Crew(Protocol):
    """Who wants to know how many threads are at work: stepped time, which stands still until nobody is."""

    def begin(self) -> None:
        """One more is at work, though perhaps still on the way to it."""
        ...

    def end(self) -> None:
        """One has nothing more to do."""
        ...


class NobodyCounts:
    """The Crew of a clock that goes by itself."""

    def begin(self) -> None:
        """Nobody counts."""

    def end(self) -> None:
        """Nobody counts."""


class Pauses:
    """Waiting by the Clock that ends at once when it is closed."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._closed: Future[None] = Future()

    @property
    def closed(self) -> bool:
        """Whether nobody shall wait any longer."""
        return self._closed.done()

    def check(self) -> None:
        """Raise Stopped when closed."""
        if self._closed.done():
            raise Stopped("the connection to the directory was closed")

    def rest(self, seconds: float, *, unless: "Future[None] | None" = None) -> None:
        """Wait so long, or until `unless` is done. Raises Stopped when closed, before or meanwhile."""
        self.check()
        until = self._clock.elapsed() + seconds
        while (left := until - self._clock.elapsed()) > 0:
            if unless is None:
                self._clock.sleep(left, unless=self._closed)
            elif self._clock.wait_for([self._closed, unless], left) and unless.done():
                return
            self.check()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with contextlib.suppress(InvalidStateError):  # closed before
            self._closed.set_result(None)


class Turn:
    """A lock for work that takes time: whoever waits for it waits by the Clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._over: Future[None] | None = None

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Nobody else is inside as long as the context lasts."""
        over: Future[None] = Future()
        while before := self._take(over):
            self._clock.wait_for([before], TURN_SECONDS_MAX)
        try:
            yield
        finally:
            with self._guard:
                self._over = None
            over.set_result(None)

    def _take(self, over: "Future[None]") -> "Future[None] | None":
        """None when it is ours now, else what to wait for."""
        with self._guard:
            before, self._over = self._over, self._over or over
            return before


@dataclass(frozen=True, slots=True)
class Machine:
    """One for each open directory, because closing the directory ends its pauses.

    `jitter` draws evenly from 0..1, `new_id` draws UUIDs, `crew` hears which threads of ours are at work. `heard_skew`
    hears by how many seconds the clock of whoever answered is ahead of ours.
    """

    clock: Clock
    jitter: Callable[[], float] = lambda: secrets.randbelow(1001) / 1000
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    crew: Crew = field(default_factory=NobodyCounts)
    heard_skew: Callable[[float], None] | None = None
    pauses: Pauses = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pauses", Pauses(clock=self.clock))
