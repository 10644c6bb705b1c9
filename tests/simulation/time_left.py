"""What a run and `status` tell about the time left, beside the time that it then took: whole runs, in events.

`python -m tests.simulation.time_left` prints how far off both were, at each kind of tenant. Nothing here judges.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from unittest.mock import patch

from rich.console import Console
from tests.support.hand_clock import HandClock
from tests.support.metered_tenant import Journey, Tenant

from idferry.cli.progress import progress
from idferry.emulator.graph.allowances import AllowanceKind
from idferry.flows.report_status import report_status
from idferry.ports import Tell
from idferry.rules.entry import FailureGroup, Run, Selection, Settled
from idferry.rules.happenings import PeopleSettled, RunStarted
from idferry.rules.lifecycle import State
from idferry.rules.quota import PUBLISHED, Pace, rate_of

LOOK_EVERY_S = 1.0
EVERY_S = 10.0
FIRST_S = 60.0
LAST_SHARE = 0.95
RIGHT_WITHIN = 0.1
_LINE = re.compile(r"[\d,]+ of .* settled, (?:.*, )?([^,]+) left")
_UNITS_S = {"h": 3600, "min": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds left as told so many seconds after the start, and as it came; None: nothing was told."""

    at_s: float
    told_s: float | None
    true_s: float

    @property
    def ratio(self) -> float:
        """Told by true; 0 where nothing was told."""
        return (self.told_s or 0.0) / self.true_s

    @property
    def off_s(self) -> float:
        """How many seconds it was off."""
        return abs((self.told_s or 0.0) - self.true_s)

    @property
    def is_right(self) -> bool:
        """Within 10 %."""
        return abs(self.ratio - 1) <= RIGHT_WITHIN


@dataclass(frozen=True, slots=True)
class Watched:
    """One run: what it told itself, and what another process told meanwhile."""

    seconds: float
    run: Sequence[Told]
    status: Sequence[Told]


def share_right(told: Sequence[Told]) -> float:
    """The share of what was told that was right."""
    return sum(one.is_right for one in told) / len(told)


def worst(told: Sequence[Told]) -> Told:
    """What was told farthest from the truth."""
    return max(told, key=lambda one: abs(one.ratio - 1))


class TracedLedger:
    """The ledger of a run of which only is known how many people were settled when."""

    def __init__(self, total: int, began: datetime) -> None:
        self.total, self.began = total, began
        self.done = 0
        self.trace: list[Settled] = []

    def captures_refused(self, selection: Selection) -> int:
        return 0

    def claimed(self, selection: Selection) -> list[datetime]:
        return []

    def settle(self, done: int, at: datetime) -> None:
        """So many are settled now."""
        people, self.done = done - self.done, done
        if self.trace and self.trace[-1].at.replace(microsecond=0) == at.replace(microsecond=0):
            people += self.trace[-1].people
            at = self.trace.pop().at
        if people:
            self.trace.append(Settled(at, people))

    def settled_since(self, since: datetime, selection: Selection) -> list[Settled]:
        return [one for one in self.trace if one.at >= since]

    def runs(self) -> list[Run]:
        return [Run("r", "premigrate", "crm", "", "", self.began, None)]

    def states(self, selection: Selection) -> dict[State, int]:
        return {State.COMPLETE: self.done, State.PLANNED: self.total - self.done}

    def failures(self, selection: Selection) -> list[FailureGroup]:
        return []


@dataclass(slots=True)
class _Watch:
    """Looks at a journey every few seconds."""

    journey: Journey
    tell: Tell
    lines: io.StringIO
    clock: HandClock
    began_before: timedelta
    in_run: dict[float, float | None] = field(default_factory=dict)
    in_status: dict[float, float | None] = field(default_factory=dict)
    _next_s: float = EVERY_S
    _ledger: TracedLedger = field(init=False)

    def __post_init__(self) -> None:
        self._ledger = TracedLedger(self.journey.people, self.clock.now() - self.began_before)
        self.tell(RunStarted("r", self.journey.people, resumed=False))

    def __call__(self, journey: Journey) -> None:
        self.clock.advance(journey.seconds - self.clock.elapsed())
        self._ledger.settle(journey.done, self.clock.now())
        self.lines.seek(0)
        self.lines.truncate()
        self.tell(PeopleSettled(journey.done, 0, journey.pace()))
        line = self.lines.getvalue()
        if line and journey.seconds >= self._next_s:
            self._next_s += EVERY_S
            found = _LINE.match(line)
            self.in_run[journey.seconds] = seconds_of(found.group(1)) if found else None
            self.in_status[journey.seconds] = self._status()

    def _status(self) -> float | None:
        return report_status(
            ledger=self._ledger,  # type: ignore[arg-type]
            runs=self._ledger,
            captures=self._ledger,
            clock=self.clock,
            selection=Selection(),
            is_run_active=lambda: True,
            pace=Pace(people_per_s=rate_of(PUBLISHED, applications=self.journey.applications)),
        ).time_left_s


def watch(journey: Journey, *, began_before: timedelta = timedelta()) -> Watched:
    """What is told while it runs; it may have been begun before, by a process that ended."""
    with _lines_of_progress() as (tell, lines, clock):
        look = _Watch(journey, tell, lines, clock, began_before)
        journey.watch = look
        journey.look_every(LOOK_EVERY_S)
        seconds = journey.run()
    return Watched(seconds, _judged(look.in_run, seconds), _judged(look.in_status, seconds))


@contextmanager
def _lines_of_progress() -> Iterator[tuple[Tell, io.StringIO, HandClock]]:
    lines, clock = io.StringIO(), HandClock()
    console = Console(file=lines, width=200)
    with patch("idferry.cli.progress.messages", lambda: console), progress(clock) as tell:
        yield tell, lines, clock


def _judged(told: dict[float, float | None], seconds: float) -> list[Told]:
    return [
        Told(at_s, left, seconds - at_s)
        for at_s, left in told.items()
        if FIRST_S <= at_s <= LAST_SHARE * seconds
    ]


def seconds_of(text: str) -> float:
    """What `duration` wrote."""
    return float(
        sum(int(number) * _UNITS_S[unit] for number, unit in pairwise(text.split()) if unit in _UNITS_S)
    )


KINDS: Sequence[tuple[AllowanceKind, int]] = (
    ("bucket", 0),
    *(("fixed-window", seed) for seed in range(6)),
    *(("sliding-window", seed) for seed in range(2)),
)


def main() -> None:
    """Print, for each tenant, the share that was right and what was farthest off: in the run, and in `status`."""
    for applications, people in ((1, 30_000), (3, 60_000)):
        for scale in (1.0, 0.6):
            for kind, seed in KINDS:
                tenant = Tenant(kind, scale=scale)
                watched = watch(Journey(people=people, applications=applications, tenant=tenant, seed=seed))
                told = "  ".join(
                    f"{share_right(one):6.1%} worst {worst(one).ratio:5.2f} at {worst(one).at_s:5.0f} s"
                    for one in (watched.run, watched.status)
                )
                print(f"{applications} {scale:3.0%} {kind:>14} {seed}: {watched.seconds:5.0f} s  {told}")  # noqa: T201


if __name__ == "__main__":
    main()
