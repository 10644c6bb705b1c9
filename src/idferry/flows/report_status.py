"""Report where everybody stands. Every figure comes from ledger rows and can be traced to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from idferry.ports import Clock, LedgerReport
from idferry.rules.entry import FailureGroup, Run, Selection
from idferry.rules.lifecycle import State

RATE_OVER = timedelta(seconds=60)
RATE_SECONDS_MIN = 1.0


@dataclass(frozen=True, slots=True)
class Status:
    """People per state, failures by code, people settled per second over the last minute, seconds that remain."""

    states: Mapping[State, int]
    failures: Sequence[FailureGroup]
    rate: float
    time_left_s: float | None
    runs: Sequence[Run]


class StatusLedger(LedgerReport, Protocol):
    """A ledger report that also knows how fast it has been growing."""

    def settled_since(self, since: datetime) -> int:
        """How many people got an account or a final refusal after this moment."""
        ...


def report_status(*, ledger: StatusLedger, clock: Clock, selection: Selection) -> Status:
    """Counts per state and per failure, and the pace of what is going on right now.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    states = ledger.states(selection)
    now = clock.now()
    runs = ledger.runs()
    started = [run.started_at for run in runs if run.ended_at is None]
    since = max([now - RATE_OVER, *started[:1]])
    seconds = max((now - since).total_seconds(), RATE_SECONDS_MIN)
    rate = ledger.settled_since(since) / seconds if started else 0.0
    left = states.get(State.PLANNED, 0) + states.get(State.CREATING, 0)
    return Status(
        states, ledger.failures(selection), round(rate, 2), round(left / rate, 1) if rate else None, runs
    )
