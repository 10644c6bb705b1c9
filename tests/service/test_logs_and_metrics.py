"""What the service writes down: enough to find a call again, and nothing that anybody typed as a password."""

import io
import json
from collections.abc import Iterator

import msgspec
import pytest
from tests.support.hand_clock import HandClock
from tests.support.service_stage import BASIC, SECRET, STATUS, ServiceStage

from idferry.service.answers import Answer
from idferry.service.endpoints import AuthenticatedRequest, Endpoint
from idferry.service.logs import PersonIds, masked, open_log
from idferry.service.tracing import TRACE_FOR, masked_document
from idferry.service.workers import Overloaded

NASTY = [
    "a\r\n{}",
    "\x1b[2J",
    "\x7f",
    "\u009b2J",
    "\u202eevil",
    "\u2028line",
    "\u2066x\u2069",
    "é",
    "\x00",
    "🐧",
]
PASSWORD = "CNRY-hunter2-of-somebody"


async def _breaks(request: AuthenticatedRequest) -> Answer:
    raise ValueError(f"the body was {request.body!r}")


async def _overloaded(_request: AuthenticatedRequest) -> Answer:
    raise Overloaded


@pytest.fixture
def stage() -> Iterator[ServiceStage]:
    more = [
        Endpoint(name="breaks", summary="It has a bug.", paths=("/breaks",), handle=_breaks),
        Endpoint(name="full", summary="It has no thread left.", paths=("/full",), handle=_overloaded),
    ]
    one = ServiceStage(traced=True, more=more)
    one.status.add([("id-ana", ["ana@example.com"])])
    yield one
    one.close()


def test_a_call_is_one_line_by_which_it_is_found_again(stage: ServiceStage) -> None:
    headers = [BASIC, ("X-Correlation-Id", "0f8fad5b-d9cb-469f-a165-70867728950e")]
    answer = stage.post(STATUS, {"email": "ana@example.com", "correlationId": "journey-7"}, headers=headers)
    assert answer.headers["x-correlation-id"] == "0f8fad5b-d9cb-469f-a165-70867728950e"
    [line] = [one for one in stage.lines() if one["event"] == "answered"]
    assert line == {
        "at": "2026-03-01T12:00:00.000+00:00",
        "level": "info",
        "event": "answered",
        "endpoint": "reset_status",
        "status": 409,
        "outcome": "must_reset",
        "ms": 0.0,
        "caller": "policy",
        "peer": "198.51.100.7",
        "correlation_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "person": PersonIds(b"k" * 32).of("ana@example.com"),
        "name": "a***@example.com",
        "journey": "journey-7",
    }
    assert b"ana@" not in stage.log.getvalue()


@pytest.mark.parametrize(
    "value", ["short", "has blank in it", "x" * 65, "new\\nline-and-more", "<script>aaaa"]
)
def test_an_id_that_is_no_id_is_replaced_by_ours(stage: ServiceStage, value: str) -> None:
    answer = stage.post(STATUS, {"email": "x"}, headers=[BASIC, ("X-Correlation-Id", value)])
    assert answer.headers["x-correlation-id"] == "fresh-id"


@pytest.mark.parametrize("nasty", NASTY)
def test_no_value_begins_a_line_or_steers_a_terminal(nasty: str) -> None:
    stream = io.BytesIO()
    open_log(stream, clock=HandClock()).info("answered", value=nasty, **{"na" + nasty: nasty})
    line = stream.getvalue()
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    assert json.loads(line)["value"] == nasty


def test_names_from_a_request_are_escaped_too(stage: ServiceStage) -> None:
    for nasty in NASTY:
        stage.post(STATUS, {"email": f"ana@{nasty}", "correlationId": nasty})
    assert all(0x20 <= byte < 0x7F or byte == 0x0A for byte in stage.log.getvalue())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ana@example.com", "a***@example.com"),
        ("ana", "a***"),
        ("", "***"),
        ("@x", "@***"),
        ("a@b@c.example", "a***@c.example"),
        # Passwords in the field for names.
        ("P@ssw0rd", "P***"),
        ("P@ssw0rd!2026", "P***"),
        ("me@home.Summer2026", "m***"),
        ("x@" + "a." * 200 + "com", "x***"),
        ("x@a..com", "x***"),
        ("x@example.com\n", "x***"),
    ],
)
def test_names_are_masked(name: str, expected: str) -> None:
    assert masked(name) == expected


