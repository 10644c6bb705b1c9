"""The other end of `crash_driver`: commands of the product without an interpreter start for each of them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.support.crash_driver import Order
from tests.support.desk import Ended
from tests.support.interference import Point, Temper

REPOSITORY = Path(__file__).parents[2]


class Place(Protocol):
    """Where a command runs: a desk, or anything else with a folder."""

    @property
    def folder(self) -> Path: ...


class ForkedProduct:
    """Runs commands in children of one driver process, one after the other."""

    def __init__(self, process: subprocess.Popen[str], output: str) -> None:
        self._process = process
        self._output = output

    def run(
        self,
        place: Place,
        *arguments: str,
        point: Point | None = None,
        speed: float = 1.0,
        temper: Temper | None = None,
        **more: Any,
    ) -> Ended:
        """Run one command to its end, or to `point`, where it dies; `more` are fields of Order."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        temper = temper or Temper(speed=speed)
        order = Order(str(place.folder), self._output, list(arguments), point=point, temper=temper, **more)
        self._process.stdin.write(order.as_json() + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the driver ended; its error is above"
        out, err = (
            Path(self._output, name).read_text(encoding="utf-8", errors="replace")
            for name in ("stdout", "stderr")
        )
        return Ended(int(answer), out, err)


@contextmanager
def forked_product() -> Iterator[ForkedProduct]:
    """A started driver; it ends with the block."""
    with (
        tempfile.TemporaryDirectory(prefix="idferry-driver-") as output,
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.crash_driver"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            yield ForkedProduct(process, output)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)
