"""Processes that die: nothing is lost that the ledger said was done, and nobody is locked out afterwards."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.any_ledger import counting_bytes, people, plan
from tests.support.ledger_process import FILE_BYTES_MAX
from tests.support.ledger_records import AT, PROJECT, TENANT, in_order, wanted

from idferry.errors import LedgerBusy
from idferry.ledger import Ledger, open_ledger, run_lock
from idferry.rules.lifecycle import State


def opened(path: Path) -> Ledger:
    return open_ledger(path, tenant_id=TENANT, project=PROJECT, random_bytes=counting_bytes(), at=AT)


@contextmanager
def process(what: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.support.ledger_process", what, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def test_a_run_lock_is_held_across_processes_and_ends_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "contoso.ledger"
    with process("hold", path) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LedgerBusy), run_lock(path):
            pass
        holder.kill()
        holder.wait()
        with run_lock(path):
            pass


def test_a_run_lock_is_held_within_a_process_too(tmp_path: Path) -> None:
    path = tmp_path / "contoso.ledger"
    with run_lock(path), pytest.raises(LedgerBusy), run_lock(path):
        pass
    with run_lock(path):
        pass


@pytest.mark.parametrize("lines_before_the_kill", [1, 2, 7, 40])
def test_what_a_turn_returned_for_survives_a_kill(tmp_path: Path, lines_before_the_kill: int) -> None:
    path = tmp_path / "contoso.ledger"
    with opened(path) as ledger:
        plan(ledger, *in_order(*(wanted(str(n), f"p{n}@x.org") for n in range(500))))
    said: dict[int, State] = {}
    with process("turns", path) as worker:
        assert worker.stdout
        for _ in range(lines_before_the_kill):
            said.update(told(worker.stdout.readline()))
        worker.kill()
        for line in worker.stdout:
            said.update(told(line))
    with opened(path) as ledger:
        states = {entry.person_id: entry.state for entry in people(ledger)}
        events = {entry.person_id: len(ledger.report.events(entry.person_id)) for entry in people(ledger)}
    assert len(states) == 500
    further = [one for one in states if states[one] is not said.get(one, State.PLANNED)]
    assert len(further) <= 1  # one turn may have been on disk before it could say so
    count = {State.PLANNED: 0, State.CREATING: 1, State.COMPLETE: 2}
    assert all(events[one] == count[state] for one, state in states.items())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes")
def test_a_disk_that_takes_no_more_is_told_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "contoso.ledger"
    with process("fill", path) as worker:
        assert worker.stdout
        number, code = worker.stdout.readline().split()
        worker.wait()
    assert code == "ledger_unwritable"
    assert path.stat().st_size <= FILE_BYTES_MAX
    with opened(path) as ledger:
        assert len(people(ledger)) == int(number)


def told(line: str) -> dict[int, State]:
    if not line.endswith("\n"):
        return {}
    person_id, state = line.split()
    return {int(person_id): State(state)}
