"""Generated requests of signed-in callers against the service of one front: one story, short or long.

The same function plays in `tests/service/test_fuzzed_requests.py` and, with more examples, in `make soak`.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.emulator import Emulator
from tests.support.request_fuzz import counted_flows, fuzz
from tests.support.wired_service import wired_service

REACHED_MIN = 0.8
PEOPLE = 12


@dataclass(frozen=True)
class FuzzFigures:
    """One story: operations, requests, the largest share of one operation that did not reach its flow, and the probes
    without a right credential.
    """

    front: str
    operations: int
    requests: int
    unreached: float
    probes: int


def fuzz_story(folder: Path, emulator: Emulator, front: str, *, examples: int, seed: int) -> FuzzFigures:
    """So many requests for each operation. Raises AssertionError and what schemathesis found: a 5xx, an answer that the
    document does not have, or a yes to somebody who did not prove who calls.
    """
    own = Path(tempfile.mkdtemp(prefix=f"{seed}-", dir=folder))
    with counted_flows() as begun, wired_service(own, emulator, front, people=PEOPLE) as service:
        told = fuzz(service, begun, examples=examples, seed=seed)
        shares = {one: told.share(one) for one in told.operations}
        assert min(shares.values()) >= REACHED_MIN, shares
        assert told.enforced >= set(told.operations), "an operation was never asked without a credential"
        assert told.probes >= 2 * len(told.operations)
        bugs = [line for line in service.lines() if line["level"] == "error"]
        assert bugs == [], bugs
    return FuzzFigures(front, len(shares), told.requests, round(1 - min(shares.values()), 3), told.probes)
