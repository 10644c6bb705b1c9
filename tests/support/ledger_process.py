"""A process of its own that works on a ledger, for tests that kill it: `python -m tests.support.ledger_process`.

Arguments: what to do (`turns`, `hold`, `fill`), and the ledger's path. It prints a line after everything that the
ledger said was done.
"""

import secrets
import sys
import time
from pathlib import Path

from tests.support.ledger_records import AT, PROJECT, TENANT, wanted

from idferry.errors import LedgerError
from idferry.ledger import Ledger, open_ledger, run_lock
from idferry.rules.entry import EventKind, Observation, TakeUp
from idferry.rules.lifecycle import State

FILE_BYTES_MAX = 400_000


def main(what: str, path: Path) -> None:
    if what == "hold":
        with run_lock(path):
            say("held")
            time.sleep(600)
        return
    with open_ledger(
        path, tenant_id=TENANT, project=PROJECT, random_bytes=secrets.token_bytes, at=AT
    ) as ledger:
        if what == "turns":
            take_turns(ledger)
        else:
            fill(ledger)


def take_turns(ledger: Ledger) -> None:
    """One person after the other: sent, then created; a line when the ledger has it."""
    for entry in ledger.report.entries_of_legacy_ids([f"{PROJECT}:shop:{n}" for n in range(500)]).values():
        ledger.send.turn(run="run-1", observed=(), sending=[entry.person_id], at=AT)
        say(f"{entry.person_id} {State.CREATING}")
        seen = Observation(entry.person_id, EventKind.CREATED, State.COMPLETE)
        ledger.send.turn(run="run-1", observed=[seen], sending=(), at=AT)
        say(f"{entry.person_id} {State.COMPLETE}")


def fill(ledger: Ledger) -> None:
    """Plan until the operating system takes no more; files may grow to FILE_BYTES_MAX."""
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))
    ledger.plan.begin_planning()
    for number in range(1_000_000):
        item = wanted(str(number), f"p{number}@x.org", ordinal=number)
        try:
            ledger.plan.plan([item], run="run-1", take_up=TakeUp(), at=AT)
        except LedgerError as error:
            say(f"{number} {error.code}")
            return


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
