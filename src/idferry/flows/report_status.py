"""Report where everybody stands. Every figure comes from ledger rows and can be traced to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from idferry.ports import CaptureReport, Clock, IsRunActive, LedgerReport, RunReport
from idferry.rules.absence import is_under_way
from idferry.rules.entry import FailureGroup, Run, Selection
from idferry.rules.lifecycle import State
from idferry.rules.quota import Pace
from idferry.rules.time_left import SILENCE_SECONDS_MIN, Lately, Moment, history_seconds, seconds_left


@dataclass(frozen=True, slots=True)
class Status:
    """People per state, failures by code, people settled per second of late, seconds that remain.

    The last two only while a run is at work. All of the selected people alone; `runs` are all runs, newest first.
    `captures_refused`: people who still await a password, because the one that was captured is weak or banned.
    `claimed`: people in `creating` whose account a sign-in is making; `claims_overdue`: those of them of which nothing has
    been heard for longer than that takes.
    """

    states: Mapping[State, int]
    failures: Sequence[FailureGroup]
    rate: float
    time_left_s: float | None
    runs: Sequence[Run]
    captures_refused: int = 0
    claimed: int = 0
    claims_overdue: int = 0


def report_status(
    *,
    ledger: LedgerReport,
    runs: RunReport,
    captures: CaptureReport,
    clock: Clock,
    selection: Selection,
    is_run_active: IsRunActive,
    pace: Pace,
) -> Status:
    """Where the selected people stand, and at what pace they are being dealt with right now.

    1. Count them per state, and those who failed per code.
    2. Where a run is open and at work: how many of them were settled per second, over the last five minutes or the
       second half of its time; the first thousands go at once and tell nothing about the rest.
    3. How long the rest of them takes, judged by whole periods of the quota, and by `pace`: what it allows for ever.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    states, every_run = ledger.states(selection), runs.runs()
    lately = _lately(
        runs, every_run, selection, clock=clock, history=timedelta(seconds=history_seconds(pace))
    )
    rate = lately.per_s()
    rate = rate if rate and is_run_active() else 0.0
    claims = captures.claimed(selection)
    left = states.get(State.PLANNED, 0) + states.get(State.CREATING, 0)
    left_s = seconds_left(left, lately=lately, pace=pace)
    return Status(
        states=states,
        failures=ledger.failures(selection),
        rate=round(rate, 2),
        time_left_s=round(left_s, 1) if rate and left_s is not None else None,
        runs=every_run,
        captures_refused=captures.captures_refused(selection),
        claimed=len(claims),
        claims_overdue=sum(not is_under_way(since, now=clock.now()) for since in claims),
    )


def _lately(
    ledger: RunReport, runs: Sequence[Run], selection: Selection, *, clock: Clock, history: timedelta
) -> Lately:
    """Who was settled of late, in seconds before now: by the newest run that is open, or nobody."""
    now = clock.now()
    began = next((run.started_at for run in runs if run.ended_at is None), None)
    if began is None:
        return Lately((), began_s=0.0, now_s=0.0)
    since = max(began, now - history)
    settled = ledger.settled_since(since, selection)
    moments = [Moment((one.at - now).total_seconds(), one.people) for one in settled]
    began_s = (since - now).total_seconds()
    if moments and moments[0].at_s - began_s >= SILENCE_SECONDS_MIN:
        # Perhaps the run was taken up again only then. It is no part of its speed that nobody was at work.
        began_s = moments[0].at_s
    return Lately(moments, began_s=began_s, now_s=0.0)
