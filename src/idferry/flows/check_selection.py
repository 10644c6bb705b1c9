"""Check a selection before anything works on it: a name that nobody has is a slip of the keyboard, not "nobody"."""

from collections.abc import Iterable
from difflib import get_close_matches

from idferry.errors import UsageError
from idferry.ports import RunReport
from idferry.rules.entry import Selection

NAMED_MAX = 5


def check_selection(*, runs: RunReport, selection: Selection) -> None:
    """Refuse a run, a source or a cohort that no run of this ledger ever had.

    Raises:
        UsageError: the remedy names those that there are, nearest first.
        LedgerError.
    """
    known = runs.runs()
    _check("run", selection.run, (one.run for one in known))
    _check("source", selection.source, (one.source for one in known))
    _check("cohort", selection.cohort, (one.cohort for one in known))


def _check(what: str, name: str, known: Iterable[str]) -> None:
    names = set(filter(None, known))
    if name and name not in names:
        nearest = get_close_matches(name, sorted(names), n=NAMED_MAX, cutoff=0.0)
        there_are = f"There are, nearest first: {', '.join(nearest)}." if nearest else "There is none yet."
        raise UsageError(f"the ledger knows no {what} {name!r}", remedy=there_are)
