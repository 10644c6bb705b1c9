"""The service in process: its applications over memory stores, called without a socket.

stage = ServiceStage()
stage.status.add([("id-1", ["ana@example.com"])])
answer = stage.post("/api/PrePasswordReset/LoalAccountSignIn", {"email": "ana@example.com"})
"""

import asyncio
import io
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.types import ASGIApp
from tests.support.hand_clock import HandClock
from tests.support.memory_status import MemoryResetStatus

from idferry.flows.track_password_reset import track_password_reset
from idferry.service.app import admin_app, certificate_app, tenant_app
from idferry.service.caller_auth import CERTIFICATE_EXTENSION, CallerAuth, Callers
from idferry.service.credentials import SecretCaller, SecretKind
from idferry.service.doors import Books
from idferry.service.endpoints import Endpoint
from idferry.service.logs import PersonIds, open_log
from idferry.service.messages import texts_of
from idferry.service.metrics import Metrics
from idferry.service.peers import Peers
from idferry.service.reset_status import ResetStatusEndpoints, StatusLimits, StatusSource
from idferry.service.tracing import Trace
from idferry.service.workers import Workers

SECRET = "Not-a-real-secret-of-at-least-32-bytes"
BASIC = ("authorization", "Basic cG9saWN5Ok5vdC1hLXJlYWwtc2VjcmV0LW9mLWF0LWxlYXN0LTMyLWJ5dGVz")
STATUS = "/api/PrePasswordReset/LoalAccountSignIn"
UPDATED = "/api/PrePasswordReset/PasswordUpdated"
BEGUN_SECONDS_MAX = 5
POLICY = SecretCaller(name="policy", kind=SecretKind.BASIC, secrets=[SECRET], user="policy")


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class ServiceStage:
    """One service. Fields may be set before the first call."""

    callers: Callers = field(default_factory=lambda: Callers(secrets=[POLICY]))
    trusted: Sequence[str] = ()
    limits: StatusLimits = field(default_factory=StatusLimits)
    is_local: bool = True
    traced: bool = False
    front_only: bool = False
    language: str = "en"
    more: Sequence[Endpoint] = ()
    second_look: Callable[[str], bool] | None = None
    clock: HandClock = field(default_factory=HandClock)
    status: MemoryResetStatus = field(default_factory=MemoryResetStatus)
    log: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        log = open_log(self.log, clock=self.clock)
        self.metrics = Metrics(self.clock)
        self.workers = Workers(threads=2, waiting_max=2, name="test")
        self.books = Books(
            clock=self.clock,
            log=log,
            metrics=self.metrics,
            peers=Peers(self.trusted),
            texts=texts_of(self.language, {}),
            new_id=lambda: "fresh-id",
            trace=Trace(log, clock=self.clock) if self.traced else None,
            front_only=self.front_only,
        )
        source = StatusSource(
            status=self.status,
            track=lambda name, object_id: track_password_reset(
                stores=[self.status], sign_in_name=name, object_id=object_id
            ),
            is_local=self.is_local,
            workers=self.workers,
            second_look=self.second_look,
        )
        reset = ResetStatusEndpoints(
            source, limits=self.limits, people=PersonIds(b"k" * 32), books=self.books
        )
        endpoints = [*reset.endpoints(), *self.more]
        auth = CallerAuth(self.callers, peers=self.books.peers, key=b"k" * 32, now=self.clock.now)
        self.tenant: ASGIApp = tenant_app(endpoints, auth=auth, books=self.books)
        self.certificates: ASGIApp = certificate_app(endpoints, auth=auth, books=self.books)
        self.admin: ASGIApp = admin_app(endpoints, books=self.books, ready=self._ready)

    async def _ready(self) -> dict[str, bool]:
        return {"status_store": not self.status.failing}

    def post(self, path: str, body: Any = None, **how: Any) -> Answered:
        """POST to the tenant's listener, signed in unless `headers` say otherwise."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self.call("POST", path, raw, **how)

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Sequence[tuple[str, str]] = (BASIC,),
        peer: str = "198.51.100.7",
        app: ASGIApp | None = None,
        certificate: bytes | None = None,
        parts: Sequence[bytes] | None = None,
        may_read: bool = True,
    ) -> Answered:
        """Any request. Without `may_read` whoever asks for the body fails the test."""
        extensions = {CERTIFICATE_EXTENSION: certificate} if certificate else {}
        called = asgi_call(
            app or self.tenant,
            method,
            path,
            parts or [body],
            headers=headers,
            peer=peer,
            extensions=extensions,
            may_read=may_read,
        )
        return asyncio.run(_with_what_it_began(called))

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def close(self) -> None:
        """Let the threads go."""
        self.workers.close()


async def _with_what_it_began(called: Coroutine[Any, Any, Answered]) -> Answered:
    """The answer, once everything that the call began beside it has ended: a service's loop outlives its calls."""
    answered = await called
    if begun := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(begun, timeout=BEGUN_SECONDS_MAX)
    return answered


async def asgi_call(
    app: ASGIApp,
    method: str,
    path: str,
    parts: Sequence[bytes],
    *,
    headers: Sequence[tuple[str, str]] = (),
    peer: str = "127.0.0.1",
    extensions: Mapping[str, Any] | None = None,
    may_read: bool = True,
) -> Answered:
    """One request to an ASGI application, its body in parts; without `may_read` nobody may ask for them."""
    sent: list[Any] = []
    left = list(parts)

    async def receive() -> Any:
        assert may_read, "the body was read before the caller was known"
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "https",
        "client": (peer, 40000),
        "server": ("127.0.0.1", 8443),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "extensions": dict(extensions or {}),
    }
    await app(scope, receive, send)
    start, *bodies = sent
    told = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    return Answered(start["status"], told, b"".join(one.get("body", b"") for one in bodies))
