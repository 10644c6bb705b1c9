"""Generated requests of signed-in callers against the whole service: no 5xx, nothing the document does not have, no way past the door."""

import random
from pathlib import Path

import pytest
from tests.simulation.fuzz_story import fuzz_story
from tests.support.emulator import Emulator
from tests.support.request_fuzz import Mender, counted_flows
from tests.support.wired_service import FRONTS, wired_service

from idferry.service.external_id import PATH

SEED = 20_261_120
EXAMPLES = 12
ENDPOINTS = {"A": 7, "B": 7, "C": 9, "external": 5}
"""How many of the service's operations have a flow behind them."""


@pytest.fixture(params=FRONTS)
def front(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_what_is_generated_is_answered_as_the_document_says(
    front: str, process: Emulator, tmp_path: Path
) -> None:
    figures = fuzz_story(tmp_path, process, front, examples=EXAMPLES, seed=SEED)
    assert figures.operations == ENDPOINTS[front]
    assert figures.requests >= EXAMPLES * figures.operations


def test_without_a_right_credential_no_flow_begins(front: str, process: Emulator, tmp_path: Path) -> None:
    """The bodies are right ones: only who calls is not."""
    with counted_flows() as begun, wired_service(tmp_path, process, front) as service:
        mend = Mender(service, random.Random(SEED))  # noqa: S311  it must be repeatable
        token = service.provider.sign(service.token(exp=1))
        of_policy, of_entra = service.headers("/api/identity"), service.headers(PATH)
        for path, operations in service.document["paths"].items():
            if "post" not in operations:
                continue
            for headers in (
                {},
                of_policy if path == PATH else of_entra,
                {"Authorization": f"Bearer {token}"},
                {"Authorization": "Basic cG9saWN5Og=="},
                {"Authorization": "Bearer x"},
                {"x-api-key": "Not-a-real-secret-of-at-least-32-bytes"},
            ):
                answer = service.post(path, mend.right(path), headers=headers)
                assert (answer.status_code, answer.content) == (401, b""), (path, headers)
        assert not begun
