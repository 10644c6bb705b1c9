"""One stage for every simulation: an emulator with a hurried clock, the product in forked processes, a fresh desk.

Whoever plays on it gets the input (`truth`), breaks what is to be broken, and lets the oracle judge. Nothing here
reads a report of the product.
"""

import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.desk import PREMIGRATE, Desk, Ended
from tests.support.emulator import EmulatedTenant, Emulator, running_emulator
from tests.support.forked_product import ForkedProduct, forked_product
from tests.support.oracle import Truth, wait_until_idle
from tests.support.population import Person, population, write_json_lines
from tests.support.strangers import Planter

ATTEMPTS = 20  # where batches and their items fail alike, many in a row do happen to somebody
DONE = (0, 1)
STOPPED = 3


@dataclass
class Scene:
    """One story's stage: who is to be migrated into which tenant, from which desk."""

    truth: Truth
    emulator: Emulator
    tenant: EmulatedTenant
    desk: Desk
    planter: Planter
    product: ForkedProduct
    chance: random.Random

    def run(self, *arguments: str, **more: Any) -> Ended:
        """The command, in a forked process."""
        return self.product.run(self.desk, *(arguments or PREMIGRATE), **more)

    def plant(self, hit: list[Person]) -> None:
        """Strangers with the sign-in names of these people; some carry the legacyId of others, who are nobody's hit."""
        taken = self.truth.conflicts | {one.key for one in hit}
        self.planter.plant(hit, others=[one for one in self.truth.people if one.key not in taken][-5:])


@dataclass
class Stage:
    """What all stories of a process share."""

    emulator: Emulator
    product: ForkedProduct
    folder: Path

    @contextmanager
    def scene(
        self,
        *,
        seed: int,
        people: int,
        kind: str,
        speed: float = 1.0,
        limits: Mapping[str, int] | None = None,
    ) -> Iterator[Scene]:
        """A new story; its desk is cleared away when it ended well, and kept when it did not."""
        wait_until_idle(self.emulator)
        self.emulator.reset()
        self.emulator.hurry(speed)
        tenant = self.emulator.tenant(kind)
        truth = Truth(population(people, seed=seed))
        folder = Path(tempfile.mkdtemp(prefix=f"{seed}-", dir=self.folder))
        desk = Desk(folder, tenant, limits={"attempts": ATTEMPTS, **(limits or {})})
        desk.write_settings(more=f'\n[clock]\nurl = "{self.emulator.control_url}/clock"\n')
        write_json_lines(truth.people, desk.export)
        planter = Planter(truth, self.emulator, tenant)
        chance = random.Random(seed)  # noqa: S311  it must be repeatable
        yield Scene(truth, self.emulator, tenant, desk, planter, self.product, chance)
        shutil.rmtree(folder)


@contextmanager
def stage(folder: Path, emulator: Emulator | None = None) -> Iterator[Stage]:
    """A stage that keeps what failed below `folder`; with an emulator of its own unless one is given."""
    with forked_product() as product:
        if emulator is not None:
            yield Stage(emulator, product, folder)
            return
        with running_emulator() as own:
            yield Stage(own, product, folder)


def assert_status_is_true(scene: Scene) -> None:
    """I3 as the operator sees it: what `status` counts is what the emulator holds, and the rest has failed."""
    strangers = {one.object_id for one in scene.truth.strangers}
    ours = [account for account in scene.emulator.dump(scene.tenant) if account["id"] not in strangers]
    flag = scene.tenant.extension("requiresMigration")
    waiting = sum(account.get(flag) is True for account in ours)
    true = {
        "awaiting_password": waiting,
        "complete": len(ours) - waiting,
        "failed": len(scene.truth.people) - len(ours),
    }
    document = scene.run("status", "--json").document
    told = {state: count for state, count in document["states"].items() if count}
    assert told == {state: count for state, count in true.items() if count}, (told, true)
    assert sum(one["count"] for one in document["failures"]) == true["failed"], document["failures"]


def assert_tells_how_to_go_on(ended: Ended, codes: tuple[str, ...] | list[str]) -> None:
    """It stopped with one of these errors, with what to do about it, and no traceback."""
    said = ended.out + ended.err
    assert "Traceback" not in said, said
    assert ended.code == STOPPED, (ended.code, said)
    assert any(f"({code})" in ended.err for code in codes), said
    assert "what to do" in ended.err, said


def kind_of(seed: int) -> str:
    """Which kind of tenant a seed plays in."""
    return ("b2c", "external")[seed % 2]
