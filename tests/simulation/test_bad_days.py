"""Days on which the machine, the network or the operator gets in the way: stop with a sentence, lose nobody, continue.

Each story is told to its end: after the mishap the same command runs again and the oracle judges.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest
from tests.support.desk import PREMIGRATE, Desk, Ended, Started
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.forked_product import forked_product
from tests.support.gateway import Gateway, gateway
from tests.support.oracle import Truth, check, read_ledger
from tests.support.population import population, write_json_lines

pytestmark = [
    pytest.mark.xdist_group("heavy"),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits, users and signals"),
]

PEOPLE = 1_500  # more than what a stop may still send: intents of 32 chunks
NOBODY = 65_534
CALL_MS = 150.0


@pytest.fixture
def tenant(emulator: Emulator) -> EmulatedTenant:
    return emulator.tenant("b2c")


@pytest.fixture
def truth(seed: int) -> Truth:
    return Truth(population(PEOPLE, seed=seed))


@pytest.fixture
def desk(tenant: EmulatedTenant, truth: Truth, tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "work", tenant, limits={})
    write_json_lines(truth.people, desk.export)
    return desk


@pytest.fixture
def slowly(emulator: Emulator) -> None:
    """Calls take their time, so that "in the middle" lasts a second or two."""
    emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": CALL_MS})


def assert_stopped(finished: Ended, code: str, *, exit_code: int = 3) -> None:
    """One error with what to do about it, on both ways of telling, and no traceback."""
    assert finished.code == exit_code, (finished.out, finished.err)
    assert f"({code})" in finished.err
    assert "what to do" in finished.err
    assert "Traceback" not in finished.err + finished.out
    if finished.out.startswith("{"):
        assert finished.document["error"]["code"] == code


def finish(desk: Desk, truth: Truth, emulator: Emulator, tenant: EmulatedTenant) -> None:
    emulator.faults()
    again = desk.as_process(*PREMIGRATE, "--json")
    assert again.code == 0, again.err
    check(truth, emulator, tenant, desk, unclear_may_be_lost=True)


@contextlib.contextmanager
def started_with_accounts(desk: Desk, emulator: Emulator) -> Iterator[Started]:
    """A run in the middle: somebody has been sent."""
    with desk.start(*PREMIGRATE, "--json") as process:
        deadline = time.monotonic() + 30
        while not emulator.counts()["received"].get("users.create"):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield process


# --- the ledger's disk ------------------------------------------------------------------------------------------------


def _files_at_most(size: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return limit


def test_full_disk_at_any_moment_stops_and_continues(
    emulator: Emulator, tenant: EmulatedTenant, truth: Truth, desk: Desk
) -> None:
    """A file may grow a little more each time, so that the disk is full earlier and later in the same run."""
    stopped_at: list[int] = []
    size = 40 * 1024
    while True:
        finished = desk.as_process(*PREMIGRATE, "--json", preexec_fn=_files_at_most(size))
        if finished.code == 0:
            break
        assert_stopped(finished, "ledger_unwritable")
        stopped_at.append(len(emulator.dump(tenant)))
        size = int(size * 1.5)
        assert size < 64 * 1024 * 1024
    print(f"accounts when the disk was full: {stopped_at}")  # noqa: T201
    assert 0 in stopped_at, "the disk was never full before the first account"
    assert any(0 < accounts < PEOPLE for accounts in stopped_at), "the disk was never full in the middle"
    finish(desk, truth, emulator, tenant)


@contextlib.contextmanager
def _read_only(desk: Desk) -> Iterator[None]:
    modes = {path: path.stat().st_mode for path in (*desk.folder.iterdir(), desk.folder)}
    for path in modes:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.fixture
def open_way(tmp_path: Path) -> None:
    """pytest's folders are private; another user must be able to walk through them."""
    ours = (folder for folder in (tmp_path, *tmp_path.parents) if folder.stat().st_uid == os.geteuid())
    for folder in takewhile(lambda folder: folder != Path(tempfile.gettempdir()), ours):
        folder.chmod(folder.stat().st_mode | 0o011)


