"""The power fails, or a disk loses a page: nobody twice, nobody lost, or one sentence that says what to do.

`make soak` plays 500 cuts on an honest disk and 500 on one that lies.
"""

import random
from collections.abc import Iterator

import pytest
from tests.simulation.power_story import Disk, power_story
from tests.simulation.stage import Scene, Stage, kind_of, stage
from tests.support.desk import PREMIGRATE
from tests.support.emulator import Emulator
from tests.support.interference import Point, Temper
from tests.support.oracle import wait_until_idle
from tests.support.power_cut import read_commits

pytestmark = pytest.mark.xdist_group("power")

CUTS = 5
PAGE_BYTES = 4096
PAGES_DAMAGED = 8
SPEED = 20.0
CLEAN = (0, 1)  # the damage met nothing that was read
READING = (("status", "--json"), PREMIGRATE)


@pytest.fixture(scope="module")
def ready(process: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("power"), process) as ready:
        yield ready


@pytest.mark.parametrize("disk", ["honest", "lying"])
@pytest.mark.parametrize("turn", range(2))
def test_power_fails(ready: Stage, seed: int, disk: Disk, turn: int) -> None:
    print(power_story(ready, disk, seed=seed + turn, cuts=CUTS))  # noqa: T201


def test_every_transaction_is_synchronous(ready: Stage, seed: int) -> None:
    with ready.scene(seed=seed, people=60, kind=kind_of(seed), speed=SPEED) as scene:
        notes = scene.desk.folder / "commits"
        assert scene.run(temper=Temper(speed=SPEED, commits=str(notes))).code == 0
        last, synchronous = read_commits(notes)
        assert last is not None
        assert synchronous
        assert len(notes.read_bytes()) > 10


def test_a_damaged_page_is_one_sentence(ready: Stage, seed: int) -> None:
    """Whatever page of the ledger is lost, commands say `ledger` and what to do, or were not touched by it."""
    with ready.scene(seed=seed, people=300, kind=kind_of(seed), speed=SPEED) as scene:
        point = Point("call", "sent", 12, delay_s=0.02)
        scene.run(temper=Temper(speed=SPEED, checkpoint_pages=1), point=point)
        wait_until_idle(scene.emulator)
        scene.run("status")  # the log is written back when the last connection closes
        whole = {path.name: path.read_bytes() for path in scene.desk.folder.iterdir()}
        pages = len(whole["idferry.ledger"]) // PAGE_BYTES
        assert pages > PAGES_DAMAGED
        told = [
            _say(scene, whole, page, garbage=bool(turn % 2))
            for turn, page in enumerate([0, *scene.chance.sample(range(1, pages), PAGES_DAMAGED - 1)])
        ]
        assert any(told), "no damage was noticed"


def _say(scene: Scene, whole: dict[str, bytes], page: int, *, garbage: bool) -> bool:
    """Damage one page, run every command that reads; True when one of them noticed."""
    chance = random.Random(page)  # noqa: S311  it must be repeatable
    noticed = False
    for arguments in READING:
        for path in scene.desk.folder.glob("idferry.ledger*"):
            path.unlink()
        for name, content in whole.items():
            (scene.desk.folder / name).write_bytes(content)
        damaged = bytearray(whole["idferry.ledger"])
        filling = chance.randbytes(PAGE_BYTES) if garbage else bytes(PAGE_BYTES)
        damaged[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = filling
        scene.desk.ledger.write_bytes(damaged)
        ended = scene.run(*arguments, temper=Temper(speed=SPEED))
        said = ended.out + ended.err
        assert "Traceback" not in said, (page, garbage, arguments, said)
        if ended.code not in CLEAN:
            assert "ledger" in said, (page, garbage, arguments, said)
            assert "what to do" in said or "remedy" in said, said
            noticed = True
    return noticed
