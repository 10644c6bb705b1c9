"""What the hash commands need of a file of test rows: a value, how it is to be read, and the password somebody knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from idferry.hashes import NATIVE, Descriptor, Malformed, Unsupported
from idferry.rules.password import Password


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HashCase:
    """One row. `unreadable` says why there is no value in it; `expect` is a verdict's name, or empty."""

    line: int
    value: str = ""
    descriptor: Descriptor = NATIVE
    password: Password | None = None
    hashed_name: str = ""
    expect: str = ""
    unreadable: Malformed | Unsupported | None = None

    def __repr__(self) -> str:
        return f"HashCase(line={self.line})"


class HashCases(Protocol):
    """Rows with hashes, readable from the beginning as often as needed."""

    def cases(self) -> Iterator[HashCase]:
        """Stream them in order.

        Raises:
            SourceError: the file cannot be read.
        """
        ...
