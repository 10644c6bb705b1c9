"""How long the rest takes: judged by who was settled of late and by what the tenant is believed to grant.

A tenant that counts by windows grants thousands at once and then nothing for minutes: the speed of the last seconds,
or minutes, tells nothing there. Whole periods do: what was granted in the last one is granted in each to come, at the
same distance from its beginning. The run itself and another process that looks on reckon alike, from what each knows.

Pure: moments are seconds that are handed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from idferry.rules.quota import Pace

# Half of the time since the beginning counts, and no more than this: the first thousands go at once.
RATE_SECONDS_MAX = 300.0
RATE_SECONDS_MIN = 1.0
# A shorter silence is one between two calls.
SILENCE_SECONDS_MIN = 15.0
# A shorter wait is one for the next call.
HELD_SECONDS_MIN = 1.0
# What is to be known of the past: two whole periods before a silence of the last one.
HISTORY_PERIODS = 3


class Moment(NamedTuple):
    """So many people were settled within the second that begins at this moment."""

    at_s: float
    people: int


@dataclass(frozen=True, slots=True)
class Lately:
    """Who was settled since `began_s`, as far as is known `now_s`; oldest first, no two moments within a second."""

    settled: Sequence[Moment]
    began_s: float
    now_s: float

    def per_s(self) -> float:
        """People per second over the last minutes or the second half of a shorter time, or all of it if nobody came."""
        elapsed_s = self.now_s - self.began_s
        half_s, all_s = min(elapsed_s / 2, RATE_SECONDS_MAX), min(elapsed_s, RATE_SECONDS_MAX)
        return self._per_s_since(self.now_s - half_s) or self._per_s_since(self.now_s - all_s)

    def silent_at(self, within_s: float) -> float | None:
        """The middle of the latest silence within so many seconds; None: there was none."""
        since_s = max(self.now_s - within_s, self.began_s)
        moments = [since_s, *(one.at_s for one in self.settled if one.at_s > since_s), self.now_s]
        silences = [
            (before_s + after_s) / 2
            for before_s, after_s in pairwise(moments)
            if after_s - before_s >= SILENCE_SECONDS_MIN
        ]
        return silences[-1] if silences else None

    def between(self, since_s: float, until_s: float) -> Sequence[Moment]:
        """The moments from one to before the other."""
        return [one for one in self.settled if since_s <= one.at_s < until_s]

    def _per_s_since(self, since_s: float) -> float:
        # They came since the moment before: counted from the middle of a pause the rate would be too high.
        before_s = max((one.at_s for one in self.settled if one.at_s < since_s), default=self.began_s)
        people = sum(one.people for one in self.settled if one.at_s >= since_s)
        return people / max(self.now_s - before_s, RATE_SECONDS_MIN)


def history_seconds(pace: Pace) -> float:
    """How much of the past `seconds_left` may look at."""
    return max(HISTORY_PERIODS * pace.period_s, RATE_SECONDS_MAX)


def seconds_left(people: int, *, lately: Lately, pace: Pace) -> float | None:
    """How long so many people still take; None: nothing tells.

    Where there was a silence within the last period, and later on in every case, whole periods count; as long as no
    whole one was seen, the quota alone. Else the quota and what was measured are both heard, and the slower one counts.
    """
    parted_at_s = lately.silent_at(pace.period_s)
    if parted_at_s is None and lately.now_s - lately.began_s >= HISTORY_PERIODS * pace.period_s:
        # Long after the first thousands: one application may flow evenly while the windows of others turn.
        parted_at_s = lately.now_s
    if parted_at_s is not None:
        periods_s = _seconds_by_periods(people, lately=lately, parted_at_s=parted_at_s, pace=pace)
        left_s = max(periods_s or pace.seconds_for(people), pace.waiting_s)
    else:
        # As long as some applications are held back, the speed of the others tells nothing about all of them.
        measured_per_s = lately.per_s() if pace.all_go_in_s < HELD_SECONDS_MIN else 0.0
        measured_s = people / measured_per_s if measured_per_s > 0 else 0.0
        left_s = max(measured_s, pace.seconds_for(people))
    return left_s if left_s > 0 or people == 0 else None


def _seconds_by_periods(people: int, *, lately: Lately, parted_at_s: float, pace: Pace) -> float:
    """What is left of the present period, and whole ones; reckoned best from a silence, which parts them cleanly.

    0: no whole period was seen yet, or all should have been settled by now.
    """
    period_s = pace.period_s
    last = lately.between(parted_at_s - period_s, parted_at_s)
    granted = sum(one.people for one in last)
    if not granted or parted_at_s - period_s < lately.began_s:
        return 0.0
    before = sum(one.people for one in lately.between(parted_at_s - 2 * period_s, parted_at_s - period_s))
    # One lean period may pay for a rich one before it; and the first one may have seen two windows.
    amount = float(max(granted, before))
    if pace.people_per_s is not None:
        amount = min(amount, pace.people_per_s * period_s)
    then = people + sum(one.people for one in lately.between(parted_at_s, float("inf")))
    whole = max(-(-then // amount) - 1, 0)
    rest = (then - whole * amount) * granted / amount
    settled = accumulate(one.people for one in last)
    reached_s = next(
        (one.at_s for one, done in zip(last, settled, strict=True) if done >= rest), last[-1].at_s
    )
    return max((whole + 1) * period_s + reached_s - lately.now_s, 0.0)
