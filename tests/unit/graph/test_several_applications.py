"""Several applications before a Graph that a test answers for: whose token goes with a call, and who is held back."""

import base64
import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from tests.support.hand_clock import HandClock
from tests.support.mock_graph import (
    CLIENT_ID,
    batch_answer,
    batch_items,
    graph_error,
    jwt_with,
    mocked_directory,
    token_answer,
)

from idferry.errors import Forbidden, Stopped, TokenRefused
from idferry.graph.pacing import Gate
from idferry.graph.traffic import Ticket
from idferry.ports import AccountUpdater, CreateOrder
from idferry.rules.account import AccountChange, AccountDraft, PasswordPlan
from idferry.rules.answers import ChangeAnswer, CreateAnswer, Created, Fatal, Postponed, Undelivered
from idferry.rules.names import local_identity
from idferry.rules.password import Password
from idferry.rules.quota import Allowance, HeldBy, Quota

NAMES = ("first", "second", "third")


def chunk(count: int = 20) -> list[CreateOrder]:
    return [
        CreateOrder(
            AccountDraft(f"p:s:{n}", "P", (local_identity(f"p{n}@x.com"),), PasswordPlan.KNOWN),
            Password("Correct-Horse-1"),
        )
        for n in range(count)
    ]


def application_of(request: httpx2.Request) -> str:
    """The client id in the token that came with a call."""
    payload = request.headers["authorization"].split(".")[1]
    claims: dict[str, str] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims["appid"]


def token(request: httpx2.Request) -> httpx2.Response:
    client_id = parse_qs(request.content.decode())["client_id"][0]
    return token_answer(jwt_with(appid=client_id, roles=["User.ReadWrite.All"], fetched=next(_FETCHED)))


_FETCHED = iter(range(10_000))


