"""One after the other for each person, within this process: two writes of one password must not overtake each other.

It keeps nothing about anybody: people share a fixed number of locks, and two who share one wait for each other.
"""

import threading

LOCKS = 1_024


class LocalTurns:
    """The port PersonTurns; any number of threads may use it."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    def of(self, person: str) -> threading.Lock:
        """This person's turn, for as long as the block lasts."""
        return self._locks[hash(person) % LOCKS]
