"""An emulator without calls under way, and a seed that is printed and can be given again.

A seed brings back people, strangers, faults and the moments that were drawn; the machine's own timing it cannot.
"""

import os
import secrets

import pytest
from tests.support.emulator import Emulator
from tests.support.oracle import wait_until_idle

SEED_VARIABLE = "IDFERRY_SEED"


@pytest.fixture
def emulator(process: Emulator) -> Emulator:
    """The emulator, as new; calls of a process that was killed are let out first, for they would write later."""
    wait_until_idle(process)
    process.reset()
    return process


@pytest.fixture
def seed() -> int:
    """Drawn anew each time unless IDFERRY_SEED replays one; pytest shows the line when a test fails."""
    number = int(os.environ.get(SEED_VARIABLE) or secrets.randbelow(2**32))
    print(f"SEED={number}")  # noqa: T201
    return number
