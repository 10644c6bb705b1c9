"""SIGKILL of the service while twenty people sign in, and a supervisor that starts it again (C3): nobody is half migrated.

The judge is the emulated tenant after every kill: each account is as it was before, or has the right password and its
flag down. Moments are drawn: at a step of a call to the directory, around a write to the ledger, or some time after the start.
"""

import shutil
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Timer

from tests.simulation.fronts import FRONTS, Customer, Front, Saw, customers
from tests.support.b2c_stand import LEDGER
from tests.support.emulator import Emulator
from tests.support.forked_product import ForkedProduct
from tests.support.forked_service import ForkedService, ForkedServices
from tests.support.interference import Point
from tests.support.oracle import files_with, read_ledger
from tests.support.population import CANARY
from tests.support.service_process import free_port

AT_ONCE = 20
PEOPLE_EACH_KILL = 14
MISTYPE = 2
WRONG = "Wrong-Password-1"
GIVEN_UP_S = 16  # then the guard gives back the places of checks that nobody settled
LATE_S_MAX = 20.0
ROUNDS_MAX = 8
STRANGERS = 4


@dataclass
class SignInKills:
    """What a story came to. `presses` of the button, `unheard` of them without an answer."""

    people: int
    kills: int = 0
    presses: int = 0
    unheard: int = 0
    migrated_at_kills: int = 0
    conflicts: int = 0
    where: dict[str, int] = field(default_factory=dict)


@dataclass
class SignInStage:
    """What all stories of a process share."""

    emulator: Emulator
    product: ForkedProduct
    services: ForkedServices
    folder: Path


def kill_sign_ins(on: SignInStage, mode: str, *, kills: int, seed: int) -> SignInKills:
    """Play it and judge it; AssertionError when anything does not hold. `mode`: of FRONTS."""
    on.emulator.reset()
    folder = Path(tempfile.mkdtemp(prefix=f"{mode.replace(' ', '-')}-{seed}-", dir=on.folder))
    people = customers(kills * PEOPLE_EACH_KILL + AT_ONCE, seed=seed)
    port = free_port()
    with FRONTS[mode](folder, on.emulator, people, port=port) as front:
        service = on.services.of(folder, *front.options, port=front.port)
        story = _Story(on, front, service, people, Random(seed))  # noqa: S311  it must be repeatable
        with ThreadPoolExecutor(AT_ONCE) as pool:
            story.play(pool, kills)
    shutil.rmtree(folder)
    return story.figures


