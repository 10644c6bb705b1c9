"""Report where everybody stands. Every figure comes from ledger rows and can be traced to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from idferry.ports import Clock, IsRunActive, LedgerReport, RunReport
from idferry.rules.entry import FailureGroup, Run, Selection
from idferry.rules.lifecycle import State

RATE_OVER = timedelta(seconds=60)
RATE_SECONDS_MIN = 1.0


@dataclass(frozen=True, slots=True)
class Status:
    """People per state, failures by code, people settled per second over the last minute, seconds that remain.

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
) -> Status:
    """Where the selected people stand, and at what pace they are being dealt with right now.

    1. Count them per state, and those who failed per code.
    2. Where a run is open and at work: how many of them were settled per second, over the last minute or since it began.
    3. How long the rest of them takes at that pace.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    states, every_run = ledger.states(selection), runs.runs()
    rate = _rate(runs, every_run, selection, now=clock.now())
    rate = rate if rate and is_run_active() else 0.0
    left = states.get(State.PLANNED, 0) + states.get(State.CREATING, 0)
    return Status(
        states=states,
        failures=ledger.failures(selection),
        rate=round(rate, 2),
        time_left_s=round(left / rate, 1) if rate else None,
        runs=every_run,
    )


def _rate(ledger: RunReport, runs: Sequence[Run], selection: Selection, *, now: datetime) -> float:
    started = [run.started_at for run in runs if run.ended_at is None]
    if not started:
        return 0.0
    since = max(now - RATE_OVER, started[0])
    seconds = max((now - since).total_seconds(), RATE_SECONDS_MIN)
    return ledger.settled_since(since, selection) / seconds
