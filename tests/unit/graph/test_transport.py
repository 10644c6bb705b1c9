"""What happens between a call and its answer: batches, 401, limits, addresses, cut connections."""

import json
from concurrent.futures import Future
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from msgspec import structs
from tests.support.hand_clock import HandClock
from tests.support.mock_graph import (
    ADDRESS,
    PREFIX,
    REQUEST_ID,
    answers_to,
    batch_answer,
    batch_items,
    created,
    graph_error,
    mocked_directory,
    order,
)

from idferry.errors import (
    SettingsError,
    Stopped,
    UnexpectedAnswer,
)
from idferry.graph import hearing, transport
from idferry.graph.credentials import ClientSecret
from idferry.graph.transport import Call, open_client
from idferry.ports import CreateOrder
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.answers import (
    Created,
    Fatal,
    Postponed,
    Rejected,
    Taken,
    Unanswered,
    Undelivered,
)
from idferry.rules.names import local_identity
from idferry.rules.password import Password


def test_a_batch_answer_in_any_order_finds_its_people() -> None:
    assert answers_to(3, batch_answer(created("2"), created("0"), created("1"))) == [
        Created("account-0"),
        Created("account-1"),
        Created("account-2"),
    ]


def test_each_item_has_an_answer_of_its_own() -> None:
    conflict = graph_error("Request_BadRequest", "x", {"code": "ObjectConflict", "target": "identities"})
    full = graph_error("Directory_QuotaExceeded", "full")
    throttled = {"id": "2", "status": 429, "headers": {"Retry-After": "0.2"}, "body": {}}
    answers = answers_to(
        6,
        batch_answer(
            created("0"),
            {"id": "1", "status": 400, "body": conflict},
            throttled,
            {"id": "3", "status": 503, "headers": {}},
            {"id": "4", "status": 403, "body": full},
            {
                "id": "5",
                "status": 400,
                "body": graph_error("Request_BadRequest", "Property mail is invalid."),
            },
        ),
    )
    assert answers[:3] == [Created("account-0"), Taken("identities"), Postponed()]
    assert isinstance(answers[3], Unanswered)
    assert answers[4] == Fatal(
        "quota_exceeded",
        f"the tenant may hold no more objects (HTTP 403 Directory_QuotaExceeded request-id {REQUEST_ID})",
    )
    assert isinstance(answers[5], Rejected)
    assert answers[5].code == "invalid_value"


def test_an_object_id_given_to_several_people_belongs_to_none_of_them() -> None:
    same, other = {"id": "Account-9"}, {"id": "account-9"}
    answers = answers_to(3, batch_answer(created("0", body=same), created("1"), created("2", body=other)))
    assert answers[1] == Created("account-1")
    assert all(isinstance(answers[place], Unanswered) for place in (0, 2))


def test_of_two_answers_with_one_id_neither_is_believed() -> None:
    """The other one may be the answer to somebody whose own is missing."""
    refused = {"id": "1", "status": 400, "body": graph_error("Request_BadRequest", "Property x is invalid.")}
    answers = answers_to(3, batch_answer(created("0"), refused, created("1")))
    assert answers[0] == Created("account-0")
    assert all(isinstance(answers[place], Unanswered) for place in (1, 2))


def test_a_pause_until_a_date_counts_from_the_directorys_own_clock() -> None:
    """The clock of this machine may be minutes off: it stands in 2026, and the directory's in 2031."""
    dates = {"date": "Wed, 01 Jan 2031 00:00:00 GMT"}
    pause = {"status": 429, "headers": {"Retry-After": "Wed, 01 Jan 2031 00:00:40 GMT"}, "body": {}}
    answer = batch_answer({"id": "0", **pause})
    answer.headers.update(dates)
    with mocked_directory(lambda _: answer) as directory:
        directory.writer.create([order(0)]).result(10)
        assert 39 <= directory.writer.pace().waiting_s <= 41


