"""Rows with password hashes, and what this machine has to check them with."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from idferry.connectors.hash_rows import HashRows
from idferry.flows.load_hashes import described_record
from idferry.hashes import Descriptor
from idferry.ports import LegacySource, SourceRecord
from idferry.ports.hash_cases import HashCase, HashCases
from idferry.settings import Settings
from idferry.wiring.hash_store import hash_descriptor_of
from idferry.wiring.sources import source_of


def hash_rows_of(path: Path) -> HashCases:
    """The rows of a file as `idferry hash check` reads it."""
    return HashRows(path)


def hash_cases_of(settings: Settings, named: str) -> HashCases:
    """The hashes of a source of the settings, else the rows of a file.

    Raises:
        SettingsError: the source's `hash` means nothing.
    """
    if named not in settings.sources:
        return HashRows(Path(named))
    return _SourceCases(source_of(settings, named), hash_descriptor_of(settings, named))


@dataclass(frozen=True, slots=True)
class _SourceCases:
    """The hashes of a source's records. Satisfies `ports.HashCases`."""

    source: LegacySource
    descriptor: Descriptor

    def cases(self) -> Iterator[HashCase]:
        for record in self.source.records():
            if isinstance(record, SourceRecord) and record.hashed:
                found = described_record(record.hashed, self.descriptor)
                line = record.user.place.line
                if isinstance(found, tuple):
                    value, descriptor = found
                    yield HashCase(line=line, value=value, descriptor=descriptor)
                else:
                    yield HashCase(line=line, unreadable=found)


def processors() -> int:
    """How many threads can compute at the same time, as the system lets this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
