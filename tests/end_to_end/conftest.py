"""An operator's folder for each test: the real command line against the emulator over HTTPS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.desk import Desk, environment
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp


@pytest.fixture
def desk(tenant: EmulatedTenant, tmp_path: Path) -> Iterator[Desk]:
    """An operator's folder for each kind of tenant in turn; nothing of the machine's environment gets in."""
    with environment(IDFERRY_SETTINGS=None, IDFERRY_DEBUG=None, COLUMNS=None, FORCE_COLOR=None):
        yield Desk(tmp_path, tenant)


@pytest.fixture
def b2c_desk(emulator: Emulator, tmp_path: Path) -> Iterator[Desk]:
    """The same for the B2C tenant alone, where the kind makes no difference."""
    with environment(IDFERRY_SETTINGS=None, IDFERRY_DEBUG=None, COLUMNS=None, FORCE_COLOR=None):
        yield Desk(tmp_path, emulator.tenant("b2c"))


@pytest.fixture
def graph(tenant: EmulatedTenant) -> Iterator[GraphHttp]:
    """Somebody else's hands in the same directory: changes behind the product's back."""
    client = GraphHttp(tenant)
    yield client
    client.close()
