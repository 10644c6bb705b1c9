"""Connections that cannot hold the service up: how many, how long until a request's head is there, how large it is.

uvicorn waits for a head as long as a caller likes and turns everybody away when its limit is reached. Here a new
connection beyond the limit ends the one that has waited longest for its next request, so that somebody who opens
thousands of silent connections keeps nobody out. A request under way is never cut.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from idferry.service.answers import error_body
from idferry.service.caller_auth import CERTIFICATE_EXTENSION

CONNECTIONS_MAX = 512
HEAD_SECONDS_MAX = 5.0
HEAD_BYTES_MAX = 32 * 1024
BODY_BEGINS_SECONDS_MAX = 6.0
"""A body of which a part has come is bounded where it is read, and answered; this ends one of which nothing comes."""
ANSWER_READ_SECONDS_MAX = 10.0
"""So long may answers stand that nobody reads: whoever asks and never reads keeps a request under way for ever."""
PIPELINED_MAX = 8
"""So many requests may wait behind one on a connection. Callers of ours send none before they have their answer; without
a bound each answer would make room for thousands of them."""
KEEP_ALIVE_SECONDS = 75
"""Longer than callers usually keep an idle connection, so that few of them meet one that is being closed."""
_NO_REQUEST = error_body(400, "The request cannot be read.")
_NO_REQUEST_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_NO_REQUEST), _NO_REQUEST)
)


class Refused(Exception):
    """What no caller of ours has reason to send; the parser turns it into a refusal."""


class Connections:
    """The connections of one listener: which of them wait for a request, oldest first. `cut` hears of each that had to go."""

    def __init__(
        self, connections_max: int = CONNECTIONS_MAX, *, cut: Callable[[], None] = lambda: None
    ) -> None:
        self._connections_max = connections_max
        self._cut = cut
        self._open: set[BoundedProtocol] = set()
        self._silent: dict[BoundedProtocol, None] = {}
        self._idle: dict[BoundedProtocol, None] = {}

    def opened(self, connection: "BoundedProtocol") -> None:
        """A new one: it may cost another one its place, or find none."""
        self._open.add(connection)
        self._silent[connection] = None
        if len(self._open) > self._connections_max:
            # Whoever never sent a request goes first, then whoever sent none for longest; both dicts keep order.
            longest = next(iter(self._silent if len(self._silent) > 1 else {**self._idle, **self._silent}))
            longest.cut()
            self._cut()

    def asked(self, connection: "BoundedProtocol") -> None:
        """A request is under way on it."""
        self._silent.pop(connection, None)
        self._idle.pop(connection, None)

    def answered(self, connection: "BoundedProtocol") -> None:
        """It waits for its next request."""
        if connection in self._open:
            self._idle[connection] = None

    def closed(self, connection: "BoundedProtocol") -> None:
        """It is gone."""
        self._open.discard(connection)
        self.asked(connection)

    def __len__(self) -> int:
        return len(self._open)


class ReadProtocol(HttpToolsProtocol):
    """One connection whose answers must be read, or it ends."""

    _unread_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for."""
        self._stop_waiting_for_reader()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More is to be sent than the other end reads."""
        super().pause_writing()
        self._unread_timer = self.loop.call_later(ANSWER_READ_SECONDS_MAX, self.cut)

    def resume_writing(self) -> None:
        """It has read."""
        self._stop_waiting_for_reader()
        super().resume_writing()

    def cut(self) -> None:
        """End the connection without waiting for the other end, also one that is closing and has more to send."""
        self.transport.abort()

    def _stop_waiting_for_reader(self) -> None:
        if self._unread_timer:
            self._unread_timer.cancel()
            self._unread_timer = None


class BoundedProtocol(ReadProtocol):
    """One connection, with its head bounded in time and size, and the client's certificate in the scope."""

    def __init__(
        self, connections: Connections, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config=config, server_state=server_state, app_state=app_state)
        self._group = connections
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._certificate: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Count it, and begin to wait for its first request."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self._certificate = tls.getpeercert(binary_form=True) if tls else None
        self._wait_for_head()
        self._group.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_waiting()
        if self._body_timer:
            self._body_timer.cancel()
        self._unset_keepalive_if_required()
        self._group.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head are counted, those of a body are bounded where it is read."""
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_timer is None:
                self._wait_for_head()
        super().data_received(data)
        if not self._in_head and self._body_timer is None:
            self._body_timer = self.loop.call_later(BODY_BEGINS_SECONDS_MAX, self.cut)
        if self._in_head and self._head_bytes > HEAD_BYTES_MAX:
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """The scope of a request is made here."""
        super().on_message_begin()
        if self._certificate is not None:
            self.scope["extensions"] = {CERTIFICATE_EXTENSION: self._certificate}  # type: ignore[dict-item]  # a name of ours

    def on_header(self, name: bytes, value: bytes) -> None:
        """One more; behind a body nobody bounds how many come."""
        if not self._in_head:
            raise Refused
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        if sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES_MAX:
            raise Refused  # all of it came at once
        if len(self.pipeline) >= PIPELINED_MAX:
            self.cut()  # whatever was said now would be taken for the answer to the first one
            raise Refused
        if self.parser.should_upgrade():
            # Its body would be taken for the next request, and a front that ends TLS would take that one's answer for
            # somebody else's.
            raise Refused
        self._in_head, self._head_bytes = False, 0
        self._stop_waiting()
        self._group.asked(self)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What follows is another head."""
        self._in_head = True
        if self._body_timer:
            self._body_timer.cancel()
            self._body_timer = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The connection is idle until a head begins to come, unless one has come while the last request was answered."""
        goes_on = bool(self.pipeline)
        super().on_response_complete()
        if not goes_on:
            self._group.answered(self)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words are not ours
        """Refuse what is no request, in the one shape of an error body, and close."""
        if not self.transport.is_closing():
            self.transport.write(_NO_REQUEST_ANSWER)
            self.transport.close()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS_MAX, self.cut)

    def _stop_waiting(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None
