"""The headline: kill the real command line again and again while answers get lost, and lose, double or adopt nobody.

The product runs in processes of its own against the emulator over HTTPS; each is ended by SIGKILL at a random moment
and the same command is given again until it ends by itself.
"""

import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.desk import PREMIGRATE, Desk, Ended
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.oracle import Truth, check, read_ledger
from tests.support.population import Person, population, write_json_lines
from tests.support.strangers import Planter

pytestmark = pytest.mark.xdist_group("heavy")

PEOPLE = 2_000
KILLS_MIN = 50
STRANGERS_BEFORE = 8
STRANGERS_AT_KILLS = (4, 12, 20, 28)
STRANGERS_EACH_TIME = 3
STARTS_MAX = 200
CALL_MS = 120.0  # what a batch takes, so that kills meet calls on their way in, at work and on their way back
WINDOW_S_MAX = 0.25
BOOT_S_MAX = 1.2
LAG = {"get_s": (0.0, 0.4), "filter_s": (0.0, 1.0)}


@dataclass
class _Story:
    """One simulation: how often the product was started and killed, and how the last start ended."""

    chance: random.Random
    truth: Truth
    desk: Desk
    emulator: Emulator
    tenant: EmulatedTenant
    planter: Planter
    starts: int = 0
    kills: int = 0
    killed_while_booting: int = 0
    last: Ended = field(default_factory=lambda: Ended(-1, "", ""))

    def play(self) -> None:
        """Start and kill until the command ends by itself."""
        while self.last.code < 0:
            self.starts += 1
            assert self.starts <= STARTS_MAX
            if self.kills < KILLS_MIN + 5:
                self.last = self._run_and_kill()
            else:
                self.last = self.desk.as_process(*PREMIGRATE)
            if self.last.code == -signal.SIGKILL:
                self.kills += 1
                if self.kills in STRANGERS_AT_KILLS:
                    self._plant_some()

    def _run_and_kill(self) -> Ended:
        process = self.desk.start(*PREMIGRATE)
        assert process.stderr is not None
        assert process.stdout is not None
        if self.chance.random() < 0.25:
            self.killed_while_booting += 1
            time.sleep(self.chance.uniform(0.05, BOOT_S_MAX))
            process.kill()
        else:
            for line in process.stderr:
                if " run " in line:
                    break
            time.sleep(self.chance.uniform(0.0, self._window_s()))
            process.kill()
        out, err = process.communicate(timeout=30)
        assert process.returncode in (-signal.SIGKILL, 0, 1), err
        return Ended(process.returncode, out, err)

    def _window_s(self) -> float:
        """So long that the work lasts until the last kill: about 20 people per 3 ms of four calls under way."""
        left = PEOPLE - self.emulator.counts()["received"].get("users.create", 0)
        per_kill = max(left, 20) / max(KILLS_MIN + 5 - self.kills, 1)
        return min(per_kill * CALL_MS / 1000 / 80 * 2.5, WINDOW_S_MAX)

    def _plant_some(self) -> None:
        """Strangers take names of people whose create was not sent, and of some whose create never arrived."""
        there = {
            one["issuerAssignedId"].lower()
            for account in self.emulator.dump(self.tenant)
            for one in account["identities"]
        }
        free = [
            one for one in self.truth.people if one.sign_in_name and one.sign_in_name.lower() not in there
        ]
        announced = read_ledger(self.desk.ledger).entries
        urgent = [one for one in free if announced[one.key].state == "creating"]
        hit = urgent[:1] + self.chance.sample(free[-200:], STRANGERS_EACH_TIME)
        hit = list({one.key: one for one in hit}.values())[:STRANGERS_EACH_TIME]
        self.planter.plant(hit, others=_not_hit(self.truth, hit, free))


def _not_hit(truth: Truth, hit: list[Person], among: list[Person]) -> list[Person]:
    hit_keys = truth.conflicts | {one.key for one in hit}
    return [one for one in among if one.key not in hit_keys]


def test_fifty_kills_lose_double_and_adopt_nobody(emulator: Emulator, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311  it must be repeatable
    tenant = emulator.tenant("b2c")
    truth = Truth(population(PEOPLE, seed=seed))
    desk = Desk(tmp_path / "work", tenant, limits={"settle_seconds": 20})
    write_json_lines(truth.people, desk.export)
    emulator.lag(**LAG, seed=seed)
    emulator.faults(
        {"operation": "users.create", "status": 504, "after_write": True, "rate": 0.05, "item": True},
        {"operation": "batch", "kind": "cut_after", "rate": 0.05},
        {"operation": "batch", "kind": "slow", "delay_ms": CALL_MS},
        seed=seed,
    )
    planter = Planter(truth, emulator, tenant)
    early = chance.sample(truth.people, STRANGERS_BEFORE)
    planter.plant(early, others=_not_hit(truth, early, list(truth.people)))
    story = _Story(chance, truth, desk, emulator, tenant, planter)
    began = time.monotonic()
    story.play()
    took_s = time.monotonic() - began

    assert story.last.code in (0, 1), story.last.err
    assert story.kills >= KILLS_MIN
    figures = check(truth, emulator, tenant, desk)
    assert len(truth.strangers) == STRANGERS_BEFORE + STRANGERS_EACH_TIME * len(STRANGERS_AT_KILLS) == 20
    assert figures.conflicts == len(truth.strangers)
    assert figures.accounts == PEOPLE - len(truth.strangers)
    print(f"{story.kills} kills ({story.killed_while_booting} while booting), {took_s:.0f} s, {figures}")  # noqa: T201
    _verify_agrees(story)


def _verify_agrees(story: _Story) -> None:
    """Strangers with a legacyId of our project are extra accounts; nothing else differs."""
    emulator, truth = story.emulator, story.truth
    emulator.faults()
    verified = story.desk.as_process("verify", "--source", "people.jsonl", "--json")
    document = verified.document
    ours_by_name = {one.object_id for one in truth.strangers if (one.legacy_id or "").startswith("demo:")}
    assert {one["id"] for one in document["extra"]} == ours_by_name
    assert (document["missing"], document["differing"], document["changed_by_person"]) == ([], [], 0)
    assert document["checked"] == PEOPLE
    assert verified.code == 1
