"""Every point at which sixty people's premigration can be cut off: run to it, die there, run again, judge.

Points are counted, not guessed: number one, two, three ... until a run ends without having met its point.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.crash_driver import KILLED
from tests.support.desk import PREMIGRATE, Desk
from tests.support.emulator import Emulator
from tests.support.forked_product import ForkedProduct, forked_product
from tests.support.interference import Point
from tests.support.oracle import Truth, check
from tests.support.population import population, write_json_lines
from tests.support.strangers import Planter

pytestmark = pytest.mark.xdist_group("heavy")

PEOPLE = 60
POINTS_MAX = 100
SPEED = 20.0

# What is cut off -> how many such points there are at least; fewer would mean that the hooks miss.
CASES = [
    ("write", "before", 8),
    ("write", "inside", 8),
    ("write", "after", 8),
    ("call", "before", 8),
    ("call", "sent", 8),
    ("call", "first byte", 8),
    ("call", "last byte", 8),
    ("files", "before", 2),
    ("files", "after", 2),
]


# The same for the run that comes after a first kill, in the middle of sending: it asks about the past first.
FIRST_KILL = Point("call", "sent", 9)
CASES_AGAIN = [("call", "last byte", 5)]


@pytest.fixture(scope="module")
def product() -> Iterator[ForkedProduct]:
    with forked_product() as product:
        yield product


@pytest.mark.parametrize(("kind", "when", "points_min"), CASES)
def test_cut_off_at_every_point_and_resumed(
    emulator: Emulator,
    product: ForkedProduct,
    tmp_path: Path,
    seed: int,
    kind: str,
    when: str,
    points_min: int,
) -> None:
    met = 0
    for number in range(1, POINTS_MAX):
        emulator.reset()
        if _dies_and_resumes(emulator, product, tmp_path / str(number), seed, [Point(kind, when, number)]):
            met += 1
        elif kind != "files" or number > 3:
            break
    else:
        pytest.fail(f"more than {POINTS_MAX} points")
    print(f"{met} points {when} a {kind}")  # noqa: T201
    assert met >= points_min


@pytest.mark.parametrize(("kind", "when", "points_min"), CASES_AGAIN)
def test_cut_off_again_while_it_settles_the_past(
    emulator: Emulator,
    product: ForkedProduct,
    tmp_path: Path,
    seed: int,
    kind: str,
    when: str,
    points_min: int,
) -> None:
    met = 0
    while met < POINTS_MAX:
        emulator.reset()
        points = [FIRST_KILL, Point(kind, when, met + 1)]
        if not _dies_and_resumes(emulator, product, tmp_path / str(met), seed, points):
            break
        met += 1
    print(f"{met} points {when} a {kind}")  # noqa: T201
    assert points_min <= met < POINTS_MAX


def _dies_and_resumes(
    emulator: Emulator, product: ForkedProduct, folder: Path, seed: int, points: list[Point]
) -> bool:
    """One story, judged; False when a run did not come to its point."""
    tenant = emulator.tenant("b2c")
    truth = Truth(population(PEOPLE, seed=seed))
    desk = Desk(folder, tenant, limits={"connections": 1})
    write_json_lines(truth.people, desk.export)
    planter = Planter(truth, emulator, tenant)
    planter.plant([truth.people[11], truth.people[47], truth.people[50]], others=[truth.people[12]])
    emulator.faults(
        {"operation": "users.create", "status": 504, "after_write": True, "skip": 7, "count": 1, "item": True}
    )
    ends = [product.run(desk, *PREMIGRATE, point=point, speed=SPEED) for point in points]
    died = ends[-1].code == KILLED
    last = product.run(desk, *PREMIGRATE, speed=SPEED) if died else ends[-1]
    assert last.code in (0, 1), (points, last.err)
    figures = check(truth, emulator, tenant, desk)
    assert figures.conflicts == len(truth.strangers), points
    return died
