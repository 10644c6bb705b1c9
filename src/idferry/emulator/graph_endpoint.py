"""Graph's HTTP surface: reads a request, asks for its token, has it performed, and sends or withholds the answer.

An ASGI application below `/v1.0` and `/beta`. It decides nothing about users.
"""

import asyncio
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from idferry.emulator.clock import http_date
from idferry.emulator.graph.address import read_path, read_query
from idferry.emulator.graph.batch import JSON_TYPE
from idferry.emulator.graph.damage import send_damaged
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.graph.exchange import Answer, Call, ConnectionCut
from idferry.emulator.graph.performer import error_answer
from idferry.emulator.world import World

BODY_BYTES_MAX = 4 * 1024 * 1024
_encode = msgspec.json.Encoder().encode
_AGS_DIAGNOSTIC = msgspec.json.encode(
    {
        "ServerInfo": {
            "DataCenter": "Loopback",
            "Slice": "E",
            "Ring": "0",
            "ScaleUnit": "001",
            "RoleInstance": "EMULATOR",
        }
    }
)


class GraphEndpoint:
    """The ASGI application of the emulated Graph."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or cuts its connection."""
        body = await read_body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request_id = self._world.entropy.guid()
        try:
            answer = await self._answer(scope, headers=headers, body=body, request_id=request_id)
        except ConnectionCut:
            await cut(scope)
            return
        await self._send(answer, scope=scope, send=send, headers=headers, request_id=request_id)

    async def _answer(self, scope: Scope, *, headers: dict[str, str], body: bytes, request_id: str) -> Answer:
        world = self._world
        now_s = world.clock.now_s()
        try:
            claims = world.tokens.read(headers.get("authorization"), now_s=now_s)
        except GraphError as error:
            return error_answer(error, headers=headers, request_id=request_id, now_s=now_s)
        version, _, path = scope["raw_path"].decode("ascii").lstrip("/").partition("/")
        call = Call(
            method=scope["method"],
            version=version,
            segments=read_path(path),
            query=read_query(scope["query_string"].decode("ascii")),
            headers=headers,
            raw_body=body,
            root=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
            tenant=claims.tenant,
            application=claims.application,
            roles=claims.roles,
            now_s=now_s,
            entropy=world.entropy,
            path=f"/{path}",
        )
        return await world.performer.run(call)

    async def _send(
        self, answer: Answer, *, scope: Scope, send: Send, headers: dict[str, str], request_id: str
    ) -> None:
        content = _content(answer)
        told: list[tuple[bytes, bytes]] = [
            (b"date", http_date(self._world.clock.now_s()).encode()),
            (b"cache-control", b"no-cache"),
            (b"strict-transport-security", b"max-age=31536000"),
            (b"request-id", request_id.encode()),
            (b"client-request-id", headers.get("client-request-id", request_id).encode("latin-1")),
            (b"x-ms-ags-diagnostic", _AGS_DIAGNOSTIC),
            (b"odata-version", b"4.0"),
        ]
        if "Content-Type" not in answer.headers and content:
            plain = isinstance(answer.body, str)
            told.append((b"content-type", b"text/plain" if plain else JSON_TYPE.encode()))
        answer.headers.setdefault("x-ms-resource-unit", "1")
        told.extend(
            (name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()
        )
        if answer.status != 204:
            told.append((b"content-length", str(len(content)).encode()))
        if answer.spoil:
            await send_damaged(
                answer.spoil,
                status=answer.status,
                headers=[*told, *self._world.clock.told_with_answers()],
                content=content,
                scope=scope,
                send=send,
                pause=lambda: self._world.clock.pause(answer.pause_ms / 1000),
            )
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": content})


def _content(answer: Answer) -> bytes:
    if answer.body is None:
        return b""
    return answer.body.encode() if isinstance(answer.body, str) else _encode(answer.body)


async def read_body(receive: Receive) -> bytes:
    """The whole request body, at most 4 MiB of it."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Any = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= BODY_BYTES_MAX:
            chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def cut(scope: Scope) -> None:
    """Closes the connection without an answer."""
    transport: asyncio.Transport = scope["extensions"]["idferry.transport"]
    transport.abort()
    # The server notices the loss in a later turn of the loop; until then it would answer 500 in our place.
    lost: asyncio.Event = scope["extensions"]["idferry.lost"]
    await lost.wait()
