"""The endpoint of capture: who may call, what is answered when, and what never leaks."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.hand_clock import HandClock
from tests.support.service_stage import Answered, ServiceStage

from idferry.flows.capture import Captured
from idferry.ports import Deadline
from idferry.rules.capture import CaptureEnd, CaptureEvent
from idferry.service.capture import CaptureEndpoint, CaptureTerms
from idferry.service.capture_queue import WAITING_SECONDS_MAX, CaptureQueue
from idferry.service.logs import PersonIds
from idferry.service.workers import Workers

PATH = "/api/migration/capture"
PASSWORD = "Sunny-Meadow-1"


@dataclass
class CaptureStage:
    """The endpoint over a flow that a test says."""

    callers: tuple[str, ...] = ("policy",)
    waiting_max: int = 3
    does: Callable[[Captured], CaptureEnd] = lambda _: CaptureEnd.WRITTEN
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.taken: list[Captured] = []
        self.threads = Workers(threads=2, waiting_max=2, name="capture-now")
        self.first = ServiceStage(clock=self.clock)
        self.first.close()
        self.books = self.first.books
        self.queue = CaptureQueue(
            threads=1,
            elapsed=self.clock.elapsed,
            too_old=lambda: self.books.metrics.alert("capture_dropped"),
            waiting_max=self.waiting_max,
        )
        endpoint = CaptureEndpoint(
            self.capture,
            terms=CaptureTerms(callers=self.callers, deadline=timedelta(seconds=10), key=b"k" * 32),
            queue=self.queue,
            workers=self.threads,
            people=PersonIds(b"k" * 32),
            books=self.books,
        )
        self.service = ServiceStage(clock=self.clock, more=endpoint.endpoints())

    def capture(self, captured: Captured, deadline: Deadline) -> CaptureEnd:
        self.taken.append(captured)
        return self.does(captured)

    def send(self, event: str = "password_reset", **body: Any) -> Answered:
        who = {} if {"objectId", "legacyId", "signInName"} & set(body) else {"objectId": "id-1"}
        return self.service.post(PATH, {"password": PASSWORD, "event": event, **who, **body})

    def alerts(self, kind: str) -> float:
        line = f'idferry_alerts_total{{alert="{kind}"}} '
        text = self.books.metrics.text().decode()
        return next((float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(line)), 0.0)

    def close(self) -> None:
        self.queue.close()
        self.threads.close()
        self.service.close()


@pytest.fixture
def stage() -> Iterator[CaptureStage]:
    made = CaptureStage()
    yield made
    made.close()


def test_a_bug_behind_the_queue_is_told_by_its_kind_and_place(stage: CaptureStage) -> None:
    def breaks(_: Captured) -> CaptureEnd:
        raise ZeroDivisionError(PASSWORD)

    stage.does = breaks
    assert stage.send("sign_in").status == 202
    until = time.monotonic() + 10
    while not stage.alerts("capture_failed"):
        assert time.monotonic() < until
        time.sleep(0.005)
    assert stage.alerts("bug") == 1
    (told,) = [one for one in stage.first.lines() if one["event"] == "bug"]
    assert (told["kind"], told["endpoint"]) == ("ZeroDivisionError", "capture")
    assert PASSWORD not in json.dumps(stage.first.lines())


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_caller_who_is_not_named_for_it_hands_nothing_on() -> None:
    stage = CaptureStage(callers=("front",))
    answer = stage.send()
    assert (answer.status, answer.document["status"], stage.taken) == (403, 403, [])
    stage.close()


@pytest.mark.parametrize("end", [one for one in CaptureEnd if one.is_taken])
def test_what_was_taken_is_200_with_its_end(stage: CaptureStage, end: CaptureEnd) -> None:
    stage.does = lambda _: end
    answer = stage.send()
    assert (answer.status, answer.document) == (200, {"outcome": end})


@pytest.mark.parametrize("end", [one for one in CaptureEnd if not one.is_taken])
def test_what_was_not_taken_has_the_one_error_body(stage: CaptureStage, end: CaptureEnd) -> None:
    stage.does = lambda _: end
    answer = stage.send()
    status = 503 if end is CaptureEnd.NOT_NOW else 409
    assert (answer.status, answer.document["status"]) == (status, status)
    assert set(answer.document) == {"version", "status", "userMessage"}


def test_the_flow_gets_what_was_sent(stage: CaptureStage) -> None:
    stage.send("sign_up", objectId=" ID-1 ", legacyId="contoso:crm:1", signInName=" Ana@x.org ")
    stage.send("password_change", passwordChangedAt="2026-03-01T13:00:00+02:00")
    stage.send("password_change", passwordChangedAt="2026-03-01T13:00:00")
    first, second, third = stage.taken
    assert (first.object_id, first.legacy_id, first.sign_in_name) == ("id-1", "contoso:crm:1", "Ana@x.org")
    assert (first.proven.event, first.proven.arrived_at) == (CaptureEvent.SIGN_UP, stage.clock.now())
    assert second.proven.changed_at == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert third.proven.changed_at == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert first.password.reveal_to(lambda text: text) == PASSWORD


@pytest.mark.parametrize(
    "body",
    [
        {"password": ""},
        {"password": 7},
        {"password": "x" * 5_000},
        {"event": "sign_out"},
        {"objectId": " "},
        {"signInName": "x" * 600},
        {"passwordChangedAt": "yesterday"},
    ],
)
def test_what_is_no_password_of_anybody_is_400(stage: CaptureStage, body: dict[str, Any]) -> None:
    sent = {"password": PASSWORD, "event": "password_reset", "objectId": "id-1", **body}
    answer = stage.service.post(PATH, sent)
    assert (answer.status, stage.taken) == (400, [])


def test_a_sign_in_is_answered_at_once_and_taken_later(stage: CaptureStage) -> None:
    go = threading.Event()
    stage.does = lambda _: CaptureEnd.WRITTEN if go.wait(10) else CaptureEnd.NOT_NOW
    answer = stage.send("sign_in")
    assert (answer.status, answer.document) == (202, {"outcome": "queued"})
    go.set()
    until(lambda: len(stage.taken) == 1)


def test_the_queue_holds_so_many_and_refuses_the_others(stage: CaptureStage) -> None:
    go = threading.Event()
    stage.does = lambda _: CaptureEnd.WRITTEN if go.wait(10) else CaptureEnd.NOT_NOW
    stage.send("sign_in")
    until(lambda: len(stage.taken) == 1)
    statuses = [stage.send("sign_in").status for _ in range(5)]
    assert statuses == [202, 202, 202, 503, 503]
    assert stage.alerts("capture_dropped") == 2
    go.set()
    until(lambda: len(stage.taken) == 4)


def test_what_waited_too_long_is_dropped(stage: CaptureStage) -> None:
    go = threading.Event()
    stage.does = lambda _: CaptureEnd.WRITTEN if go.wait(10) else CaptureEnd.NOT_NOW
    stage.send("sign_in")
    until(lambda: len(stage.taken) == 1)
    stage.send("sign_in")
    stage.clock.advance(WAITING_SECONDS_MAX + 1)
    go.set()
    until(lambda: stage.alerts("capture_dropped") == 1)
    assert len(stage.taken) == 1


def test_a_system_without_threads_makes_no_room_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = CaptureQueue(threads=1, elapsed=lambda: 0.0, too_old=lambda: None, waiting_max=2)

    def no_more(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", no_more)
        assert [queue.put(lambda: None) for _ in range(3)] == [False, False, False]
    held, goes_on, done = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        goes_on.wait(10)

    while not queue.put(
        hold
    ):  # the two that stood in the queue go first, as soon as somebody brings a thread
        queue._pool._adjust_thread_count()
    assert held.wait(10)
    assert [queue.put(done.set) for _ in range(3)] == [True, True, False], "two wait, and no more"
    goes_on.set()
    assert done.wait(10)
    queue.close()


def test_a_queue_that_is_closed_takes_nobody(stage: CaptureStage) -> None:
    stage.queue.close()
    assert stage.send("sign_in").status == 503


def test_a_flow_that_breaks_is_told_and_the_queue_goes_on(stage: CaptureStage) -> None:
    def breaks(_: Captured) -> CaptureEnd:
        raise RuntimeError(PASSWORD)

    stage.does = breaks
    stage.send("sign_in")
    until(lambda: stage.alerts("capture_failed") == 1)
    stage.does = lambda _: CaptureEnd.WRITTEN
    stage.send("sign_in")
    until(lambda: len(stage.taken) == 2)
    assert PASSWORD not in stage.service.log.getvalue().decode()


def test_no_password_stands_in_log_answer_or_repr(stage: CaptureStage) -> None:
    answers = [stage.send(event) for event in CaptureEvent]
    until(lambda: len(stage.taken) == len(answers))
    seen = stage.service.log.getvalue().decode() + repr(stage.taken)
    assert PASSWORD not in seen + "".join(one.body.decode() for one in answers)
