"""Power cuts again and again while people are migrated: what the ledger called done is there, nobody twice or lost.

Two disks: an honest one, which loses only what was not synced, and one that lies and loses what it called synced. After
the second the ledger has forgotten calls that were sent, and the directory must remind it by the legacyId. A disk that
lies can also leave a file that SQLite cannot read: then one error says so, and the story ends.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.simulation.stage import (
    DONE,
    Scene,
    Stage,
    assert_status_is_true,
    assert_tells_how_to_go_on,
    kind_of,
)
from tests.support.crash_driver import KILLED
from tests.support.interference import Point, Temper
from tests.support.oracle import check, read_ledger, wait_until_idle
from tests.support.power_cut import LedgerFiles, read_commits
from tests.support.strangers import free_people

Disk = Literal["honest", "lying"]

PEOPLE = 300
CUTS = 10
STRANGERS_BEFORE = 3
STRANGERS_BETWEEN = 2
CALLS_MAX = 16
DELAY_S_MAX = 0.06
BATCH_MS = 40.0
CHECKPOINT_PAGES = (6, 25, 4000)  # so that write-backs are met as well as a log that only grows
SPEED = 20.0


@dataclass
class PowerFigures:
    """What a story came to. `forgotten`: intents, on disk before their calls left, that a lying disk lost."""

    people: int = PEOPLE
    cuts: int = 0
    conflicts: int = 0
    runs: int = 0
    unsynced_bytes: int = 0
    lost_bytes: int = 0
    torn_pages: int = 0
    forgotten: int = 0
    unreadable: int = 0


def power_story(stage: Stage, disk: Disk, *, seed: int, cuts: int = CUTS) -> PowerFigures:
    """Play it and judge it; AssertionError when anything does not hold."""
    limits = {"connections": 1 + seed % 4}
    with stage.scene(seed=seed, people=PEOPLE, kind=kind_of(seed), speed=SPEED, limits=limits) as scene:
        figures = PowerFigures()
        scene.plant(scene.chance.sample(scene.truth.people, STRANGERS_BEFORE))
        scene.emulator.lag(get_s=(0.0, 4.0), filter_s=(0.0, 8.0), seed=seed)
        scene.emulator.faults(
            {"operation": "users.create", "status": 504, "after_write": True, "rate": 0.05, "item": True},
            {"operation": "batch", "kind": "slow", "delay_ms": BATCH_MS * SPEED},
            seed=seed,
        )
        while figures.cuts < cuts and _run_and_cut(scene, disk, figures):
            if figures.cuts == cuts // 2:
                _plant_between(scene)
        if figures.unreadable:
            assert_tells_how_to_go_on(scene.run(temper=Temper(speed=SPEED)), ["ledger"])
            return figures
        scene.emulator.faults()
        ended = scene.run(temper=Temper(speed=SPEED))
        assert ended.code in DONE, (ended.code, ended.err)
        figures.runs += 1
        judged = check(scene.truth, scene.emulator, scene.tenant, scene.desk, forgotten=disk == "lying")
        assert_status_is_true(scene)
        figures.conflicts = judged.conflicts
        assert judged.conflicts == len(scene.truth.strangers)
        return figures


def _run_and_cut(scene: Scene, disk: Disk, figures: PowerFigures) -> bool:
    """One run, killed and cut; False when it came to its end before."""
    notes = scene.desk.folder / "commits"
    notes.unlink(missing_ok=True)
    temper = Temper(speed=SPEED, commits=str(notes), checkpoint_pages=scene.chance.choice(CHECKPOINT_PAGES))
    figures.runs += 1
    ended = scene.run(temper=temper, point=_moment(scene))
    if ended.code in DONE:
        return False
    assert ended.code == KILLED, (ended.code, ended.err)
    wait_until_idle(scene.emulator)
    last, synchronous = read_commits(notes)
    assert synchronous, "a transaction of the ledger was not synchronous"
    if scene.desk.ledger.exists():
        files = LedgerFiles(scene.desk.ledger, last)
        floor = files.synced_bytes
        if disk == "lying":
            floor = scene.chance.randint(files.written_back_bytes, files.synced_bytes)
        announced = _announced(scene)
        cut = files.cut_behind(floor, scene.chance)
        if not _is_readable(scene):
            assert disk == "lying", "an honest disk left a ledger that SQLite cannot read"
            figures.unreadable += 1
            return False
        figures.forgotten += max(announced - _announced(scene), 0) if disk == "lying" else 0
        figures.unsynced_bytes += cut.unsynced_bytes
        figures.lost_bytes += cut.lost_bytes
        figures.torn_pages += cut.torn_pages
    notes.unlink(missing_ok=True)
    figures.cuts += 1
    return True


@contextmanager
def _copy_of_ledger(scene: Scene) -> Iterator[Path]:
    """Where reading writes nothing back."""
    with tempfile.TemporaryDirectory() as folder:
        for file in scene.desk.folder.glob("idferry.ledger*"):
            shutil.copy(file, folder)
        yield Path(folder) / scene.desk.ledger.name


def _announced(scene: Scene) -> int:
    """How many calls the ledger knows of."""
    with _copy_of_ledger(scene) as ledger:
        return read_ledger(ledger).kinds["sent"]


def _is_readable(scene: Scene) -> bool:
    with _copy_of_ledger(scene) as ledger, closing(sqlite3.connect(ledger)) as connection:
        try:
            return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        except sqlite3.DatabaseError:
            return False


def _moment(scene: Scene) -> Point:
    """Some time after some step of some call or transaction."""
    chance = scene.chance
    if chance.random() < 0.5:
        when = chance.choice(("before", "inside", "after"))
        return Point("write", when, chance.randint(1, 8), delay_s=chance.uniform(0.0, DELAY_S_MAX))
    return Point("call", "sent", chance.randint(1, CALLS_MAX), delay_s=chance.uniform(0.0, DELAY_S_MAX))


def _plant_between(scene: Scene) -> None:
    free = free_people(scene.truth, scene.emulator, scene.tenant, scene.desk)
    scene.plant(free[: min(STRANGERS_BETWEEN, len(free))])
