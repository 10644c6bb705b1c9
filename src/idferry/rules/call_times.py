"""How long calls usually take, and whether one that has to wait for its turn could still end in time.

A queue that is longer than its callers' patience serves nobody: everyone who gets a turn is about to leave. Whoever would
be too late is therefore refused while he waits, so that those who get a turn get an answer too. It knows no clock.
"""

from dataclasses import dataclass

CALLS_REMEMBERED = 8
"""How many calls the average is about: it follows a system that becomes slow within one round of calls."""


@dataclass(frozen=True, slots=True)
class CallTimes:
    """A moving average, in seconds; 0 as long as no call has ended."""

    usual_s: float = 0.0

    def after(self, seconds: float) -> "CallTimes":
        """With one more call that took so long."""
        return CallTimes(self.usual_s + (seconds - self.usual_s) / CALLS_REMEMBERED)

    def ends_within(self, seconds: float) -> bool:
        """Whether a call that begins now usually ends within so many seconds."""
        return self.usual_s <= seconds

    def ends_within_behind(self, ahead: int, seconds: float, *, at_once: int) -> bool:
        """The same for a call behind `ahead` others that wait, while `at_once` are running."""
        return self.usual_s * (1 + (ahead + 1) / at_once) <= seconds
