"""The way of every request: who calls, then the body within its bounds, then the endpoint, then the books.

Written against ASGI itself, because the status endpoint is asked at every sign-in of a tenant. Nothing here knows
what an endpoint does, and no error of one reaches its caller as anything but the one error body.
"""

import asyncio
import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send

from idferry.ports import Clock
from idferry.service.answers import Answer, error_answer
from idferry.service.endpoints import (
    ANYBODY,
    BODY_BYTES_MAX,
    Authenticate,
    AuthenticatedRequest,
    Caller,
    Endpoint,
)
from idferry.service.logs import Log
from idferry.service.messages import Text
from idferry.service.metrics import Metrics
from idferry.service.peers import Peers
from idferry.service.tracing import Trace
from idferry.service.workers import Overloaded

BODY_SECONDS_MAX = 5.0
_CORRELATION_HEADERS = frozenset({b"x-correlation-id", b"client-request-id"})
_CORRELATION_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}\Z")
_JSON = (b"content-type", b"application/json; charset=utf-8")
_CLOSE = (b"connection", b"close")
_NO_STORE = (b"cache-control", b"no-store")
_UNAUTHORIZED = Answer(401, "unauthorized")


class TooLarge(Exception):
    """The body is longer than it may be."""


class CallerGone(Exception):
    """The connection ended before the body did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What every endpoint shares: where calls are logged and counted, and what is said when something breaks.

    `front_only`: there is no TLS of ours, so only the trusted fronts that end it may call.
    """

    clock: Clock
    log: Log
    metrics: Metrics
    peers: Peers
    texts: Mapping[Text, str]
    new_id: Callable[[], str]
    trace: Trace | None = None
    front_only: bool = False

    def tell_bug(self, error: Exception, *, endpoint: str, correlation_id: str) -> None:
        """Log and count what should not have happened. Its message may quote its data; where it came from cannot."""
        self.metrics.alert("bug")
        self.log.error(
            "bug",
            endpoint=endpoint,
            kind=type(error).__name__,
            place=_place(error),
            correlation_id=correlation_id,
        )


class Door:
    """One endpoint as an ASGI application."""

    def __init__(self, endpoint: Endpoint, *, authenticate: Authenticate, books: Books) -> None:
        self._endpoint = endpoint
        self._authenticate = authenticate
        self._books = books

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        books, arrival_s = self._books, self._books.clock.elapsed()
        correlation_id = _correlation_id(scope) or books.new_id()
        address = books.peers.client_address(scope)
        caller = await self._caller(scope)
        body = b""
        if caller is None:
            # The rest of the connection is not read: whoever is nobody must not make us read a body.
            answer, ends = _UNAUTHORIZED, True
        else:
            if caller is not ANYBODY:
                books.metrics.credential_used(caller.name, caller.credential)
            try:
                # Of somebody who has proven nothing nothing is read: it could come as slowly as it likes.
                body = b"" if caller is ANYBODY else await read_body(receive)
            except CallerGone:
                return
            except TooLarge:
                answer, ends = error_answer(413, "The request is too large.", outcome="too_large"), True
            except TimeoutError:
                answer, ends = error_answer(408, "The request came too slowly.", outcome="too_slow"), True
            else:
                request = AuthenticatedRequest(caller, address, correlation_id, arrival_s, body)
                answer, ends = await self._handled(request), False
        await _send(send, answer, correlation_id, ends=ends)
        seconds = books.clock.elapsed() - arrival_s
        name = self._endpoint.name
        books.metrics.answered(endpoint=name, status=answer.status, outcome=answer.outcome, seconds=seconds)
        books.log.info(
            "answered",
            endpoint=name,
            status=answer.status,
            outcome=answer.outcome,
            ms=round(seconds * 1000, 1),
            caller=caller.name if caller else "",
            peer=address,
            correlation_id=correlation_id,
            **answer.notes,
        )
        if books.trace:
            books.trace.call(name, scope["headers"], body, answer)

    async def _caller(self, scope: Scope) -> Caller | None:
        if self._endpoint.is_open:
            return ANYBODY
        if self._books.front_only and not self._books.peers.is_trusted(scope):
            return None
        return await self._authenticate(scope)

    async def _handled(self, request: AuthenticatedRequest) -> Answer:
        books = self._books
        try:
            return await self._endpoint.handle(request)
        except Overloaded:
            books.metrics.alert("overloaded")
            return error_answer(503, books.texts[Text.TRY_LATER], outcome="overloaded")
        except Exception as error:  # noqa: BLE001  the outermost place: a bug must not print what it was given
            books.tell_bug(error, endpoint=self._endpoint.name, correlation_id=request.correlation_id)
            return error_answer(500, books.texts[Text.TRY_LATER], outcome="bug")


async def read_body(receive: Receive) -> bytes:
    """The whole body, within BODY_BYTES_MAX; what follows its first part within BODY_SECONDS_MAX.

    Most bodies come with their head, and a timer for each of those would cost as much as reading it. For a first part
    that never comes the server watches the connection (`connections`).

    Raises:
        TooLarge, CallerGone: as they say.
        TimeoutError: it came too slowly.
    """
    message = await receive()
    body = _part(message)
    if not message.get("more_body", False):
        return body
    parts, size = [body], len(body)
    async with asyncio.timeout(BODY_SECONDS_MAX):
        while message.get("more_body", False):
            message = await receive()
            parts.append(_part(message))
            size += len(parts[-1])
            if size > BODY_BYTES_MAX:
                raise TooLarge
    return b"".join(parts)


def _part(message: Message) -> bytes:
    if message["type"] != "http.request":
        raise CallerGone
    part: bytes = message.get("body", b"")
    if len(part) > BODY_BYTES_MAX:
        raise TooLarge
    return part


def _correlation_id(scope: Scope) -> str:
    """The caller's own id of this call, where it is nothing but an id: it goes into the log and back."""
    for name, value in scope["headers"]:
        if name in _CORRELATION_HEADERS and _CORRELATION_ID.match(value):
            return str(value.decode())
    return ""


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.name}:{last.lineno}"


async def _send(send: Send, answer: Answer, correlation_id: str, *, ends: bool) -> None:
    headers = [
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-correlation-id", correlation_id.encode()),
        _NO_STORE,
    ]
    if answer.body:
        headers.append(_JSON)
    if answer.status == 401:
        headers.append((b"www-authenticate", b'Basic realm="idferry"'))
    if ends:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
