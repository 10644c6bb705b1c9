"""Rows with password hashes, and what this machine has to check them with."""

import os
from pathlib import Path

from idferry.connectors.hash_rows import HashRows
from idferry.ports.hash_cases import HashCases


def hash_rows_of(path: Path) -> HashCases:
    """The rows of a file as `idferry hash check` reads it."""
    return HashRows(path)


def processors() -> int:
    """How many threads can compute at the same time, as the system lets this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
