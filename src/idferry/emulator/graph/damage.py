"""Answers that are hurt on their way out: cut in the head or in the body, with a wrong length, or byte by byte.

What a server would never write is written past it, straight to the connection, which is closed afterwards. The
request was carried out: only its answer suffers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Literal

from starlette.types import Scope, Send

Damage = Literal["truncate", "cut_header", "cut_json", "long_length", "short_length", "trickle"]
Headers = Sequence[tuple[bytes, bytes]]

LENGTH_TOO_LONG_BY = 100


async def send_damaged(
    damage: str,
    *,
    status: int,
    headers: Headers,
    content: bytes,
    scope: Scope,
    send: Send,
    pause: Callable[[], Awaitable[None]],
) -> None:
    """Sends an answer of which this much is wrong; `pause` is what passes between two bytes of a trickle.

    truncate: half of the body, then the end · cut_header: half of the head · cut_json: half of the body as if it were
    all · long_length, short_length: a Content-Length that is not the body's · trickle: one byte at a time.
    """
    if damage == "trickle":
        await _trickle(status, headers, content, scope=scope, send=send, pause=pause)
        return
    await write_and_close(scope, _wrong_bytes(damage, status=status, headers=headers, content=content))


def _wrong_bytes(damage: str, *, status: int, headers: Headers, content: bytes) -> bytes:
    half = content[: len(content) // 2]
    match damage:
        case "truncate":
            return _head(status, headers, length=len(content)) + half
        case "cut_json":
            return _head(status, headers, length=len(half)) + half
        case "long_length":
            return _head(status, headers, length=len(content) + LENGTH_TOO_LONG_BY) + content
        case "short_length":
            return _head(status, headers, length=len(half)) + content
    head = _head(status, headers, length=len(content))
    return head[: len(head) // 2]


def _head(status: int, headers: Headers, *, length: int) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in headers if name != b"content-length"]
    # Said, because whoever sends the next request before it sees the end would hear a reset that nobody asked for.
    ends = [f"content-length: {length}".encode(), b"connection: close"]
    return b"\r\n".join([*lines, *ends, b"", b""])


async def _trickle(
    status: int,
    headers: Headers,
    content: bytes,
    *,
    scope: Scope,
    send: Send,
    pause: Callable[[], Awaitable[None]],
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    lost: asyncio.Event = scope["extensions"]["idferry.lost"]
    for place in range(len(content)):
        if lost.is_set():
            return
        await send({"type": "http.response.body", "body": content[place : place + 1], "more_body": True})
        await pause()
    await send({"type": "http.response.body", "body": b""})


async def write_and_close(scope: Scope, content: bytes) -> None:
    """Writes these bytes as they are and ends the connection behind them."""
    handles: dict[str, Any] = scope["extensions"]
    transport: asyncio.Transport = handles["idferry.transport"]
    if not transport.is_closing():
        transport.write(content)
        transport.close()
    # The server notices the loss in a later turn of the loop; until then it would answer 500 in our place.
    await handles["idferry.lost"].wait()
