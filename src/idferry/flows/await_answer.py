"""Await answers: one that a flow cannot go on without, or whichever comes next; still hear when somebody asks to stop.

A tenant may hold questions back for minutes, and on Windows a wait without end hears no Ctrl-C at all.
"""

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from idferry.errors import Stopped
from idferry.ports import Clock, Stop

WAIT_SECONDS_MAX = 0.2  # how long a stop may go unnoticed
GATHER_SECONDS = 0.02

Answer = TypeVar("Answer")


def await_answer(asked: "Future[Answer]", *, clock: Clock, stop: Stop) -> Answer:
    """What the directory answers to a question; only for questions, whose answer may get lost.

    Raises:
        Stopped: `stop` said so before the answer came.
        everything that the future raises.
    """
    while not clock.wait_for([asked], WAIT_SECONDS_MAX):
        if stop():
            raise Stopped("stopped while asking the directory about earlier calls")
    return asked.result()


def gather_answers(
    under_way: "Sequence[Future[Any]]", *, clock: Clock, seconds: float
) -> "Collection[Future[Any]]":
    """Those that are done as soon as one is, with those that come within GATHER_SECONDS of it; none after `seconds`.

    Together they share one transaction, hence one write to the disk. Nobody waits for it, as long as more calls are
    under way than are being answered; and whoever is answered fast is not interrupted at each answer (4 of 76 us of CPU
    a person).
    """
    finished = clock.wait_for(under_way, seconds)
    if not 0 < len(finished) < len(under_way):
        return finished
    clock.sleep(GATHER_SECONDS)
    return [future for future in under_way if future.done()]
