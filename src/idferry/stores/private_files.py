"""Files of a store on disk: made private before anything is in them, and the key beside each.

This module must not open a database. What goes wrong is an OSError or a ValueError; the store words it.
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

KEY_BYTES = 32
KEY_SUFFIX = ".key"
PRIVATE_FILE = 0o600
OTHERS = 0o077
_BINARY = getattr(os, "O_BINARY", 0)  # without it Windows would change line ends

RandomBytes = Callable[[int], bytes]


def key_path(store: Path) -> Path:
    """Where the key of this store stands."""
    return store.with_name(store.name + KEY_SUFFIX)


def holds_something(store: Path) -> bool:
    """Whether there is such a file with something in it. Raises OSError when it cannot be looked at.

    It is not opened: closing it would take away the locks of every connection that this process has to it
    (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    """
    try:
        if store.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder")
        return store.stat().st_size > 0
    except FileNotFoundError:
        return False


def made_with_key(store: Path, random_bytes: RandomBytes) -> bytes:
    """Make the key file and then an empty store, both 0600; the key.

    The key comes first, so that a store without its key is never the trace of a crash. A key that such a crash left
    behind is taken over.

    Raises:
        OSError, or ValueError when another user owns the key and so knows it.
    """
    key = _made_or_found(key_path(store), random_bytes)
    with os.fdopen(os.open(store, os.O_CREAT | os.O_RDWR, PRIVATE_FILE), "rb") as file:
        _make_private(file.fileno())
    return key


def made_private(store: Path) -> None:
    """An empty store without a key of its own, 0600; also one that was there before. Raises OSError."""
    with os.fdopen(os.open(store, os.O_CREAT | os.O_RDWR, PRIVATE_FILE), "rb") as file:
        _make_private(file.fileno())


def key_of(store: Path) -> bytes:
    """The key of an existing store. Raises OSError, or ValueError when it is cut short."""
    key = key_path(store).read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key file {key_path(store)} does not hold {KEY_BYTES} bytes")
    return key


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
    with path.open("rb") as file:
        key = file.read(KEY_BYTES + 1)
        if len(key) != KEY_BYTES:
            return None
        if sys.platform != "win32" and os.fstat(file.fileno()).st_uid != os.geteuid():
            raise ValueError(f"the key file {path} belongs to another user, who then knows the key")
        _make_private(file.fileno())
        return key


def _make_private(descriptor: int) -> None:
    """Also a file that was there before, with whatever mode."""
    if sys.platform != "win32" and os.fstat(descriptor).st_mode & OTHERS:
        os.fchmod(descriptor, PRIVATE_FILE)
