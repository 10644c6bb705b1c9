"""What a process handed to the system to be written, and whereto: read from a trace of strace.

    writes = writes_of(file)    # of `strace -f -y -s 1000000 -e trace=write,pwrite64,writev,sendto -o FILE ...`

https://man7.org/linux/man-pages/man1/strace.1.html says how its lines are made.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest

CALLS = "write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg"
STRING_BYTES_MAX = 1_000_000
_CALL = re.compile(r"^\d+ +(\w+)\((\d+)<(.*?)>, (.*)$")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Target(Enum):
    """What a descriptor stands for."""

    SOCKET = "socket"
    FILE = "file"
    PIPE = "pipe"
    OTHER = "other"


@dataclass(frozen=True)
class Written:
    """One call: what it was written to, by the name of the system, and the bytes."""

    target: Target
    name: str
    content: bytes


def tracer(file: Path) -> Sequence[str]:
    """What a command begins with to be traced into this file. The process is still the command itself (-D).

    Skips the test, loudly, where nobody may trace.
    """
    reason = "NOT CHECKED HERE: what is handed to the system to be written"
    if sys.platform != "linux" or shutil.which("strace") is None:
        pytest.skip(f"{reason} (there is no strace)")
    tried = subprocess.run(
        ["strace", "-f", "-o", str(file), "-e", f"trace={CALLS}", "true"], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"{reason} (no process may be traced here)")
    limits = ["-s", str(STRING_BYTES_MAX), "-e", f"trace={CALLS}", "-e", "signal=none"]
    return ["strace", "-D", "-f", "--seccomp-bpf", "-y", *limits, "-o", str(file)]


def writes_of(file: Path) -> Iterator[Written]:
    """Every call of the trace. Raises AssertionError where a line with a call cannot be read: it could hide anything."""
    for line in file.read_text(encoding="ascii").splitlines():
        found = _CALL.match(line)
        if found:
            _, _, name, rest = found.groups()
            assert '"...' not in rest, "a text was cut off"
            content = b"".join(_bytes(one) for one in _TEXT.findall(rest))
            yield Written(_target(name), name, content)
        else:
            assert not any(f" {call}(" in line for call in CALLS.split(",")), line[:200]


def _target(name: str) -> Target:
    if name.startswith(("socket:", "TCP:", "UNIX:", "UDP:")):
        return Target.SOCKET
    if name.startswith("pipe:"):
        return Target.PIPE
    return Target.FILE if name.startswith("/") and not name.startswith("/dev/") else Target.OTHER


def _bytes(text: str) -> bytes:
    """The bytes behind a text of strace, which escapes as C does."""
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
