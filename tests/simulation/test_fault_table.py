"""Every row of the fault table, at one in five, once: all people, once, within bounds. `make soak` plays the rest."""

from collections.abc import Iterator

import pytest
from tests.simulation.fault_table import FAULTS
from tests.simulation.fault_trials import fault_trial
from tests.simulation.stage import Stage, stage
from tests.support.emulator import Emulator

pytestmark = pytest.mark.xdist_group("faults")

RATE = 0.2


@pytest.fixture(scope="module")
def ready(process: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("faults"), process) as ready:
        yield ready


@pytest.mark.parametrize("name", FAULTS)
def test_one_in_five_fails(ready: Stage, seed: int, name: str) -> None:
    print(name, fault_trial(ready, FAULTS[name], rate=RATE, seed=seed))  # noqa: T201
