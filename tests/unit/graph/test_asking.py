"""Questions to the directory: repeated a bounded number of times, followed from page to page, and nowhere else."""

from dataclasses import replace

import httpx2
import pytest
from tests.support.hand_clock import HandClock
from tests.support.mock_graph import (
    ADDRESS,
    batch_answer,
    batch_items,
    graph_error,
    mocked_directory,
    order,
)

from idferry.errors import (
    Forbidden,
    TenantNotReady,
    UnexpectedAnswer,
    Unreachable,
)
from idferry.rules.answers import (
    Fatal,
    InRecycleBin,
    Unseen,
)


def test_the_address_of_the_next_page_is_used_as_it_was_given() -> None:
    link = "https://graph.test/v1.0/users?$top=999&$skiptoken=RFNwdAIAAQ~!*'()%2f%2F;:@,&x=%c3%A9"
    asked: list[bytes] = []

    def graph(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.raw_path)
        first = {"value": [{"id": "1"}], "@odata.nextLink": link}
        return httpx2.Response(200, json=first if len(asked) == 1 else {"value": [{"id": "2"}]})

    with mocked_directory(graph) as directory:
        assert [account.object_id for account in directory.reader.every(())] == ["1", "2"]
    assert asked[1] == link.removeprefix("https://graph.test").encode()


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.test/v1.0/users?$skiptoken=x",
        "http://graph.test/v1.0/users?$skiptoken=x",
        "https://graph.test:444/v1.0/users",
        "https://graph.test@elsewhere.test/v1.0/users",
        "/v1.0/users?$skiptoken=x",
        "https://[",
    ],
)
def test_the_token_never_follows_a_page_to_another_host(link: str) -> None:
    calls = []

    def graph(request: httpx2.Request) -> httpx2.Response:
        calls.append(request)
        return httpx2.Response(200, json={"value": [], "@odata.nextLink": link})

    with mocked_directory(graph) as directory, pytest.raises(UnexpectedAnswer):
        list(directory.reader.every(()))
    assert len(calls) == 1


@pytest.mark.parametrize("endless", [False, True])
def test_a_list_that_goes_in_circles_or_never_ends_is_refused(endless: bool) -> None:
    asked = 0

    def graph(request: httpx2.Request) -> httpx2.Response:
        nonlocal asked
        asked += 1
        assert asked < 100
        link = f"https://graph.test/v1.0/users?$skiptoken={asked if endless else asked % 2}"
        page = {"value": [], "@odata.nextLink": link}
        if request.method == "GET":
            return httpx2.Response(200, json=page)
        return batch_answer(*({"id": i["id"], "status": 200, "body": page} for i in batch_items(request)))

    with mocked_directory(graph) as directory:
        with pytest.raises(UnexpectedAnswer):
            directory.writer.holders([(order(0).draft, None)]).result(10)
        assert asked <= 11
        asked = 0
        with pytest.raises(UnexpectedAnswer):
            directory.writer.ours([order(0).draft]).result(10)
        asked = 0
        with pytest.raises(UnexpectedAnswer):
            directory.reader.by_display_name("Ada")
        if not endless:
            asked = 0
            with pytest.raises(UnexpectedAnswer, match="read before"):
                list(directory.reader.every(()))
            assert asked == 3


def test_reading_is_repeated_a_bounded_number_of_times_and_waits_as_it_is_told() -> None:
    clock = HandClock()
    answers: list[httpx2.Response | Exception] = [
        httpx2.Response(503),
        httpx2.Response(429, headers={"Retry-After": "40"}),
        httpx2.ReadError("cut"),
        httpx2.Response(200, json={"value": []}),
    ]

    def graph(request: httpx2.Request) -> httpx2.Response:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with mocked_directory(graph, clock=clock) as directory:
        assert list(directory.reader.every(())) == []
        assert 40 < clock.elapsed() < 60
        answers += [httpx2.Response(502)] * 8
        with pytest.raises(Unreachable, match="HTTP 502"):
            list(directory.reader.every(()))
    assert answers == []


