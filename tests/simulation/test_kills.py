"""The headline: kill the real command line again and again while answers get lost, and lose, double or adopt nobody.

The product runs in processes of its own against the emulator over HTTPS; each is ended by SIGKILL at a random moment
and the same command is given again until it ends by itself.
"""

import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.desk import PREMIGRATE, Desk, Ended
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.oracle import Truth, check, legacy_id, read_ledger, wait_until_idle
from tests.support.population import Person, population, write_json_lines
from tests.support.strangers import Planter

pytestmark = pytest.mark.xdist_group("heavy")

STRANGERS_BEFORE = 8
STRANGERS_EACH_TIME = 3
STARTS_MAX = 200
CALL_MS = 120.0  # what a batch takes, so that kills meet calls on their way in, at work and on their way back
SENDING_S_MAX = 0.15
RECOVERY_S_MAX = 0.25
CREATES_S_MAX = 30.0
BOOT_S_MAX = 1.2
WORK_WHILE_KILLING = 0.85  # the rest is done by the start that nobody kills
LAG = {"get_s": (0.0, 0.4), "filter_s": (0.0, 1.0)}


@dataclass(frozen=True)
class Ordeal:
    """How many people, how many kills, how many of them at least while accounts are made, and when strangers come."""

    people: int
    kills: int
    kills_sending_min: int
    strangers_at: tuple[int, ...]

    @property
    def strangers(self) -> int:
        return STRANGERS_BEFORE + STRANGERS_EACH_TIME * len(self.strangers_at)


ORDEALS = {
    "b2c": Ordeal(people=2_000, kills=55, kills_sending_min=20, strangers_at=(4, 12, 20, 28)),
    "external": Ordeal(people=500, kills=12, kills_sending_min=1, strangers_at=(1, 3, 5, 7)),
}


@dataclass
class _Story:
    """One simulation: how often the product was started and killed, and how the last start ended."""

    ordeal: Ordeal
    chance: random.Random
    truth: Truth
    desk: Desk
    emulator: Emulator
    tenant: EmulatedTenant
    planter: Planter
    starts: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    last: Ended = field(default_factory=lambda: Ended(-1, "", ""))

    def play(self) -> None:
        """Start and kill until the command ends by itself."""
        while self.last.code < 0:
            self.starts += 1
            assert self.starts <= STARTS_MAX
            if sum(self.kills.values()) < self.ordeal.kills:
                self.last = self._run_and_kill()
            else:
                self.last = self.desk.as_process(*PREMIGRATE)

    def _run_and_kill(self) -> Ended:
        with self.desk.start(*PREMIGRATE) as process:
            before = self._creates()
            if self.chance.random() < 0.7 and self._is_behind():
                self._wait_for_creates(process, more_than=before)
                time.sleep(self.chance.uniform(0.0, SENDING_S_MAX))
            elif self.chance.random() < 0.5:
                time.sleep(self.chance.uniform(0.05, BOOT_S_MAX))
            else:
                self._wait_for_the_run(process)
                time.sleep(self.chance.uniform(0.0, RECOVERY_S_MAX))
            process.kill()
            out, err = process.communicate(timeout=30)
        assert process.returncode in (-signal.SIGKILL, 0, 1), err
        if process.returncode == -signal.SIGKILL:
            self.kills["sending" if self._creates() > before else "before sending"] += 1
            if sum(self.kills.values()) in self.ordeal.strangers_at:
                self._plant_some()
        return Ended(process.returncode, out, err)

    def _is_behind(self) -> bool:
        """Whether accounts lag behind the kills: so the work lasts until the last kill and every part of it is hit."""
        due = WORK_WHILE_KILLING * (sum(self.kills.values()) + 1) / self.ordeal.kills
        return self._creates() < due * self.ordeal.people

    def _creates(self) -> int:
        return int(self.emulator.counts()["received"].get("users.create", 0))

    def _wait_for_creates(self, process: "subprocess.Popen[str]", *, more_than: int) -> None:
        """Nothing is new until whatever the last kill left unclear is settled."""
        deadline = time.monotonic() + CREATES_S_MAX
        while self._creates() <= more_than and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def _wait_for_the_run(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if " run " in line:
                return

    def _plant_some(self) -> None:
        """Strangers take names of people whose create was not sent, and of some whose create never arrived."""
        wait_until_idle(self.emulator)  # what a killed process sent is still on its way in
        there = {
            one["issuerAssignedId"].lower()
            for account in self.emulator.dump(self.tenant)
            for one in account["identities"]
        }
        free = [
            one for one in self.truth.people if one.sign_in_name and one.sign_in_name.lower() not in there
        ]
        # The first kill may come before there is a ledger, or before it holds everybody.
        announced = read_ledger(self.desk.ledger).entries if self.desk.ledger.is_file() else {}
        creating = {key for key, entry in announced.items() if entry.state == "creating"}
        urgent = [one for one in free if one.key in creating]
        hit = urgent[:1] + self.chance.sample(free[-200:], STRANGERS_EACH_TIME)
        hit = list({one.key: one for one in hit}.values())[:STRANGERS_EACH_TIME]
        self.planter.plant(hit, others=_not_hit(self.truth, hit, free))


def _not_hit(truth: Truth, hit: list[Person], among: list[Person]) -> list[Person]:
    hit_keys = truth.conflicts | {one.key for one in hit}
    return [one for one in among if one.key not in hit_keys]


@pytest.mark.parametrize("kind", ORDEALS)
def test_kills_lose_double_and_adopt_nobody(emulator: Emulator, seed: int, tmp_path: Path, kind: str) -> None:
    ordeal = ORDEALS[kind]
    chance = random.Random(seed)  # noqa: S311  it must be repeatable
    tenant = emulator.tenant(kind)
    truth = Truth(population(ordeal.people, seed=seed))
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
    story = _Story(ordeal, chance, truth, desk, emulator, tenant, planter)
    began = time.monotonic()
    story.play()
    took_s = time.monotonic() - began

    assert story.last.code in (0, 1), story.last.err
    assert sum(story.kills.values()) == ordeal.kills, "it was done before the last kill"
    assert story.kills["sending"] >= ordeal.kills_sending_min
    figures = check(truth, emulator, tenant, desk)
    assert len(truth.strangers) == ordeal.strangers == 20
    assert figures.conflicts == len(truth.strangers)
    assert figures.accounts == ordeal.people - len(truth.strangers)
    print(f"{dict(story.kills)} killed, {took_s:.0f} s, {figures}")  # noqa: T201
    _verify_agrees(story)


def _verify_agrees(story: _Story) -> None:
    """Strangers with a legacyId of our project are extra accounts, and who failed has none; nothing else differs."""
    emulator, truth = story.emulator, story.truth
    emulator.faults()
    verified = story.desk.as_process("verify", "--source", "people.jsonl", "--json")
    document = verified.document
    ours_by_name = {one.object_id for one in truth.strangers if (one.legacy_id or "").startswith("demo:")}
    assert {one["id"] for one in document["extra"]} == ours_by_name
    missing = {one["legacy_id"]: one["reason"] for one in document["missing"]}
    assert missing == {legacy_id(key): "failed: conflict" for key in truth.conflicts}
    assert (document["differing"], document["changed_by_person"]) == ([], 0)
    assert document["checked"] == story.ordeal.people
    assert verified.code == 1
