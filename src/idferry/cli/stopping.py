"""Stopping cleanly: the first Ctrl-C or SIGTERM asks the flow to stop, the second ends the process at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from idferry.cli.output import messages, say
from idferry.ports import Stop


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """A test that becomes true when somebody asked to stop. Handlers are put back afterwards."""
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        say(messages(), "stopping: waiting for what is under way (again to end at once)")

    # SIGTERM exists on Windows too, where only this process itself can raise it.
    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
