"""A pseudo-terminal of a given size with one command in it, as a person sees and interrupts it. POSIX only."""

import contextlib
import os
import re
import select
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len

ROWS = 40
CTRL_C = b"\x03"
SECONDS_MAX = 60.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Seen:
    """What came to the screen: `raw` with all control sequences, in the order of writing."""

    code: int
    raw: str
    columns: int

    @property
    def lines(self) -> list[str]:
        """Everything that ever stood in one line, without control sequences; a redrawn line counts each time."""
        return re.split(r"[\r\n]+", _ESCAPES.sub("", self.raw))

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)

    @property
    def too_wide(self) -> list[str]:
        """Lines that do not fit the terminal: it would break them in the middle of a word."""
        return [line for line in self.lines if cell_len(line) > self.columns]


class Terminal:
    """A running command; `type` is the keyboard."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], *, columns: int) -> None:
        import fcntl
        import termios

        self.columns = columns
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "IDFERRY_SETTINGS", "IDFERRY_DEBUG")
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "idferry", *arguments],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
            # Makes it the controlling terminal, so that Ctrl-C arrives as SIGINT.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._received = bytearray()

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def read_until(self, text: str, *, also: Callable[[str], bool] = lambda _: True) -> None:
        """Read until the screen has shown this; a command that ends before has not shown it."""
        while not (text in self._so_far() and also(self._so_far())):
            if not self._read():
                seen = self.end()
                raise AssertionError(f"it ended with {seen.code} without showing {text!r}:\n{seen.raw}")

    def end(self) -> Seen:
        """Read to the end."""
        while self._read():
            pass
        code = self._process.wait(SECONDS_MAX)
        os.close(self._master)
        return Seen(code, self._so_far(), self.columns)

    def _so_far(self) -> str:
        return self._received.decode("utf-8", "replace")

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], SECONDS_MAX)
        if not ready:
            self._process.kill()  # a command left behind would make another test fail
            self._process.wait(SECONDS_MAX)
            raise AssertionError(f"nothing came for {SECONDS_MAX:.0f} s:\n{self._so_far()}")
        part = b""
        with contextlib.suppress(OSError):  # how Linux says that the other end has gone
            part = os.read(self._master, 65536)
        self._received += part
        return bool(part)


def shown(folder: Path, *arguments: object, columns: int) -> Seen:
    """One command from its beginning to its end."""
    return Terminal(folder, tuple(map(str, arguments)), columns=columns).end()
