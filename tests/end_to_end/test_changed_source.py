"""An interrupted run and an export that has changed since, over the real command line: told before anything is sent."""

import signal
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.desk import Desk, people
from tests.support.emulator import Emulator

PEOPLE = 800  # many more than may be under way at once: the last of them are only planned
COMMAND = ("premigrate", "people.jsonl", "--execute")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture
def interrupted(b2c_desk: Desk, emulator: Emulator) -> Desk:
    """Some people have an account, most have none."""
    desk = b2c_desk
    desk.people("people.jsonl", people(PEOPLE))
    emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": 100.0})
    with desk.start(*COMMAND) as process:
        while not emulator.counts()["received"].get("users.create"):
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    emulator.faults()
    return desk


def change(desk: Desk, edit: Mapping[str, Mapping[str, Any] | None], *new: Mapping[str, Any]) -> None:
    records = [{**one, **(edit.get(one["key"], {}) or {})} for one in people(PEOPLE)]
    kept = [one for one in records if edit.get(one["key"], {}) is not None]
    desk.people("people.jsonl", [*kept, *new])


def test_the_difference_is_shown_and_nothing_is_sent_until_it_is_accepted(
    interrupted: Desk, emulator: Emulator
) -> None:
    desk = interrupted
    [run] = desk.json("status")["runs"]
    assert run["place"] == str(desk.folder / "people.jsonl")
    before = len(emulator.dump(desk.tenant))
    assert 0 < before < PEOPLE
    last = f"p{PEOPLE - 1}"
    new = {"key": "new", "signInName": "new@example.org"}
    change(desk, {"p0": {"displayName": "Mended"}, last: None}, new)

    plan = desk.json(*COMMAND[:2])["source_changes"]
    ended = desk.run(*COMMAND, "--json")
    assert (ended.code, ended.error["code"]) == (3, "source_changed")
    assert (
        ended.document["source_changes"]
        == plan
        == {
            "run": run["run"],
            "new": {"count": 1, "keys": ["new"]},
            "changed": {"count": 0, "keys": []},
            "gone": {"count": 1, "keys": [last]},
            "settled_changed": {"count": 1, "keys": ["p0"]},
            "settled_gone": {"count": 0, "keys": []},
        }
    )
    shown = desk.run(*COMMAND)
    assert "records that were planned and are no longer there (p799)" in shown.err
    assert "--accept-changes" in shown.err
    assert len(emulator.dump(desk.tenant)) == before

    done = desk.json(*COMMAND, "--accept-changes")
    assert done["states"] == {"complete": PEOPLE - 1, "awaiting_password": 1, "left_out": 1}
    assert len(emulator.dump(desk.tenant)) == PEOPLE
    runs = {one["run"]: one for one in desk.json("status")["runs"]}
    assert runs[run["run"]]["superseded_by"] == done["run"]
    assert desk.json("verify")["differences"] == 0


def test_the_old_file_put_back_continues(interrupted: Desk) -> None:
    desk = interrupted
    change(desk, {"p1": None})
    desk.ok(*COMMAND, code=3)
    change(desk, {})
    done = desk.json(*COMMAND)
    assert done["states"] == {"complete": PEOPLE}
    assert len(desk.json("status")["runs"]) == 1
