"""Every test that asks for `directory` runs over the one in memory and over the Graph client on both emulated tenants."""

from collections.abc import Iterator

import pytest
from tests.support.any_directory import (
    AnyDirectory,
    EmulatedDirectory,
    MemoryDirectory,
)
from tests.support.emulator import Emulator, running_emulator

from idferry.rules.account import TenantKind


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator(seed=7) as running:
        yield running


@pytest.fixture(params=["memory", "b2c", "external"])
def directory(request: pytest.FixtureRequest) -> Iterator[AnyDirectory]:
    if request.param == "memory":
        yield MemoryDirectory()
        return
    running: Emulator = request.getfixturevalue("emulator")
    running.reset()
    emulated = EmulatedDirectory(running, TenantKind(request.param))
    yield emulated
    emulated.close()
