"""The run lock: one run at a time acts on a ledger. `serve` and readers do not take it.

It is a lock of the operating system on a file beside the ledger, so it ends with the process that held it, however
that process ended. It must not be confused with SQLite's own locks, which last for one transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from idferry.errors import LedgerBusy, LedgerError, LedgerUnwritable

LOCK_SUFFIX = ".lock"
_PRIVATE = 0o600


def is_run_active(ledger_path: Path) -> bool:
    """Whether some process holds the run lock of this ledger at this moment.

    It takes the lock for an instant to find out, so it is to be asked rarely: a run that begins in that very instant
    is refused. A lock that cannot be taken for another reason counts as held, because nobody can tell.
    """
    if not lock_path(ledger_path).exists():  # a reader makes no files
        return False
    try:
        with run_lock(ledger_path):
            return False
    except LedgerError:
        return True


@contextmanager
def run_lock(ledger_path: Path) -> Iterator[None]:
    """Hold the run lock of this ledger.

    Raises:
        LedgerBusy: another run holds it.
        LedgerUnwritable: the lock file cannot be made.
        LedgerError: there is no such folder.
    """
    path = lock_path(ledger_path)
    if not path.parent.is_dir():  # the lock would make it
        raise LedgerError(f"the folder of the ledger {ledger_path} does not exist")
    lock = FileLock(path, mode=_PRIVATE, fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise LedgerBusy(f"another run is active on the ledger {ledger_path}") from error
    except (OSError, NotImplementedError) as error:
        raise LedgerUnwritable(f"the run lock {path} cannot be taken: {type(error).__name__}") from error
    try:
        yield
    finally:
        lock.release()


def lock_path(ledger_path: Path) -> Path:
    """Where the run lock of this ledger stands."""
    return ledger_path.with_name(ledger_path.name + LOCK_SUFFIX)
