"""What flows need of a legacy source: its records, as often as they ask."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

import msgspec

from idferry.rules.legacy_user import BadRecord, LegacyUser
from idferry.rules.password import Password
from idferry.rules.stored_hash import StoredHash


class SourceRecord(msgspec.Struct, frozen=True, gc=False):
    """A legacy user and, beside it, the password of the record and its hash of one (None: the record has none)."""

    user: LegacyUser
    password: Password | None
    hashed: StoredHash | None = None


class LegacySource(Protocol):
    """A legacy source that can be read from its beginning as often as needed, in the same order."""

    @property
    def name(self) -> str:
        """The SOURCE name that keys and legacy ids carry."""
        ...

    @property
    def place(self) -> str:
        """Where it is read from, as an absolute path; empty for a source that is nowhere."""
        ...

    def digest(self) -> str:
        """Hex digest of everything in the source: another digest means another export."""
        ...

    def records(self) -> Iterator[SourceRecord | BadRecord]:
        """Stream the records in source order, in constant memory.

        Raises:
            SourceError: the source as a whole cannot be read.
        """
        ...


Take = Callable[[Sequence[str]], Collection[str]]
"""Which of these keys are wanted; asked about some records of a source at a time, in order."""


class RecordCopier(Protocol):
    """Some records of a source, as a file in the source's own format that people may mend."""

    def copy(self, take: Take) -> Iterator[bytes]:
        """The whole file, piece by piece: the records whose keys `take` wants, without passwords and other secrets.

        Raises:
            SourceError: the source cannot be read.
        """
        ...