@pytest.mark.parametrize("answered", [{"id": "b"}, {}, {"id": None}])
def test_nothing_is_decided_about_an_account_that_nobody_asked_for(answered: dict[str, object]) -> None:
    def graph(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json=answered)
        items = batch_items(request)
        missing = {"status": 404, "body": graph_error("Request_ResourceNotFound")}
        found = {"status": 200, "body": answered}
        return batch_answer(
            *({"id": i["id"], **(missing if i["method"] == "POST" else found)} for i in items)
        )

    with mocked_directory(graph) as directory:
        for question in (
            lambda: directory.remover.usage(["a"]),
            lambda: directory.remover.deleted(["a"]),
            lambda: directory.remover.restore(["a"]),
            lambda: directory.reader.by_id("a"),
            lambda: directory.writer.holders([(order(0).draft, "a")]).result(10),
        ):
            with pytest.raises(UnexpectedAnswer, match="another object"):
                question()


def test_an_item_that_is_missing_or_odd_was_not_answered() -> None:
    answers = answers_to(
        5,
        batch_answer(
            created("0"), {"id": "1"}, {"id": "2", "status": "201"}, created("3", body={}), created("99")
        ),
    )
    assert answers[0] == Created("account-0")
    assert all(isinstance(answer, Unanswered) for answer in answers[1:])


@pytest.mark.parametrize(
    "content",
    [
        b'{"responses":[{"id":"0","status":201',
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"responses":{}}',
        b"null",
        b"[" * 100_000,
        b'{"responses":[{"id":"0","status":20100000},{"id":"1","status":true}]}',
    ],
)
def test_a_broken_batch_answer_leaves_everybody_unanswered(content: bytes) -> None:
    assert all(isinstance(one, Unanswered) for one in answers_to(2, httpx2.Response(200, content=content)))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 302])
def test_a_failing_front_leaves_everybody_unanswered(status: int) -> None:
    answers = answers_to(2, httpx2.Response(status, text="<html>Bad gateway</html>"))
    assert all(isinstance(one, Unanswered) and str(status) in one.reason for one in answers)


def test_a_wait_that_no_calendar_knows_does_not_shut_the_gate() -> None:
    endless = {"Retry-After": "Thu, 01 Jan 99999999999999999999 00:00:00 GMT"}
    answers = iter([httpx2.Response(503, headers=endless), batch_answer(created("0"))])
    with mocked_directory(lambda request: next(answers)) as directory:
        (lost,) = directory.writer.create([order(0)]).result(10)
        (later,) = directory.writer.create([order(0)]).result(10)
    assert isinstance(lost, Unanswered)
    assert later == Created("account-0")


def test_a_bug_in_reading_an_answer_does_not_shut_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([httpx2.Response(503), batch_answer(created("0"))])
    with mocked_directory(lambda request: next(answers)) as directory:
        with monkeypatch.context() as broken:
            broken.setattr(hearing, "retry_after_seconds", lambda text, now: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                directory.writer.create([order(0)]).result(10)
        assert list(directory.writer.create([order(0)]).result(10)) == [Created("account-0")]


def test_a_throttled_batch_postpones_everybody() -> None:
    assert answers_to(2, httpx2.Response(429, headers={"Retry-After": "5"})) == [Postponed(), Postponed()]


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "forbidden"), (400, "unexpected_answer"), (404, "not_found"), (413, "unexpected_answer")],
)
def test_a_batch_that_is_refused_as_a_whole_stops_the_run_and_blames_nobody(status: int, code: str) -> None:
    answers = answers_to(2, httpx2.Response(status, json=graph_error("Odd", "odd")))
    assert [(type(one), getattr(one, "code", "")) for one in answers] == [(Fatal, code)] * 2


@pytest.mark.parametrize("failure", [httpx2.ConnectError("refused"), httpx2.ConnectTimeout("slow")])
def test_what_never_left_is_undelivered(failure: Exception) -> None:
    assert all(isinstance(one, Undelivered) for one in answers_to(2, failure))


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ReadError("reset"),
        httpx2.ReadTimeout(""),
        httpx2.WriteError("pipe"),
        httpx2.RemoteProtocolError("cut"),
    ],
)
def test_what_may_have_arrived_is_unanswered(failure: Exception) -> None:
    assert all(isinstance(one, Unanswered) for one in answers_to(2, failure))


