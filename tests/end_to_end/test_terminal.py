"""What a person sees: pages that fit the terminal, progress on a terminal and plain lines in a pipe, a clean Ctrl-C."""

import contextlib
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.desk import Desk, environment, people
from tests.support.emulator import Emulator
from tests.support.terminal import CTRL_C, Terminal, shown

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="NOT CHECKED HERE: output on a terminal needs a POSIX pseudo-terminal"
)

SLOW = {"operation": "batch", "kind": "slow", "delay_ms": 500}
VERY_SLOW = {"operation": "batch", "kind": "slow", "delay_ms": 10_000}
MANY = 300
CROWD = 999  # more than are under way at once
PAGES = (
    ("survey", "people.jsonl"),
    ("premigrate", "people.jsonl"),
    ("premigrate", "people.jsonl", "--execute"),
    ("status",),
    ("verify", "--source", "people.jsonl"),
    ("find", "--sign-in-name", "tomas+birds@example.com"),
    ("find", "--display-name", "田中 さくら"),
    ("person", "siobhan.o'neill@example.org"),
    ("remove", "--source", "people"),
    ("remove", "--source", "people", "--execute"),
    ("restore", "--source", "people"),
    ("purge", "--source", "people"),
    ("premigrate", "nowhere.jsonl"),
    ("premigrate", "people.jsonl", "--only", "nonsense"),
)


@pytest.mark.parametrize(("columns", "pages"), [(80, PAGES), (120, PAGES[2:5])], ids=["80", "120"])
def test_every_page_fits_the_terminal(
    b2c_desk: Desk, emulator: Emulator, columns: int, pages: tuple[tuple[str, ...], ...]
) -> None:
    """Nothing is wider than the terminal, and nothing trails."""
    desk = b2c_desk
    desk.demo_file("people.jsonl")
    emulator.seed(desk.tenant, [desk.tenant.local_account("li.wei@example.net")])
    for page in pages:
        seen = shown(desk.folder, *page, columns=columns)
        assert seen.code in (0, 1, 2), seen.text
        assert seen.too_wide == [], page
        last = seen.raw.rpartition("\x1b[2K")[2]  # behind the last redrawing of a progress bar
        trailing = [
            line for line in re.sub(r"\x1b\[[0-9;]*m", "", last).split("\r\n") if line != line.rstrip()
        ]
        assert trailing == [], page


@pytest.mark.parametrize("columns", [80, 120])
def test_help_fits_the_terminal_and_shows_an_example(b2c_desk: Desk, columns: int) -> None:
    overview = shown(b2c_desk.folder, "--help", columns=columns)
    assert overview.too_wide == []
    commands = re.findall(r"(?m)^  ([a-z]+)  +[A-Z]", overview.text.partition("Commands:")[2])
    assert {"init", "survey", "premigrate", "status", "verify", "find", "person", "remove"} <= set(commands)
    for command in commands:
        assert re.search(rf"(?m)^    idferry {command}\b", overview.text), f"no example of {command}"
    page = shown(b2c_desk.folder, "premigrate", "--help", columns=columns)
    assert page.too_wide == []
    assert re.search(r"(?m)^  Example: idferry premigrate .*--execute$", page.text)


def test_a_terminal_gets_a_bar_with_rate_and_time_left(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(MANY))
    emulator.faults(SLOW)
    seen = shown(b2c_desk.folder, "premigrate", "crm.jsonl", "--execute", columns=80)
    assert seen.code == 0
    assert seen.too_wide == []
    bars = [line for line in seen.lines if line.startswith("creating ")]
    assert any("━" in line and re.search(rf"\d+/{MANY} [\d.,]+/s, \d+ s left", line) for line in bars), bars
    assert re.search(rf"created +{MANY}", seen.text)


def test_a_terminal_is_told_that_the_directory_makes_us_wait(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(60))
    emulator.faults({"operation": "users.create", "status": 429, "count": 8, "retry_after": "2"})
    seen = shown(b2c_desk.folder, "premigrate", "crm.jsonl", "--execute", columns=80)
    assert seen.code == 0
    assert seen.too_wide == []
    assert "for the directory" in seen.text
    assert len(emulator.dump(b2c_desk.tenant)) == 60


def test_a_pipe_gets_plain_lines(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(60))
    emulator.faults(SLOW)
    ended = b2c_desk.as_process("premigrate", "crm.jsonl", "--execute")
    assert ended.code == 0
    assert "\x1b" not in ended.out + ended.err
    assert "\r" not in ended.out + ended.err
    assert "━" not in ended.err
    assert re.search(r"(?m)^starting run \S+: 60 people to create$", ended.err)
    assert re.search(r"(?m)^60 of 60 settled, [\d.,]+/s$", ended.err)
    assert all(line == line.rstrip() for line in ended.out.splitlines())


def test_json_goes_alone_to_standard_output(b2c_desk: Desk) -> None:
    b2c_desk.people("crm.jsonl", people(3))
    ended = b2c_desk.as_process("premigrate", "crm.jsonl", "--execute", "--json")
    assert ended.document["states"] == {"complete": 3}
    assert ended.err == ""


# stopping ---------------------------------------------------------------------------------------------------------


