"""Who was asked to wait until when: what a `Retry-After` told each application, for the count of those who did not.

https://learn.microsoft.com/graph/throttling asks clients to send nothing before that time. Nothing here refuses anybody.
"""

from email.utils import parsedate_to_datetime

from idferry.emulator.clock import Clock
from idferry.emulator.graph.exchange import Answer, Call

ASKING_STATUSES = frozenset({429, 503})


class Waiting:
    """What each application was told last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, float]] = {}

    def note(self, call: Call, answer: Answer) -> None:
        """Remember what this answer asks for, if it asks for anything."""
        text = answer.headers.get("Retry-After")
        if text is None or answer.status not in ASKING_STATUSES:
            return
        until_s = _until_s(text, now_s=call.now_s)
        application = call.application.client_id
        _, before_s = self._told.get(application, (0.0, 0.0))
        if until_s > before_s:
            self._told[application] = (self._clock.now_s(), until_s)

    def is_early(self, call: Call) -> bool:
        """Whether its application was asked to wait longer, and knew it when this request left."""
        told_s, until_s = self._told.get(call.application.client_id, (0.0, 0.0))
        return told_s + self._clock.on_the_way_s < call.now_s < until_s

    def forget(self) -> None:
        """Nobody was told anything."""
        self._told.clear()


def _until_s(text: str, *, now_s: float) -> float:
    """The moment that the header names; now when it names none."""
    try:
        return now_s + float(text)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return now_s