def test_a_bug_tells_where_it_is_and_nothing_of_what_it_was_given(stage: ServiceStage) -> None:
    answer = stage.post("/breaks", {"password": PASSWORD})
    assert (answer.status, answer.document["status"]) == (500, 500)
    [line] = [one for one in stage.lines() if one["event"] == "bug"]
    assert (line["kind"], line["place"].partition(":")[0]) == ("ValueError", "_breaks")
    assert PASSWORD.encode() not in stage.log.getvalue() + answer.body
    assert b'idferry_alerts_total{alert="bug"} 1.0' in stage.metrics.text()


def test_too_many_calls_are_told_to_come_back(stage: ServiceStage) -> None:
    answer = stage.post("/full", {})
    assert (answer.status, answer.document["status"]) == (503, 503)
    assert b'endpoint="full",outcome="overloaded",status="503"} 1.0' in stage.metrics.text()


def test_a_trace_shows_calls_with_everything_masked_that_may_be_secret(stage: ServiceStage) -> None:
    body = {
        "email": "ana@example.com",
        "password": PASSWORD,
        PASSWORD: 1,
        "nested": {"deeper": [PASSWORD, {"userMessage": "shown"}]},
    }
    stage.post(STATUS, body)
    [line] = [one for one in stage.lines() if one["event"] == "trace"]
    assert line["request"]["email"] == "a***@example.com"
    assert line["answer"]["userMessage"].startswith("You need to change")
    assert line["headers"] == {"authorization": "***"}
    log = stage.log.getvalue().decode()
    assert not any(secret in log for secret in (PASSWORD, SECRET, BASIC[1], "ana@"))


@pytest.mark.parametrize("body", [b"\xff", b"{", b'"CNRY"', b"[" * 500 + b"]" * 500, b'["CNRY"]', b"5"])
def test_a_body_of_another_shape_is_not_shown(body: bytes) -> None:
    assert b"CNRY" not in msgspec.json.encode(masked_document(body))


def test_a_request_is_traced_where_it_has_the_form_it_should_have(stage: ServiceStage) -> None:
    right = {
        "correlationId": "journey-7",
        "objectId": "00000000-0000-4000-8000-000000000001",
        "event": "sign_in",
        "type": "microsoft.graph.authenticationEvent.passwordSubmit",
        "@odata.type": "#microsoft.graph.onPasswordSubmitCalloutData",
    }
    assert masked_document(msgspec.json.encode(right)) == right
    shown_in_answers = {"title": PASSWORD, "message": PASSWORD, "status": 5, "version": PASSWORD}
    wrong = dict.fromkeys(right, f"{PASSWORD}!") | shown_in_answers
    for body in (wrong, {name: [one] for name, one in wrong.items()}, {"data": wrong}):
        assert PASSWORD not in str(masked_document(msgspec.json.encode(body)))
    stage.post(STATUS, {"email": "x"}, headers=[BASIC, ("X-Correlation-Id", f"{PASSWORD}!")])
    assert PASSWORD not in stage.log.getvalue().decode()


def test_a_trace_ends_after_an_hour(stage: ServiceStage) -> None:
    stage.clock.advance(TRACE_FOR.total_seconds())
    for _ in range(2):
        stage.post(STATUS, {"email": "ana@example.com"})
    assert [one["event"] for one in stage.lines()] == ["answered", "trace_ended", "answered"]


def test_answers_and_their_times_are_counted(stage: ServiceStage) -> None:
    stage.post(STATUS, {"email": "ana@example.com"})
    stage.call("POST", STATUS, headers=())
    text = stage.call("GET", "/metrics", app=stage.admin).body.decode()
    assert 'idferry_answers_total{endpoint="reset_status",outcome="must_reset",status="409"} 1.0' in text
    assert 'idferry_answers_total{endpoint="reset_status",outcome="unauthorized",status="401"} 1.0' in text
    assert 'idferry_answer_seconds_count{endpoint="reset_status"} 2.0' in text
    assert "ana" not in text


def test_readiness_follows_the_store(stage: ServiceStage) -> None:
    assert stage.call("GET", "/ready", app=stage.admin).status == 200
    stage.status.failing = True
    answer = stage.call("GET", "/ready", app=stage.admin)
    assert (answer.status, answer.document) == (503, {"status_store": False})
    assert stage.call("GET", "/healthz", headers=()).status == 200


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    """As on a full disk, or when whoever read the log has gone."""

    class Full(io.BytesIO):
        def write(self, _line: object) -> int:
            raise OSError(28, "No space left on device")

    stage = ServiceStage(log=Full())
    assert stage.post(STATUS, {"email": "ana"}).status == 200
    stage.log = io.BytesIO()
    stage.close()
