"""How often something may happen: a budget that fills up again. In memory, bounded, and of one process alone.

These limits bound what an endpoint reveals. Guesses at passwords are booked elsewhere, on disk.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

KEYS_MAX = 10_000


class Budget:
    """At most `most` at once, and as many again in each `per_s` seconds. `elapsed` is a clock's."""

    __slots__ = ("_at_s", "_elapsed", "_left", "_most", "_per_second")

    def __init__(self, *, most: int, per_s: float, elapsed: Callable[[], float]) -> None:
        self._most = float(most)
        self._per_second = most / per_s
        self._elapsed = elapsed
        self._left = self._most
        self._at_s = elapsed()

    def take(self) -> bool:
        """Whether one more may happen; it is counted when it may."""
        now = self._elapsed()
        self._left = min(self._most, self._left + (now - self._at_s) * self._per_second)
        self._at_s = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class BudgetByKey:
    """A budget for each key; beyond so many keys the one that was used longest ago is forgotten."""

    def __init__(
        self, *, most: int, per_s: float, elapsed: Callable[[], float], keys_max: int = KEYS_MAX
    ) -> None:
        self._new = partial(Budget, most=most, per_s=per_s, elapsed=elapsed)
        self._keys_max = keys_max
        self._budgets: OrderedDict[str, Budget] = OrderedDict()

    def take(self, key: str) -> bool:
        """Whether one more may happen under this key; it is counted when it may."""
        budget = self._budgets.get(key)
        if budget is None:
            budget = self._budgets[key] = self._new()
            if len(self._budgets) > self._keys_max:
                self._budgets.popitem(last=False)
        else:
            self._budgets.move_to_end(key)
        return budget.take()
