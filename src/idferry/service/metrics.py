"""What the service counts, for a Prometheus server on this machine. Labels have few values and never a person's."""

from contextlib import AbstractContextManager
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from idferry.ports import Clock

SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.6, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used_at_s: dict[tuple[str, int], float] = {}
        self.registry = CollectorRegistry()
        answers = Counter(
            "idferry_answers",
            "Answers by endpoint, status and outcome.",
            ("endpoint", "status", "outcome"),
            registry=self.registry,
        )
        seconds = Histogram(
            "idferry_answer_seconds",
            "From the arrival of a request to its answer.",
            ("endpoint",),
            buckets=SECONDS_BUCKETS,
            registry=self.registry,
        )
        used = Gauge(
            "idferry_credential_last_used_seconds",
            "When a caller's credential was last used, in seconds since 1970; credential 0 is the first of its list.",
            ("caller", "credential"),
            registry=self.registry,
        )
        alerts = Counter(
            "idferry_alerts", "What an operator should look at, by kind.", ("alert",), registry=self.registry
        )
        self._skew = Gauge(
            "idferry_clock_skew_seconds",
            "By how much the directory's clock was ahead of ours in its last answer.",
            registry=self.registry,
        )
        self._waiting = Gauge(
            "idferry_answers_waiting",
            "Answers that are decided and wait for the moment at which they may leave.",
            registry=self.registry,
        )
        # Looking a child up by its labels costs more than counting.
        self._answers = cache(lambda endpoint, status, outcome: answers.labels(endpoint, status, outcome))
        self._seconds = cache(lambda endpoint: seconds.labels(endpoint))
        self._used = cache(lambda caller, credential: used.labels(caller, credential))
        self._alerts = cache(lambda alert: alerts.labels(alert))

    def answered(self, *, endpoint: str, status: int, outcome: str, seconds: float) -> None:
        """An answer left."""
        self._answers(endpoint, status, outcome).inc()
        self._seconds(endpoint).observe(seconds)

    def credential_used(self, caller: str, credential: int) -> None:
        """A caller proved itself; told to the second, because a busy caller does so all the time."""
        now_s = self._clock.elapsed()
        if now_s - self._used_at_s.get((caller, credential), -1.0) >= 1.0:
            self._used_at_s[caller, credential] = now_s
            self._used(caller, credential).set(self._clock.now().timestamp())

    def know_credential(self, caller: str, credential: int) -> None:
        """A credential that may be used: it is listed with 0 until it was."""
        self._used(caller, credential)

    def alert(self, kind: str, how_many: int = 1) -> None:
        """Something happened that an operator should look at, so many times."""
        self._alerts(kind).inc(how_many)

    def waiting(self) -> AbstractContextManager[object]:
        """As long as the context lasts, one answer more waits for its moment."""
        return self._waiting.track_inprogress()

    def clock_skew(self, seconds: float) -> None:
        """The directory has told its time."""
        self._skew.set(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
