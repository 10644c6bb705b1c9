"""What becomes of calls whose token was refused: sent once more, with a new one, and never twice."""

import httpx2
import pytest
from tests.support.mock_graph import (
    answers_to,
    batch_answer,
    batch_items,
    created,
    graph_error,
    mocked_directory,
    order,
    token_answer,
)

from idferry.errors import (
    TokenRefused,
)
from idferry.rules.answers import (
    Created,
    Fatal,
    Undelivered,
)


def test_an_expired_token_is_renewed_once_and_nothing_is_sent_twice() -> None:
    tokens = iter(["old", "new"])
    seen: list[tuple[str, int]] = []

    def graph(request: httpx2.Request) -> httpx2.Response:
        token = request.headers["Authorization"]
        seen.append((token, len(batch_items(request))))
        if token == "Bearer old":
            return httpx2.Response(401, json=graph_error("InvalidAuthenticationToken", "expired"))
        return batch_answer(created("0"), created("1"))

    with mocked_directory(graph, token=lambda request: token_answer(next(tokens))) as directory:
        answers = directory.writer.create([order(0), order(1)]).result(10)
    assert list(answers) == [Created("account-0"), Created("account-1")]
    assert seen == [("Bearer old", 2), ("Bearer new", 2)]


def test_a_token_that_stays_refused_stops_the_run() -> None:
    refused = httpx2.Response(401, json=graph_error("InvalidAuthenticationToken", "no"))
    answers = answers_to(1, refused, refused)
    assert isinstance(answers[0], Fatal)
    assert answers[0].code == "token_refused"


def test_items_refused_with_401_alone_are_sent_once_more_alone() -> None:
    unauthorized = {"id": "1", "status": 401, "body": graph_error("InvalidAuthenticationToken", "no")}
    first, second = batch_answer(created("0"), unauthorized), batch_answer(created("0", body={"id": "late"}))
    assert answers_to(2, first, second) == [Created("account-0"), Created("late")]


@pytest.mark.parametrize(
    ("renewal", "expected"),
    [
        (httpx2.Response(401, json={"error_codes": [7000222]}), Fatal),
        (httpx2.Response(503), Undelivered),
    ],
)
def test_what_the_others_were_answered_is_kept_when_no_new_token_comes(
    renewal: httpx2.Response, expected: type
) -> None:
    unauthorized = {"id": "0", "status": 401, "body": graph_error("InvalidAuthenticationToken", "no")}
    tokens = iter([token_answer()])
    with mocked_directory(
        lambda request: batch_answer(unauthorized, created("1"), created("2")),
        token=lambda request: next(tokens, renewal),
    ) as directory:
        answers = directory.writer.create([order(number) for number in range(3)]).result(10)
    assert answers[1:] == [Created("account-1"), Created("account-2")]
    assert isinstance(answers[0], expected)
    assert "token" in getattr(answers[0], "reason", "")


def test_a_question_that_no_new_token_comes_for_is_given_up_at_once() -> None:
    tokens, asked = iter([token_answer()]), []
    refused = httpx2.Response(401, json={"error_codes": [7000222]})

    def graph(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return batch_answer({"id": "0", "status": 401}, {"id": "1", "status": 204})

    with (
        mocked_directory(graph, token=lambda request: next(tokens, refused)) as directory,
        pytest.raises(TokenRefused, match="expired"),
    ):
        directory.remover.delete(["a", "b"])
    assert len(asked) == 1


def test_without_a_token_nobody_was_sent() -> None:
    def graph(request: httpx2.Request) -> httpx2.Response:
        raise AssertionError("nothing may be sent")

    refused = httpx2.Response(401, json={"error_codes": [7000222]})
    with mocked_directory(graph, token=lambda request: refused) as directory:
        (answer,) = directory.writer.create([order(0)]).result(10)
    assert isinstance(answer, Fatal)
    assert answer.code == "token_refused"
    with mocked_directory(graph, token=lambda request: httpx2.Response(503)) as directory:
        (answer,) = directory.writer.create([order(0)]).result(10)
    assert isinstance(answer, Undelivered)
