"""A server on this machine that answers HTTP byte by byte as a test says, in time or not, and keeps what it was sent."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Piece = bytes | float
"""Bytes to send, or seconds to wait before the next ones."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. `headers`: names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Script = Callable[[Seen], Sequence[Piece]]


def answer(status: int, content: bytes | str | dict[str, Any] = b"", **headers: str) -> Sequence[Piece]:
    """A whole answer; a dictionary is sent as JSON. Header names are written with _ for -."""
    told = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    if isinstance(content, dict):
        content = json.dumps(content)
        told = {"content-type": "application/json", **told}
    body = content.encode() if isinstance(content, str) else content
    told = {"content-length": str(len(body)), **told}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return [f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body]


@dataclass
class ScriptedServer:
    """`script` says what is answered; `connections` counts what was accepted, `seen` holds what was asked."""

    url: str
    port: int
    script: Script
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    open: list[socket.socket] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def scripted_server(script: Script, *, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """The server, until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = ScriptedServer(f"{'https' if tls else 'http'}://localhost:{port}", port, script)
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not server.closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            server.open.append(connection)
            threads.append(threading.Thread(target=_serve, args=(server, connection, tls), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.closing.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        for connection in server.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(timeout=5)
        for thread in threads:
            thread.join(timeout=5)


def _serve(server: ScriptedServer, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        stack.enter_context(connection)
        connection.settimeout(5)
        if tls:
            connection = stack.enter_context(tls.wrap_socket(connection, server_side=True))
        file = stack.enter_context(connection.makefile("rb"))
        while (seen := _read(file)) is not None:
            server.seen.append(seen)
            for piece in server.script(seen):
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                elif server.closing.wait(piece):
                    return


def _read(file: Any) -> Seen | None:
    line = file.readline().decode("latin-1").split()
    if len(line) < 2:
        return None
    headers = {}
    while one := file.readline().decode("latin-1").strip():
        name, _, value = one.partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    body = file.read(length)
    if len(body) < length:  # whoever asked was killed meanwhile
        return None
    return Seen(line[0], line[1], headers, body)


def wait_until(true: Callable[[], bool], *, seconds: float = 5.0) -> None:
    """Wait for what another thread does; fails when it does not."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.005)