class _Story:
    def __init__(
        self, on: SignInStage, front: Front, service: ForkedService, people: list[Customer], chance: Random
    ) -> None:
        self.on = on
        self.front = front
        self.service = service
        self.chance = chance
        self.waiting = {one.name: one for one in people}
        self.people = dict(self.waiting)
        self.mistyped: set[str] = set()
        self.strangers: set[str] = set()
        self.figures = SignInKills(len(people))

    def play(self, pool: ThreadPoolExecutor, kills: int) -> None:
        again: list[Customer] = []
        for number in range(kills):
            where, point, seconds = self._moment()
            self.service.start(point)
            crowd = self._crowd(again)
            saw = self._press(pool, crowd, number, kill_after_s=seconds)
            self.service.kill()
            assert "Traceback" not in self.service.log, self.service.log
            self.figures.kills += 1
            self.figures.where[where] = self.figures.where.get(where, 0) + 1
            again = [one for one in crowd if saw[one.name] is Saw.NOTHING]
            self._judge(crowd, saw)
            if self.chance.random() < 0.5:
                self.front.emulator.advance(GIVEN_UP_S)
            if self.front.creates and number % 5 == 0 and len(self.strangers) < STRANGERS:
                self._plant()
        self.figures.migrated_at_kills = len(self.people) - len(self.waiting)
        self._everybody_gets_in(pool)
        self._ledger_knows()
        assert files_with(CANARY.encode(), self.front.folder, but=self.front.folder / "people.jsonl") == []

    def _moment(self) -> tuple[str, Point | None, float]:
        """Where the process dies. Writes to the directory are what can be cut in two; they are drawn most often."""
        chance = self.chance
        kind = chance.choice(("write to the directory", "call", "ledger", "ledger", "time"))
        delay_s = chance.choice((0.0, chance.uniform(0.0, 0.02)))
        match kind:
            case "write to the directory" if self.front.options and not self.front.creates:
                when = chance.choice(("before", "sent", "sent", "first byte", "last byte"))
                point = Point("call", when, chance.randint(1, AT_ONCE - MISTYPE), delay_s, "PATCH")
            case "ledger":
                when = chance.choice(("before", "inside", "after"))
                point = Point("write", when, chance.randint(1, 6), delay_s)
            case "time":
                return "some time after the start", None, chance.uniform(0.01, 0.4)
            case _:
                kind, when = "call to the directory", chance.choice(("before", "sent", "last byte"))
                point = Point("call", when, chance.randint(2, 2 * AT_ONCE), delay_s)
        return f"{kind}: {when}", point, 0.0

    def _crowd(self, again: list[Customer]) -> list[Customer]:
        fresh = [one for name, one in self.waiting.items() if one not in again and name not in self.strangers]
        return [*again, *self.chance.sample(fresh, min(AT_ONCE - len(again), len(fresh)))]

    def _press(
        self, pool: ThreadPoolExecutor, crowd: list[Customer], number: int, *, kill_after_s: float = 0.0
    ) -> dict[str, Saw]:
        wrong = [one.name for one in crowd if one.name not in self.mistyped][-MISTYPE:]
        self.mistyped |= set(wrong)

        def press(one: Customer) -> Saw:
            password = WRONG if one.name in wrong else one.password
            return self.front.press(one, password, f"{one.name} {number}")

        pressed = {one.name: pool.submit(press, one) for one in crowd}
        if kill_after_s:
            killer = Timer(kill_after_s, self.service.strike)
            killer.start()
            killer.join()
        saw = {name: one.result() for name, one in pressed.items()}
        self.figures.presses += len(saw)
        self.figures.unheard += sum(one is Saw.NOTHING for one in saw.values())
        assert not [name for name in wrong if saw[name] is Saw.WELCOME], "a wrong password let somebody in"
        return saw

    def _judge(self, crowd: list[Customer], saw: dict[str, Saw]) -> None:
        """What was sent before the kill may still arrive, and does so whole: what is half for good is the violation."""
        until = time.monotonic() + LATE_S_MAX
        while half := self._half(crowd):
            assert time.monotonic() < until, f"half migrated: {half}"
            time.sleep(0.1)
        flags = self._flags()
        migrated = [one.name for one in crowd if flags.get(one.name) is False]
        assert not [name for name, what in saw.items() if what is Saw.WELCOME and name not in migrated]
        for name in migrated:
            self.waiting.pop(name, None)

    def _half(self, crowd: list[Customer]) -> list[str]:
        flags = self._flags()
        return [
            one.name
            for one in crowd
            if one.name not in self.strangers
            and self.front.opens(one.name, one.password) is not (flags.get(one.name) is False)
        ]

    def _flags(self) -> dict[str, object]:
        """Sign-in name -> flag, of the accounts that carry a legacyId of ours; nobody's is there twice."""
        tenant = self.front.tenant
        flag, legacy_id = tenant.extension("requiresMigration"), tenant.extension("legacyId")
        ours = [one for one in self.front.emulator.dump(tenant) if one.get(legacy_id)]
        twice = [one for one, count in Counter(one[legacy_id] for one in ours).items() if count > 1]
        assert not twice, f"there twice: {twice}"
        return {one["identities"][0]["issuerAssignedId"]: one.get(flag) for one in ours}

    def _plant(self) -> None:
        """A stranger takes the name of somebody who may have been claimed already."""
        known = self._flags()
        hit = self.chance.choice([name for name in self.waiting if name not in known])
        self.front.emulator.seed(self.front.tenant, [self.front.tenant.local_account(hit)])
        self.strangers.add(hit)

    def _everybody_gets_in(self, pool: ThreadPoolExecutor) -> None:
        """But those whom only an import creates, in mode C: a third of who is left."""
        left = [name for name in self.waiting if name not in self.strangers]
        absent = set(left[::3] if self.front.creates else [])
        for number in range(ROUNDS_MAX):
            crowd = [self.waiting[name] for name in left if name in self.waiting and name not in absent]
            if not crowd:
                break
            self.front.emulator.advance(GIVEN_UP_S)
            self.service.start()
            self._judge(crowd, self._press(pool, crowd, -1 - number))
            assert self.service.stop() == 0
        assert self.waiting.keys() == absent | self.strangers
        if self.front.creates:
            self._import_the_others()

    def _import_the_others(self) -> None:
        """Once the claims have ended: everybody gets one account, and strangers are conflicts."""
        self.front.emulator.advance(601)
        self.on.product.run(self.front, "premigrate", "people.jsonl", "--execute")
        flags = self._flags()
        assert flags.keys() == self.people.keys() - self.strangers
        assert {name for name, flag in flags.items() if flag is True} == self.waiting.keys() - self.strangers
        self.figures.conflicts = len(self.strangers)

    def _ledger_knows(self) -> None:
        """After a sweep the ledger tells of everybody what the directory holds."""
        ended = self.on.product.run(self.front, "sweep", "--execute", "--json")
        assert ended.code == 0, ended.err
        assert ended.document["cleared"] == 0, "nobody has chosen a password here"
        states = Counter(entry.state for entry in read_ledger(self.front.folder / LEDGER).entries.values())
        expected = Counter({"complete": len(self.people) - len(self.waiting)})
        if self.front.creates:
            expected += Counter(failed=len(self.strangers))
            expected += Counter(awaiting_password=len(self.waiting) - len(self.strangers))
        assert states == expected, (states, expected)
