"""Check rows of hashes against passwords that somebody knows, so that an export is tried before anybody signs in.

Nothing of a password or a value comes out: a row's answer is its line, a verdict, the scheme and a reason.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from idferry.errors import Stopped
from idferry.hashes import BOUNDS, Bounds, Hash, Malformed, parse, scheme_of
from idferry.ports import Stop, never
from idferry.ports.hash_cases import HashCase, HashCases


class HashVerdict(StrEnum):
    """What a row turned out to be."""

    MATCH = "match"
    MISMATCH = "mismatch"
    MALFORMED = "malformed"
    """The value is not what its scheme writes; or the row is not what it should be."""
    UNSUPPORTED = "unsupported"
    """Nobody can tell, or it is not checked here; the reason says why."""


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """The answer to one row; `expected` is empty where the row expects nothing."""

    line: int
    verdict: HashVerdict
    scheme: str = ""
    reason: str = ""
    expected: str = ""

    @property
    def differs(self) -> bool:
        """Whether the row expected something else."""
        return self.expected not in ("", self.verdict)


@dataclass(slots=True)
class HashCheck:
    """The answers in the order of the file, and how many there are of each."""

    rows: list[CheckedRow] = field(default_factory=list)
    counts: Counter[HashVerdict] = field(default_factory=Counter)
    differing: int = 0


def check_hashes(*, cases: HashCases, bounds: Bounds = BOUNDS, stop: Stop = never) -> HashCheck:
    """Check every row.

    Raises:
        SourceError: the file cannot be read.
        Stopped: `stop` said so.
    """
    report = HashCheck()
    for row in _checked(cases, bounds):
        report.rows.append(row)
        report.counts[row.verdict] += 1
        report.differing += row.differs
        if stop():
            raise Stopped(f"stopped after {len(report.rows)} rows; nothing was changed")
    return report


def _checked(cases: HashCases, bounds: Bounds) -> Iterator[CheckedRow]:
    for case in cases.cases():
        verdict, reason = _verdict(case, bounds)
        scheme = "" if case.unreadable else scheme_of(case.value, case.descriptor)
        yield CheckedRow(case.line, verdict, scheme, reason, case.expect)


def _verdict(case: HashCase, bounds: Bounds) -> tuple[HashVerdict, str]:
    parsed = case.unreadable or parse(case.value, case.descriptor, bounds=bounds)
    if not isinstance(parsed, Hash):
        kind = HashVerdict.MALFORMED if isinstance(parsed, Malformed) else HashVerdict.UNSUPPORTED
        return kind, parsed.reason
    if case.password is None:
        return HashVerdict.MALFORMED, "the row has no password"
    try:
        opens = parsed.verify(case.password, case.hashed_name)
    except MemoryError:
        return HashVerdict.UNSUPPORTED, "this machine has not the memory that it takes"
    return (HashVerdict.MATCH if opens else HashVerdict.MISMATCH), ""
