"""What one application, or the tenant, is believed to grant, and how refusals change that belief.

Microsoft publishes amounts and periods (https://learn.microsoft.com/graph/throttling-limits) and calls them token
buckets; nobody says how they are counted. So a grant begins as a bucket that is full: its amount may be spent at once
and flows back evenly. A tenant that refuses for longer than a bucket would is taken to count by windows: from then on
no more is spent than the amount within any stretch of one period, which a bucket and windows of either kind allow.
Where other software shares the allowance less is granted than published; that is measured, and more is tried now and
then. What is under way counts as spent, and is stamped when it is answered: the tenant counted it before.

Pure: moments are seconds that are handed in. Nothing here waits, sends, or knows of threads.
"""

from collections import deque
from dataclasses import dataclass

from idferry.rules.quota import Allowance

# A bucket refuses for as long as one more unit takes. A tenant that asks for more than these counts by windows.
BUCKET_SECONDS_MAX = 3.0
BUCKET_UNITS_MAX = 5.0
# Nearly all of a full bucket went through and then nothing: the bucket should have refilled meanwhile.
NEARLY = 0.95
# A rate is measured between two refusals, at which the allowance was used up. Shorter stretches tell too little.
MEASURED_PERIODS_MIN = 1 / 15
# More than what was learned is tried after so many periods without a refusal, twice as many after each failed try.
TRY_PERIODS_FIRST = 0.5
TRY_PERIODS_MAX = 12.0
# Each step up is followed by another one, twice as large, until something is refused.
STEP_FIRST = 0.05
STEP_MAX = 0.4
STEP_PERIODS = 0.2
AMOUNT_SHARE_MIN = 0.01
# Sums of fractions: a call is not kept waiting for a millionth of a write.
TOLERANCE = 1e-6


@dataclass(slots=True)
class _Mark:
    """A moment at which the allowance was used up, and how much of what left later was accepted since."""

    at_s: float
    accepted: float = 0.0


