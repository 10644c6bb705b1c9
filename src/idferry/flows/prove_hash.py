"""Find out how a stored value was made, with a password that somebody knows. Never used to judge a sign-in."""

from dataclasses import dataclass

from idferry.errors import Stopped, UsageError
from idferry.hashes import BOUNDS, Bounds, Descriptor, Hash, parse
from idferry.hashes.candidates import candidates
from idferry.ports import Stop, never
from idferry.ports.hash_cases import HashCase
from idferry.rules.password import Password

CANDIDATES_MAX = 20_000
"""A row that so many ways do not explain needs somebody who reads the legacy system's code."""


@dataclass(frozen=True, slots=True)
class HashProof:
    """What was found: the scheme and descriptor that open the value, or None after `tried` ways."""

    descriptor: Descriptor | None
    scheme: str
    tried: int
    reason: str = ""


def prove_hash(
    *, case: HashCase, password: Password, bounds: Bounds = BOUNDS, stop: Stop = never
) -> HashProof:
    """Try every likely way to make this value from this password, the likeliest first.

    Raises:
        UsageError: the row cannot be read.
        Stopped: `stop` said so.
    """
    if case.unreadable:
        raise UsageError(f"line {case.line}: {case.unreadable.reason}", remedy="Correct the row.")
    tried, reason = 0, ""
    for descriptor in candidates(case.value, case.descriptor, hashed_name=case.hashed_name):
        parsed = parse(case.value, descriptor, bounds=bounds)
        if not isinstance(parsed, Hash):
            reason = reason or parsed.reason
            continue
        tried += 1
        if _opens(parsed, password, case.hashed_name):
            return HashProof(descriptor, parsed.scheme, tried)
        if stop():
            raise Stopped(f"stopped after {tried} ways; nothing was changed")
        if tried == CANDIDATES_MAX:
            break
    return HashProof(None, "", tried, "" if tried else reason)


def _opens(parsed: Hash, password: Password, hashed_name: str) -> bool:
    try:
        return parsed.verify(password, hashed_name)
    except MemoryError:
        return False
