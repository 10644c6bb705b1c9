"""However an execution ends before its end, it says how far it came and what to type; and typing that finishes it."""

import re
import shlex
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import httpx2
import pytest
from tests.support.desk import QUICK, Desk, Ended, people
from tests.support.emulator import Emulator

from idferry.graph import waiting
from idferry.ledger.sending import SqliteSending

PEOPLE = 400
COMMAND = ("premigrate", "people.jsonl", "--execute")
TURNS_UNTIL_FULL = 3
BATCHES_UNTIL_LOST = 4
UNDER_WAY_MAX = (
    160  # one connection, eight chunks of 20: most people are still to come when something happens
)
ONE_CONNECTION = {**QUICK, "connections": 1}
AFTER_60 = {"skip": 60, "item": True, "operation": "users.create"}
MANY = 10**6

Mend = Callable[[], None]
Happen = Callable[[Desk, Emulator, pytest.MonkeyPatch], Mend]


def _directory_full(_desk: Desk, emulator: Emulator, _patch: pytest.MonkeyPatch) -> Mend:
    emulator.faults({"kind": "refusal", "refusal": "quota", **AFTER_60})
    return emulator.faults


def _no_room_from_the_start(desk: Desk, emulator: Emulator, _patch: pytest.MonkeyPatch) -> Mend:
    emulator.options(desk.tenant, object_quota=PEOPLE // 2)
    return lambda: emulator.options(desk.tenant, object_quota=MANY)


def _permission_revoked(_desk: Desk, emulator: Emulator, _patch: pytest.MonkeyPatch) -> Mend:
    emulator.faults({"kind": "refusal", "refusal": "denied", **AFTER_60})
    return emulator.faults


def _secret_expired(desk: Desk, emulator: Emulator, _patch: pytest.MonkeyPatch) -> Mend:
    """In the middle: the token is refused, and the next one too."""
    emulator.faults(
        {"operation": "batch", "status": 401, "skip": 3},
        {"operation": "token", "status": 401, "skip": 1},
    )
    return emulator.faults


def _disk_full(_desk: Desk, _emulator: Emulator, patch: pytest.MonkeyPatch) -> Mend:
    """In the middle the file may not grow any more: https://sqlite.org/pragma.html#pragma_max_page_count"""
    turn, turns = SqliteSending.turn, count(1)

    def turn_on_a_full_disk(self: SqliteSending, **more: Any) -> Any:
        if next(turns) == TURNS_UNTIL_FULL:
            self._database.connection.execute("PRAGMA max_page_count = 1")
        return turn(self, **more)

    patch.setattr(SqliteSending, "turn", turn_on_a_full_disk)
    return patch.undo


def _network_lost(_desk: Desk, _emulator: Emulator, patch: pytest.MonkeyPatch) -> Mend:
    """In the middle no connection can be made any more, to Graph or to the token endpoint."""
    stream, batches = httpx2.Client.stream, count(1)
    lost = False

    def stream_as_long_as_there_is_a_network(
        self: httpx2.Client, method: str, url: httpx2.URL | str, **more: Any
    ) -> Any:
        nonlocal lost
        lost = lost or (str(url).endswith("/$batch") and next(batches) > BATCHES_UNTIL_LOST)
        if lost and str(url).startswith("https"):  # the test itself speaks to the emulator by paths
            raise httpx2.ConnectError("network is unreachable")
        return stream(self, method, url, **more)

    patch.setattr(httpx2.Client, "stream", stream_as_long_as_there_is_a_network)
    patch.setattr(waiting, "BACKOFF_SECONDS_MAX", 0.01)  # it is given up after minutes of waiting
    return patch.undo


ENDINGS: dict[str, tuple[str, Happen]] = {
    "directory full": ("quota_exceeded", _directory_full),
    "no room from the start": ("quota_exceeded", _no_room_from_the_start),
    "permission revoked": ("forbidden", _permission_revoked),
    "secret expired": ("token_refused", _secret_expired),
    "disk full": ("ledger_unwritable", _disk_full),
    "network lost": ("unreachable", _network_lost),
}


def check_ending(ended: Ended, desk: Desk, emulator: Emulator, code: str) -> None:
    """One sentence each on what happened, how far it came, what to do and what to type; the figures are true."""
    assert (ended.code, ended.error["code"]) == (3, code), ended.err
    progress = ended.document["progress"]
    [run] = desk.json("status")["runs"]
    there = len(emulator.dump(desk.tenant))
    if code == "ledger_unwritable":  # what was heard last found no room
        assert there - UNDER_WAY_MAX <= progress["settled"] <= there
        there = progress["settled"]
    assert progress == {"run": run["run"], "settled": there, "left": PEOPLE - there}
    said = " ".join(ended.err.split())
    assert f"done so far: run {run['run']} has settled {there:,} of {PEOPLE} people" in said
    assert "what to do: " in said
    assert ended.error["next"] == "idferry premigrate people.jsonl --execute --json"
    assert f"then: {ended.error['next']}" in said


def check_continuing(ended: Ended, desk: Desk, emulator: Emulator) -> None:
    done = desk.json(*shlex.split(ended.error["next"])[1:-1])
    assert done["states"] == {"complete": PEOPLE}
    assert len(emulator.dump(desk.tenant)) == PEOPLE
    assert len(desk.json("status")["runs"]) == 1


@pytest.mark.parametrize("name", ENDINGS)
def test_a_mishap_says_how_far_it_came(
    b2c_desk: Desk, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    desk = replace(b2c_desk, limits=ONE_CONNECTION)
    desk.people("people.jsonl", people(PEOPLE))
    code, happen = ENDINGS[name]
    mend = happen(desk, emulator, monkeypatch)
    ended = desk.run(*COMMAND, "--json")
    check_ending(ended, desk, emulator, code)
    if name != "no room from the start":
        assert 0 < ended.document["progress"]["settled"] < PEOPLE, "it did not happen in the middle"
    mend()
    check_continuing(ended, desk, emulator)


@pytest.mark.parametrize(
    ("command", "operation", "done"),
    [
        ("remove", "users.delete", "removed"),
        ("restore", "deletedItems.restore", "restored"),
        ("purge", "deletedItems.purge", "purged"),
    ],
)
def test_a_secret_that_expires_says_how_far_it_came_whatever_the_command(
    b2c_desk: Desk, emulator: Emulator, command: str, operation: str, done: str
) -> None:
    desk = b2c_desk
    desk.people("people.jsonl", people(PEOPLE, passwords=False))
    desk.ok(*COMMAND)
    if command != "remove":
        desk.ok("remove", "--source", "people", "--execute")
    received = emulator.counts()["received"].get(operation, 0)
    emulator.faults(
        {"operation": "batch", "status": 401, "skip": 8},
        {"operation": "token", "status": 401, "skip": 1},
    )
    ended = desk.run(command, "--source", "people", "--execute", "--json")
    emulator.faults()
    assert (ended.code, ended.error["code"]) == (3, "token_refused"), ended.err
    so_far = emulator.counts()["received"].get(operation, 0) - received
    assert 0 < so_far < PEOPLE, "it did not happen in the middle"
    said = " ".join(ended.err.split())
    assert f"done so far: {so_far} accounts were {done}, and are in the ledger what to do: " in said
    assert f"then: idferry {command} --source people --execute --json" in said
    rest = desk.json(*shlex.split(ended.error["next"])[1:-1])
    assert rest[done] == PEOPLE - so_far


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_says_how_far_it_came(b2c_desk: Desk, emulator: Emulator, number: signal.Signals) -> None:
    desk = b2c_desk
    desk.people("people.jsonl", people(PEOPLE))
    emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": 150.0})
    with desk.start(*COMMAND, "--json") as process:
        while not emulator.counts()["received"].get("users.create"):
            assert process.poll() is None, process.communicate()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    emulator.faults()
    ended = Ended(process.returncode, out, err)
    check_ending(ended, desk, emulator, "stopped")
    check_continuing(ended, desk, emulator)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_second_signal_says_it_too(b2c_desk: Desk, emulator: Emulator) -> None:
    """Calls under way are not waited for: the figures are those of the ledger, whose intents the next run looks into."""
    desk = b2c_desk
    desk.people("people.jsonl", people(PEOPLE))
    emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": 4_000.0, "skip": 2})
    with desk.start(*COMMAND, "--json") as process:
        while emulator.counts()["received"].get("batch", 0) < 4:
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert any("stopping" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    emulator.faults()
    ended = Ended(process.returncode, out, err)
    assert (ended.code, ended.error["code"]) == (3, "stopped")
    progress = ended.document["progress"]
    states = desk.json("status")["states"]
    assert (progress["settled"], progress["left"]) == (
        states.get("complete", 0),
        PEOPLE - states.get("complete", 0),
    )
    check_continuing(ended, desk, emulator)


def test_no_process_outlives_a_test_that_fails(b2c_desk: Desk) -> None:
    """It would be told of in the middle of another test."""
    with pytest.raises(ZeroDivisionError), b2c_desk.start("emulator") as process:
        raise ZeroDivisionError
    assert process.poll() is not None


@pytest.mark.parametrize("executes", [True, False])
def test_a_bug_says_whether_there_is_something_to_continue(
    b2c_desk: Desk, monkeypatch: pytest.MonkeyPatch, executes: bool
) -> None:
    def breaks(_self: object, _item: object) -> None:
        raise RuntimeError("nobody foresaw it")

    monkeypatch.setattr("idferry.flows.plan_people.plan_person", breaks)
    b2c_desk.people("people.jsonl", people(3))
    ended = b2c_desk.run("premigrate", "people.jsonl", *(["--execute"] if executes else []))
    assert ended.code == 3
    told = " ".join(ended.err.split())
    assert ("Nothing is lost: the same command continues" in told) is executes
    assert ("then: idferry premigrate people.jsonl --execute" in told) is executes
    assert ("Nothing was changed in any directory" in told) is not executes


def test_a_plan_has_nothing_to_continue(b2c_desk: Desk) -> None:
    ended = b2c_desk.run("premigrate", "nowhere.jsonl", "--execute", "--json")
    assert (ended.code, "next" in ended.error, "progress" in ended.document) == (2, False, False)


def test_a_command_is_quoted_as_it_must_be_typed(b2c_desk: Desk, emulator: Emulator) -> None:
    desk = b2c_desk
    desk.people("my people.jsonl", people(30))
    emulator.faults(
        {"kind": "refusal", "refusal": "quota", "operation": "users.create", "skip": 20, "item": True}
    )
    ended = desk.run("premigrate", "my people.jsonl", "--only", "signInName=*@example.org", "--execute")
    assert ended.code == 3
    [line] = re.findall("^then: (.*)$", ended.err, re.MULTILINE)
    emulator.faults()
    desk.ok(*shlex.split(line)[1:])
