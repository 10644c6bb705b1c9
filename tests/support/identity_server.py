"""A real identity server of somebody else's on loopback: oidc-provider, started by the test that needs it."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".peers"
SCRIPT = Path(__file__).with_name("identity_server.mjs")


@dataclass(frozen=True)
class IdentityServer:
    """`token_url`: its token endpoint."""

    token_url: str
    root: str

    def seen(self) -> list[dict[str, Any]]:
        """What the password grant was asked for, as the server understood it."""
        answer = httpx2.get(f"{self.root}/seen", trust_env=False).raise_for_status()
        found: list[dict[str, Any]] = json.loads(answer.content)["seen"]
        return found


@contextmanager
def running_identity_server() -> Iterator[IdentityServer]:
    """The server; skips loudly where it is not installed."""
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules" / "oidc-provider").is_dir():
        pytest.skip(
            "NOT CHECKED HERE: the password grant needs node and oidc-provider (npm install --prefix .peers oidc-provider)"
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [node, str(SCRIPT), str(PEERS), str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NODE_ENV": "development"},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n", "the identity server does not start"
        root = f"http://localhost:{port}"
        yield IdentityServer(f"{root}/token", root)
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()
