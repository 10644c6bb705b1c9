"""`idferry person`: locks are shown, and ended with a reason."""

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from tests.support.any_guard import guess_at
from tests.support.desk import Desk, people

from idferry.rules.submission import key_of_person


@pytest.fixture
def locked(b2c_desk: Desk) -> Desk:
    b2c_desk.people("crm.jsonl", people(2))
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    guess_at(b2c_desk.folder / "idferry.guard", key_of_person("crm", "p1"))
    return b2c_desk


def test_locks_are_shown_to_people_and_scripts(locked: Desk) -> None:
    locks = locked.json("person", "P1@example.org")["locks"]
    assert list(locks) == ["failures", "last_at", "locked_until", "locked_addresses", "known_addresses"]
    assert (locks["failures"], locks["locked_addresses"], locks["known_addresses"]) == (30, 1, 1)
    until, last = (datetime.fromisoformat(locks[name]) for name in ("locked_until", "last_at"))
    assert until - last == timedelta(seconds=60)
    text = locked.ok("person", "p1@example.org").out
    assert "30 wrong passwords since the last success" in text
    assert f"until {until:%Y-%m-%d %H:%M:%S} UTC" in text
    assert "nothing was changed" not in text
    free = locked.json("person", "p0@example.org")["locks"]
    assert (free["failures"], free["last_at"], free["locked_until"]) == (0, None, None)


def test_unlocking_is_planned_then_done_for_a_reason_that_stays(locked: Desk) -> None:
    command = ("person", "p1@example.org", "--unlock", "--reason", "ticket 4711")
    planned = locked.json(*command)
    assert (planned["unlocked"], planned["locks"]["failures"]) == (False, 30)
    assert "add --execute" in locked.ok(*command).out
    done = locked.json(*command, "--execute")
    assert (done["unlocked"], done["locks"]["failures"], done["locks"]["locked_until"]) == (True, 0, None)
    assert [event["reason"] for event in done["events"] if event["kind"] == "unlocked"] == ["ticket 4711"]
    assert done["locks"]["known_addresses"] == 1
    assert "a lock of the legacy system stays" in locked.ok(*command, "--execute").out


VERIFIER = """
[[verifier]]
name = "old-shop"
kind = "web_service"
url = "http://127.0.0.1:9/check"
legacy_lockout = { threshold = 10, window_seconds = 600 }
"""


def test_serve_does_not_start_where_guesses_could_lock_people_in_the_legacy_system(b2c_desk: Desk) -> None:
    b2c_desk.people("crm.jsonl", people(1))
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    b2c_desk.write_settings(more=VERIFIER)
    serve = ("serve", "--insecure-loopback", "--port", "0", "--admin-port", "0", "--exit-with-parent")
    ended = b2c_desk.as_process(*serve)
    refused = ended.err
    assert (ended.code, "verifier old-shop" in refused) == (2, True), refused
    lines = [line.strip() for line in refused.splitlines()]
    proposal = lines[lines.index("[guard]") :]
    b2c_desk.write_settings(more="\n".join([VERIFIER, *proposal, ""]))
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-m", "idferry", *serve]
    with subprocess.Popen(command, cwd=b2c_desk.folder, text=True, **pipes) as started:
        assert started.stdout is not None
        first = started.stdout.readline()
        _, said = started.communicate(timeout=60)
    assert (started.returncode, bool(first)) == (0, True), said
    assert "at most 9 guesses at one name in 600 s" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("p1@example.org", "--unlock"), "needs --reason"),
        (("p1@example.org", "--unlock", "--reason", "  "), "needs --reason"),
        (("p1@example.org", "--reason", "why not"), "nothing is asked for"),
        (("p1@example.org", "--unlock", "--reason", "x" * 501), "longer than 500"),
        (("nobody@example.org", "--unlock", "--reason", "x", "--execute"), "knows nobody"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    locked: Desk, arguments: tuple[str, ...], message: str
) -> None:
    assert message in locked.ok("person", *arguments, code=2).err
    assert locked.json("person", "p1@example.org")["locks"]["failures"] == 30


def test_where_no_service_has_run_there_are_no_locks_and_no_file_is_made(b2c_desk: Desk) -> None:
    b2c_desk.people("crm.jsonl", people(1))
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    assert b2c_desk.json("person", "p0@example.org")["locks"] is None
    refused = b2c_desk.ok("person", "p0@example.org", "--unlock", "--reason", "x", "--execute", code=2)
    assert "no sign-in service" in refused.err
    assert not list(b2c_desk.folder.glob("*.guard*"))


def test_a_guard_that_cannot_be_read_is_told_with_what_to_do(locked: Desk) -> None:
    (locked.folder / "idferry.guard.key").unlink()
    ended = locked.ok("person", "p1@example.org", "--json", code=3)
    assert ended.error["code"] == "guard_unavailable"
    assert "backup" in ended.error["remedy"]
