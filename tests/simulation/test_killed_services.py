"""`kill -9` of the service under capture, mode B and mode C: nobody is left half migrated, nobody gets two accounts."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from tests.support.emulator import EmulatedTenant, Emulator, running_emulator
from tests.support.scripted_server import Seen, answer, scripted_server
from tests.support.service_process import RunningService, running_service

from idferry.rules.account import TenantKind
from idferry.rules.entry import PlanItem, Selection, TakeUp
from idferry.rules.plan import PasswordFacts, PlanRules, plan_person
from idferry.settings import read_settings
from idferry.wiring import clock_of, ledger_of, ledger_to_read, source_of

PASSWORD = "Old-Password-1"
PEOPLE = "people.jsonl"
WITHIN_S = 20.0
SLOT_S = 16


@dataclass
class Stand:
    """An emulated B2C tenant, a legacy system and a folder of settings; services come and go."""

    folder: Path
    emulator: Emulator
    tenant: EmulatedTenant
    names: list[str]

    def run(self, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "idferry", *arguments, "--json"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def flags(self) -> dict[str, Any]:
        flag = self.tenant.extension("requiresMigration")
        accounts = self.emulator.dump(self.tenant)
        return {one["identities"][0]["issuerAssignedId"]: one.get(flag) for one in accounts}

    def states(self) -> dict[str, int]:
        settings = read_settings(self.folder / "idferry.toml")
        with ledger_to_read(settings, clock_of(settings)) as ledger:
            return {str(state): count for state, count in ledger.report.states(Selection()).items()}

    def opens(self, name: str) -> bool:
        return bool(self.emulator.sign_in(self.tenant, name, PASSWORD)["signed_in"])


def ask(service: RunningService, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
    """Status and document; status 0 where the service is gone."""
    request = urllib.request.Request(  # noqa: S310  an address of this machine
        service.address + path, data=json.dumps(body).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as got:  # noqa: S310  as above
            return got.status, json.loads(got.read() or b"null")
    except HTTPError as error:
        return error.code, json.loads(error.read() or b"null")
    except (URLError, OSError):
        return 0, None


def capture(service: RunningService, name: str) -> int:
    body = {"signInName": name, "password": PASSWORD, "event": "sign_in"}
    return ask(service, "/api/migration/capture", body)[0]


def sign_in(service: RunningService, name: str) -> tuple[int, Any]:
    return ask(service, "/api/migration/sign-in", {"signInName": name, "password": PASSWORD})


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def stand_of(folder: Path, emulator: Emulator, *, people: int, service: str) -> Iterator[Stand]:
    emulator.reset()
    tenant = emulator.tenant("b2c")
    names = [f"person{number}@example.com" for number in range(people)]

    def says(seen: Seen) -> Any:
        right = seen.json["password"] == PASSWORD
        return answer(200, {"status": "password_match"}) if right else answer(403)

    lines = (
        json.dumps({"key": str(number), "signInName": name, "displayName": f"Person {number}"})
        for number, name in enumerate(names)
    )
    (folder / PEOPLE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with scripted_server(says) as legacy:
        settings = (
            f'{tenant.settings}\n[clock]\nurl = "{emulator.control_url}/clock"\n[service]\n{service}\n'
            f'[[verifier]]\nname = "shop"\nkind = "web_service"\nurl = "{legacy.url}/check"\n'
            "legacy_lockout = { threshold = 1000, window_seconds = 60 }\n"
        )
        (folder / "idferry.toml").write_text(settings, encoding="utf-8")
        yield Stand(folder, emulator, tenant, names)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator() as running:
        yield running


def kill(service: RunningService, emulator: Emulator) -> None:
    """End it at once. Checks that were under way hold their places in the guard for some seconds more."""
    service.process.kill()
    service.process.wait(timeout=10)
    emulator.advance(SLOT_S)


def test_what_waits_to_be_captured_is_lost_and_all_flags_are_still_up(
    emulator: Emulator, tmp_path: Path
) -> None:
    service_lines = (
        'capture_callers = ["front"]\n'
        '[[service.caller]]\nname = "front"\nkind = "bearer"\nsecrets = ["0123456789abcdef0123456789abcdef"]'
    )
    with stand_of(tmp_path, emulator, people=50, service=service_lines) as stand:
        assert stand.run("premigrate", PEOPLE, "--execute")["failed"] == 0
        emulator.faults({"operation": "users.get", "kind": "slow", "delay_ms": 20_000})
        with running_service(tmp_path, "--insecure-loopback") as service:
            assert {capture(service, name) for name in stand.names} == {202}
            kill(service, emulator)
        emulator.faults()
        assert stand.flags() == dict.fromkeys(stand.names, True)
        with running_service(tmp_path, "--insecure-loopback") as service:
            for name in stand.names[:5]:
                assert capture(service, name) == 202
            until(lambda: all(stand.flags()[name] is False for name in stand.names[:5]))
            assert all(stand.opens(name) for name in stand.names[:5])
            name = stand.names[0]
            new = {"signInName": name, "password": "New-Password-2", "event": "password_reset"}
            assert ask(service, "/api/migration/capture", new) == (200, {"outcome": "written"})
            assert stand.emulator.sign_in(stand.tenant, name, "New-Password-2")["signed_in"]
            assert not stand.opens(name), "the old one opens nothing any more"
            until(lambda: stand.states().get("complete") == 5)


def test_in_mode_b_everybody_has_the_old_state_or_the_whole_new_one(
    emulator: Emulator, tmp_path: Path
) -> None:
    with stand_of(tmp_path, emulator, people=16, service='mode = "B"') as stand:
        assert stand.run("premigrate", PEOPLE, "--execute")["failed"] == 0
        emulator.faults({"operation": "users.patch", "kind": "slow", "delay_ms": 1_500, "skip": 4})
        with running_service(tmp_path, "--insecure-loopback") as service, ThreadPoolExecutor(16) as pool:
            asked = [pool.submit(sign_in, service, name) for name in stand.names]
            until(lambda: sum(flag is False for flag in stand.flags().values()) >= 4)
            kill(service, emulator)
            answers = [one.result()[0] for one in asked]
        emulator.faults()
        time.sleep(2.0)  # what was sent before the kill arrives, and nobody hears of it
        flags = stand.flags()
        for name, status in zip(stand.names, answers, strict=True):
            assert stand.opens(name) is (flags[name] is False), "never one without the other"
            assert status != 200 or flags[name] is False
        with running_service(tmp_path, "--insecure-loopback") as service:
            for name in stand.names:
                if flags[name] is True:
                    assert sign_in(service, name)[0] == 200
        assert all(stand.opens(name) for name in stand.names)
        assert stand.run("sweep", "--execute")["cleared"] == 0
        assert stand.states() == {"complete": 16}


def test_in_mode_c_a_claim_whose_answer_nobody_heard_costs_nobody_an_account(
    emulator: Emulator, tmp_path: Path
) -> None:
    with stand_of(tmp_path, emulator, people=12, service='mode = "C"') as stand:
        plan_only(tmp_path)
        with running_service(tmp_path, "--insecure-loopback") as service, ThreadPoolExecutor(12) as pool:
            asked = [pool.submit(sign_in, service, name) for name in stand.names]
            until(lambda: stand.states().get("creating", 0) >= 1)
            kill(service, emulator)
            heard = [one.result()[0] == 200 for one in asked]
        with running_service(tmp_path, "--insecure-loopback") as service:
            for name in stand.names:
                status, claims = sign_in(service, name)
                assert (status, claims["createRequired"]) == (200, True), heard
        assert stand.states() == {"creating": 12}
        # No policy ever wrote: an import takes everybody over once the claims have ended, and nobody before.
        assert stand.run("premigrate", PEOPLE, "--execute")["created"] == 0
        emulator.advance(601)
        assert stand.run("premigrate", PEOPLE, "--execute")["created"] == 12
        assert sorted(stand.flags()) == sorted(stand.names)
        assert stand.states() == {"awaiting_password": 12}


def plan_only(folder: Path) -> None:
    """What `premigrate` does before it sends."""
    settings = read_settings(folder / "idferry.toml")
    rules = PlanRules(project=settings.project, tenant_kind=TenantKind.B2C)
    source = source_of(settings, str(folder / PEOPLE))
    items = [
        PlanItem(record.user, plan_person(record.user, PasswordFacts(present=False), rules))
        for record in source.records()
        if not hasattr(record, "reason")
    ]
    clock = clock_of(settings)
    at = clock.now()
    with ledger_of(settings, clock) as ledger:
        run, _ = ledger.runs.open_run(
            command="premigrate", source=source.name, source_digest=source.digest(), cohort="", at=at
        )
        ledger.plan.begin_planning()
        ledger.plan.plan(items, run=run.run, take_up=TakeUp(), at=at)
