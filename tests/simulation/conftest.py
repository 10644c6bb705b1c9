"""One emulator for all simulations, and a seed that is printed and can be given again."""

import os
import secrets
from collections.abc import Iterator

import pytest
from tests.support.emulator import Emulator, running_emulator
from tests.support.oracle import wait_until_idle

SEED_VARIABLE = "IDFERRY_SEED"


@pytest.fixture(scope="session")
def started_emulator() -> Iterator[Emulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(started_emulator: Emulator) -> Emulator:
    wait_until_idle(started_emulator)
    started_emulator.reset()
    return started_emulator


@pytest.fixture
def seed() -> int:
    """Drawn anew each time unless IDFERRY_SEED replays one; pytest shows the line when a test fails."""
    number = int(os.environ.get(SEED_VARIABLE) or secrets.randbelow(2**32))
    print(f"SEED={number}")  # noqa: T201
    return number