def test_a_batch_of_questions_repeats_only_what_was_not_answered() -> None:
    asked: list[list[str]] = []

    def graph(request: httpx2.Request) -> httpx2.Response:
        items = batch_items(request)
        asked.append([item["url"].split("/")[2] for item in items])
        return batch_answer(
            *(
                {"id": item["id"], "status": 503 if "/b" in item["url"] and len(asked) < 3 else 204}
                for item in items
            )
        )

    with mocked_directory(graph) as directory:
        assert directory.remover.delete(["a", "b", "c"]) == {"a": "", "b": "", "c": ""}
    assert asked == [["a", "b", "c"], ["b"], ["b"]]


def test_an_extensions_application_that_cannot_be_told_is_asked_for() -> None:
    apps: list[dict[str, str]] = []

    def graph(request: httpx2.Request) -> httpx2.Response:
        assert "startswith" in request.url.params["$filter"]
        return httpx2.Response(200, json={"value": apps})

    address = replace(ADDRESS, extension_app_id="")
    for count, words in ((0, "has no b2c-extensions-app"), (2, "several applications")):
        apps[:] = [{"appId": f"id-{n}", "displayName": "b2c-extensions-app \x1b[2J"} for n in range(count)]
        with (
            mocked_directory(graph, address=address) as directory,
            pytest.raises(TenantNotReady, match=words) as caught,
        ):
            directory.reader.by_id("x")
        assert "extension_app_id" in caught.value.remedy
        assert "\x1b" not in str(caught.value)


def test_who_may_not_look_up_the_extensions_application_is_told_the_setting() -> None:
    address = replace(ADDRESS, extension_app_id="")
    forbidden = httpx2.Response(403, json=graph_error("Authorization_RequestDenied", "no"))
    with mocked_directory(lambda request: forbidden, address=address) as directory:
        with pytest.raises(Forbidden) as caught:
            directory.reader.by_id("x")
        (answer,) = directory.writer.create([order(0)]).result(10)
    assert "extension_app_id" in caught.value.remedy
    assert isinstance(answer, Fatal)


def test_a_recycle_bin_that_takes_no_filter_is_looked_through() -> None:
    """The holder lies on the second page; an empty page before it is not the end."""

    def graph(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            refused = graph_error("Request_UnsupportedQuery", "Unsupported Query.")
            return batch_answer(
                *(
                    {"id": item["id"], "status": 400, "body": refused}
                    if "deletedItems" in item["url"]
                    else {"id": item["id"], "status": 200, "body": {"value": []}}
                    for item in batch_items(request)
                )
            )
        if "skiptoken" in str(request.url):
            held = {"signInType": "emailAddress", "issuer": "x", "issuerAssignedId": "P0@x.com"}
            return httpx2.Response(200, json={"value": [{"id": "gone", "identities": [held]}]})
        link = "https://graph.test/v1.0/directory/deletedItems/microsoft.graph.user?$skiptoken=2"
        return httpx2.Response(200, json={"value": [], "@odata.nextLink": link})

    with mocked_directory(graph) as directory:
        holders = directory.writer.holders([(order(n).draft, None) for n in range(2)]).result(10)
    assert list(holders) == [InRecycleBin("gone"), Unseen()]


def test_usage_is_read_again_without_what_may_not_be_seen() -> None:
    asked: list[bool] = []

    def graph(request: httpx2.Request) -> httpx2.Response:
        items = batch_items(request)
        asked.append(all("signInActivity" in item["url"] for item in items))
        answer = {"status": 403, "body": {}} if asked[-1] else {"status": 200, "body": {"id": "a"}}
        return batch_answer(*({"id": item["id"], **answer} for item in items))

    with mocked_directory(graph) as directory:
        assert set(directory.remover.usage(["a"])) == {"a"}
    assert asked == [True, False]
