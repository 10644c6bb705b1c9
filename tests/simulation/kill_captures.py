"""SIGKILL of the service while a legacy front hands on proven passwords: the last one wins, and none is half taken.

People go on signing in at the front and change their passwords there, whatever becomes of the service. After every kill
the emulated tenant is looked at; in the end each person signs in at the front once more, as people do, and every
account opens with the front's password and with none that came before it.
"""

import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Timer

from tests.simulation.kill_sign_ins import GIVEN_UP_S, LATE_S_MAX, SignInStage
from tests.support.b2c_stand import LEDGER, PEOPLE, B2cStand, ask, b2c_stand
from tests.support.forked_service import ForkedService
from tests.support.interference import Point
from tests.support.oracle import files_with, read_ledger
from tests.support.population import CANARY, canary
from tests.support.scripted_server import wait_until

AT_ONCE = 20
PEOPLE_COUNT = 60
QUEUED = 50
AGAIN = 10
CAPTURE = "/api/migration/capture"
EVENTS = ("sign_in", "sign_in", "sign_in", "password_change", "password_reset")
TAKEN = ("written", "repeated")
UNTIL_TAKEN_S = 60.0
AGAIN_AFTER_S = 5.0
SECRET = "0123456789abcdef0123456789abcdef"
SERVICE = (
    'capture_callers = ["front"]\n'
    f'[[service.caller]]\nname = "front"\nkind = "bearer"\nsecrets = ["{SECRET}"]'
)


@dataclass
class CaptureKills:
    """What a story came to. `presses`: passwords that were handed on; `unheard`: those without an answer.

    `changed`: passwords that people chose; `again`: how often somebody had to sign in a further time in the end.
    """

    people: int
    kills: int = 0
    presses: int = 0
    unheard: int = 0
    changed: int = 0
    again: int = 0
    where: dict[str, int] = field(default_factory=dict)


@dataclass
class QueueKills:
    """What a story came to. `taken`: of those who signed in at the front once more, in the end."""

    people: int
    kills: int = 0
    taken: int = 0


@dataclass
class Shopper:
    """A person at the front: every password so far, the last one is the one that counts there."""

    name: str
    passwords: list[str]
    changed_at: str
    open_ones: set[str] = field(default_factory=set)
    """What was seen to open the account after a kill."""

    def body(self, event: str) -> dict[str, str]:
        """What the front sends."""
        return {
            "signInName": self.name,
            "password": self.passwords[-1],
            "event": event,
            "passwordChangedAt": self.changed_at,
        }


def kill_captures(on: SignInStage, *, kills: int, seed: int, people: int = PEOPLE_COUNT) -> CaptureKills:
    """Play it and judge it; AssertionError when anything does not hold."""
    on.emulator.reset()
    folder = Path(tempfile.mkdtemp(prefix=f"capture-{seed}-", dir=on.folder))
    chance = Random(seed)  # noqa: S311  it must be repeatable
    known = {f"person{number}@example.com": canary(chance) for number in range(people)}
    with b2c_stand(folder, on.emulator, known, service=SERVICE) as stand:
        began = on.emulator.get("clock")["now"]
        assert stand.run("premigrate", PEOPLE, "--execute")["failed"] == 0
        on.emulator.advance(120)
        service = on.services.of(folder, "--insecure-loopback")
        shoppers = [Shopper(name, [password], began) for name, password in known.items()]
        story = _Story(on, stand, service, shoppers, chance)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            story.play(pool, kills)
    shutil.rmtree(folder)
    return story.figures


