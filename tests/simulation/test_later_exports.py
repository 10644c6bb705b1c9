"""A later export under every accident: cut off at each point and run again, answers lost, calls thrown back.

The oracle is what people and the source did: whose value must stand in the directory follows from the input alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.crash_driver import KILLED
from tests.support.desk import PASSWORD, Desk, people
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.forked_product import ForkedProduct, forked_product
from tests.support.graph_http import GraphHttp
from tests.support.interference import Point
from tests.support.oracle import read_ledger

pytestmark = pytest.mark.xdist_group("heavy")

PEOPLE = 64
MINE = range(20)  # who sets a city of their own
THEIRS = range(10, 50)  # for whom the source says another city
BARRED = (50, 51)
GONE = (62, 63)
POINTS_MAX = 100
SETTLED_EVERY = 4  # two commands more: at some of the points they prove as much as at all
UPDATE = (
    "premigrate",
    "people.jsonl",
    "--update",
    "--vanished",
    "disable",
    "--barred",
    "disable",
    "--execute",
)

# What is cut off -> how many such points there are at least; fewer would mean that the hooks miss.
CASES = [
    ("write", "inside", 6),
    ("write", "after", 6),
    ("call", "sent", 6),
    ("call", "last byte", 6),
]
FAULTS: dict[str, Mapping[str, Any]] = {
    "one answer in twenty is lost": {"operation": "batch", "kind": "cut_after", "rate": 0.05},
    "one change in five is lost after it was made": {
        "operation": "users.patch",
        "item": True,
        "status": 504,
        "after_write": True,
        "rate": 0.2,
    },
    "one change in five fails": {"operation": "users.patch", "item": True, "status": 503, "rate": 0.2},
    "one change in five is throttled": {
        "operation": "users.patch",
        "item": True,
        "status": 429,
        "retry_after": "2",
        "rate": 0.2,
    },
    "one batch in five is throttled": {"operation": "batch", "status": 429, "rate": 0.2},
    "garbage": {"operation": "batch", "kind": "garbage", "status": 200, "after_write": True, "rate": 0.2},
}


@pytest.fixture(scope="module")
def product() -> Iterator[ForkedProduct]:
    with forked_product() as product:
        yield product


@dataclass
class Story:
    """People who were migrated, then changed their cities, while the source changed them too."""

    desk: Desk
    emulator: Emulator
    before: Mapping[str, Mapping[str, Any]]

    @property
    def tenant(self) -> EmulatedTenant:
        return self.desk.tenant

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Legacy key -> account."""
        name = self.tenant.extension("legacyId")
        return {one[name].rpartition(":")[2]: one for one in self.emulator.dump(self.tenant)}

    def judge(self) -> None:
        """Everybody's city, state and password are what input and people made them."""
        after = self.accounts()
        assert set(after) == {f"p{number}" for number in range(PEOPLE)} | {"new"}
        flag = self.tenant.extension("requiresMigration")
        for number in range(PEOPLE):
            was, account = self.before[f"p{number}"], after[f"p{number}"]
            city = "Mine" if number in MINE else "Turku" if number in THEIRS else "Oslo"
            assert account["city"] == city, number
            assert account["accountEnabled"] is (number not in (*BARRED, *GONE)), number
            for name in (flag, "identities", "passwordPolicies", "lastPasswordChangeDateTime", "hasPassword"):
                assert account.get(name) == was.get(name), (number, name)
        for number in (0, 10, 30):
            signed_in = self.emulator.sign_in(self.tenant, f"p{number}@example.org", PASSWORD.format(number))
            assert signed_in["signed_in"]

    def changes_made(self) -> int:
        """How many changes the directory has carried out so far."""
        done = self.emulator.counts()["outcomes"].get("users.patch", {})
        return int(sum(count for outcome, count in done.items() if outcome.endswith("204")))


def begin(desk: Desk, emulator: Emulator) -> Story:
    """Everything that has happened when the later export comes."""
    records = [dict(one) for one in people(PEOPLE)]
    for number, record in enumerate(records):
        record["attributes"] = {"city": "Oslo"}
        if number % 3 == 2:
            del record["password"]
    desk.people("people.jsonl", records)
    desk.ok("premigrate", "people.jsonl", "--execute")
    story = Story(desk, emulator, {})
    graph, created = GraphHttp(desk.tenant), story.accounts()
    for number in MINE:
        answer = graph.patch(f"/users/{created[f'p{number}']['id']}", {"city": "Mine"})
        assert answer.status_code == 204
    graph.close()
    for number in THEIRS:
        records[number]["attributes"] = {"city": "Turku"}
    for number in BARRED:
        records[number]["accountEnabled"] = False
    new = {"key": "new", "signInName": "new@example.org", "displayName": "New"}
    desk.people("people.jsonl", [*records[: GONE[0]], new])
    story.before = story.accounts()
    return story


@pytest.mark.parametrize(("kind", "when", "points_min"), CASES)
def test_cut_off_at_every_point_and_run_again(
    emulator: Emulator, product: ForkedProduct, tmp_path: Path, kind: str, when: str, points_min: int
) -> None:
    met = 0
    for number in range(1, POINTS_MAX):
        emulator.reset()
        desk = Desk(tmp_path / str(number), emulator.tenant("b2c"), limits={"connections": 1})
        story = begin(desk, emulator)
        first = product.run(desk, *UPDATE, point=Point(kind, when, number))
        if first.code != KILLED:
            assert first.code == 0, first.err
            break
        met += 1
        again = product.run(desk, *UPDATE)
        assert again.code == 0, (number, again.err)
        story.judge()
        if number % SETTLED_EVERY == 0:
            settle(story, product)
    else:
        pytest.fail(f"more than {POINTS_MAX} points")
    print(f"{met} points {when} a {kind}")  # noqa: T201
    assert met >= points_min


@pytest.mark.parametrize("name", FAULTS)
def test_answers_that_fail(
    emulator: Emulator, product: ForkedProduct, tmp_path: Path, seed: int, name: str
) -> None:
    desk = Desk(tmp_path / "work", emulator.tenant("external"), limits={"timeout_seconds": 5})
    story = begin(desk, emulator)
    rule = FAULTS[name]
    certain = {**rule, "rate": 1.0, "count": 1, "skip": 1}  # so that something is struck in any case
    emulator.faults(certain, rule, seed=seed)
    done = product.run(desk, *UPDATE, speed=20.0)
    emulator.faults()
    assert done.code == 0, done.err
    settle(story, product)


def settle(story: Story, product: ForkedProduct) -> None:
    """Judged, and one update more changes nothing any more; verify finds nothing."""
    story.judge()
    changes, events = story.changes_made(), read_ledger(story.desk.ledger).kinds
    assert product.run(story.desk, *UPDATE).code == 0
    assert story.changes_made() == changes
    assert read_ledger(story.desk.ledger).kinds == events
    verified = product.run(story.desk, "verify", "--source", "people.jsonl")
    assert verified.code == 0, verified.out
    story.judge()
