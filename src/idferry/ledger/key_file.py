"""The ledger's files on disk: made private before anything is in them, and the key beside the ledger.

This module must not open the database.
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

from idferry.errors import LedgerError, LedgerUnwritable
from idferry.ledger.sign_in_marks import KEY_BYTES

KEY_SUFFIX = ".key"
PRIVATE_FILE = 0o600
OTHERS = 0o077
_BINARY = getattr(os, "O_BINARY", 0)  # without it Windows would change line ends

RandomBytes = Callable[[int], bytes]


def make_files(ledger: Path, random_bytes: RandomBytes) -> bytes:
    """Make the key file and then an empty ledger file, both 0600; the key.

    The key comes first, so that a ledger without its key is never the trace of a crash. A key that such a crash
    left behind, without a ledger, is taken over, and so is an empty ledger; both are made private again.

    Raises:
        LedgerUnwritable, LedgerError.
    """
    try:
        key = _made_or_found(key_path(ledger), random_bytes)
        with os.fdopen(os.open(ledger, os.O_CREAT | os.O_RDWR, PRIVATE_FILE), "rb") as file:
            _make_private(file.fileno())
    except FileNotFoundError as error:
        raise LedgerError(
            f"the folder of the ledger {ledger} does not exist",
            remedy="Create the folder, or name another file in [ledger] path.",
        ) from error
    except OSError as error:
        raise LedgerUnwritable(f"the ledger {ledger} cannot be made ({_name(error)})") from error
    return key


def read_key(ledger: Path) -> bytes:
    """The key of an existing ledger. Raises LedgerError when it is missing, unreadable or cut short."""
    path = key_path(ledger)
    try:
        key = path.read_bytes()
    except FileNotFoundError as error:
        raise LedgerError(
            f"the ledger {ledger} has lost its key file {path.name}",
            remedy=f"Restore {path.name} from a backup: without it no sign-in name can be recognised. Without a backup "
            "move the ledger away, then `idferry ledger rebuild SOURCE`.",
        ) from error
    except OSError as error:
        raise LedgerError(f"the key file {path} cannot be read ({_name(error)})") from error
    if len(key) != KEY_BYTES:
        raise LedgerError(f"the key file {path} does not hold {KEY_BYTES} bytes")
    return key


def holds_something(ledger: Path) -> bool:
    """Whether there is a ledger file with something in it. Raises LedgerError when it cannot be looked at.

    It is not opened: closing it would take away the locks of every connection that this process has to it, and then
    another process may delete the log beneath them (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    try:
        if ledger.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder")
        if ledger.exists() and not _may(ledger, os.R_OK):
            raise PermissionError(errno.EACCES, "may not be read")
        return ledger.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise LedgerError(f"the ledger {ledger} cannot be read ({_name(error)})") from error


def may_write(folder: Path) -> bool:
    """Whether this process may make files in a folder."""
    return _may(folder, os.W_OK)


def key_path(ledger: Path) -> Path:
    """Where the key of this ledger stands."""
    return ledger.with_name(ledger.name + KEY_SUFFIX)


def _made_or_found(path: Path, random_bytes: RandomBytes) -> bytes:
    if path.exists():
        found = _taken_over(path)
        if found:
            return found
        path.unlink()
    key = random_bytes(KEY_BYTES)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _taken_over(path: Path) -> bytes | None:
    """The key in a file that was there before, now private; None when it was cut short."""
    with path.open("rb") as file:
        key = file.read(KEY_BYTES + 1)
        if len(key) != KEY_BYTES:
            return None
        if sys.platform != "win32" and os.fstat(file.fileno()).st_uid != os.geteuid():
            raise LedgerError(
                f"the key file {path} belongs to another user, who then knows the key",
                remedy="Remove it, if no ledger needs it: a new one is made.",
            )
        _make_private(file.fileno())
        return key


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _make_private(descriptor: int) -> None:
    """Also a file that was there before, with whatever mode."""
    if sys.platform != "win32" and os.fstat(descriptor).st_mode & OTHERS:
        os.fchmod(descriptor, PRIVATE_FILE)


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
