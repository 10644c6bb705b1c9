"""A directory client whose HTTP ends in a function of the test: for answers that no emulator gives on request."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import httpx2
from tests.support.hand_clock import HandClock

from idferry.graph.address import Address
from idferry.graph.credentials import ClientSecret
from idferry.graph.directory import Directory, DirectoryLimits, Registration, open_directory
from idferry.graph.machine import Machine
from idferry.graph.urgency import Urgency
from idferry.ports import Clock, CreateOrder
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.answers import CreateAnswer
from idferry.rules.names import local_identity
from idferry.rules.password import Password
from idferry.rules.quota import PUBLISHED, Quota

TENANT_ID = "11111111-2222-4333-8444-555555555555"
CLIENT_ID = "99999999-8888-4777-8666-555555555555"
APP_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
PREFIX = "extension_0f1e2d3c4b5a69788796a5b4c3d2e1f0_"
REQUEST_ID = "7d6bd3f6-bd5a-4ef1-8f8e-3f8a0c3c9f5b"
SECRET = "a-secret-that-must-not-be-seen"
ADDRESS = Address(
    tenant_id=TENANT_ID,
    domain="contoso.onmicrosoft.com",
    authority="https://login.test",
    graph_url="https://graph.test",
    extension_app_id=APP_ID,
)

Answer = Callable[[httpx2.Request], httpx2.Response]


def jwt_with(**claims: object) -> str:
    """An unsigned token with these claims."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(claims)}.{part('x')}"


def token_answer(token: str = "token", expires_in: int = 3599) -> httpx2.Response:
    return httpx2.Response(
        200, json={"token_type": "Bearer", "expires_in": expires_in, "access_token": token}
    )


def mocked_directory(
    graph: Answer,
    *,
    token: Answer = lambda request: token_answer(),
    clock: Clock | None = None,
    address: Address = ADDRESS,
    settle: timedelta = timedelta(minutes=2),
    connections: int = 1,
    credential: Any = None,
    applications: Sequence[str] = ("import",),
    quota: Quota = PUBLISHED,
    urgency: Urgency = Urgency.WORK,
    heard_skew: Callable[[float], None] | None = None,
) -> Directory:
    """A directory whose Graph calls are answered by `graph`, its token requests by `token`.

    The first application's client id is CLIENT_ID, the others' are `client-1` and so on.
    """

    def answer(request: httpx2.Request) -> httpx2.Response:
        return token(request) if request.url.host == "login.test" else graph(request)

    return open_directory(
        address=address,
        applications=[
            Registration(
                name, CLIENT_ID if number == 0 else f"client-{number}", credential or ClientSecret(SECRET)
            )
            for number, name in enumerate(applications)
        ],
        machine=Machine(
            clock or HandClock(),
            lambda: 1.0,
            lambda: "00000000-0000-4000-8000-000000000000",
            heard_skew=heard_skew,
        ),
        limits=DirectoryLimits(connections=connections, settle=settle, quota=quota),
        http=httpx2.Client(transport=httpx2.MockTransport(answer)),
        urgency=urgency,
    )


def batch_items(request: httpx2.Request) -> list[dict[str, Any]]:
    """The items of a `$batch` request."""
    assert request.url.path == "/v1.0/$batch", request.url
    items: list[dict[str, Any]] = json.loads(request.content)["requests"]
    return items


def batch_answer(*answers: dict[str, Any], status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, json={"responses": list(answers)})


def graph_error(code: str, message: str = "", *details: dict[str, str]) -> dict[str, Any]:
    """An error document as Graph sends it."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = list(details)
    error["innerError"] = {"date": "2026-03-01T12:00:00", "request-id": REQUEST_ID, "client-request-id": "x"}
    return {"error": error}


def order(number: int) -> CreateOrder:
    draft = AccountDraft(
        f"p:s:{number}", f"Person {number}", (local_identity(f"p{number}@x.com"),), PasswordPlan.KNOWN
    )
    return CreateOrder(draft, Password("Correct-Horse-1"))


def created(place: str, **more: object) -> dict[str, object]:
    return {"id": place, "status": 201, "headers": {}, "body": {"id": f"account-{place}"}, **more}


def answers_to(count: int, *responses: httpx2.Response | Exception) -> list[CreateAnswer]:
    """What one create call of so many people answers when Graph gives these responses in turn."""
    left: Iterator[httpx2.Response | Exception] = iter(responses)

    def graph(request: httpx2.Request) -> httpx2.Response:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with mocked_directory(graph) as directory:
        answers = list(directory.writer.create([order(number) for number in range(count)]).result(10))
    assert next(left, None) is None, "every response was asked for"
    return answers
