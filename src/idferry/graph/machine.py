"""What the client takes from the machine it runs on: time, waiting, chance, fresh ids. Nothing here knows of calls."""

import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from idferry.errors import Stopped
from idferry.ports import Clock

WAIT_SLICE_SECONDS = 0.1  # how long closing may go unnoticed by somebody who waits


class Pauses:
    """Waiting by the Clock that ends at once when it is closed."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        """Whether nobody shall wait any longer."""
        return self._closed.is_set()

    def check(self) -> None:
        """Raise Stopped when closed."""
        if self._closed.is_set():
            raise Stopped("the connection to the directory was closed")

    def rest(self, seconds: float) -> None:
        """Wait so long. Raises Stopped when closed, before or meanwhile."""
        self.check()
        until = self._clock.elapsed() + seconds
        while (left := until - self._clock.elapsed()) > 0:
            self._clock.sleep(min(left, WAIT_SLICE_SECONDS))
            self.check()

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closed.set()


@dataclass(frozen=True, slots=True)
class Machine:
    """One for each open directory, because closing the directory ends its pauses.

    `jitter` draws evenly from 0..1, `new_id` draws UUIDs.
    """

    clock: Clock
    jitter: Callable[[], float] = lambda: secrets.randbelow(1001) / 1000
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    pauses: Pauses = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pauses", Pauses(clock=self.clock))
