"""What flows need of the process they run in: time, chance, somebody to tell, and whether to stop."""

from collections.abc import Callable, Collection
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol

from idferry.rules.happenings import Happening

Tell = Callable[[Happening], None]
Stop = Callable[[], bool]
"""Whether somebody asked to stop; a flow looks between two steps."""
IsRunActive = Callable[[], bool]
"""Whether a run is at work on the ledger at this moment, in whatever process; to be asked rarely."""
RandomBelow = Callable[[int], int]


def never() -> bool:
    """The Stop of whoever cannot be stopped."""
    return False


class Clock(Protocol):
    """Where time comes from: the system, an emulator's shifted time, stepped time, or a test's hand.

    Stepped time stands still while anybody is at work. Whoever waits therefore waits here, for the whole time and in
    one piece, and never behind a lock or a condition that is held by somebody who waits here.
    """

    def now(self) -> datetime:
        """The time of day, in UTC, with its zone."""
        ...

    def elapsed(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...

    def sleep(self, seconds: float, *, unless: "Future[None] | None" = None) -> None:
        """Let time pass; it may be cut short once `unless` is done."""
        ...

    def wait_for(self, futures: "Collection[Future[Any]]", seconds: float) -> "Collection[Future[Any]]":
        """Wait for somebody else's work: those futures that are done as soon as one is, or after so long.

        Nobody to wait for: returns at once.
        """
        ...