class Grant:
    """One allowance as it is believed to be. `reserve` before a call leaves, `settle` when it was answered."""

    def __init__(self, published: Allowance, *, times_max: float = 1.0) -> None:
        """`times_max`: up to so many times as much is tried while nothing is refused."""
        self._amount_max = published.amount * times_max
        self._period_s = published.period_s
        self._amount = self._level = published.amount
        self._by_window = False
        self._under_way = 0.0
        self._log: deque[tuple[float, float]] = deque()
        self._logged = 0.0
        self._now_s = 0.0
        self._began_s: float | None = None
        self._full_at_s = 0.0
        self._started_again = False
        self._before = 0.0  # what was granted in the window before
        # The tenant counts by windows and does not say when the next one begins: one call at a time tries.
        self._blind = False
        self._refused_at_s = float("-inf")
        self._learned_from = self._sure = self._amount
        self._mark: _Mark | None = None
        self._try_periods = TRY_PERIODS_FIRST
        self._next_try_s = 0.0
        self._step = STEP_FIRST

    @property
    def per_s(self) -> float:
        """What may be spent per second for ever, as far as is believed."""
        return self._amount / self._period_s

    @property
    def by_window(self) -> bool:
        """Whether the tenant was found to count by windows."""
        return self._by_window

    def room(self, now_s: float) -> float:
        """What may be spent now; negative when calls under way will have taken more than there was."""
        self._advance(now_s)
        free = self._amount - self._logged if self._by_window else self._level
        return free - self._under_way

    def wait_s(self, cost: float, now_s: float) -> float | None:
        """Seconds until so much may be spent, 0 when it may now; None: not before a call under way is answered."""
        if self._blind:
            return None if self._under_way else 0.0
        missing = min(cost, self._amount) - self.room(now_s) - TOLERANCE
        if missing > 0 and self._amount < self._amount_max and now_s >= self._next_try_s:
            self._try_more(now_s)
            missing = min(cost, self._amount) - self.room(now_s) - TOLERANCE
        if missing <= 0:
            return 0.0
        if not self._by_window:
            # A full bucket does not fill up further; what is under way empties it only when it is answered.
            return None if self._level >= self._amount else missing / self.per_s
        for at_s, cost_then in self._log:
            missing -= cost_then
            if missing <= 0:
                return max(at_s + self._period_s - now_s, 0.0)
        return None

    def is_sure(self, cost: float) -> bool:
        """Whether so much more was granted within a period before, so that several calls may try at once."""
        return not self._by_window or self._logged + self._under_way + cost <= self._sure + TOLERANCE

    def flows_back_s(self, now_s: float) -> float:
        """Seconds until the oldest of what was spent within the last period is forgotten, if it is counted so."""
        known = self._by_window and self._log
        return self._log[0][0] + self._period_s - now_s if known else float("inf")

    def reserve(self, cost: float, now_s: float) -> None:
        """A call leaves that may cost so much."""
        if self._began_s is None:
            self._began_s = now_s
        self._under_way += cost

    def settle(self, reserved: float, *, accepted: float, left_at_s: float, now_s: float) -> None:
        """The call that left then was answered: so much of what it reserved was accepted."""
        self._advance(now_s)
        self._under_way -= reserved
        if accepted <= 0:
            return
        if self._blind and left_at_s > self._refused_at_s:
            self._blind = False
            self._start_again(0.0, now_s)
        self._log.append((now_s, accepted))
        self._logged += accepted
        if self._mark and left_at_s > self._mark.at_s:
            self._mark.accepted += accepted
        if left_at_s > self._refused_at_s:
            self._level -= accepted
            self._sure = max(self._sure, self._logged)
        elif self._by_window:
            # It was accepted before the refusal from which was learned, and is heard of only now.
            self._sure += accepted
            if self._is_known_whole(now_s):
                self._amount = min(self._amount + accepted, self._learned_from)

    def refuse(self, *, left_at_s: float, retry_after_s: float | None, now_s: float) -> None:
        """The tenant refused a call that left then, because this allowance is used up. Settle the call first."""
        self._advance(now_s)
        self._level = 0.0
        if left_at_s <= self._refused_at_s:
            return  # under way when the last refusal was heard: it tells nothing new
        self._put_off_the_next_try(now_s)
        self._by_window = self._by_window or self._looks_like_windows(left_at_s, retry_after_s, now_s)
        self._refused_at_s = now_s
        if self._by_window:
            self._learn_amount(now_s)
            self._blind = retry_after_s is None and self._may_start_again(now_s)
            if retry_after_s is not None:
                self._start_again(retry_after_s, now_s)
        else:
            self._learn_rate(now_s)

    def _advance(self, now_s: float) -> None:
        if now_s <= self._now_s:
            return
        self._level += (now_s - self._now_s) * self.per_s
        if self._level >= self._amount:
            # What flows into a full bucket is lost: nothing can be measured across this moment.
            self._level, self._full_at_s, self._mark = self._amount, now_s, None
        self._now_s = now_s
        while self._log and self._log[0][0] <= now_s - self._period_s:
            self._logged -= self._log.popleft()[1]

    def _try_more(self, now_s: float) -> None:
        self._amount = min(self._amount * (1 + self._step), self._amount_max)
        self._step = min(self._step * 2, STEP_MAX)
        if self._amount == self._amount_max:
            self._step, self._try_periods = STEP_FIRST, TRY_PERIODS_FIRST
        # Windows show only in the next one whether they hold more.
        self._next_try_s = now_s + (1.0 if self._by_window else STEP_PERIODS) * self._period_s

    def _put_off_the_next_try(self, now_s: float) -> None:
        if self._step > STEP_FIRST:
            self._try_periods = min(self._try_periods * 2, TRY_PERIODS_MAX)
        self._step = STEP_FIRST
        self._next_try_s = now_s + self._try_periods * self._period_s

    def _looks_like_windows(self, left_at_s: float, retry_after_s: float | None, now_s: float) -> bool:
        one_more_s = max(BUCKET_SECONDS_MAX, BUCKET_UNITS_MAX / self.per_s)
        if retry_after_s is not None and retry_after_s > one_more_s:
            return True
        first = self._mark is None and now_s - self._full_at_s < self._period_s
        all_at_once = self._logged + self._under_way >= NEARLY * self._amount
        if retry_after_s is None and first and all_at_once:
            return True
        nothing_since = self._mark is not None and self._mark.accepted == 0
        return nothing_since and left_at_s - self._refused_at_s >= one_more_s / BUCKET_SECONDS_MAX

    def _is_known_whole(self, now_s: float) -> bool:
        """Whether all that was spent within the last period was spent by us, as far as this process goes."""
        return self._began_s is not None and now_s - self._began_s >= self._period_s

    def _learn_amount(self, now_s: float) -> None:
        """What was accepted within the last period is what the tenant grants."""
        self._learned_from = self._amount
        self._sure = self._logged
        twice_alike = abs(self._logged - self._before) <= (1 - NEARLY) * self._logged
        if self._is_known_whole(now_s) or twice_alike:
            self._believe(self._logged)

    def _may_start_again(self, now_s: float) -> bool:
        """Only once, while calls before our time may count: later it would mean that other software is at work."""
        return not (self._started_again or self._is_known_whole(now_s))

    def _start_again(self, granted_in_s: float, now_s: float) -> None:
        """Windows that begin at fixed times begin sooner than what was spent is a period old: nothing counts then."""
        sooner = granted_in_s < self.flows_back_s(now_s) - BUCKET_SECONDS_MAX
        if sooner and self._may_start_again(now_s):
            self._before = self._logged
            self._log.clear()
            self._logged, self._began_s, self._started_again = 0.0, now_s, True

    def _learn_rate(self, now_s: float) -> None:
        """Between two moments at which a bucket is empty, it gives just what flows into it.

        A full one gives what it holds besides: that much is known where it filled up before our eyes.
        """
        mark = self._mark
        just_full = now_s - self._full_at_s < self._period_s and self._is_known_whole(self._full_at_s)
        if mark is None and just_full:
            self._believe(self._logged)
        if mark and now_s - mark.at_s >= MEASURED_PERIODS_MIN * self._period_s:
            self._believe(mark.accepted / (now_s - mark.at_s) * self._period_s)
        if mark is None or now_s - mark.at_s >= self._period_s:
            self._mark = _Mark(now_s)

    def _believe(self, amount: float) -> None:
        self._amount = min(self._amount, max(amount, AMOUNT_SHARE_MIN * self._amount_max))
