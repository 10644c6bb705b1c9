"""Captured passwords, from a legacy front through the service over TLS into the emulated external tenant."""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.support.emulator import running_emulator
from tests.support.legacy_front import CALLER, SECRET, SERVICE
from tests.support.service_process import running_service
from tests.support.sign_in_stand import Stand, prepared_stand

from idferry.emulator.tenants import DEFAULT_DIRECTORY_ROLES
from idferry.wiring.system import SystemClock

OLD, NEW, THIRD = "Old-Password-1", "New-Password-2", "Third-Password-3"
WEAK = "weak"
NAMES = [f"person{number}@example.com" for number in range(10)]
NEWCOMER = "newcomer@example.com"
MORE = "more.jsonl"
CODES = {"taken later": 202, "taken": 200, "not taken": 409, "say it again": 503}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("captures")
    with (
        running_emulator(tenant_kind="external") as emulator,
        prepared_stand(folder, emulator, dict.fromkeys(NAMES, OLD), service_lines=SERVICE) as prepared,
    ):
        _plan_a_newcomer(prepared)
        with running_service(folder, "--port", str(prepared.port)) as service:
            prepared.service = service
            yield prepared


def _plan_a_newcomer(stand: Stand) -> None:
    """Somebody who is planned and has no account: the tenant has no room when the run comes to that."""
    record = {"key": "n", "signInName": NEWCOMER, "displayName": "Newcomer"}
    (stand.folder / MORE).write_text(json.dumps(record) + "\n", encoding="utf-8")
    held = stand.emulator.options(stand.tenant)["object_quota"]
    stand.emulator.options(stand.tenant, object_quota=1)
    refused = stand.run("premigrate", MORE, "--execute")
    stand.emulator.options(stand.tenant, object_quota=held)
    assert refused["error"]["code"] == "quota_exceeded", refused
    assert state_of(stand, NEWCOMER) == "planned"


def hand_on(stand: Stand, whose: Mapping[str, str], password: str, event: str, **more: Any) -> int:
    """What the front says of a password that it has just proven; the answer's status."""
    context = ssl.create_default_context(cafile=next(stand.folder.glob("*authority*.pem"), None))
    address = f"https://localhost:{stand.port}/api/migration/capture"
    with httpx2.Client(verify=context, auth=(CALLER, SECRET), trust_env=False, timeout=30) as http:
        return http.post(address, json={**whose, "password": password, "event": event, **more}).status_code


def named(name: str) -> dict[str, str]:
    return {"signInName": name}


def state_of(stand: Stand, name: str) -> str:
    return str(stand.run("person", name)["entry"]["state"])


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def opens_with(stand: Stand, name: str) -> list[str]:
    """Which of the passwords open the account at the tenant's own page; nobody is asked for that."""
    return [one for one in (OLD, NEW, THIRD, WEAK) if stand.opens(name, one)]


def test_a_sign_in_at_the_front_opens_the_page_without_asking_anybody(stand: Stand) -> None:
    name, asked = NAMES[0], stand.asked
    assert hand_on(stand, named(name), OLD, "sign_in") == CODES["taken later"]
    wait_until(lambda: stand.flag(name) is False)
    end = stand.sign_in(name, OLD)
    assert (end["signed_in"], end["calls"]) == (True, []), end
    assert (opens_with(stand, name), stand.asked) == ([OLD], asked)
    wait_until(lambda: state_of(stand, name) == "complete")


@pytest.mark.parametrize(("name", "event"), [(NAMES[1], "password_change"), (NAMES[2], "password_reset")])
def test_a_password_that_was_changed_at_the_front_is_the_only_one_that_opens(
    stand: Stand, name: str, event: str
) -> None:
    """Flag up or down, and before the front hears the answer."""
    for password in (OLD, NEW, THIRD):
        assert hand_on(stand, named(name), password, event) == CODES["taken"]
        assert opens_with(stand, name) == [password]
        assert stand.flag(name) is False


