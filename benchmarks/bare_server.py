"""The service's own server with one route that reads the body and answers 200: what the endpoints are compared with."""

import asyncio
import io
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from idferry.service.logs import open_log
from idferry.service.serving import Listener, bound_socket, serve
from idferry.wiring.system import SystemClock


async def answer(request: Request) -> Response:
    """Read and answer."""
    await request.body()
    return Response()


def main() -> None:
    """Listen on a free port, print the address, answer until standard input closes."""
    listener = Listener(
        Starlette(routes=[Route("/", answer, methods=["POST"])]), bound_socket("127.0.0.1", 0)
    )

    def ready() -> None:
        print(listener.address, flush=True)

    async def nothing() -> None:
        await asyncio.sleep(0)

    serve([listener], log=open_log(io.BytesIO(), clock=SystemClock()), ready=ready, before=nothing)


if __name__ == "__main__":
    sys.exit(main())