@pytest.mark.parametrize("password", ["CorrectHorse", "correcthorse"])
def test_an_answer_that_repeats_a_password_is_not_told(password: str) -> None:
    """In the places, and in the forms, in which texts of the directory are told."""
    names = [
        {"status": 201, "body": {"id": password}},
        {"status": 400, "body": graph_error(password)},
        {"status": 400, "body": graph_error("x", "", {"code": "InvalidValue", "target": password})},
        {"status": 400, "body": graph_error("x", "", {"code": "ObjectConflict", "target": password})},
        {"status": 403, "body": graph_error(password)},
        {"status": 503, "body": graph_error(password)},
    ]
    # Each quotes the password of the next person.
    orders = [
        structs.replace(order(n), password=Password(password if n else "Other-Horse-2")) for n in range(6)
    ]
    items = [{"id": str(n), **one} for n, one in enumerate(names)]
    with mocked_directory(lambda request: batch_answer(*items)) as directory:
        answers = directory.writer.create(orders).result(10)
    assert password not in repr(answers)
    kinds = [type(answer) for answer in answers]
    assert kinds == [Unanswered, Rejected, Rejected, Taken, Fatal, Unanswered]


def test_half_a_character_rejects_one_person_and_sends_the_others() -> None:
    def graph(request: httpx2.Request) -> httpx2.Response:
        (item,) = batch_items(request)
        return batch_answer({"id": item["id"], "status": 201, "body": {"id": "a"}})

    broken = CreateOrder(
        AccountDraft("p:s:1", "\ud800", (local_identity("a@x.com"),), PasswordPlan.KNOWN),
        Password("Correct-Horse-1"),
    )
    with mocked_directory(graph) as directory:
        answers = directory.writer.create([broken, order(2)]).result(10)
    assert isinstance(answers[0], Rejected)
    assert answers[1] == Created("a")


def test_a_call_says_who_it_is_from() -> None:
    def graph(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["Authorization"] == "Bearer token"
        assert request.headers["client-request-id"] == "00000000-0000-4000-8000-000000000000"
        (item,) = batch_items(request)
        assert item["method"] == "POST"
        assert item["url"] == "/users"
        assert item["headers"] == {"Content-Type": "application/json"}
        assert item["body"][f"{PREFIX}legacyId"] == "p:s:0"
        return batch_answer(created("0"))

    with mocked_directory(graph) as directory:
        assert list(directory.writer.create([order(0)]).result(10)) == [Created("account-0")]


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "REPLY_BYTES_MAX", 1000)
    (answer,) = answers_to(1, httpx2.Response(200, content=b" " * 1001))
    assert isinstance(answer, Unanswered)


def test_closing_answers_what_waits_at_once() -> None:
    class Standing(HandClock):
        """A clock that stands still: nobody who waits for it ever goes on."""

        def sleep(self, seconds: float, *, unless: Future[None] | None = None) -> None:
            import time

            time.sleep(0.005)

    def graph(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(429, headers={"Retry-After": "3000"})

    directory = mocked_directory(graph, clock=Standing(), connections=2)
    assert list(directory.writer.create([order(0)]).result(10)) == [Postponed()]
    waiting = [directory.writer.create([order(number)]) for number in range(6)]
    assert directory.writer.pace().waiting_s > 2000
    directory.close()
    for future in waiting:
        (answer,) = future.result(0)
        assert isinstance(answer, Undelivered)


def test_an_unusable_ca_file_is_a_settings_error() -> None:
    for path in ("/no/such/file.pem", __file__):
        with pytest.raises(SettingsError, match="CA file"):
            open_client(replace(ADDRESS, ca_file=path), connections=1, timeout=timedelta(seconds=1))


def test_no_password_and_no_secret_is_in_any_repr() -> None:
    def graph(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(400, json=graph_error("Odd", "odd"))

    with mocked_directory(graph, credential=ClientSecret("s3cret")) as directory:
        answers = directory.writer.create([order(0)]).result(10)
        shown = repr(Call("POST", "/users", b"Correct-Horse-1"))
        shown += json.dumps([repr(answers), repr(order(0)), repr(directory), repr(vars(directory))])
    assert "Correct-Horse-1" not in shown
    assert "s3cret" not in shown


def test_whoever_asks_after_closing_is_answered_at_once() -> None:
    def graph(request: httpx2.Request) -> httpx2.Response:
        raise AssertionError("nothing may be sent")

    directory = mocked_directory(graph)
    directory.close()
    directory.close()
    (answer,) = directory.writer.create([order(0)]).result(0)
    assert isinstance(answer, Undelivered)
    with pytest.raises(Stopped):
        directory.writer.ours([order(0).draft]).result(0)
    with pytest.raises(Stopped):
        directory.reader.by_id("x")
