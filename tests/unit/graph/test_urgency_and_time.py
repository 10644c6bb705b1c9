"""Whose calls a tenant under load refuses first, and what its answers say of our clock."""

from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest
from tests.support.hand_clock import HandClock
from tests.support.mock_graph import mocked_directory, token_answer

from idferry.graph.directory import Directory
from idferry.graph.urgency import Urgency
from idferry.ports import Deadline
from idferry.rules.password import Password

ACCOUNT = "aaaaaaaa-0000-4000-8000-000000000001"


def asked_with(directory: Directory, clock: HandClock) -> None:
    """A sign-in's reading, a sign-in's writing, and the reading of a sweep."""
    directory.sign_ins.facts(ACCOUNT, Deadline.after(timedelta(seconds=5), clock)).result(10)
    deadline = Deadline.after(timedelta(seconds=5), clock)
    directory.sign_ins.write_password(
        ACCOUNT, Password("Some-Password-1"), weak=False, deadline=deadline
    ).result(10)
    directory.reader.by_ids([ACCOUNT], ())


@pytest.mark.parametrize("urgency", list(Urgency))
def test_somebody_waits_for_what_a_sign_in_asks_whatever_else_is_asked(urgency: Urgency) -> None:
    priorities: dict[str, str] = {}

    def graph(request: httpx2.Request) -> httpx2.Response:
        priorities[f"{request.method} {request.url.path}"] = request.headers["x-ms-throttle-priority"]
        return httpx2.Response(404, json={})

    clock = HandClock()
    with mocked_directory(graph, clock=clock, urgency=urgency) as directory:
        asked_with(directory, clock)
    assert priorities == {
        f"GET /v1.0/users/{ACCOUNT}": "High",
        f"PATCH /v1.0/users/{ACCOUNT}": "High",
        "POST /v1.0/$batch": urgency.value,
    }
    assert (Urgency.WORK.value, Urgency.SOMEBODY_WAITS.value) == ("Low", "High")


@pytest.mark.parametrize("ahead_s", [-90, 0, 45])
def test_every_answer_that_tells_the_time_is_compared_with_our_clock(ahead_s: int) -> None:
    clock = HandClock()
    heard: list[float] = []
    date = format_datetime(clock.now() + timedelta(seconds=ahead_s), usegmt=True)

    def graph(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404, json={}, headers={"Date": date})

    def token(_request: httpx2.Request) -> httpx2.Response:
        answer = token_answer()
        answer.headers["Date"] = date
        return answer

    with mocked_directory(graph, token=token, clock=clock, heard_skew=heard.append) as directory:
        directory.sign_ins.facts(ACCOUNT, Deadline.after(timedelta(seconds=5), clock)).result(10)
    assert heard == [ahead_s] * 2


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Mar 2026 12:00:00 GMT"])
def test_an_answer_that_tells_no_time_says_nothing_of_it(date: str) -> None:
    clock, heard = HandClock(), list[float]()

    def graph(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404, json={}, headers={"Date": date} if date else {})

    with mocked_directory(graph, clock=clock, heard_skew=heard.append) as directory:
        directory.sign_ins.facts(ACCOUNT, Deadline.after(timedelta(seconds=5), clock)).result(10)
    assert heard == []
