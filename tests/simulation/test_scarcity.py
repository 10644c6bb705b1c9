"""A disk that fails or is full, and too few files: a sentence, nobody lost, and the same command goes on afterwards."""

import sys
from collections.abc import Iterator

import pytest
from tests.simulation.stage import DONE, Scene, Stage, assert_tells_how_to_go_on, stage
from tests.support.emulator import Emulator
from tests.support.interference import Temper
from tests.support.oracle import check, wait_until_idle

pytestmark = [
    pytest.mark.xdist_group("power"),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits and signals"),
]

PEOPLE = 200
SPEED = 20.0
TOO_FEW = ("ledger_unwritable", "unreachable", "ledger", "settings", "source", "token_refused")


@pytest.fixture(scope="module")
def ready(process: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("scarcity"), process) as ready:
        yield ready


def finish(scene: Scene) -> None:
    """Whatever was scarce is there again: the same command, and the oracle."""
    wait_until_idle(scene.emulator)
    ended = scene.run(temper=Temper(speed=SPEED))
    assert ended.code in DONE, ended.err
    check(scene.truth, scene.emulator, scene.tenant, scene.desk, unclear_may_be_lost=True)


@pytest.mark.parametrize("name", ["SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_FULL"])
@pytest.mark.parametrize("write", [1, 4, 8])
def test_the_disk_fails(ready: Stage, seed: int, name: str, write: int) -> None:
    with ready.scene(seed=seed, people=PEOPLE, kind="b2c", speed=SPEED) as scene:
        ended = scene.run(temper=Temper(speed=SPEED, disk_error=(name, write)))
        assert_tells_how_to_go_on(ended, ["ledger_unwritable"])
        finish(scene)


def test_few_files(ready: Stage, seed: int) -> None:
    """From hardly any open file on: a stop with a sentence, until there are enough; 32 are."""
    outcomes = []
    for files in (4, 8, 12, 20, 32):
        with ready.scene(seed=seed, people=60, kind="b2c", speed=SPEED) as scene:
            ended = scene.run(temper=Temper(speed=SPEED), files_max=files)
            said = ended.out + ended.err
            assert "Traceback" not in said, (files, said)
            outcomes.append(ended.code)
            if ended.code != 0:
                assert "what to do" in ended.err, (files, said)
            finish(scene)
    print(f"exit codes from 4 files on: {outcomes}")  # noqa: T201
    assert outcomes[0] != 0
    assert outcomes[-1] == 0


def test_a_ledger_that_cannot_grow(ready: Stage, seed: int) -> None:
    """There is room for so many pages and no more, as on a full disk; with more room the same command goes on."""
    with ready.scene(seed=seed, people=600, kind="external", speed=SPEED) as scene:
        accounts = []
        for pages in (12, 60, 110, 130, 150, 170, 200, 250):
            ended = scene.run(temper=Temper(speed=SPEED, pages_max=pages))
            if ended.code in DONE:
                break
            assert_tells_how_to_go_on(ended, ["ledger_unwritable"])
            accounts.append(len(scene.emulator.dump(scene.tenant)))
        print(f"accounts when the ledger was full: {accounts}")  # noqa: T201
        assert accounts[0] == 0
        finish(scene)