class Graph:
    """Creates whatever it is asked to, and remembers by whom and when; `refuse` is who hears 429, and how."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.calls: list[tuple[float, str]] = []
        self.refuse: dict[str, tuple[str, str]] = {}

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        application = application_of(request)
        self.calls.append((self.clock.elapsed(), application))
        assert request.headers["x-ms-throttle-priority"] == "Low"
        scope, retry_after = self.refuse.pop(application, ("", ""))
        if scope:
            headers = {"x-ms-throttle-scope": scope, "Retry-After": retry_after}
            return batch_answer(
                *({"id": item["id"], "status": 429, "headers": headers} for item in batch_items(request))
            )
        return batch_answer(
            *(
                {"id": i["id"], "status": 201, "body": {"id": f"{len(self.calls)}-{i['id']}"}}
                for i in batch_items(request)
            )
        )

    @property
    def by_application(self) -> Counter[str]:
        return Counter(application for _, application in self.calls)


def kinds(answers: "list[CreateAnswer] | tuple[CreateAnswer, ...]") -> set[type]:
    return {type(answer) for answer in answers}


def test_each_sends_with_its_own_token_and_its_own_allowance() -> None:
    clock = HandClock()
    graph = Graph(clock)
    quota = Quota(app_writes=Allowance(40, 10))
    with mocked_directory(graph, token=token, clock=clock, applications=NAMES, quota=quota) as directory:
        for _ in range(6):
            assert kinds(list(directory.writer.create(chunk()).result(10))) == {Created}
        assert clock.elapsed() == 0
        assert graph.by_application == {CLIENT_ID: 2, "client-1": 2, "client-2": 2}
        directory.writer.create(chunk()).result(10)
    assert clock.elapsed() == pytest.approx(5, abs=0.01)


def test_one_that_is_held_back_does_not_call_and_the_others_do() -> None:
    clock = HandClock()
    graph = Graph(clock)
    graph.refuse = {CLIENT_ID: (f"Tenant_Application/Write/{CLIENT_ID}/t", "30")}
    with mocked_directory(graph, token=token, clock=clock, applications=NAMES) as directory:
        assert kinds(list(directory.writer.create(chunk()).result(10))) == {Postponed}
        for _ in range(4):
            directory.writer.create(chunk()).result(10)
        assert clock.elapsed() == 0
        assert directory.writer.pace().held_by is HeldBy.NOBODY
    assert graph.by_application == {CLIENT_ID: 1, "client-1": 2, "client-2": 2}


@pytest.mark.parametrize("scope", ["Tenant/Write/a/t", "Something/Else"])
def test_all_are_held_back_where_the_tenant_is_meant(scope: str) -> None:
    clock = HandClock()
    graph = Graph(clock)
    graph.refuse = {CLIENT_ID: (scope, "30")}
    with mocked_directory(graph, token=token, clock=clock, applications=NAMES) as directory:
        directory.writer.create(chunk()).result(10)
        assert directory.writer.pace().held_by is HeldBy.TENANT
        directory.writer.create(chunk()).result(10)
    assert clock.elapsed() == pytest.approx(30)


def test_a_refused_token_is_renewed_for_the_application_it_belongs_to() -> None:
    clock = HandClock()
    graph = Graph(clock)
    seen: list[str] = []

    def refusing(request: httpx2.Request) -> httpx2.Response:
        seen.append(application_of(request))
        if seen.count("client-1") == 1 and seen[-1] == "client-1":
            return httpx2.Response(401, json=graph_error("InvalidAuthenticationToken"))
        return graph(request)

    with mocked_directory(refusing, token=token, clock=clock, applications=NAMES) as directory:
        for _ in range(3):
            assert kinds(list(directory.writer.create(chunk()).result(10))) == {Created}
    assert seen == [CLIENT_ID, "client-1", "client-1", "client-2"]


def test_an_application_without_a_token_is_named() -> None:
    def refusing(request: httpx2.Request) -> httpx2.Response:
        if b"client-1" in request.content:
            return httpx2.Response(401, json={"error": "invalid_client", "error_codes": [7000222]})
        return token(request)

    graph = Graph(HandClock())
    with mocked_directory(graph, token=refusing, applications=NAMES) as directory:
        with pytest.raises(TokenRefused, match=r"application second: .*secret has expired"):
            directory.inspector.inspect()
        directory.writer.create(chunk()).result(10)
        (answer,) = directory.writer.create(chunk(1)).result(10)
        assert isinstance(answer, Fatal)
        assert answer.code == TokenRefused.code
        assert "application second" in answer.reason
        assert answer.remedy == "Make a new client secret and put its value into the settings."


def test_an_application_that_lost_its_permission_is_named() -> None:
    clock = HandClock()
    graph = Graph(clock)

    def refusing(request: httpx2.Request) -> httpx2.Response:
        if application_of(request) != "client-1":
            return graph(request)
        denied = graph_error("Authorization_RequestDenied", "Insufficient privileges")
        return batch_answer(*({"id": i["id"], "status": 403, "body": denied} for i in batch_items(request)))

    with mocked_directory(refusing, token=token, clock=clock, applications=NAMES) as directory:
        directory.writer.create(chunk()).result(10)
        (answer,) = directory.writer.create(chunk(1)).result(10)
    assert isinstance(answer, Fatal)
    assert "application second" in answer.reason


@pytest.mark.parametrize("disabling", [False, True])
def test_an_application_that_may_not_change_accounts_any_more_is_named(disabling: bool) -> None:
    clock = HandClock()
    denied = graph_error("Authorization_RequestDenied", "Insufficient privileges")

    def refusing(request: httpx2.Request) -> httpx2.Response:
        refused = application_of(request) == "client-1"
        answer: dict[str, Any] = {"status": 403, "body": denied} if refused else {"status": 204}
        return batch_answer(*({"id": item["id"], **answer} for item in batch_items(request)))

    def changed(updater: AccountUpdater) -> ChangeAnswer:
        if disabling:
            return updater.disable(["a"]).result(10)["a"]
        return updater.update([AccountChange("a", {"city": "Turku"})]).result(10)["a"]

    with mocked_directory(refusing, token=token, clock=clock, applications=NAMES) as directory:
        assert changed(directory.updater) == ""
        answer = changed(directory.updater)
    assert isinstance(answer, Fatal)
    assert answer.code == Forbidden.code
    assert "application second" in answer.reason


def test_no_call_counts_as_under_way_while_a_token_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could be the only one that may try, and whoever else waits would wait for a token endpoint."""
    under_way, while_fetching = [0], []
    enter, report = Gate.enter, Gate.report

    def entered(gate: Gate, *given: Any, **named: Any) -> Ticket:
        ticket = enter(gate, *given, **named)
        under_way[0] += 1
        return ticket

    def reported(gate: Gate, *given: Any, **named: Any) -> None:
        under_way[0] -= 1
        report(gate, *given, **named)

    monkeypatch.setattr(Gate, "enter", entered)
    monkeypatch.setattr(Gate, "report", reported)

    def fetched(request: httpx2.Request) -> httpx2.Response:
        while_fetching.append(under_way[0])
        return token(request)

    clock = HandClock()
    graph = Graph(clock)
    refusals = iter([httpx2.Response(401, json=graph_error("InvalidAuthenticationToken"))])
    with mocked_directory(
        lambda request: next(refusals, None) or graph(request), token=fetched, clock=clock, applications=NAMES
    ) as directory:
        for _ in range(3):
            assert kinds(list(directory.writer.create(chunk()).result(10))) == {Created}
    assert while_fetching == [0, 0, 0, 0], "three of them, and one that was renewed"
    assert under_way == [0]


