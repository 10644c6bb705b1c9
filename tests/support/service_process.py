"""Starts `idferry serve` as its users do, on free ports of this machine, and ends it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STOP_TIMEOUT_S = 30


@dataclass
class RunningService:
    """A started service. `mtls` is empty where it does not listen; `log_file` holds what it logged."""

    process: "subprocess.Popen[bytes]"
    address: str
    admin: str
    mtls: str
    log_file: Path

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log_file.read_bytes().splitlines()]

    def stop(self) -> int:
        """Ask it to end as a system does; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=STOP_TIMEOUT_S)


@contextmanager
def running_service(folder: Path, *options: str, prefix: Sequence[str] = ()) -> Iterator[RunningService]:
    """The service of the settings in this folder, until the block ends; `prefix` is what starts it, such as a tracer."""
    log_file = folder / "service.log"
    command = [*prefix, sys.executable, "-m", "idferry", "serve", "--json", "--exit-with-parent"]
    command += ["--port", "0", "--admin-port", "0", *options]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line, log_file.read_text(encoding="utf-8")
        told = json.loads(line)
        assert "error" not in told, told
        yield RunningService(process, told["service"], told["admin"], told.get("mtls", ""), log_file)
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=STOP_TIMEOUT_S)


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
