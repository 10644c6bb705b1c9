"""One listener's connections, spoken to byte by byte: which may be cut, and what is no request of any caller of ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from idferry.service import connections
from idferry.service.connections import PIPELINED_MAX, BoundedProtocol, Connections

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]
ANSWER_BEGINS = b"HTTP/1.1 200 OK"
LARGE = b"x" * 16 * 1024 * 1024


class Pages:
    """/held is answered when the test says so, /large with more than anybody keeps unread, everything else with `ok`."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.seen: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.seen.append((scope["path"], body))
        if scope["path"] == "/held":
            await self.goes_on.wait()
        answer = LARGE if scope["path"] == "/large" else b"ok"
        length = str(len(answer)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        await send({"type": "http.response.body", "body": answer})


@asynccontextmanager
async def listening(
    pages: Pages, connections_max: int = 4, group: Connections | None = None
) -> AsyncIterator[Connect]:
    config = Config(pages, http=BoundedProtocol, ws="none", lifespan="off", log_config=None)
    config.load()
    group = Connections(connections_max) if group is None else group
    make = partial(BoundedProtocol, group, config, ServerState(), {})
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    opened: list[asyncio.StreamWriter] = []

    async def connect() -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.append(writer)
        return reader, writer

    try:
        yield connect
    finally:
        for writer in opened:
            writer.transport.abort()
        server.close()
        await server.wait_closed()


def get(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n"


def test_a_request_that_came_behind_another_is_never_cut_for_a_new_connection() -> None:
    async def story() -> None:
        pages = Pages()
        async with listening(pages, connections_max=1) as connect:
            reader, writer = await connect()
            writer.write(get(b"/first") + get(b"/held"))
            await reader.readuntil(b"\r\n\r\nok")
            while len(pages.seen) < 2:
                await asyncio.sleep(0.001)
            newcomer, _ = await connect()
            assert await newcomer.read() == b"", "there is no room, and nobody idle whose place it could take"
            pages.goes_on.set()
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(ANSWER_BEGINS)

    asyncio.run(asyncio.wait_for(story(), 20))


HEAD = b"POST /a HTTP/1.1\r\nhost: x\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"connection: upgrade\r\nupgrade: websocket\r\n",
        b"connection: keep-alive, Upgrade\r\nupgrade: h2c\r\n",
    ],
)
def test_a_request_that_wants_another_protocol_is_refused_and_its_body_is_no_request(head: bytes) -> None:
    """A front that forwards it would take the answer to what stands in the body for the answer to the next request."""

    async def story() -> None:
        pages = Pages()
        async with listening(pages) as connect:
            reader, writer = await connect()
            hidden = get(b"/hidden")
            writer.write(HEAD + head + b"content-length: %d\r\n\r\n" % len(hidden))
            await asyncio.sleep(0.02)
            writer.write(hidden)
            answered = await reader.read()
            assert (answered.count(b"HTTP/1.1 "), answered[:12]) == (1, b"HTTP/1.1 400")
            assert pages.seen == []

    asyncio.run(asyncio.wait_for(story(), 20))


def test_each_connection_that_has_to_make_room_is_told() -> None:
    class Silent:
        def __init__(self) -> None:
            self.ended = False

        def cut(self) -> None:
            self.ended = True
            group.closed(self)  # type: ignore[arg-type]  # as much of a connection as the group looks at

    told: list[int] = []
    group = Connections(2, cut=lambda: told.append(len(group)))
    crowd = [Silent() for _ in range(5)]
    for one in crowd:
        group.opened(one)  # type: ignore[arg-type]  # as above
    assert [one.ended for one in crowd] == [True, True, True, False, False]
    assert told == [2, 2, 2]


def test_headers_behind_a_body_are_refused() -> None:
    """Nobody bounds their number, and they are kept until the request is answered."""

    async def story() -> None:
        pages = Pages()
        async with listening(pages) as connect:
            reader, writer = await connect()
            writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx: y\r\nx: y\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
            reader, writer = await connect()
            writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\nok")).startswith(ANSWER_BEGINS)
            assert pages.seen[-1] == ("/a", b"ab")

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_few_requests_may_wait_behind_one_and_no_more() -> None:
    """Each answer made room for as many as the system had kept: one connection filled gigabytes."""

    async def story() -> None:
        pages = Pages()
        async with listening(pages) as connect:
            reader, writer = await connect()
            writer.write(get(b"/x") * (1 + PIPELINED_MAX))
            for _ in range(1 + PIPELINED_MAX):
                await reader.readuntil(b"\r\n\r\nok")
            writer.write(get(b"/x") * 5_000)
            with suppress(ConnectionError):
                assert (await reader.read()).count(ANSWER_BEGINS) <= 1 + PIPELINED_MAX
            assert len(pages.seen) <= 2 * (1 + PIPELINED_MAX)

    asyncio.run(asyncio.wait_for(story(), 20))


def test_whoever_asks_and_never_reads_loses_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some hundreds of them, each with a request that is never answered to its end, would keep everybody out."""
    monkeypatch.setattr(connections, "ANSWER_READ_SECONDS_MAX", 0.05)

    async def story() -> None:
        pages = Pages()
        async with listening(pages, connections_max=1) as connect:
            _, writer = await connect()
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport too
            writer.write(get(b"/large") + get(b"/behind"))
            while len(pages.seen) < 2:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.2)
            other, asking = await connect()
            asking.write(get(b"/x"))
            assert (await other.readuntil(b"\r\n\r\nok")).startswith(ANSWER_BEGINS)

    asyncio.run(asyncio.wait_for(story(), 30))


def test_an_end_that_is_never_read_takes_nobody_elses_place() -> None:
    """A connection that is closing and has more to send than the other end reads lingered for ever, and was not cut."""

    async def story() -> None:
        pages, group = Pages(), Connections(1)
        async with listening(pages, group=group) as connect:
            for _ in range(3):
                _, writer = await connect()
                writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport too
                writer.write(b"GET /large HTTP/1.0\r\n\r\n")
                seen = len(pages.seen)
                while len(pages.seen) == seen:
                    await asyncio.sleep(0.001)
                await asyncio.sleep(0.02)
            other, asking = await connect()
            asking.write(get(b"/x"))
            assert (await other.readuntil(b"\r\n\r\nok")).startswith(ANSWER_BEGINS)
            assert len(group) == 1

    asyncio.run(asyncio.wait_for(story(), 30))
