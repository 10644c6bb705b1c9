"""Removal, cut off at every point and given again: it takes ours and nobody else's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.crash_driver import KILLED
from tests.support.desk import PREMIGRATE, Desk
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.forked_product import ForkedProduct, forked_product
from tests.support.interference import Point
from tests.support.oracle import Truth, read_ledger, wait_until_idle
from tests.support.population import population, write_json_lines
from tests.support.strangers import Planter

pytestmark = pytest.mark.xdist_group("soak")

PEOPLE = 45
POINTS_MAX = 60
SPEED = 20.0
REMOVE = ("remove", "--source", "people", "--execute")
MOMENTS = [("write", "inside"), ("call", "last byte")]


@pytest.fixture(scope="module")
def product() -> Iterator[ForkedProduct]:
    with forked_product() as product:
        yield product


class _Story:
    """People with accounts, two of whom strangers keep out."""

    def __init__(self, emulator: Emulator, product: ForkedProduct, folder: Path, seed: int) -> None:
        emulator.reset()
        self.emulator = emulator
        self.product = product
        self.tenant: EmulatedTenant = emulator.tenant("b2c")
        self.truth = Truth(population(PEOPLE, seed=seed))
        self.desk = Desk(folder, self.tenant, limits={"connections": 1})
        write_json_lines(self.truth.people, self.desk.export)
        hit = [self.truth.people[3], self.truth.people[40]]
        Planter(self.truth, emulator, self.tenant).plant(hit, others=[self.truth.people[5]])
        assert product.run(self.desk, *PREMIGRATE, speed=SPEED).code == 1
        self.ours = {
            account["id"]: account for account in self.accounts() if account["id"] not in self.strangers
        }
        assert len(self.ours) == PEOPLE - 2

    @property
    def strangers(self) -> set[str]:
        return {one.object_id for one in self.truth.strangers}

    def accounts(self, *, deleted: bool = False) -> list[dict[str, object]]:
        return self.emulator.dump(self.tenant, deleted=deleted)

    def cut_off_and_repeat(self, command: tuple[str, ...], point: Point) -> bool:
        """False when the command did not come to the point."""
        ended = self.product.run(self.desk, *command, point=point, speed=SPEED)
        died = ended.code == KILLED
        if died:
            wait_until_idle(self.emulator)
            ended = self.product.run(self.desk, *command, speed=SPEED)
        assert ended.code in (0, 1), (point, ended.code, ended.err)
        return died


def _every_point(kind: str, when: str, play: Callable[[Point, Path], bool], folder: Path) -> int:
    for number in range(1, POINTS_MAX):
        if not play(Point(kind, when, number), folder / str(number)):
            return number - 1
    raise AssertionError(f"more than {POINTS_MAX} points")


@pytest.mark.parametrize(("kind", "when"), MOMENTS)
def test_removal_takes_ours_and_nobody_elses(
    emulator: Emulator, product: ForkedProduct, tmp_path: Path, seed: int, kind: str, when: str
) -> None:
    def play(point: Point, folder: Path) -> bool:
        story = _Story(emulator, product, folder, seed)
        emulator.faults(
            {
                "operation": "users.delete",
                "item": True,
                "status": 504,
                "after_write": True,
                "skip": 5,
                "count": 2,
            }
        )
        died = story.cut_off_and_repeat(REMOVE, point)
        assert {account["id"] for account in story.accounts()} == story.strangers, point
        assert {account["id"] for account in story.accounts(deleted=True)} == set(story.ours), point
        entries = read_ledger(story.desk.ledger).entries.values()
        removed = {entry.key for entry in entries if entry.state == "removed"}
        assert removed == {one.key for one in story.truth.people} - story.truth.conflicts, point
        return died

    assert _every_point(kind, when, play, tmp_path) >= 3
