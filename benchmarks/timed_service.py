"""`idferry serve` that notes how long each booking of an attempt took: `timed_service.py FILE OPTIONS...`.

In the end FILE holds JSON: for each booking the moment it began, on the machine's monotonic clock, and its seconds.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from idferry.cli.app import run
from idferry.ports.sign_ins import Booked
from idferry.stores.guard import SqliteGuard
from idferry.wiring.system import collect_garbage_rarely


def main(file: str, *options: str) -> int:
    """Serve until a signal."""
    collect_garbage_rarely()  # as the command line does first of all
    book, took = SqliteGuard.book, []

    def timed(self: SqliteGuard, **asked: Any) -> Booked:
        began_s = time.monotonic()
        try:
            return book(self, **asked)
        finally:
            took.append((began_s, time.monotonic() - began_s))

    setattr(SqliteGuard, "book", timed)  # noqa: B010  an assignment would have to repeat all that it may be asked
    try:
        return run(["serve", *options])
    finally:
        Path(file).write_text(json.dumps(took), encoding="ascii")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
