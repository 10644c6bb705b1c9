"""The threads that carry calls: nobody who waits for an answer is forgotten."""

import queue
import threading
from datetime import timedelta
from typing import Any

import pytest

from idferry.graph.senders import Senders


def test_a_job_that_comes_while_the_threads_are_told_to_end_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    class Overtaken(queue.SimpleQueue[Any]):
        """A queue where closing begins just before the first job is put."""

        def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
            if item is not None:
                closing.start()
                closing.join(0.3)
            super().put(item, block, timeout)

    monkeypatch.setattr("idferry.graph.senders.queue.SimpleQueue", Overtaken)
    pool = Senders(threads=1, name="test")
    closing = threading.Thread(target=lambda: pool.close(wait=timedelta(seconds=5)))
    assert pool.submit(lambda: "done").result(5) == "done"
    closing.join()
    assert pool.submit(lambda: "done by the caller").result(0) == "done by the caller"
