"""What reached the emulator and how it ended, per operation, items inside batches included.

Tests compare these figures with what the product says it sent. Counting decides nothing.
"""

from collections import Counter, defaultdict


class Counts:
    """Requests received, and outcomes: a status, or the name of the fault that ended it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Starts again at nothing."""
        self._received: Counter[str] = Counter()
        self._outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self._early = 0

    def arrived(self, operation: str) -> None:
        """A request was received."""
        self._received[operation] += 1

    def ended(self, operation: str, outcome: int | str) -> None:
        """A request was answered with this status, or ended by this fault."""
        self._outcomes[operation][str(outcome)] += 1

    def came_early(self) -> None:
        """A request came although its application was asked to wait."""
        self._early += 1

    def report(self) -> dict[str, object]:
        """`{"received": {operation: n}, "outcomes": {operation: {outcome: n}}, "early": n}`."""
        return {
            "received": dict(self._received),
            "outcomes": {name: dict(outcomes) for name, outcomes in self._outcomes.items()},
            "early": self._early,
        }
