"""Bad days of a running service, as stories that take their length: guesses between kills, a thousand copies, a rotation, an import beside.

The judges are the legacy system, which counts what it was asked, and the emulated tenant.
"""

import base64
import shutil
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from threading import Barrier, Event, Timer

from tests.simulation.attack_stories import Attack
from tests.simulation.fronts import SIGN_IN, Customer, Saw, customers, mode_c
from tests.simulation.kill_sign_ins import GIVEN_UP_S, WRONG, SignInStage
from tests.support.b2c_stand import LEDGER, PEOPLE, B2cStand, ask, b2c_stand
from tests.support.forked_service import ForkedService
from tests.support.oracle import read_ledger
from tests.support.service_process import free_port

from idferry.rules.lockout import most_forwarded
from idferry.settings import read_settings
from idferry.wiring.guard import guard_rules_of

AT_ONCE = 9
GUESSES = 5
CLAIMS_END_S = 601
REST_S = 0.1  # so that there is somebody left who signs in when the replicas start slowly
VICTIM = "person0@example.com"
OPEN = ("--insecure-loopback",)


@dataclass
class Rotation:
    """What a rotation came to. `again`: sign-ins that another replica took, because the first one was starting."""

    rotations: int
    sign_ins: int = 0
    again: int = 0
    failed: int = 0


@dataclass
class Meeting:
    """An import and sign-ins on the same people. Of `accounts` some came from a policy, the others from the import."""

    people: int
    accounts: int = 0
    by_policy: int = 0
    lost_answers: int = 0


@contextmanager
def _stand(
    on: SignInStage, people: int, *, seed: int, service: str, legacy_s: float = 0.0
) -> Iterator[tuple[B2cStand, list[Customer]]]:
    """Premigrated people, in a folder that is kept where the story fails."""
    on.emulator.reset()
    folder = Path(tempfile.mkdtemp(prefix=f"service-{seed}-", dir=on.folder))
    crowd = customers(people, seed=seed)
    known = {one.name: one.password for one in crowd}
    with b2c_stand(folder, on.emulator, known, service=service, legacy_s=legacy_s) as stand:
        assert stand.run("premigrate", PEOPLE, "--execute")["failed"] == 0
        on.emulator.advance(120)
        yield stand, crowd
    shutil.rmtree(folder)


def guesses_between_kills(on: SignInStage, *, kills: int, seed: int) -> Attack:
    """C5 through the service: five guesses, SIGKILL during the last one, five more ...; what the legacy system counted.

    It is never more than the guard allows in that time, and one for each kill.
    """
    chance = Random(seed)  # noqa: S311  it must be repeatable
    with _stand(on, 1, seed=seed, service='mode = "B"\nnegative_reply_at = 0') as (stand, _):
        began_s = on.emulator.get("clock")["epoch_s"]
        service = on.services.of(stand.folder, *OPEN)
        numbers = count()
        for _ in range(kills):
            service.start()
            for turn in range(GUESSES):
                if turn == GUESSES - 1:
                    Timer(chance.uniform(0.0, 0.02), service.strike).start()
                guess = {
                    "signInName": VICTIM,
                    "password": f"guess {next(numbers)}",
                    "ipAddress": "198.51.100.7",
                }
                ask(service.address, SIGN_IN, guess)
            time.sleep(0.03)
            service.kill()
            on.emulator.advance(GIVEN_UP_S + 4)
        span = timedelta(seconds=on.emulator.get("clock")["epoch_s"] - began_s)
        rules = guard_rules_of(read_settings(stand.folder / "idferry.toml").guard)
        attack = Attack(GUESSES * kills, len(stand.legacy.seen), most_forwarded(rules.schedule, span) + kills)
        assert 3 <= attack.forwarded <= attack.allowed, attack
        return attack


def copies(on: SignInStage, *, count_: int, seed: int) -> Attack:
    """S7 through the service: copies of one request at once are one call to the legacy system, and one attempt."""
    with _stand(on, 2, seed=seed, service='mode = "B"', legacy_s=0.3) as (stand, people):
        service = on.services.of(stand.folder, *OPEN)
        service.start()
        for one, password in ((people[0], people[0].password), (people[1], WRONG)):
            asked = len(stand.legacy.seen)
            together = Barrier(50)
            body = {
                "signInName": one.name,
                "password": password,
                "correlationId": "one journey",
                "ipAddress": one.address,
            }

            def deliver(number: int, together: Barrier = together, body: dict[str, str] = body) -> int:
                if number < together.parties:
                    together.wait(30)
                return ask(service.address, SIGN_IN, body)[0]

            with ThreadPoolExecutor(together.parties) as pool:
                told = Counter(pool.map(deliver, range(count_)))
            assert len(stand.legacy.seen) == asked + 1, "one legacy call"
            assert told.keys() <= ({200, 409} if one is people[0] else {409}), told
            assert stand.opens(one.name) is (one is people[0])
        assert service.stop() == 0
        return Attack(2 * count_, 2, 2)


def rotate(on: SignInStage, *, rotations: int, seed: int) -> Rotation:
    """DECISIONS 12: two replicas, the next credential beside the old one, the switch, the old one dropped; nobody fails."""
    people = 400 * rotations
    with _stand(on, people, seed=seed, service='mode = "B"') as (stand, customers_):
        return _Rotating(on, stand, customers_, rotations).play()


