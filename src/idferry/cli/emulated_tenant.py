"""Starts an emulated tenant in a process of its own, for commands that need one for as long as they run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any, Literal

from idferry.errors import Unreachable

START_SECONDS_MAX = 30.0  # more than an emulated tenant has ever needed on a slow machine


@contextmanager
def emulated_tenant(
    kind: Literal["b2c", "external"], *, time_from: Literal["from-system", "from-requests"] = "from-system"
) -> Iterator[dict[str, Any]]:
    """What `idferry emulator --json` says of the tenant that runs as long as the context lasts.

    Raises:
        Unreachable: it did not start.
    """
    command = [sys.executable, "-m", "idferry", "emulator", "--json", "--exit-with-parent"]
    command += ["--tenant-kind", kind, "--time", time_from]
    with subprocess.Popen(  # noqa: S603  our own interpreter with our own arguments
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            line = _first_line(process)
            if not line:
                raise Unreachable(
                    "the emulated tenant did not start", remedy="Run `idferry emulator` to see why."
                )
            yield json.loads(line)
        finally:
            process.terminate()
            process.wait()  # leaving the block would not, for KeyboardInterrupt


def _first_line(process: "subprocess.Popen[str]") -> str:
    """What the process says when it is ready; nothing when it ended, or said nothing in time."""
    assert process.stdout  # noqa: S101  it was started with a pipe
    too_late = Timer(START_SECONDS_MAX, process.kill)
    too_late.start()
    try:
        return process.stdout.readline()
    finally:
        too_late.cancel()
