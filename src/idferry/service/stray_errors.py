"""Errors that end in no request: in a thread of ours, in a library's own log, where an object is thrown away.

Python prints them with their text, which may quote what was typed. Here they are one line of the log, by their kind.
"""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from idferry.service.logs import Log


@contextmanager
def stray_errors_told(log: Log) -> Iterator[None]:
    """As long as the block lasts they stand in the log, and nowhere else."""
    before = threading.excepthook, sys.unraisablehook
    libraries = logging.getLogger()
    telling = _Telling(log)
    threading.excepthook = lambda told: tell_stray(log, told.exc_value)
    sys.unraisablehook = lambda told: tell_stray(log, told.exc_value)
    libraries.addHandler(telling)
    try:
        yield
    finally:
        libraries.removeHandler(telling)
        threading.excepthook, sys.unraisablehook = before


def tell_stray(log: Log, error: BaseException | None, **where: Any) -> None:
    """One error; connections break, which is nobody's fault."""
    if not isinstance(error, OSError):
        log.error("stray_error", kind=type(error).__name__, **where)


class _Telling(logging.Handler):
    """What a library finds worth a warning: whose it is and of which kind, never its words."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One record."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            self._log.warning("stray_error", kind=record.levelname.lower(), library=record.name)
        else:
            tell_stray(self._log, error, library=record.name)
