"""Memory for costly checks: never more than there is, in the order in which they came, and given back."""

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.support.scripted_server import wait_until

from idferry.connectors.memory_share import MemoryShare
from idferry.ports import Deadline
from idferry.wiring import SystemClock

CLOCK = SystemClock()


def soon(seconds: float = 20.0) -> Deadline:
    return Deadline(CLOCK.elapsed() + seconds)


def test_together_they_never_take_more_than_there_is() -> None:
    share, lock = MemoryShare(kib=100, clock=CLOCK), threading.Lock()
    taken, most = 0, 0

    def check(kib: int) -> bool:
        nonlocal taken, most
        if not share.take(kib, soon()):
            return False
        with lock:
            taken += kib
            most = max(most, taken)
        with lock:
            taken -= kib
        share.give_back(kib)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(check, [30, 100, 60, 1, 40, 99, 50, 7] * 20))
    assert most <= 100
    assert share.take(100, soon(0.0))


def test_a_large_one_is_not_overtaken_and_one_that_gives_up_makes_room() -> None:
    share, order = MemoryShare(kib=100, clock=CLOCK), list[str]()
    assert share.take(60, soon())

    def take(name: str, kib: int, seconds: float) -> None:
        if share.take(kib, soon(seconds)):
            order.append(name)

    with ThreadPoolExecutor(3) as pool:
        large = pool.submit(take, "large", 100, 20.0)
        wait_until(lambda: len(share._waiting) == 1)
        small = pool.submit(take, "small", 40, 20.0)
        wait_until(lambda: len(share._waiting) == 2)
        share.give_back(60)
        large.result(20)
        assert order == ["large"]
        gone = pool.submit(take, "gone", 100, 0.2)
        share.give_back(60)
        small.result(20)
        gone.result(20)
    assert order == ["large", "small"]
    share.give_back(80)
    assert share.take(100, soon(0.0))


def test_what_could_never_fit_is_refused_at_once_and_nothing_needs_no_turn() -> None:
    share = MemoryShare(kib=10, clock=CLOCK)
    assert not share.take(11, soon())
    assert share.take(10, soon())
    assert share.take(0, soon(0.0))
    assert not share.take(1, soon(0.0))
