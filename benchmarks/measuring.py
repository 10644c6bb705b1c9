"""Running a program and saying what it took: seconds, CPU seconds, and its peak memory.

A process inherits the peak of the one that starts it (Linux keeps it over exec), so a small one starts the program.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

REPETITIONS = 3
MIB = 1024 * 1024

_LAUNCHER = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
seconds = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"code": done.returncode, "seconds": seconds, "cpu_s": usage.ru_utime + usage.ru_stime,
                  "peak_bytes": peak, "output": done.stdout.decode()}))
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run of a program took. `peak_bytes`: of its largest process; `output`: its standard output."""

    seconds: float
    cpu_s: float
    peak_bytes: int
    output: str

    @property
    def peak_mib(self) -> float:
        """The peak in MiB."""
        return self.peak_bytes / MIB


def taken_by(command: Sequence[str], *, folder: Path) -> Taken:
    """Run a program in a folder. Raises RuntimeError when it fails."""
    launcher = [sys.executable, "-S", "-c", _LAUNCHER, *command]
    launched = subprocess.run(launcher, cwd=folder, stdout=subprocess.PIPE, check=True)
    facts = json.loads(launched.stdout)
    if facts.pop("code"):
        raise RuntimeError(f"{' '.join(command)} failed")
    return Taken(**facts)


def product(*arguments: str) -> list[str]:
    """The command line of the product under test."""
    return [sys.executable, "-m", "idferry", *arguments]


def part_of_ours(module: str, *arguments: str) -> list[str]:
    """The command line of a module of this package that runs in a process of its own."""
    # By its path: the folder that a benchmark runs in knows nothing of this package.
    return [sys.executable, str(Path(__file__).parent / f"{module}.py"), *arguments]


def interleaved(*measures: Callable[[], Taken], repetitions: int = REPETITIONS) -> list[Taken]:
    """The best (least CPU) run of each, measured in turns, so that a busy minute hurts all of them alike."""
    rounds = [[measure() for measure in measures] for _ in range(repetitions)]
    return [min(runs, key=lambda taken: taken.cpu_s) for runs in zip(*rounds, strict=True)]


def cpu_s_of(process_id: int) -> float:
    """User and system time of a process so far, in seconds; Linux only, as the other figures of processes are."""
    if sys.platform != "linux":
        raise RuntimeError("the CPU time of another process is read from /proc")
    import os

    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
