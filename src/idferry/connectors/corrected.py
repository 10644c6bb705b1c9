"""A legacy source with mended records laid over it, and the lists of keys that go with them.

The original stays where it is and is read as ever; the passwords are its own. Corrections and keys are held in memory,
which is why there may be only so many. It must not decide who is taken up.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from idferry.connectors.export_file import digest_of, open_export
from idferry.errors import SourceError
from idferry.ports import LegacySource, SourceRecord
from idferry.rules.correction import (
    CORRECTIONS_MAX,
    Correction,
    corrected,
    is_renamed,
    sign_in_names_problem,
)
from idferry.rules.key_list import KEYS_MAX, few, key_of_line
from idferry.rules.legacy_user import BadRecord, LegacyUser
from idferry.rules.withholding import without_copies

KEY_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedSource:
    """A legacy source whose records say what their corrections say. Satisfies `ports.LegacySource`.

    `digest` is the original's, a plus sign, and that of the corrections.
    """

    original: LegacySource
    corrections: Mapping[str, Correction]
    corrections_path: Path

    @property
    def name(self) -> str:
        """The original's."""
        return self.original.name

    @property
    def place(self) -> str:
        """The original's."""
        return self.original.place

    def digest(self) -> str:
        """Changes with either of the two files. Raises SourceError."""
        return f"{self.original.digest()}+{digest_of(self.corrections_path)}"

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        """The original's records, the mended ones mended. Raises SourceError."""
        for record in self.original.records():
            correction = None if isinstance(record, BadRecord) else self.corrections.get(record.user.key)
            if correction is None or isinstance(record, BadRecord):
                yield record
            else:
                mended = corrected(record.user, correction)
                password = record.password
                plain = without_copies(mended, password) if password else mended
                yield SourceRecord(plain, password, record.hashed)


def original_digest(digest: str) -> str:
    """The part of a digest that speaks of the original file alone."""
    return digest.partition("+")[0]


def collect_corrections(read: Iterable[Correction | BadRecord], path: Path) -> dict[str, Correction]:
    """Key -> correction.

    Raises:
        SourceError: one of them cannot be read, two have one key, or there are too many.
    """
    found: dict[str, Correction] = {}
    for one in read:
        if isinstance(one, BadRecord):
            where = f"{one.field}: " if one.field else ""
            raise SourceError(
                f"{path}, line {one.line}: {where}{one.reason}",
                remedy="Mend that record, or take it out of the file of corrections.",
            )
        key = one.user.key
        if key in found:
            raise SourceError(
                f"{path}, line {one.user.place.line}: a correction for the key {few([key])} came before",
                remedy="Leave one correction per key in the file.",
            )
        if len(found) == CORRECTIONS_MAX:
            raise SourceError(
                f"{path} holds more than {CORRECTIONS_MAX:,} corrections",
                remedy="Mend so many people in the source itself, or in several files one after the other.",
            )
        found[key] = one
    return found


def check_everybody_is_there(
    original: LegacySource, corrections: Mapping[str, Correction], path: Path
) -> dict[str, bytes]:
    """Read the original once, to know that every correction finds its record.

    Returns: for each key whose correction changes the identities, the digest of the mended record.

    Raises:
        SourceError: some do not, or one says too little of the sign-in names; it names the first few keys.
    """
    users = (one.user for one in original.records() if isinstance(one, SourceRecord))
    missing = set(corrections)
    renamed = {}
    for user in users:
        if not missing:
            break
        if user.key in missing:
            missing.discard(user.key)
            mended = _checked(user, corrections[user.key], path)
            if is_renamed(user, mended):
                renamed[user.key] = mended.record_digest
    if missing:
        raise SourceError(
            f"{path} corrects records that the source {original.name} does not hold: {few(missing)}",
            remedy="Take them out of the file of corrections, or correct their keys. A correction is found by the key "
            "that was exported, not by its sign-in name.",
        )
    return renamed


def _checked(user: LegacyUser, correction: Correction, path: Path) -> LegacyUser:
    problem = sign_in_names_problem(user, correction)
    if problem:
        raise SourceError(
            f"{path}, line {correction.user.place.line}: the correction for the key {few([user.key])} {problem}",
            remedy="Write all the sign-in names that the person is to have, each in its column, or in signInNames.",
        )
    return corrected(user, correction)


def keys_in(path: Path) -> frozenset[str]:
    """The keys that a file lists, one to a line.

    Raises:
        SourceError: unreadable, not UTF-8, a line that is no key, or too many of them.
    """
    found: set[str] = set()
    with _open_keys(path) as stream:
        number = 0
        while line := stream.readline(KEY_BYTES_MAX):
            number += 1
            key = _key_of_line(line, path, number)
            if key is not None:
                found.add(key)
            if len(found) > KEYS_MAX:
                raise SourceError(
                    f"{path} lists more than {KEYS_MAX:,} keys",
                    remedy="Give them in several commands, or take everybody who failed with --retry-failed.",
                )
    return frozenset(found)


@contextmanager
def _open_keys(path: Path) -> Iterator[BinaryIO]:
    """A list of keys, open; it counts from the folder where the command is typed, and it is no export."""
    if not path.exists():
        raise SourceError(
            f"the file of keys {path} does not exist",
            remedy="Check the path; a relative one counts from this folder. A pilot is NAME=PATTERN.",
        )
    if path.is_file() and not path.stat().st_size:
        raise SourceError(f"the file of keys {path} is empty", remedy="Write one key to a line.")
    with open_export(path) as stream:
        yield stream


def _key_of_line(line: bytes, path: Path, number: int) -> str | None:
    reason = f"is longer than {KEY_BYTES_MAX} bytes"
    if len(line) < KEY_BYTES_MAX:
        try:
            return key_of_line(line.decode())
        except ValueError as error:
            reason = "is not UTF-8" if isinstance(error, UnicodeError) else str(error)
    raise SourceError(
        f"{path}, line {number}: {reason}",
        remedy="Write one key to a line; one that a line cannot hold plainly as a JSON text.",
    )