class _Rotating:
    def __init__(self, on: SignInStage, stand: B2cStand, people: list[Customer], rotations: int) -> None:
        self.stand = stand
        self.people = iter(people)
        self.figures = Rotation(rotations)
        self.secrets = ["0" * 40]
        self.used = self.secrets[0]
        self.settings = (stand.folder / "idferry.toml").read_text(encoding="utf-8")
        self.replicas = [on.services.of(stand.folder) for _ in range(2)]
        self.ended = Event()

    def play(self) -> Rotation:
        self._write_settings()
        for replica in self.replicas:
            replica.start()
        with ThreadPoolExecutor(3) as pool:
            fronts = [pool.submit(self._sign_in_for_ever, number) for number in range(3)]
            try:
                for number in range(self.figures.rotations):
                    self._rotate(f"{number + 1:040}")
            finally:
                self.ended.set()
            for one in fronts:
                one.result()
        assert [replica.stop() for replica in self.replicas] == [0, 0]
        assert self.figures.failed == 0, self.figures
        assert self.figures.sign_ins > 20 * self.figures.rotations, "somebody signed in all the time"
        return self.figures

    def _rotate(self, new: str) -> None:
        self.secrets.append(new)
        self._restart_each()
        assert [self._last_used(one, 1) for one in self.replicas] == [0.0, 0.0], "ready, and not yet used"
        self.used = new
        until = time.monotonic() + 30
        while not all(self._last_used(one, 1) for one in self.replicas):
            assert time.monotonic() < until
            time.sleep(0.05)
        self.secrets.pop(0)
        self._restart_each()

    def _restart_each(self) -> None:
        self._write_settings()
        for replica in self.replicas:
            assert replica.stop() == 0
            replica.start()
            time.sleep(0.2)

    def _write_settings(self) -> None:
        listed = ", ".join(f'"{one}"' for one in self.secrets)
        caller = f'[[service.caller]]\nname = "policy"\nkind = "basic"\nuser = "b2c"\nsecrets = [{listed}]\n'
        text = self.settings.replace('mode = "B"', f'mode = "B"\ntrusted_proxies = ["127.0.0.1"]\n{caller}')
        (self.stand.folder / "idferry.toml").write_text(text, encoding="utf-8")

    def _last_used(self, replica: ForkedService, credential: int) -> float:
        with urllib.request.urlopen(f"{replica.admin}/metrics", timeout=10) as got:  # noqa: S310  of this machine
            lines = got.read().decode().splitlines()
        wanted = f'idferry_credential_last_used_seconds{{caller="policy",credential="{credential}"}}'
        return next(float(line.split()[-1]) for line in lines if line.startswith(wanted))

    def _sign_in_for_ever(self, number: int) -> None:
        """One policy: each person once, at one replica or, where that one is not there, at the other."""
        while not self.ended.is_set():
            one = next(self.people, None)
            if one is None:
                self.ended.wait(0.05)
                continue
            number += 1
            status = 0
            for turn in (number, number + 1):
                replica = self.replicas[turn % 2]
                body = {"signInName": one.name, "password": one.password, "correlationId": one.name}
                basic = base64.b64encode(f"b2c:{self.used}".encode()).decode()
                headers = {
                    "Authorization": f"Basic {basic}",
                    "X-Forwarded-For": one.address,
                    "X-Forwarded-Proto": "https",
                }
                status, _ = ask(replica.address, SIGN_IN, body, headers=headers)
                if status:
                    break
                self.figures.again += 1
            self.figures.sign_ins += 1
            self.figures.failed += status != 200
            self.ended.wait(REST_S)


def import_beside(on: SignInStage, *, people: int, seed: int) -> Meeting:
    """DECISIONS 14: an import and everybody's sign-in on the same people at once, 5 % of all answers lost: one account each."""
    on.emulator.reset()
    folder = Path(tempfile.mkdtemp(prefix=f"import-{seed}-", dir=on.folder))
    crowd = customers(people, seed=seed)
    with mode_c(folder, on.emulator, crowd, port=free_port()) as front, ThreadPoolExecutor(AT_ONCE) as pool:
        service = on.services.of(folder, *OPEN, port=front.port)
        on.emulator.faults(
            {"operation": "users.create", "status": 504, "after_write": True, "rate": 0.05, "item": True},
            {"operation": "batch", "kind": "cut_after", "rate": 0.05},
            {"operation": "batch", "kind": "slow", "delay_ms": 300},
            seed=seed,
        )
        service.start()
        importing: Future[object] = pool.submit(on.product.run, front, "premigrate", PEOPLE, "--execute")
        order = Random(seed).sample(crowd, people)  # noqa: S311  it must be repeatable
        saw = list(pool.map(lambda one: front.press(one, one.password, one.name), order))
        importing.result()
        on.emulator.faults()
        assert service.stop() == 0
        on.emulator.advance(CLAIMS_END_S)
        assert on.product.run(front, "premigrate", PEOPLE, "--execute").code == 0
        assert on.product.run(front, "sweep", "--execute").code == 0
        meeting = Meeting(people, lost_answers=saw.count(Saw.NOTHING))
        flag, legacy_id = (front.tenant.extension(name) for name in ("requiresMigration", "legacyId"))
        accounts = on.emulator.dump(front.tenant)
        assert len({one[legacy_id] for one in accounts}) == len(accounts) == people
        meeting.accounts = len(accounts)
        passwords = {one.name: one.password for one in crowd}
        for account in accounts:
            name = account["identities"][0]["issuerAssignedId"]
            assert front.opens(name, passwords[name]) is (account[flag] is False), name
            meeting.by_policy += account[flag] is False
        welcome = saw.count(Saw.WELCOME)
        assert 0 < welcome == meeting.by_policy
        states = Counter(entry.state for entry in read_ledger(folder / LEDGER).entries.values())
        assert states == Counter(complete=welcome) + Counter(awaiting_password=people - welcome), states
    shutil.rmtree(folder)
    return meeting
