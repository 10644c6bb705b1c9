"""A call of a sign-in that is held back never leaves later than whoever waits for it."""

import threading
from collections.abc import Callable

import httpx2
import pytest
from tests.support.hand_clock import HandClock
from tests.support.mock_graph import APP_ID, mocked_directory, token_answer

from idferry.errors import Stopped, Throttled
from idferry.graph.directory import Directory
from idferry.graph.sign_ins import UNDER_WAY_MAX
from idferry.ports import Deadline
from idferry.rules.password import Password
from idferry.rules.sign_in import Written

ACCOUNT = "00000000-0000-4000-8000-000000000001"
OWN = Password("Own-Password-1")


class Tenant:
    """Answers 429 with this `Retry-After` once, then 204; remembers what came and when."""

    def __init__(self, clock: HandClock, retry_after_s: int) -> None:
        self.clock = clock
        self.left_refusals = 1
        self.retry_after_s = retry_after_s
        self.changes: list[float] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if "/applications" in request.url.path:
            return httpx2.Response(200, json={"value": [{"id": "x", "appId": APP_ID}]})
        if self.left_refusals:
            self.left_refusals -= 1
            return httpx2.Response(429, headers={"Retry-After": str(self.retry_after_s)})
        self.changes.append(self.clock.elapsed())
        return httpx2.Response(204)


def throttled(retry_after_s: int) -> tuple[HandClock, Tenant, Directory]:
    """A directory that has just been told to wait so long."""
    clock = HandClock()
    tenant = Tenant(clock, retry_after_s)
    directory = mocked_directory(tenant, clock=clock)
    assert directory.sign_ins.clear_flag(ACCOUNT, Deadline(5.0)).result(5) is False
    return clock, tenant, directory


CHANGES: dict[str, tuple[Callable[[Directory, Deadline], object], object]] = {
    "write": (
        lambda directory, by: directory.sign_ins.write_password(ACCOUNT, OWN, weak=False, deadline=by).result(
            5
        ),
        Written.FAILED,
    ),
    "clear": (lambda directory, by: directory.sign_ins.clear_flag(ACCOUNT, by).result(5), False),
    "raise": (lambda directory, by: directory.sign_ins.raise_flag(ACCOUNT, by).result(5), False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_held_back_does_not_leave_after_its_deadline(name: str) -> None:
    """In the two minutes somebody may have chosen another password, and this one would write over it."""
    change, refused = CHANGES[name]
    clock, tenant, directory = throttled(120)
    with directory:
        assert change(directory, Deadline(10.0)) == refused
        assert tenant.changes == []
        assert clock.elapsed() < 10.0, "nobody waits for what will not come in time"
        assert change(directory, Deadline(500.0)) != refused
        assert len(tenant.changes) == 1


def test_a_change_that_can_leave_in_time_waits_for_it() -> None:
    _, tenant, directory = throttled(4)
    with directory:
        assert CHANGES["write"][0](directory, Deadline(10.0)) is Written.DONE
        assert tenant.changes == [pytest.approx(4.0)]


def test_whoever_asks_is_told_at_once_that_the_answer_would_come_too_late() -> None:
    clock, tenant, directory = throttled(120)
    with directory, pytest.raises(Stopped):
        directory.sign_ins.facts(ACCOUNT, Deadline(10.0)).result(5)
    assert clock.elapsed() < 10.0
    assert tenant.changes == []


def test_a_token_that_comes_late_takes_nothing_with_it() -> None:
    clock = HandClock()
    changes: list[httpx2.Request] = []

    def slow_token(_: httpx2.Request) -> httpx2.Response:
        clock.advance(30)
        return token_answer()

    def graph(request: httpx2.Request) -> httpx2.Response:
        changes.append(request)
        return httpx2.Response(204)

    with mocked_directory(graph, token=slow_token, clock=clock) as directory:
        assert CHANGES["write"][0](directory, Deadline(10.0)) is Written.FAILED
    assert changes == []


def test_a_system_without_threads_is_an_outage_that_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_: object) -> None:
        raise RuntimeError("can't start new thread")

    def graph(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(204)

    with mocked_directory(graph) as directory:
        with monkeypatch.context() as short:
            short.setattr(threading.Thread, "start", no_more)
            for _ in range(UNDER_WAY_MAX + 1):
                assert CHANGES["write"][0](directory, Deadline(10.0)) is Written.FAILED
                with pytest.raises(Throttled):
                    directory.sign_ins.facts(ACCOUNT, Deadline(10.0)).result(5)
        assert CHANGES["write"][0](directory, Deadline(10.0)) is Written.DONE
