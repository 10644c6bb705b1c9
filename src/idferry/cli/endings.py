"""What is said when a command that acts ends before its end: how far its run came. It must not judge the error.

What to type next is added where the command line is known: see `app.run`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from idferry.cli.output import counts
from idferry.errors import IdferryError, LedgerError, Stopped
from idferry.rules.entry import Run, Selection
from idferry.rules.lifecycle import State
from idferry.wiring import LedgerParts

LEFT = (State.PLANNED, State.CREATING)
SETTLED = (State.COMPLETE, State.AWAITING_PASSWORD, State.CONFIRMING, State.FAILED, State.REMOVED)


@contextmanager
def telling_how_far(ledger: LedgerParts, *, command: str, source: str) -> Iterator[None]:
    """Add to whatever ends the command how many people its open run has settled, and how many are left."""
    try:
        yield
    except KeyboardInterrupt:
        stopped = Stopped("stopped at once; what was answered is in the ledger")
        _add(stopped, ledger, command, source)
        raise stopped from None
    except IdferryError as error:
        _add(error, ledger, command, source)
        raise


def _add(error: IdferryError, ledger: LedgerParts, command: str, source: str) -> None:
    try:
        runs = ledger.records.open_runs(command=command, source=source)
        if runs:
            _tell(error, runs[0], ledger)
    except LedgerError:
        return  # it is the ledger that ends the command, and it cannot even be read


def _tell(error: IdferryError, run: Run, ledger: LedgerParts) -> None:
    states = ledger.report.states(Selection(run=run.run))
    settled = {str(state): states[state] for state in SETTLED if states.get(state)}
    done, left = sum(settled.values()), sum(states.get(state, 0) for state in LEFT)
    if not done + left:
        return  # nobody was planned: there is nothing that it could have lost
    made_of = f" ({counts(settled)})" if settled else ""
    error.done = f"run {run.run} has settled {done:,} of {done + left:,} people{made_of}; nobody is lost"
    error.document = {**error.document, "progress": {"run": run.run, "settled": done, "left": left}}
