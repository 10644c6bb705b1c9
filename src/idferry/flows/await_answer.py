"""Await an answer that a flow cannot go on without, and still hear when somebody asks to stop.

A tenant may hold questions back for minutes, and on Windows a wait without end hears no Ctrl-C at all.
"""

from concurrent.futures import Future
from typing import TypeVar

from idferry.errors import Stopped
from idferry.ports import Clock, Stop

WAIT_SECONDS_MAX = 0.2  # how long a stop may go unnoticed

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
