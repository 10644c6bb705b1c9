"""Whether this machine's clock is the directory's: with a wrong one tokens are refused, and locks end at other times.

It compares what the directory's answers say in their `Date` header, and changes no clock.
"""

import threading

from idferry.ports import Clock
from idferry.service.logs import Log
from idferry.service.metrics import Metrics

SKEW_SECONDS_MAX = 30.0
AGAIN_AFTER_SECONDS = 600.0


class ClockWatch:
    """Hears the difference from every answer; safe to use from several threads."""

    def __init__(self, *, clock: Clock, log: Log, metrics: Metrics) -> None:
        self._clock = clock
        self._log = log
        self._metrics = metrics
        self._lock = threading.Lock()
        self._told_at_s = -AGAIN_AFTER_SECONDS

    def heard(self, skew_s: float) -> None:
        """The directory's clock is ahead of ours by so many seconds; told at most once in AGAIN_AFTER_SECONDS."""
        self._metrics.clock_skew(skew_s)
        if abs(skew_s) <= SKEW_SECONDS_MAX:
            return
        with self._lock:
            now_s = self._clock.elapsed()
            if now_s - self._told_at_s < AGAIN_AFTER_SECONDS:
                return
            self._told_at_s = now_s
        self._metrics.alert("clock_skew")
        self._log.warning("clock_skew", directory_ahead_seconds=round(skew_s, 1))
