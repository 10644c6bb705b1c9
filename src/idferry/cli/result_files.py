"""Files with records of people, which only their owner may read: written whole or not at all, and never over another.

A file appears under its name when everything in it is on disk. It must not know what is written.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from idferry.errors import UsageError

_NONE: Mapping[Path, str] = MappingProxyType({})
_NO_BACKUPS: Mapping[Path, Path] = MappingProxyType({})


@contextmanager
def new_files(
    paths: Sequence[Path],
    *,
    overwrite: bool,
    spared: Mapping[Path, str] = _NONE,
    backups: Mapping[Path, Path] = _NO_BACKUPS,
) -> Iterator[list[BinaryIO]]:
    """Files to write bytes to, in order; all of them get their names when the block ends without an error.

    `spared`: file -> what it is; none of these is ever overwritten, whatever `overwrite` says. `backups`: file -> the
    name that its old content gets before.

    Raises:
        UsageError: one of them exists and is not to be overwritten, or the place takes nothing.
    """
    for path in paths:
        _refuse(path, overwrite=overwrite, spared=spared)
    waiting: list[tuple[Path, BinaryIO]] = []
    placed: list[Path] = []
    try:
        for path in paths:
            waiting.append(_beside(path))  # noqa: PERF401  it is closed, also when the next cannot be made
        yield [file for _, file in waiting]
        for _, file in waiting:
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for path in paths:
            _refuse(path, overwrite=overwrite, spared=spared)
        for path, (temporary, _) in zip(paths, waiting, strict=True):
            _place(temporary, path, backups.get(path))
            placed.append(path)
    except OSError as error:
        raise UsageError(
            f"{paths[len(placed) % len(paths)]} cannot be written: {error.strerror}",
            remedy=f"Name another place, or make room; {_told(placed)}.",
        ) from error
    finally:
        for temporary, file in waiting:
            with suppress(OSError):
                file.close()
            temporary.unlink(missing_ok=True)


def _place(temporary: Path, path: Path, backup: Path | None) -> None:
    if backup is None:
        temporary.replace(path)
        return
    path.rename(backup)
    try:
        temporary.replace(path)
    except OSError:
        backup.rename(path)
        raise


def backup_of(path: Path) -> Path | None:
    """A free name for what this file holds now, to be read beside it; None where there is no such file."""
    if not path.is_file():
        return None
    names = (path.with_name(f"{path.name}.bak{number or ''}") for number in count())
    return next(name for name in names if not os.path.lexists(name))


def _told(placed: Sequence[Path]) -> str:
    """What stands on the disk although the command failed."""
    return f"only {', '.join(map(str, placed))} was written" if placed else "nothing was written"


def _refuse(path: Path, *, overwrite: bool, spared: Mapping[Path, str]) -> None:
    for one, what in spared.items():
        if _is_same(path, one):
            raise UsageError(
                f"{path} is {what}",
                remedy="Name another file: this one is never overwritten, whatever is said.",
            )
    if path.is_dir():
        raise UsageError(f"{path} is a folder", remedy="Name a file.")
    if not overwrite and (path.exists() or path.is_symlink()):
        raise UsageError(f"{path} exists already", remedy="Name another file, or overwrite it with --force.")


def _is_same(path: Path, other: Path) -> bool:
    """Whether both are one file, by whatever names; a file that is not there yet is known by its path."""
    try:
        return path.samefile(other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def _beside(path: Path) -> tuple[Path, BinaryIO]:
    """An open file of another name in the same folder, so that it can take the name in one step."""
    # Readable and writable for its owner only: https://docs.python.org/3/library/tempfile.html#tempfile.mkstemp
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    return Path(temporary), os.fdopen(descriptor, "wb")
