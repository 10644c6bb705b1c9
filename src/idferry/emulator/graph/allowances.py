"""Three ways in which a service may count what a caller spends: token bucket, fixed window, sliding window.

Microsoft publishes amounts and periods, not the mechanism; a client must get along with each. Amounts come from
`throttle`; nothing here knows requests.
"""

from collections import deque
from typing import Literal, Protocol

AllowanceKind = Literal["bucket", "fixed-window", "sliding-window"]
SLOT_SHARE = 1 / 1500  # of a period: what is spent within one slot of a sliding window is kept as one entry


class Allowance(Protocol):
    """What one caller, or one tenant, may spend in a period. Moments are seconds since 1970."""

    amount: float

    def wait_s(self, cost: float, *, now_s: float) -> float:
        """Seconds until `cost` can be spent; 0 when it can be now."""

    def spend(self, cost: float, *, now_s: float) -> None:
        """Takes `cost`, or what is left of it."""

    def used(self, *, now_s: float) -> float:
        """Spent share of the amount, 0 to 1."""


class Bucket:
    """Holds at most `amount` and refills evenly within `period_s`. Starts full."""

    def __init__(self, *, amount: float, period_s: float) -> None:
        self.amount = amount
        self._per_s = amount / period_s
        self._level = amount
        self._at_s = 0.0

    def _refill(self, now_s: float) -> None:
        if now_s > self._at_s:
            self._level = min(self.amount, self._level + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s

    def wait_s(self, cost: float, *, now_s: float) -> float:
        """As `Allowance`."""
        if now_s != self._at_s:
            self._refill(now_s)
        return 0.0 if cost <= self._level else (cost - self._level) / self._per_s

    def spend(self, cost: float, *, now_s: float) -> None:
        """As `Allowance`."""
        if now_s != self._at_s:
            self._refill(now_s)
        self._level = max(0.0, self._level - cost)

    def used(self, *, now_s: float) -> float:
        """As `Allowance`."""
        if now_s != self._at_s:
            self._refill(now_s)
        return 1 - self._level / self.amount


class FixedWindow:
    """Gives the whole amount at the start of every window; windows begin at `phase_s` past a multiple of the period."""

    def __init__(self, *, amount: float, period_s: float, phase_s: float) -> None:
        self.amount = amount
        self._period_s = period_s
        self._phase_s = phase_s
        self._window = -1
        self._spent = 0.0

    def _turn(self, now_s: float) -> None:
        window = int((now_s - self._phase_s) // self._period_s)
        if window != self._window:
            self._window, self._spent = window, 0.0

    def wait_s(self, cost: float, *, now_s: float) -> float:
        """As `Allowance`."""
        self._turn(now_s)
        if self._spent + cost <= self.amount:
            return 0.0
        return (self._window + 1) * self._period_s + self._phase_s - now_s

    def spend(self, cost: float, *, now_s: float) -> None:
        """As `Allowance`."""
        self._turn(now_s)
        self._spent = min(self.amount, self._spent + cost)

    def used(self, *, now_s: float) -> float:
        """As `Allowance`."""
        self._turn(now_s)
        return self._spent / self.amount


class SlidingWindow:
    """Never more than the amount within any stretch of `period_s`."""

    def __init__(self, *, amount: float, period_s: float) -> None:
        self.amount = amount
        self._period_s = period_s
        self._slot_s = period_s * SLOT_SHARE
        self._entries: deque[tuple[float, float]] = deque()
        self._spent = 0.0

    def _forget(self, now_s: float) -> None:
        while self._entries and self._entries[0][0] <= now_s - self._period_s:
            self._spent -= self._entries.popleft()[1]

    def wait_s(self, cost: float, *, now_s: float) -> float:
        """As `Allowance`."""
        self._forget(now_s)
        missing = self._spent + cost - self.amount
        if missing <= 0:
            return 0.0
        for at_s, spent in self._entries:
            missing -= spent
            if missing <= 0:
                return at_s + self._period_s - now_s
        return self._period_s

    def spend(self, cost: float, *, now_s: float) -> None:
        """As `Allowance`."""
        self._forget(now_s)
        cost = min(cost, self.amount - self._spent)
        if cost <= 0:
            return
        self._spent += cost
        if self._entries and now_s - self._entries[-1][0] < self._slot_s:
            at_s, before = self._entries.pop()
            self._entries.append((at_s, before + cost))
        else:
            self._entries.append((now_s, cost))

    def used(self, *, now_s: float) -> float:
        """As `Allowance`."""
        self._forget(now_s)
        return self._spent / self.amount


def new_allowance(kind: AllowanceKind, *, amount: float, period_s: float, phase: float) -> Allowance:
    """An unspent allowance; `phase` (0 to 1) places the windows of a fixed window."""
    if kind == "bucket":
        return Bucket(amount=amount, period_s=period_s)
    if kind == "fixed-window":
        return FixedWindow(amount=amount, period_s=period_s, phase_s=phase * period_s)
    return SlidingWindow(amount=amount, period_s=period_s)
