"""Azurite's table service on loopback, started by the test that needs it: Microsoft's own imitation of Azure Storage."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".peers"
# The account that every Azurite has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_SECONDS_MAX = 30


def program() -> str | None:
    """Where Azurite is, if it is: what `.ci/run` installs, or any other on the path."""
    own = PEERS / "node_modules" / ".bin" / "azurite-table"
    return str(own) if own.exists() else shutil.which("azurite-table")


def connection_string(port: int) -> str:
    """How to reach it."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
        f"TableEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
    )


@contextmanager
def running_azurite(folder: Path) -> Iterator[str]:
    """Its connection string; skips loudly where it is not installed."""
    found = program()
    if found is None:
        pytest.skip(
            "NOT CHECKED HERE: the Azure Table as a status store needs Azurite (npm install --prefix .peers azurite)"
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [found, "--tableHost", "127.0.0.1", "--tablePort", str(port), "--location", str(folder)]
    command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield connection_string(port)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    for _ in range(START_SECONDS_MAX * 20):
        assert process.poll() is None, "Azurite ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("Azurite does not answer")
