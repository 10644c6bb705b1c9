"""The other end of `service_driver`: `idferry serve` on a port of its own that is killed and comes again, in milliseconds.

with forked_services() as services:
    service = services.of(folder, "--insecure-loopback")
    service.start(Point("call", "sent", 3, method="PATCH"))
    ...
    service.kill()
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support.crash_driver import Order
from tests.support.interference import Point
from tests.support.service_process import free_port

REPOSITORY = Path(__file__).parents[2]
READY_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.003


class ForkedServices:
    """Forks services out of one driver process."""

    def __init__(self, process: subprocess.Popen[str], output: Path) -> None:
        self._process = process
        self._output = output
        self._made = 0

    def of(self, folder: Path, *options: str, port: int = 0) -> "ForkedService":
        """A service of the settings in this folder, not yet started. It keeps its port."""
        self._made += 1
        output = self._output / str(self._made)
        output.mkdir()
        return ForkedService(self, folder, output, options, port or free_port())

    def ask(self, **order: Any) -> int:
        """One order and its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the driver ended; its error is above"
        return int(answer)


@dataclass
class ForkedService:
    """One service and its successors. `pid` 0: none runs."""

    driver: ForkedServices
    folder: Path
    output: Path
    options: tuple[str, ...]
    port: int
    pid: int = 0
    admin: str = ""

    @property
    def address(self) -> str:
        """Where it answers without TLS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the last one wrote."""
        return (self.output / "stderr").read_text(encoding="utf-8", errors="replace")

    def start(self, point: Point | None = None) -> None:
        """Start one, which dies at the point; it is ready, or died on its way there."""
        told = self.output / "stdout"
        told.unlink(missing_ok=True)
        arguments = ["serve", "--json", "--port", str(self.port), "--admin-port", "0", *self.options]
        order = Order(str(self.folder), str(self.output), arguments, point=point)
        self.pid = self.driver.ask(start=asdict(order))
        until = time.monotonic() + READY_SECONDS_MAX
        while not (told.exists() and told.read_bytes().endswith(b"\n")):
            if _has_ended(self.pid):
                assert point is not None, self.log
                return
            assert time.monotonic() < until, self.log
            time.sleep(LOOK_SECONDS)
        document = json.loads(told.read_bytes())
        assert "error" not in document, document
        self.admin = document["admin"]

    def kill(self) -> int:
        """End it at once, unless it has ended; its exit code."""
        self.strike()
        return self.wait(within_s=0.0)

    def strike(self) -> None:
        """SIGKILL, from any thread; `kill` is still to be called."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> int:
        """Ask it to end as a system does; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait(within_s=READY_SECONDS_MAX)

    def wait(self, *, within_s: float) -> int:
        """Its exit code, when it ended by itself; killed where it did not in time. 0 waits for ever."""
        code = self.driver.ask(wait=self.pid, seconds=within_s)
        self.pid = 0
        return code


def _has_ended(pid: int) -> bool:
    """Whether it waits to be asked for its exit code. Linux tells it in the third field."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    return False


@contextmanager
def forked_services() -> Iterator[ForkedServices]:
    """A started driver; its services end with the block."""
    with (
        tempfile.TemporaryDirectory(prefix="idferry-services-") as output,
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.service_driver"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            yield ForkedServices(process, Path(output))
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)
