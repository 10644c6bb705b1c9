"""Tenants to send to: the server with constant answers, and the settings file that leads the product there."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.constant_server import APP_ID
from benchmarks.measuring import part_of_ours
from idferry.cli.emulated_tenant import emulated_tenant

CONNECTIONS = 4  # the product's default
STOP_TIMEOUT_S = 10
# What no run of ours reaches: these benchmarks measure the client, `quota` measures the pacing.
UNTHROTTLED = """
[limits]
connections = {connections}
app_writes = 1_000_000_000
tenant_writes = 1_000_000_000
app_units = 1_000_000_000
"""


@dataclass(frozen=True, slots=True)
class ConstantTenant:
    """A running server with constant answers."""

    address: str

    def write_settings(self, folder: Path, *, connections: int = CONNECTIONS) -> None:
        """The settings file of a folder whose product sends here, and as fast as it can."""
        folder.mkdir(exist_ok=True)
        (folder / "idferry.toml").write_text(
            f"""project = "contoso"
[tenant]
kind = "b2c"
id = "11111111-2222-4333-8444-555555555555"
domain = "contoso.onmicrosoft.com"
authority = "{self.address}"
graph = "{self.address}"
extension_app_id = "{APP_ID}"
[[application]]
client_id = "99999999-8888-4777-8666-555555555555"
secret = "a-secret"
{UNTHROTTLED.format(connections=connections)}""",
            encoding="utf-8",
        )


@contextmanager
def constant_tenant(*, latency_ms: int = 0) -> Iterator[ConstantTenant]:
    """A server with constant answers in a process of its own; it ends with the block, and with this process."""
    command = part_of_ours("constant_server", str(latency_ms))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            port = int(process.stdout.readline()) if process.stdout else 0
            yield ConstantTenant(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)


@contextmanager
def large_emulated_tenant(folder: Path, *, people: int) -> Iterator[None]:
    """An emulated tenant with room for so many people that throttles nobody, and the settings file of a folder for it."""
    with (
        emulated_tenant("b2c") as ready,
        httpx2.Client(base_url=ready["control"], trust_env=False) as control,
    ):
        tenant = ready["tenants"][0]
        room = {"tenant_id": tenant["tenant_id"], "object_quota": 2 * people + 1000}
        control.post("/tenant", json=room).raise_for_status()
        settings = tenant["settings"] + UNTHROTTLED.format(connections=CONNECTIONS)
        (folder / "idferry.toml").write_text(settings, encoding="utf-8")
        yield
