"""Nobody looks into the running service: no core file is written, and its memory is closed to other processes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.service.test_over_sockets import project
from tests.support.service_process import RunningService, running_service

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="NOT CHECKED HERE: core files and /proc are a matter of Linux"
)

WITHOUT_POWERS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")
"""Root without its powers, which is what an ordinary account is to its own processes: the kernel then asks whether they
may be looked into at all."""
LOOK = """
import sys
pid, name = sys.argv[1:]
with open(f"/proc/{pid}/{name}", "rb") as file:
    if name == "mem":
        with open(f"/proc/{pid}/maps") as maps:
            first = next(line for line in maps if " rw-p " in line)
        file.seek(int(first.partition("-")[0], 16))
    file.read(64)
"""
SLEEPER = (sys.executable, "-c", "import time; print(flush=True); time.sleep(60)")
CORE_DUMPED = 0x80


@pytest.fixture
def unlimited_cores() -> Iterator[None]:
    """`ulimit -c unlimited`, as far as this machine grants it, for what is started meanwhile."""
    import resource  # Windows has none

    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.fixture
def service(tmp_path: Path, unlimited_cores: None) -> Iterator[RunningService]:
    project(tmp_path)
    with running_service(tmp_path, "--insecure-loopback", prefix=colleague()) as running:
        yield running


def colleague() -> Sequence[str]:
    """What another process of the same account is started with. Skips where root cannot lay its powers down."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip(
            "NOT CHECKED HERE: whether the service's memory is closed to its own account (no setpriv)"
        )
    return WITHOUT_POWERS


def looks_in(pid: int, name: str) -> bool:
    """Whether somebody of the same account reads this file of the process."""
    command = [*colleague(), sys.executable, "-c", LOOK, str(pid), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "PermissionError" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("name", ["mem", "environ", "auxv"])
def test_d4_memory_is_closed_even_to_the_same_account(service: RunningService, name: str) -> None:
    with subprocess.Popen([*colleague(), *SLEEPER], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        is_open = looks_in(other.pid, name)
        other.kill()
    assert is_open, "an ordinary process is open, or this test proves nothing"
    assert not looks_in(service.process.pid, name)


def test_d4_a_crash_leaves_no_core_file(service: RunningService, tmp_path: Path) -> None:
    pid = service.process.pid
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    [core] = [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core == ["0", "0"]
    # What belongs to a process that is not dumpable belongs to root, whoever runs it.
    assert Path(f"/proc/{pid}/environ").stat().st_uid == 0
    os.kill(pid, signal.SIGABRT)
    _, status = os.waitpid(pid, 0)
    service.process.returncode = -signal.SIGABRT  # it was waited for behind its back
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not status & CORE_DUMPED
    assert [one.name for one in tmp_path.iterdir() if "core" in one.name] == []
