"""Threads for calls are kept for the next ones, and are as many as calls are under way."""

import threading

import pytest
from tests.support.scripted_server import wait_until

from idferry.wiring.call_threads import CallThreads

LONG_S = 10.0


def test_one_thread_does_what_comes_one_after_another() -> None:
    threads, did = CallThreads("test"), list[int]()
    for number in range(1, 6):
        threads.begin(lambda: did.append(threading.get_ident()))
        wait_until(lambda number=number: len(did) == number and len(threads._idle) == 1)  # type: ignore[misc]
    assert len(set(did)) == 1


def test_work_that_hangs_keeps_no_other_work_waiting() -> None:
    threads, go, did = CallThreads("test"), threading.Event(), list[int]()

    def hang() -> None:
        did.append(threading.get_ident())
        go.wait(LONG_S)

    for _ in range(4):
        threads.begin(hang)
    wait_until(lambda: len(did) == 4)
    assert len(set(did)) == 4
    assert threads._idle == []
    go.set()
    wait_until(lambda: len(threads._idle) == 4)


def test_where_there_are_no_more_threads_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, did = CallThreads("test"), list[str]()

    def refused(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError):
            threads.begin(lambda: did.append("refused"))
    threads.begin(lambda: did.append("done"))
    wait_until(lambda: did == ["done"])