class _Story:
    def __init__(
        self,
        on: SignInStage,
        stand: B2cStand,
        service: ForkedService,
        people: list[Shopper],
        chance: Random,
    ) -> None:
        self.on = on
        self.stand = stand
        self.service = service
        self.people = people
        self.chance = chance
        self.figures = CaptureKills(len(people))

    def play(self, pool: ThreadPoolExecutor, kills: int) -> None:
        for _ in range(kills):
            where, point, seconds = self._moment()
            self.service.start(point)
            crowd = self.chance.sample(self.people, AT_ONCE)
            ends = self._hand_on(pool, crowd, kill_after_s=seconds)
            self.service.kill()
            assert "Traceback" not in self.service.log, self.service.log
            self.figures.kills += 1
            self.figures.where[where] = self.figures.where.get(where, 0) + 1
            self._judge(crowd, ends)
            if self.chance.random() < 0.5:
                self.on.emulator.advance(GIVEN_UP_S)
        self._everybody_signs_in_once_more(pool)
        assert files_with(CANARY.encode(), self.stand.folder, but=self.stand.folder / PEOPLE) == []

    def _moment(self) -> tuple[str, Point | None, float]:
        """Where the process dies; most often around a write to the directory, and what is noted of it."""
        chance = self.chance
        kind = chance.choice(("write to the directory", "write to the directory", "call", "ledger", "time"))
        delay_s = chance.choice((0.0, chance.uniform(0.0, 0.02)))
        match kind:
            case "write to the directory":
                when = chance.choice(("before", "sent", "sent", "first byte", "last byte"))
                point = Point("call", when, chance.randint(1, AT_ONCE // 2), delay_s, "PATCH")
            case "call":
                kind, when = "call to the directory", chance.choice(("before", "sent", "last byte"))
                point = Point("call", when, chance.randint(2, 2 * AT_ONCE), delay_s)
            case "ledger":
                when = chance.choice(("before", "inside", "after"))
                point = Point("write", when, chance.randint(1, 8), delay_s)
            case _:
                return "some time after the start", None, chance.uniform(0.01, 0.4)
        return f"{kind}: {when}", point, 0.0

    def _hand_on(
        self, pool: ThreadPoolExecutor, crowd: Sequence[Shopper], *, kill_after_s: float = 0.0
    ) -> dict[str, str]:
        """Name -> what the service said: an outcome, or empty for no answer."""
        now = self.on.emulator.get("clock")["now"]
        bodies = []
        for one in crowd:
            event = self.chance.choice(EVENTS)
            if event != "sign_in":
                one.passwords.append(canary(self.chance))
                one.changed_at = now
                self.figures.changed += 1
            bodies.append(one.body(event))
        asked = [pool.submit(ask, self.service.address, CAPTURE, body) for body in bodies]
        if kill_after_s:
            killer = Timer(kill_after_s, self.service.strike)
            killer.start()
            killer.join()
        told = [one.result() for one in asked]
        self.figures.presses += len(told)
        self.figures.unheard += sum(status == 0 for status, _ in told)
        pairs = zip(crowd, told, strict=True)
        return {one.name: document["outcome"] if status == 200 else "" for one, (status, document) in pairs}

    def _judge(self, crowd: Sequence[Shopper], ends: dict[str, str]) -> None:
        """What was sent before the kill may still arrive, and does so whole: what is half for good is the violation."""
        until = time.monotonic() + LATE_S_MAX
        while half := self._half(crowd, ends):
            assert time.monotonic() < until, f"half taken: {half}"
            time.sleep(0.1)
        for one in crowd:
            one.open_ones |= set(self._open(one))

    def _half(self, crowd: Sequence[Shopper], ends: dict[str, str]) -> list[tuple[str, str]]:
        """Nobody's account opens with what nobody proved, and a password never came without its flag, nor the other way round."""
        flags, found = self.stand.flags(), []
        for one in crowd:
            opened = self._open(one)
            if flags[one.name] is False and len(opened) != 1:
                found.append((one.name, "the flag is down, and none of the front's passwords opens"))
            # Only a later failure raises a flag again, and each person did one thing since the last look.
            if flags[one.name] is True and not set(opened) <= one.open_ones:
                found.append((one.name, "a password that is new, and the flag is up"))
            if ends[one.name] in TAKEN and opened != one.passwords[-1:]:
                found.append((one.name, "the front heard that it was taken"))
        return found

    def _open(self, one: Shopper) -> list[str]:
        return [password for password in one.passwords if self.stand.opens(one.name, password)]

    def _everybody_signs_in_once_more(self, pool: ThreadPoolExecutor) -> None:
        """And again where the service was too busy to take it in time: the next sign-in is taken."""
        self.on.emulator.advance(GIVEN_UP_S)
        self.service.start()
        left, until = self.people, time.monotonic() + UNTIL_TAKEN_S
        while left:
            told = pool.map(lambda one: ask(self.service.address, CAPTURE, one.body("sign_in"))[0], left)
            assert set(told) == {202}
            again = time.monotonic() + AGAIN_AFTER_S
            while left and time.monotonic() < again:
                time.sleep(0.2)
                left = [one for one in left if not self.stand.opens(one.name, one.passwords[-1])]
            assert time.monotonic() < until or not left, self._why(left)
            self.figures.again += len(left)
        wait_until(lambda: set(self.stand.flags().values()) == {False}, seconds=UNTIL_TAKEN_S)
        assert self.service.stop() == 0
        early = [(one.name, old) for one in self.people for old in one.passwords[:-1]]
        assert not [name for name, old in early if self.stand.opens(name, old)], "an early password opens"
        self.on.product.run(self.stand, "sweep", "--execute")
        states = Counter(entry.state for entry in read_ledger(self.stand.folder / LEDGER).entries.values())
        assert states == Counter(complete=len(self.people))

    def _why(self, left: Sequence[Shopper]) -> str:
        lines = [json.loads(line) for line in self.service.log.splitlines()]
        ends = Counter(line["outcome"] for line in lines if line["event"] == "captured")
        return f"the last password does not open: {[one.name for one in left]}; {dict(ends)}"


def kill_full_queues(on: SignInStage, *, kills: int, seed: int, waiting: int = QUEUED) -> QueueKills:
    """SIGKILL while passwords wait for a directory that is slow: what waits is lost, all flags are up, and people's next
    sign-ins at the front are taken. AssertionError when anything does not hold.
    """
    on.emulator.reset()
    folder = Path(tempfile.mkdtemp(prefix=f"queue-{seed}-", dir=on.folder))
    chance = Random(seed)  # noqa: S311  it must be repeatable
    known = {f"person{number}@example.com": canary(chance) for number in range(waiting * kills)}
    figures = QueueKills(len(known))
    with b2c_stand(folder, on.emulator, known, service=SERVICE) as stand:
        assert stand.run("premigrate", PEOPLE, "--execute")["failed"] == 0
        service = on.services.of(folder, "--insecure-loopback")
        for turn in range(kills):
            names = stand.names[turn * waiting : (turn + 1) * waiting]
            on.emulator.faults({"operation": "users.get", "kind": "slow", "delay_ms": 20_000})
            service.start()
            assert {_at_front(service, stand, name) for name in names} == {202}
            time.sleep(chance.uniform(0.0, 0.1))
            service.kill()
            figures.kills += 1
            on.emulator.faults()
            flags = stand.flags()
            assert [flags[name] for name in names] == [True] * waiting
        service.start()
        again = stand.names[:: max(1, len(known) // AGAIN)]
        assert {_at_front(service, stand, name) for name in again} == {202}
        wait_until(lambda: all(stand.flags()[name] is False for name in again), seconds=UNTIL_TAKEN_S)
        assert all(stand.opens(name) for name in again)
        assert service.stop() == 0
        figures.taken = sum(flag is False for flag in stand.flags().values())
        assert figures.taken == len(again)
    shutil.rmtree(folder)
    return figures


def _at_front(service: ForkedService, stand: B2cStand, name: str) -> int:
    body = {"signInName": name, "password": stand.passwords[name], "event": "sign_in"}
    return ask(service.address, CAPTURE, body)[0]
