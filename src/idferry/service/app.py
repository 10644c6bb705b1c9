"""The service as ASGI applications: one for the tenant, one for callers with certificates, one for this machine.

It puts endpoints behind their doors and nothing else. Other paths and methods answer with the one error body.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from idferry.service.answers import Answer, error_body
from idferry.service.caller_auth import CallerAuth
from idferry.service.doors import Books, Door
from idferry.service.endpoints import Authenticate, AuthenticatedRequest, Endpoint
from idferry.service.openapi import openapi_document

HEALTH_PATH = "/healthz"
_JSON = "application/json"
_SENTENCES = {404: "There is nothing here.", 405: "This is not how to ask."}

Ready = Callable[[], Awaitable[dict[str, bool]]]
"""What must be there before the service can answer, and whether it is."""


def tenant_app(endpoints: Sequence[Endpoint], *, auth: CallerAuth, books: Books) -> ASGIApp:
    """What the tenant calls: every endpoint, and a health check that says nothing but that we answer."""
    return _app([*endpoints, health()], authenticate=auth.by_headers, books=books)


def certificate_app(endpoints: Sequence[Endpoint], *, auth: CallerAuth, books: Books) -> ASGIApp:
    """What callers with a client certificate may call on the mutual-TLS listener; nothing else exists there."""
    own = [one for one in endpoints if not one.is_open and one.authenticate is None]
    return _app(own, authenticate=auth.by_certificate, books=books)


def admin_app(endpoints: Sequence[Endpoint], *, books: Books, ready: Ready) -> Starlette:
    """For this machine alone: metrics, readiness, the OpenAPI document."""
    document = openapi_document([health(), *endpoints])

    async def metrics(_request: Request) -> Response:
        return Response(books.metrics.text(), media_type=books.metrics.content_type)

    async def readiness(_request: Request) -> Response:
        parts = await ready()
        return Response(
            msgspec.json.encode(parts), status_code=200 if all(parts.values()) else 503, media_type=_JSON
        )

    async def openapi(_request: Request) -> Response:
        return Response(document, media_type=_JSON)

    routes = [
        Route("/metrics", metrics, methods=["GET"]),
        Route("/ready", readiness, methods=["GET"]),
        Route("/openapi.json", openapi, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused})


def health() -> Endpoint:
    """Answers 200 as long as the process answers at all."""

    async def handle(_request: AuthenticatedRequest) -> Answer:
        return Answer(200, "alive")

    return Endpoint(
        name="health",
        summary="Whether the process answers.",
        paths=(HEALTH_PATH,),
        handle=handle,
        methods=("GET",),
        is_open=True,
    )


class _Doors:
    """Every path is an exact one: a look into a table finds its door, and what has none goes the long way."""

    def __init__(self, doors: Mapping[tuple[str, str], Door], others: ASGIApp) -> None:
        self._doors = doors
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        door = self._doors.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        await (door or self._others)(scope, receive, send)


def _app(endpoints: Sequence[Endpoint], *, authenticate: Authenticate, books: Books) -> ASGIApp:
    doors = {
        (method, path): Door(one, authenticate=one.authenticate or authenticate, books=books)
        for one in endpoints
        for path in one.paths
        for method in one.methods
    }
    routes = [
        Route(path, doors[method, path], methods=[method])
        for one in endpoints
        for path in one.paths
        for method in one.methods
    ]
    others = Starlette(routes=routes, exception_handlers={HTTPException: _refused})
    others.router.redirect_slashes = False
    return _Doors(doors, others)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it alone
    status = error.status_code
    sentence = _SENTENCES.get(status, "The request cannot be answered.")
    return Response(error_body(status, sentence), status, error.headers, media_type=_JSON)