@pytest.mark.usefixtures("open_way")
def test_read_only_folder_stops_before_anything_is_sent(
    emulator: Emulator, tenant: EmulatedTenant, truth: Truth, desk: Desk
) -> None:
    ca_file = desk.folder / "ca.pem"
    ca_file.write_bytes(Path(tenant.ca_file).read_bytes())
    settings = desk.folder / "idferry.toml"
    settings.write_text(settings.read_text().replace(tenant.ca_file, "ca.pem"))
    with forked_product() as product, _read_only(desk):
        somebody = 0 if os.geteuid() else NOBODY  # root may write everywhere
        finished = product.run(desk, *PREMIGRATE, "--json", user=somebody)
    assert_stopped(finished, "ledger_unwritable")
    assert emulator.dump(tenant) == []
    finish(desk, truth, emulator, tenant)


@pytest.mark.usefixtures("slowly")
def test_second_run_is_refused_while_the_first_goes_on(
    emulator: Emulator, tenant: EmulatedTenant, truth: Truth, desk: Desk
) -> None:
    with started_with_accounts(desk, emulator) as first:
        first.send_signal(signal.SIGSTOP)  # so that it cannot be done before the second one has looked
        assert_stopped(desk.as_process(*PREMIGRATE, "--json"), "ledger_busy", exit_code=2)
        first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert json.loads(out)["states"]
    check(truth, emulator, tenant, desk)


# --- the operator -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_in_the_middle_stops_cleanly_and_the_same_command_continues(
    emulator: Emulator, tenant: EmulatedTenant, truth: Truth, desk: Desk, number: signal.Signals
) -> None:
    with started_with_accounts(desk, emulator) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    stopped = Ended(process.returncode, out, err)
    assert_stopped(stopped, "stopped")
    assert "again" in stopped.document["error"]["remedy"]
    assert 0 < len(emulator.dump(tenant)) < PEOPLE
    # Calls that were announced and not yet sent are withdrawn; those that left were waited for.
    assert read_ledger(desk.ledger).unheard == 0
    finish(desk, truth, emulator, tenant)


@pytest.mark.usefixtures("slowly")
def test_a_second_signal_ends_at_once_and_the_same_command_continues(
    emulator: Emulator, tenant: EmulatedTenant, truth: Truth, desk: Desk
) -> None:
    emulator.faults({"operation": "batch", "kind": "slow", "delay_ms": 5_000})
    with desk.start(*PREMIGRATE) as process:
        assert process.stderr is not None
        _read_until(process.stderr, " run ")
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _read_until(process.stderr, "stopping")
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 4.5
    assert_stopped(Ended(process.returncode, out, err), "stopped")
    finish(desk, truth, emulator, tenant)


def _read_until(stream: IO[str], word: str) -> None:
    assert any(word in line for line in stream), f"it ended without saying {word!r}"


# --- the network ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("back_after_s", [0.0, 0.4])
def test_directory_gone_in_the_middle(
    emulator: Emulator, tenant: EmulatedTenant, truth: Truth, tmp_path: Path, back_after_s: float
) -> None:
    """Gone for good: exit code 3 and `unreachable`. Back in time: the run goes on by itself."""
    port = urlsplit(tenant.graph_https).port
    assert port
    with gateway(port) as way, forked_product() as product:
        address = f"https://localhost:{way.port}"
        desk = Desk(tmp_path / "work", tenant, limits={}, address=address)
        write_json_lines(truth.people, desk.export)
        breaker = threading.Thread(target=_break, args=(way, emulator, back_after_s))
        breaker.start()
        finished = product.run(desk, *PREMIGRATE, "--json", speed=40.0)
        breaker.join()
        if back_after_s:
            assert finished.code == 0, finished.err
            check(truth, emulator, tenant, desk, unclear_may_be_lost=True)
            return
        assert_stopped(finished, "unreachable")
        assert 0 < len(emulator.dump(tenant)) < PEOPLE
        way.open()
        finish(desk, truth, emulator, tenant)


def _break(way: Gateway, emulator: Emulator, back_after_s: float) -> None:
    while not emulator.counts()["received"].get("users.create"):
        time.sleep(0.01)
    way.shut()
    if back_after_s:
        time.sleep(back_after_s)
        way.open()
