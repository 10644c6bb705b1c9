"""Files with records of people, which only their owner may read: written whole or not at all, and never over another.

A file appears under its name when everything in it is on disk. It must not know what is written.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from idferry.errors import UsageError


@contextmanager
def new_files(paths: Sequence[Path], *, overwrite: bool) -> Iterator[list[BinaryIO]]:
    """Files to write bytes to, in order; all of them get their names when the block ends without an error.

    Raises:
        UsageError: one of them exists and is not to be overwritten, or the place takes nothing.
    """
    for path in paths:
        _refuse_existing(path, overwrite=overwrite)
    waiting: list[tuple[Path, BinaryIO]] = []
    try:
        for path in paths:
            waiting.append(_beside(path))  # noqa: PERF401  it is closed, also when the next cannot be made
        yield [file for _, file in waiting]
        for _, file in waiting:
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for path, (temporary, _) in zip(paths, waiting, strict=True):
            _refuse_existing(path, overwrite=overwrite)
            temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{paths[0]} cannot be written: {error.strerror}",
            remedy="Name another place, or make room; nothing was written.",
        ) from error
    finally:
        for temporary, file in waiting:
            with suppress(OSError):
                file.close()
            temporary.unlink(missing_ok=True)


def _refuse_existing(path: Path, *, overwrite: bool) -> None:
    if path.is_dir() or (path.exists() and not overwrite):
        raise UsageError(f"{path} exists already", remedy="Name another file, or overwrite it with --force.")


def _beside(path: Path) -> tuple[Path, BinaryIO]:
    """An open file of another name in the same folder, so that it can take the name in one step."""
    # Readable and writable for its owner only: https://docs.python.org/3/library/tempfile.html#tempfile.mkstemp
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    return Path(temporary), os.fdopen(descriptor, "wb")
