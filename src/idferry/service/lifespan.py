"""What an application does beside its requests under any ASGI server: keys read before, timers meanwhile, an end.

A server that does not speak the lifespan protocol (https://asgi.readthedocs.io/en/latest/specs/lifespan.html) still gets
the timers: they begin with its first request. Under `idferry serve` nothing of this is used.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send


class Living:
    """The application with what goes on beside it. `begin` and `beside` run on the loop; `end` is called once."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        begin: Callable[[], Awaitable[None]],
        beside: Callable[[], Awaitable[None]],
        end: Callable[[], None],
        without_lifespan: Callable[[], None],
    ) -> None:
        """`without_lifespan` hears once of a server that never says that it begins."""
        self._app = app
        self._begin = begin
        self._beside = beside
        self._end = end
        self._without_lifespan = without_lifespan
        self._other: asyncio.Future[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the whole life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if self._other is None:
            self._without_lifespan()
            self._start()
        await self._app(scope, receive, send)

    def _start(self) -> None:
        self._other = asyncio.ensure_future(self._beside())

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._begin()
                self._start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _stop(self) -> None:
        if self._other:
            self._other.cancel()
            with suppress(asyncio.CancelledError):
                await self._other
        self._end()
