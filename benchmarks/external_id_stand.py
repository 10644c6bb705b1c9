"""A service that External ID calls, a Graph beside it, and calls: each in a process of its own.

with running_accounts(requests) as graph:
    requests.write_settings(graph)
    with running_service(folder) as service:
        called = load(service, requests, rate=50.0, count=200)
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.external_id_requests import Requests
from benchmarks.measuring import part_of_ours


@dataclass(frozen=True, slots=True)
class Called:
    """What became of one call: when it was due, how long after that it left, was answered (inf: never), and what with."""

    due_s: float
    left_s: float
    took_s: float
    status: int
    action: str

    @property
    def is_welcome(self) -> bool:
        """The right password was called right."""
        return self.action == "MigratePassword"


@dataclass(frozen=True, slots=True)
class Served:
    """A running service."""

    address: str
    process_id: int


def load(
    service: Served, requests: Requests, *, rate: float, count: int, then: tuple[float, int] = (1.0, 0)
) -> Sequence[Called]:
    """So many calls at this rate, and `then` so many more at another one."""
    stretches = [str(one) for one in (rate, count, *then)]
    first = str(requests.take(count + then[1]))
    command = part_of_ours("due_calls", service.address, str(requests.file), first, *stretches)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return [Called(**one) for one in json.loads(done.stdout)]


@contextmanager
def running_accounts(requests: Requests) -> Iterator[str]:
    """The address of a Graph that shows everybody's account, and of a key set."""
    command = part_of_ours("account_server", str(requests.key_set))
    with _started(command, requests.key_set.parent) as (line, _):
        yield f"http://127.0.0.1:{line}"


@contextmanager
def running_service(
    folder: Path, *, legacy_seconds: float = 0.0, asks_graph: bool = True
) -> Iterator[Served]:
    """The service of the settings in this folder; see `external_id_server` for what is replaced."""
    graph = "asked" if asks_graph else "stand-in"
    command = part_of_ours("external_id_server", str(legacy_seconds), graph)
    with _started(command, folder) as (line, process_id):
        yield Served(json.loads(line)["service"], process_id)


@contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator[tuple[str, int]]:
    """What a program says first, and its id; it ends with the block."""
    log = (folder / "server.log").open("ab")
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    try:
        line = process.stdout.readline().decode().strip() if process.stdout else ""
        if not line:
            raise RuntimeError(f"{command[1]} did not start")
        yield line, process.pid
    finally:
        process.terminate()
        process.communicate()
        log.close()