def test_ctrl_c_stops_cleanly_and_the_same_command_continues(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(CROWD))
    emulator.faults(SLOW)
    command = ("premigrate", "crm.jsonl", "--execute")
    terminal = Terminal(b2c_desk.folder, command, columns=80)
    terminal.read_until("starting run", also=lambda text: " s left" in text)
    terminal.type(CTRL_C)
    stopped = terminal.end()
    assert stopped.code == 3
    assert "waiting for what is under way" in stopped.text
    assert "error (stopped): " in stopped.text
    assert "Run the same command again: it continues." in stopped.text
    assert stopped.too_wide == []
    states = b2c_desk.json("status")["states"]
    assert 0 < states["complete"] < CROWD
    assert states.get("creating", 0) == 0, "answers that were under way were waited for"
    assert len(emulator.dump(b2c_desk.tenant)) == states["complete"]
    emulator.faults()
    continued = shown(b2c_desk.folder, *command, columns=80)
    assert continued.code == 0
    run = re.search(r"starting run (\S+)", stopped.text)
    assert run
    assert f"continuing run {run[1]}" in continued.text
    assert re.search(rf"created +{CROWD - states['complete']}\n", continued.text), "this process"
    assert re.search(rf"run so far +{CROWD}  complete {CROWD}\n", continued.text), "and those before it"
    assert "run so far" not in stopped.text
    assert b2c_desk.json("status")["states"] == {"complete": CROWD}
    assert len(emulator.dump(b2c_desk.tenant)) == CROWD
    assert b2c_desk.json("verify", "--source", "crm.jsonl")["differences"] == 0


def test_a_second_ctrl_c_ends_at_once_and_loses_nobody(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(60))
    emulator.faults(VERY_SLOW)
    command = ("premigrate", "crm.jsonl", "--execute")
    terminal = Terminal(b2c_desk.folder, command, columns=80)
    terminal.read_until("starting run", also=lambda text: "0/60" in text)
    terminal.type(CTRL_C)
    terminal.read_until("again to end at once")
    terminal.type(CTRL_C)
    ended = terminal.end()
    assert ended.code == 3
    assert "error (stopped): " in ended.text
    assert "Traceback" not in ended.text
    emulator.faults()
    b2c_desk.ok(*command)
    assert len(emulator.dump(b2c_desk.tenant)) == 60
    assert b2c_desk.json("verify", "--source", "crm.jsonl")["differences"] == 0


def _read_until(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stderr
    while words not in process.stderr.readline():
        assert process.poll() is None


def test_sigterm_stops_cleanly_too(b2c_desk: Desk, emulator: Emulator) -> None:
    b2c_desk.people("crm.jsonl", people(MANY))
    emulator.faults(SLOW)
    with b2c_desk.start("premigrate", "crm.jsonl", "--execute") as process:
        _read_until(process, "starting run")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert out == ""
    assert "error (stopped): " in err
    emulator.faults()
    b2c_desk.ok("premigrate", "crm.jsonl", "--execute")
    assert len(emulator.dump(b2c_desk.tenant)) == MANY


def test_ctrl_c_is_heard_while_the_tenant_holds_back_the_first_question(
    b2c_desk: Desk, emulator: Emulator
) -> None:
    b2c_desk.people("crm.jsonl", people(60))
    emulator.faults(VERY_SLOW)
    command = ("premigrate", "crm.jsonl", "--execute")
    with b2c_desk.start(*command) as process:
        _read_until(process, "starting run")
        while "creating" not in b2c_desk.json("status")["states"]:
            assert process.poll() is None
        process.kill()
    emulator.faults({"operation": "batch", "kind": "status", "status": 429, "retry_after": "600"})
    with b2c_desk.start(*command) as process:
        _read_until(process, "continuing run")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "error (stopped): " in err


@pytest.mark.skipif(sys.platform != "linux", reason="NOT CHECKED HERE: which files without a name are open")
@pytest.mark.parametrize("command", ["survey", "premigrate"])
@pytest.mark.parametrize(("how", "code"), [("SIGTERM", 3), ("SIGKILL", -9)])
def test_nothing_stays_of_the_scratch_ledger_however_the_command_ends(
    b2c_desk: Desk, command: str, how: str, code: int
) -> None:
    """It holds everybody's names: a look at an export must leave nothing in the folder for temporary files."""
    b2c_desk.people("crm.jsonl", people(100_000))
    scratch = b2c_desk.folder / "temporary"
    scratch.mkdir()
    here = environment(TMPDIR=str(scratch), SQLITE_TMPDIR=str(scratch))
    with here, b2c_desk.start(command, "crm.jsonl") as process:
        while not _holds_a_file_in(scratch, process.pid):
            assert process.poll() is None
        assert list(scratch.iterdir()) == []
        process.send_signal(signal.Signals[how])
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    assert ("error (stopped): " in err) is (how == "SIGTERM")
    assert list(scratch.iterdir()) == []


def _holds_a_file_in(folder: Path, process_id: int) -> bool:
    """Whether a process has a file open in a folder, even one that has no name any more."""
    for one in Path(f"/proc/{process_id}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed between the listing and the reading
            if str(folder) in str(one.readlink()):
                return True
    return False


def test_ctrl_c_outside_of_a_run(b2c_desk: Desk) -> None:
    b2c_desk.people("crm.jsonl", people(200_000))
    terminal = Terminal(b2c_desk.folder, ("survey", "crm.jsonl"), columns=80)
    terminal.read_until("planning", also=lambda text: re.search(r"\d,\d00 ", text) is not None)
    terminal.type(CTRL_C)
    ended = terminal.end()
    assert ended.code == 3
    assert "error (stopped): " in ended.text
    assert "Traceback" not in ended.text
