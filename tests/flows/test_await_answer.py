"""Answers that come close together are heard together, and nobody waits for more of them than that."""

from collections.abc import Sequence
from concurrent.futures import Future

from tests.support.hand_clock import HandClock

from idferry.flows.await_answer import GATHER_SECONDS, gather_answers

SECONDS = 0.01


class _AnsweredMeanwhile(HandClock):
    """While somebody sleeps, these are answered."""

    def __init__(self, *meanwhile: Future[None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def sleep(self, seconds: float, *, unless: Future[None] | None = None) -> None:
        super().sleep(seconds, unless=unless)
        for future in self._meanwhile:
            future.set_result(None)


def calls(count: int, *, answered: int = 0) -> Sequence[Future[None]]:
    futures: list[Future[None]] = [Future() for _ in range(count)]
    for future in futures[:answered]:
        future.set_result(None)
    return futures


def test_an_answer_that_comes_soon_after_another_is_heard_with_it() -> None:
    first, second, third = calls(3, answered=1)
    clock = _AnsweredMeanwhile(second)
    assert list(gather_answers([first, second, third], clock=clock, seconds=SECONDS)) == [first, second]
    assert clock.slept == [GATHER_SECONDS]


def test_nobody_waits_longer_when_everybody_was_answered_or_nobody_was() -> None:
    clock = HandClock()
    assert len(gather_answers(calls(3, answered=3), clock=clock, seconds=SECONDS)) == 3
    assert not gather_answers(calls(3), clock=clock, seconds=SECONDS)
    assert not gather_answers([], clock=clock, seconds=SECONDS)
    assert clock.slept == []
