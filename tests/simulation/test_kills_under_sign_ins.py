"""kill -9 under sign-ins in mode B: every account is as before, or has password and flag in their new state; never half.

Anywhere between the call that writes both and the note of its answer. The oracle is the emulated tenant.
"""

import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
from tests.support.emulator import EmulatedTenant, Emulator, running_emulator
from tests.support.scripted_server import Piece, Seen, answer, scripted_server
from tests.support.service_process import running_service

KILLS = 4
AT_ONCE = 20
SEED = 20_261_120
SETTINGS = """
[service]
mode = "B"

[[verifier]]
name = "shop"
kind = "web_service"
url = "{url}/check"
legacy_lockout = {{ threshold = 1000, window_seconds = 60 }}

[clock]
url = "{control}/clock"
"""
NAMES = [f"person{number}@example.com" for number in range(KILLS * AT_ONCE)]


def password_of(name: str) -> str:
    return f"Old-Meadow-{name.partition('@')[0].removeprefix('person')}-Sun"


def script(seen: Seen) -> list[Piece]:
    right = seen.json["password"] == password_of(seen.json["identifier"])
    return [*(answer(200, {"status": "password_match"}) if right else answer(403))]


def run(folder: Path, *arguments: str) -> Any:
    command = [sys.executable, "-m", "idferry", *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def ask(address: str, name: str) -> int:
    """What the policy is answered; 0 for nothing."""
    body = {"signInName": name, "password": password_of(name), "correlationId": name}
    try:
        with httpx2.Client(trust_env=False, timeout=10) as http:
            return http.post(f"{address}/api/migration/sign-in", json=body).status_code
    except httpx2.HTTPError:
        return 0


def is_whole(emulator: Emulator, tenant: EmulatedTenant, name: str) -> bool:
    """Whether the account is migrated; anything between the two states fails."""
    (account,) = [
        one
        for one in emulator.dump(tenant)
        if name in [identity["issuerAssignedId"] for identity in one["identities"]]
    ]
    migrated = account[tenant.extension("requiresMigration")] is False
    assert emulator.sign_in(tenant, name, password_of(name))["signed_in"] is migrated, (
        f"{name} is half migrated"
    )
    return migrated


def test_no_kill_leaves_a_half_state(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311  a repeatable test, no secret
    welcomed, migrated = set[str](), 0
    with running_emulator(tenant_kind="b2c", seed=7) as emulator, scripted_server(script) as legacy:
        tenant = emulator.tenant("b2c")
        settings = tenant.settings + SETTINGS.format(url=legacy.url, control=emulator.control_url)
        (tmp_path / "idferry.toml").write_text(settings, encoding="utf-8")
        lines = [json.dumps({"key": name, "signInName": name}) for name in NAMES]
        (tmp_path / "people.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert run(tmp_path, "premigrate", "people.jsonl", "--execute")["failed"] == 0
        for turn in range(KILLS):
            names = NAMES[turn * AT_ONCE : (turn + 1) * AT_ONCE]
            with (
                running_service(tmp_path, "--insecure-loopback") as service,
                ThreadPoolExecutor(AT_ONCE) as policies,
            ):
                asked = policies.map(lambda name, to=service.address: (name, ask(to, name)), names)
                killer = threading.Timer(chance.uniform(0.05, 0.45), service.process.kill)
                killer.start()
                welcomed |= {name for name, status in asked if status == 200}
                killer.join()
                service.process.wait(10)
            whole = {name: is_whole(emulator, tenant, name) for name in names}
            migrated += sum(whole.values())
            assert not [name for name in names if name in welcomed and not whole[name]]
        assert 0 < migrated < len(NAMES), "kills before and after the write"
        _everybody_gets_in(tmp_path, emulator, tenant)


def _everybody_gets_in(folder: Path, emulator: Emulator, tenant: EmulatedTenant) -> None:
    """Whoever was not migrated is at the next try; a sweep tells the ledger of those whose note was lost."""
    left = [name for name in NAMES if not is_whole(emulator, tenant, name)]
    # The guard gives up a check that nobody settled after 15 s: until then those people would be told to try again.
    emulator.advance(30)
    with running_service(folder, "--insecure-loopback") as service:
        until = time.monotonic() + 10
        while left and time.monotonic() < until:
            left = [name for name in left if ask(service.address, name) != 200]
            time.sleep(0.5)
    assert left == []
    assert all(is_whole(emulator, tenant, name) for name in NAMES)
    run(folder, "sweep", "--execute")
    states = run(folder, "status")["states"]
    assert states.get("complete") == len(NAMES), states
