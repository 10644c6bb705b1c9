"""The product as its users run it: a folder with settings and an export, and the real command line in a process."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.emulator import EmulatedTenant

COMMAND_SECONDS_MAX = 120


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed."""
        return dict(json.loads(self.out))


@dataclass(frozen=True)
class Workspace:
    """A folder with `idferry.toml`; the ledger will stand beside it."""

    folder: Path

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / "idferry.ledger"

    @property
    def export(self) -> Path:
        """The export of the source `people`."""
        return self.folder / "people.jsonl"

    def run(self, *arguments: str, **more: Any) -> Finished:
        """Run one command to its end; `more` goes to Popen."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=COMMAND_SECONDS_MAX)
        return Finished(process.returncode, out, err)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start one command; standard output and error are pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "idferry", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )


PREMIGRATE: Sequence[str] = ("premigrate", "people.jsonl", "--execute")


def make_workspace(
    folder: Path,
    tenant: EmulatedTenant,
    *,
    limits: Mapping[str, int] | None = None,
    address: str = "",
) -> Workspace:
    """A folder ready to work with this tenant; `address` stands in its place, for a gateway before it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = tenant.settings.replace(tenant.graph_https, address) if address else tenant.settings
    if limits:
        settings += "\n[limits]\n" + "".join(f"{name} = {value}\n" for name, value in limits.items())
    (folder / "idferry.toml").write_text(settings, encoding="utf-8")
    return Workspace(folder)
