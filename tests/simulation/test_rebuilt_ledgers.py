"""A ledger is lost and rebuilt, and the rebuilding is cut off at every point: nobody is created twice, nobody is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.crash_driver import KILLED
from tests.support.desk import Desk, people
from tests.support.emulator import Emulator
from tests.support.forked_product import ForkedProduct, forked_product
from tests.support.interference import Point
from tests.support.oracle import read_ledger

pytestmark = pytest.mark.xdist_group("heavy")

PEOPLE, MISSING = 45, 5
POINTS_MAX = 60
REBUILD = ("ledger", "rebuild", "people.jsonl", "--execute")

# What is cut off -> how many such points there are at least; fewer would mean that the hooks miss.
CASES = [("write", "inside", 5), ("write", "after", 5), ("call", "last byte", 3), ("files", "after", 2)]


@pytest.fixture(scope="module")
def product() -> Iterator[ForkedProduct]:
    with forked_product() as product:
        yield product


@pytest.mark.parametrize(("kind", "when", "points_min"), CASES)
def test_cut_off_at_every_point_and_run_again(
    emulator: Emulator, product: ForkedProduct, tmp_path: Path, kind: str, when: str, points_min: int
) -> None:
    met = 0
    for number in range(1, POINTS_MAX):
        emulator.reset()
        desk = Desk(tmp_path / str(number), emulator.tenant("b2c"), limits={"connections": 1})
        lose_a_ledger(desk)
        first = product.run(desk, *REBUILD, point=Point(kind, when, number))
        met += first.code == KILLED
        if first.code != KILLED:
            assert first.code == 0, first.err
            if kind != "files" or number > 3:
                break
        else:
            again = product.run(desk, *REBUILD)
            # Killed after its last write it was done, and a ledger that is not lost is not rebuilt.
            assert again.code == 0 or "already holds" in again.err, (number, again.err)
        judge(desk, emulator, product)
    else:
        pytest.fail(f"more than {POINTS_MAX} points")
    print(f"{met} points {when} a {kind}")  # noqa: T201
    assert met >= points_min


def lose_a_ledger(desk: Desk) -> None:
    """Most people have been created, then everything that belongs to the ledger is gone."""
    records = [dict(one) for one in people(PEOPLE)]
    for record in records[::3]:
        del record["password"]
    desk.people("people.jsonl", records)
    desk.ok("premigrate", "people.jsonl", "--limit", PEOPLE - MISSING, "--execute")
    for path in desk.folder.glob("idferry.ledger*"):
        path.unlink()


def judge(desk: Desk, emulator: Emulator, product: ForkedProduct) -> None:
    """Exactly the missing ones are created, every call is told of, and the new ledger is right about everybody."""
    created = int(emulator.counts()["received"]["users.create"])
    assert created == PEOPLE - MISSING, "rebuilding writes nothing"
    done = product.run(desk, "premigrate", "people.jsonl", "--execute")
    assert done.code == 0, done.err
    ledger = read_ledger(desk.ledger)
    assert int(emulator.counts()["received"]["users.create"]) - created == ledger.kinds["sent"] == MISSING
    accounts = emulator.dump(desk.tenant)
    flag, mark = desk.tenant.extension("requiresMigration"), desk.tenant.extension("legacyId")
    by_key = {one[mark].rpartition(":")[2]: one for one in accounts}
    assert len(accounts) == len(by_key) == PEOPLE
    for key, entry in ledger.entries.items():
        account = by_key[key]
        state = "awaiting_password" if account.get(flag) else "complete"
        assert (entry.state, entry.object_id) == (state, account["id"])
    verified = product.run(desk, "verify", "--source", "people.jsonl", "--strict")
    assert verified.code == 0, verified.out
