"""A tenant that bans what stands in some passwords, cut off at every point: nobody lost, and every flag is right."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.crash_driver import KILLED, Point
from tests.support.desk import PREMIGRATE, Desk
from tests.support.emulator import Emulator
from tests.support.forked_product import ForkedProduct, forked_product
from tests.support.oracle import Truth, check, read_ledger
from tests.support.population import population, write_json_lines

pytestmark = pytest.mark.xdist_group("heavy")

PEOPLE = 45
EVERY = 4
POINTS_MAX = 60
SPEED = 20.0
CASES = [("write", "after", 8), ("call", "sent", 6), ("call", "last byte", 6)]


@pytest.fixture(scope="module")
def product() -> Iterator[ForkedProduct]:
    with forked_product() as product:
        yield product


@pytest.mark.parametrize(("kind", "when", "points_min"), CASES)
def test_cut_off_at_every_point_with_banned_passwords(
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
        if not _dies_and_resumes(emulator, product, tmp_path / str(number), seed, Point(kind, when, number)):
            break
        met += 1
    print(f"{met} points {when} a {kind}")  # noqa: T201
    assert points_min <= met < POINTS_MAX - 1


def _dies_and_resumes(
    emulator: Emulator, product: ForkedProduct, folder: Path, seed: int, point: Point
) -> bool:
    """One story, judged; False when the run did not come to the point."""
    tenant = emulator.tenant("b2c")
    people = population(PEOPLE, seed=seed)
    banned = [person for person in people[::EVERY] if person.password]
    emulator.options(tenant, banned_words=[person.password for person in banned])
    # For the oracle they are people without a password: a random one, and the flag.
    truth = Truth([replace(person, password="") if person in banned else person for person in people])
    desk = Desk(folder, tenant, limits={"connections": 1, "settle_seconds": 2})
    write_json_lines(people, desk.export)
    emulator.faults(
        {"operation": "users.create", "status": 504, "after_write": True, "skip": 7, "count": 3, "item": True}
    )
    first = product.run(desk, *PREMIGRATE, point=point, speed=SPEED)
    died = first.code == KILLED
    if died:
        first = product.run(desk, *PREMIGRATE, speed=SPEED)
    assert first.code == 0, (point, first.err)
    check(truth, emulator, tenant, desk)
    assert read_ledger(desk.ledger).kinds["password_replanned"] >= len(banned) - 3 > 0
    for person in banned:
        assert not emulator.sign_in(tenant, person.sign_in_name, person.password)["signed_in"]
    verified = product.run(desk, "verify", "--strict", "--json", speed=SPEED)
    assert (verified.code, verified.document["differences"]) == (0, 0), verified.out
    return died
