"""Runs: opened, continued, closed. It must not know what a run does."""

from datetime import UTC, datetime

from idferry.errors import LedgerError
from idferry.ledger.database import Database
from idferry.ledger.key_file import RandomBytes
from idferry.ledger.named_queries import named_queries
from idferry.ledger.times import time_or_none, time_to_text
from idferry.rules.entry import Run
from idferry.rules.outcomes import LeftOut

DRAWS_MAX = 1_000  # four hex digits a day: enough unless somebody starts thousands of runs a day

_SQL = named_queries("runs")


class SqliteRuns:
    """RunLedger over the ledger's file."""

    def __init__(self, database: Database, random_bytes: RandomBytes) -> None:
        self._database = database
        self._random_bytes = random_bytes

    def open_run(
        self,
        *,
        command: str,
        source: str,
        source_digest: str,
        cohort: str,
        at: datetime,
        place: str = "",
    ) -> tuple[Run, bool]:
        """The open run of the same command, source and digest (and True), else a new one (and False).

        A run that continues keeps the cohort it began with. Raises LedgerError.
        """
        with self._database.writing() as connection:
            row = connection.execute(_SQL["open_run"], (command, source, source_digest)).fetchone()
            if row:
                return run_of_row(row), True
            for _ in range(DRAWS_MAX):
                run = f"{at.astimezone(UTC).date().isoformat()}-{self._random_bytes(2).hex()}"
                facts = (run, command, source, source_digest, cohort, time_to_text(at), place)
                if connection.execute(_SQL["insert_run"], facts).rowcount == 1:
                    return Run(run, command, source, source_digest, cohort, at, None, place), False
        raise LedgerError(f"no free run id on {at.date().isoformat()}", remedy="Run again tomorrow.")

    def close_run(self, run: str, *, at: datetime) -> None:
        """Mark a run as having dealt with everybody. Raises LedgerError."""
        with self._database.writing() as connection:
            changed = connection.execute(_SQL["close_run"], (time_to_text(at), run)).rowcount
            assert changed == 1  # noqa: S101  only a run that was opened can be closed

    def supersede_runs(self, *, by: str, at: datetime) -> None:
        """Close every other open run of the command and source of the run `by`.

        Whom they planned and `by` did not plan again is no longer in the source: left out, names released. Raises
        LedgerError.
        """
        with self._database.reading() as connection:
            older = connection.execute(_SQL["open_runs_superseded"], (by,)).fetchall()
        if not older:  # so it is nearly always, and a transaction has its price
            return
        with self._database.writing() as connection:
            for (run,) in older:
                connection.execute(_SQL["release_names_of_gone"], (run,))
                why = (LeftOut.RECORD_GONE.value, f"planned by {run}, and gone from the source since")
                connection.execute(_SQL["leave_out_gone"], (*why, by, run))
                connection.execute(_SQL["supersede_run"], (time_to_text(at), by, run))


def run_of_row(row: tuple[str, ...]) -> Run:
    """The run behind a row of the `runs` queries."""
    run, command, source, source_digest, cohort, started_at, ended_at, place, superseded_by = row
    started, ended = datetime.fromisoformat(started_at), time_or_none(ended_at)
    return Run(run, command, source, source_digest, cohort, started, ended, place, superseded_by or "")
