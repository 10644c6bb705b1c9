"""A process of its own that guesses through a guard, for tests that kill it: `python -m tests.support.guard_process`.

Arguments: what to do (`guess`, `fill`), the guard's path, and the moment it begins at. It prints a line for everything
that the guard said was booked, before anything else happens.
"""

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from idferry.errors import GuardUnavailable
from idferry.ports.sign_ins import Booking, Settlement
from idferry.rules.attempts import GuardRules
from idferry.stores.guard_opening import open_guard

FILE_BYTES_MAX = 200_000
FILL_GUESSES_MAX = 100_000
GUESSES_AT_ONCE = 6
"""One more than is waited for: so many may be on their way when the process is killed, and no more on a busy machine."""


def main(what: str, path: Path, at: datetime) -> None:
    with open_guard(path, rules=GuardRules(), random_bytes=secrets.token_bytes) as guard:
        if what == "fill":
            import resource  # not on Windows

            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))
        for number in range(FILL_GUESSES_MAX if what == "fill" else GUESSES_AT_ONCE):
            address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
            name = f"p{number}" if what == "fill" else "anna"
            try:
                booked = guard.book(name_key=name, address=address, at=at)
            except GuardUnavailable as error:
                say(f"{error.code} {number}")
                return
            say(booked.booking)
            if booked.booking is not Booking.BOOKED:
                return
            guard.settle(booked.ticket, Settlement.FAILED, at=at)
        sys.stdin.read()  # until it is killed, or whoever started it has gone


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), datetime.fromtimestamp(float(sys.argv[3]), UTC))