@pytest.mark.parametrize("how", ["objectId", "legacyId"])
def test_a_person_is_named_by_id_as_well(stand: Stand, how: str) -> None:
    name = NAMES[3] if how == "objectId" else NAMES[4]
    entry = stand.run("person", name)["entry"]
    whose = {"objectId": entry["object_id"]} if how == "objectId" else {"legacyId": entry["legacy_id"]}
    assert hand_on(stand, whose, NEW, "password_change") == CODES["taken"]
    assert opens_with(stand, name) == [NEW]


def test_whoever_signs_up_at_the_front_has_the_account_that_was_planned(stand: Stand) -> None:
    before = len(stand.emulator.dump(stand.tenant))
    assert hand_on(stand, named(NEWCOMER), OLD, "sign_up") == CODES["taken"]
    assert len(stand.emulator.dump(stand.tenant)) == before + 1
    assert opens_with(stand, NEWCOMER) == [OLD]
    story = stand.run("person", NEWCOMER)
    assert (story["entry"]["state"], story["claimed_since"]) == ("complete", None)
    assert story["accounts"][0]["id"] == story["entry"]["object_id"]
    assert hand_on(stand, named("stranger@example.com"), OLD, "sign_up") == CODES["not taken"]
    assert len(stand.emulator.dump(stand.tenant)) == before + 1


def test_a_weak_password_is_refused_counted_and_the_flag_stays_up(stand: Stand) -> None:
    name = NAMES[5]
    assert stand.run("status")["captures_refused"] == 0
    assert hand_on(stand, named(name), WEAK, "password_change") == CODES["not taken"]
    assert (stand.flag(name), opens_with(stand, name)) == (True, [])
    wait_until(lambda: stand.run("status")["captures_refused"] == 1)
    assert hand_on(stand, named(name), NEW, "password_change") == CODES["taken"]
    assert opens_with(stand, name) == [NEW]
    wait_until(lambda: stand.run("status")["captures_refused"] == 0)


def test_a_weak_one_after_a_strong_one_raises_the_flag(stand: Stand) -> None:
    """The front has another password than the account from then on: the account awaits one that can be stored."""
    name = NAMES[6]
    assert hand_on(stand, named(name), OLD, "password_change") == CODES["taken"]
    assert hand_on(stand, named(name), WEAK, "password_change") == CODES["not taken"]
    wait_until(lambda: stand.flag(name) is True)
    assert opens_with(stand, name) == [OLD]
    wait_until(lambda: state_of(stand, name) == "awaiting_password")


def test_what_somebody_chose_here_is_not_written_over(stand: Stand) -> None:
    name = NAMES[7]
    stand.reset(name, THIRD)
    later = (SystemClock().now() + timedelta(hours=1)).isoformat()
    for event, more in (
        ("password_change", {}),
        ("password_reset", {}),
        ("sign_in", {}),
        ("sign_in", {"passwordChangedAt": later}),
    ):
        expected = CODES["taken later"] if event == "sign_in" else CODES["not taken"]
        assert hand_on(stand, named(name), OLD, event, **more) == expected
    wait_until(lambda: stand.flag(name) is False)
    assert opens_with(stand, name) == [THIRD]
    wait_until(lambda: state_of(stand, name) == "complete")


def test_without_the_directory_role_nothing_is_written_and_the_front_may_say_it_again(stand: Stand) -> None:
    name, tenant = NAMES[8], stand.tenant
    stand.emulator.application(tenant, client_id=tenant.client_id, directory_roles=[])
    try:
        assert hand_on(stand, named(name), OLD, "password_change") == CODES["say it again"]
    finally:
        held = sorted(DEFAULT_DIRECTORY_ROLES)
        stand.emulator.application(tenant, client_id=tenant.client_id, directory_roles=held)
    assert (stand.flag(name), opens_with(stand, name)) == (True, [])
    assert hand_on(stand, named(name), OLD, "password_change") == CODES["taken"]
    assert opens_with(stand, name) == [OLD]


def test_no_captured_password_is_in_any_file(stand: Stand) -> None:
    def holds(path: Path) -> bool:
        return any(one.encode() in path.read_bytes() for one in (OLD, NEW, THIRD))

    assert [path.name for path in stand.folder.rglob("*") if path.is_file() and holds(path)] == []
