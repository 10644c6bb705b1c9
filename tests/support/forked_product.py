"""The other end of `crash_driver`: commands of the product without an interpreter start for each of them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.crash_driver import Order, Point
from tests.support.product import Finished, Workspace

REPOSITORY = Path(__file__).parents[2]


class ForkedProduct:
    """Runs commands in children of one driver process, one after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self, workspace: Workspace, *arguments: str, point: Point | None = None, speed: float = 1.0
    ) -> Finished:
        """Run one command to its end, or to `point`, where it dies."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = Order(str(workspace.folder), list(arguments), point, speed)
        self._process.stdin.write(order.as_json() + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the driver ended; its error is above"
        out, err = (
            (workspace.folder / name).read_text(encoding="utf-8", errors="replace")
            for name in ("stdout", "stderr")
        )
        return Finished(int(answer), out, err)


@contextmanager
def forked_product() -> Iterator[ForkedProduct]:
    """A started driver; it ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.crash_driver"],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield ForkedProduct(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)
