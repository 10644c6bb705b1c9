"""Report where everybody stands. Every figure comes from ledger rows and can be traced to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idferry.ports import Clock, IsRunActive, LedgerReport, RunReport
from idferry.rules.entry import FailureGroup, Run, Selection
from idferry.rules.lifecycle import State

# A tenant that counts by windows may hold everybody back for half of it.
RATE_OVER = timedelta(minutes=5)
RATE_SECONDS_MIN = 1.0
# Nothing for so long at the beginning of the time looked at: it went on only after that.
SILENCE_SECONDS_MIN = 15.0
MOVES_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Status:
    """People per state, failures by code, people settled per second of late, seconds that remain.

    The last two only while a run is at work. All of the selected people alone; `runs` are all runs, newest first.
    """

    states: Mapping[State, int]
    failures: Sequence[FailureGroup]
    rate: float
    time_left_s: float | None
    runs: Sequence[Run]


def report_status(
    *,
    ledger: LedgerReport,
    runs: RunReport,
    clock: Clock,
    selection: Selection,
    is_run_active: IsRunActive,
    people_per_s_max: float,
) -> Status:
    """Where the selected people stand, and at what pace they are being dealt with right now.

    1. Count them per state, and those who failed per code.
    2. Where a run is open and at work: how many of them were settled per second, over the last five minutes or the
       second half of its time; the first thousands go at once and tell nothing about the rest.
    3. How long the rest of them takes at that pace, or at `people_per_s_max`, which the quota allows for ever.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    states, every_run = ledger.states(selection), runs.runs()
    rate, tells = _rate(runs, every_run, selection, now=clock.now())
    rate = rate if rate and is_run_active() else 0.0
    slowest = min(rate, people_per_s_max) if tells else people_per_s_max
    left = states.get(State.PLANNED, 0) + states.get(State.CREATING, 0)
    return Status(
        states=states,
        failures=ledger.failures(selection),
        rate=round(rate, 2),
        time_left_s=round(left / slowest, 1) if rate else None,
        runs=every_run,
    )


def _rate(
    ledger: RunReport, runs: Sequence[Run], selection: Selection, *, now: datetime
) -> tuple[float, bool]:
    """People per second of late, and whether that tells how fast the rest will go.

    Where nobody was settled a moment ago a tenant may grant thousands at once and then nothing for minutes: a run that
    has not seen several such turns believes the quota.
    """
    started = [run.started_at for run in runs if run.ended_at is None]
    if not started:
        return 0.0, False
    elapsed = now - started[0]
    for span in (min(elapsed / 2, RATE_OVER), min(elapsed, RATE_OVER)):
        since = now - max(span, timedelta(seconds=RATE_SECONDS_MIN))
        settled = ledger.settled_since(since, selection)
        if settled.first_at:
            silent_s = (settled.first_at - since).total_seconds()
            since = settled.first_at if silent_s > SILENCE_SECONDS_MIN else since
            moves = settled.last_at is not None and (now - settled.last_at) < MOVES_WITHIN
            rate = settled.people / max((now - since).total_seconds(), RATE_SECONDS_MIN)
            return rate, moves or elapsed >= 2 * RATE_OVER
    return 0.0, False
