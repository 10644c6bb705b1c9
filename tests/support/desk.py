"""An operator's desk: a folder with settings and exports, and the real command line, in this process or in its own.

In this process (`run`) a command takes milliseconds; `start` pays for a new interpreter where only that is a proof.
"""

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from tests.support.emulator import EmulatedTenant

from idferry.cli.app import run as run_command_line

COMMAND_SECONDS_MAX = 120
COMPANY = files("idferry") / "cli" / "demo_company"
PASSWORD = "Sunny-Meadow-{}!"
PREMIGRATE: Sequence[str] = ("premigrate", "people.jsonl", "--execute")
QUICK = {"settle_seconds": 1, "timeout_seconds": 20}


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed: one document on one line, and nothing else."""
        assert self.out.count("\n") == 1, self.out
        return dict(json.loads(self.out))

    @property
    def error(self) -> dict[str, str]:
        """The error of `--json`."""
        return dict(self.document["error"])


class Started(subprocess.Popen[str]):
    """A process that ends with its block: whatever goes wrong in it, nobody waits for a command that may go on for ever.

    One that was left behind would be told of later, in the middle of somebody else's test.
    """

    def __exit__(self, kind: type[BaseException] | None, *more: Any) -> None:
        """Kill it where the block failed, then wait for its end."""
        if kind:
            self.kill()
        super().__exit__(kind, *more)


@dataclass
class Desk:
    """A folder with idferry.toml for this tenant. `limits` are short waits unless told otherwise; `address` stands in
    the place of the tenant's own, for a gateway before it.
    """

    folder: Path
    tenant: EmulatedTenant
    limits: Mapping[str, int] = field(default_factory=QUICK.copy)
    address: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_settings()

    @property
    def settings_file(self) -> Path:
        return self.folder / "idferry.toml"

    @property
    def ledger(self) -> Path:
        return self.folder / "idferry.ledger"

    @property
    def export(self) -> Path:
        """The export of the source `people`, which PREMIGRATE names."""
        return self.folder / "people.jsonl"

    def write_settings(self, *, more: str = "", **replaced: str) -> None:
        """The tenant's own settings with our limits; `replaced` gives `old="new"` for settings by their name."""
        text = self.tenant.settings
        if self.address:
            text = text.replace(self.tenant.graph_https, self.address)
        text += "\n[limits]\n" + "".join(f"{name} = {value}\n" for name, value in self.limits.items())
        for name, value in replaced.items():
            lines = [
                f"{name} = {value}" if line.startswith(f"{name} = ") else line for line in text.splitlines()
            ]
            assert lines != text.splitlines(), f"there is no {name} in the settings"
            text = "\n".join(lines) + "\n"
        self.settings_file.write_text(text + more, encoding="utf-8")

    def demo_file(self, name: str) -> Path:
        """A copy of one of the demo company's files."""
        with as_file(COMPANY / name) as original:
            return self.file(name, original.read_bytes())

    def file(self, name: str, content: bytes | str) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def people(self, name: str, records: Iterable[Mapping[str, Any]]) -> Path:
        """A JSON Lines export."""
        return self.file(name, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records))

    def run(self, *arguments: object) -> Ended:
        """One command in this process and this folder."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run_command_line([str(one) for one in arguments])
        return Ended(code, out.getvalue(), err.getvalue())

    def ok(self, *arguments: object, code: int = 0) -> Ended:
        """`run`, and the exit code is the expected one."""
        ended = self.run(*arguments)
        assert ended.code == code, f"{arguments}: {ended.code}\n{ended.err}\n{ended.out}"
        return ended

    def json(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        """The document of `--json`."""
        return self.ok(*arguments, "--json", code=code).document

    def start(self, *arguments: object, **more: Any) -> "Started":
        """One command as a process of its own, with pipes; to be used as a block, which it does not outlive."""
        return Started(
            [sys.executable, "-m", "idferry", *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **{"encoding": "utf-8", **more},
        )

    def as_process(self, *arguments: object, **more: Any) -> Ended:
        """`start`, and wait for its end."""
        with self.start(*arguments, **more) as process:
            out, err = process.communicate(timeout=COMMAND_SECONDS_MAX)
        return Ended(process.returncode, out, err)

    def ledger_files(self) -> dict[str, str]:
        """Name -> digest of everything that belongs to the ledger and holds something.

        SQLite's own index file and an empty log come and go with every reader.
        """
        found = [path for path in sorted(self.folder.glob("idferry.ledger*")) if path.stat().st_size]
        kept = [path for path in found if not path.name.endswith("-shm")]
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def people(count: int, *, prefix: str = "p", passwords: bool = True) -> Iterator[dict[str, Any]]:
    """So many plain people with keys `<prefix>0`, `<prefix>1`..."""
    for number in range(count):
        key = f"{prefix}{number}"
        person = {"key": key, "signInName": f"{key}@example.org", "displayName": f"Person {key}"}
        # Not with the key: a password that holds the sign-in name is a weak one.
        yield {**person, "password": PASSWORD.format(number)} if passwords else person


@contextlib.contextmanager
def environment(**variables: str | None) -> Iterator[None]:
    """Environment variables for a while; None unsets one."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