def test_no_call_counts_as_under_way_while_an_identity_of_the_machine_gives_a_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its endpoint may take a minute, and the one who may try would keep everybody else waiting."""
    clock = HandClock()
    under_way, while_fetching = [0], []
    enter, report = Gate.enter, Gate.report

    def entered(gate: Gate, *given: Any, **named: Any) -> Ticket:
        under_way[0] += 1
        return enter(gate, *given, **named)

    def reported(gate: Gate, *given: Any, **named: Any) -> None:
        under_way[0] -= 1
        report(gate, *given, **named)

    monkeypatch.setattr(Gate, "enter", entered)
    monkeypatch.setattr(Gate, "report", reported)

    class Identity:
        def get_token(self, _scope: str) -> Any:
            while_fetching.append(under_way[0])
            expires = clock.now().timestamp() + 3_600
            return type("AccessToken", (), {"token": jwt_with(appid=CLIENT_ID), "expires_on": expires})()

    graph = Graph(clock)
    with mocked_directory(graph, credential=Identity(), clock=clock) as directory:
        for _ in range(3):
            assert kinds(list(directory.writer.create(chunk()).result(10))) == {Created}
    assert (while_fetching, under_way) == ([0], [0])


def test_the_tenant_is_asked_about_by_the_first_application_alone() -> None:
    callers = []

    def graph(request: httpx2.Request) -> httpx2.Response:
        callers.append(application_of(request))
        return httpx2.Response(200, json={"value": []})

    with mocked_directory(graph, token=token, applications=NAMES) as directory:
        facts = directory.inspector.inspect()
    assert set(callers) == {CLIENT_ID}
    assert facts.permissions == dict.fromkeys(NAMES, frozenset({"User.ReadWrite.All"}))


def test_what_is_withdrawn_is_not_sent_and_questions_go_on() -> None:
    clock = HandClock()
    graph = Graph(clock)
    with mocked_directory(graph, token=token, clock=clock) as directory:
        directory.writer.create(chunk()).result(10)
        directory.writer.withdraw()
        assert kinds(list(directory.writer.create(chunk()).result(10))) == {Undelivered}
        assert len(graph.calls) == 1
        assert directory.writer.ours([]).result(10) == {}
    with pytest.raises(Stopped):
        directory.remover.delete(["a"])
