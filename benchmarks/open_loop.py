"""Sends requests at a fixed rate, whether or not answers come: `open_loop.py ADDRESS FILE RATE FIRST CONNECTIONS`.

FILE holds the requests, each as it goes over the wire, separated by a NUL; FIRST is the number of the first one that is
sent. It sends until its standard input closes, waits for the answers that are due, and prints JSON: how many were sent,
the answers by status, and the times, each from the moment at which its request was to leave: who waits for a connection
waits for the service.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from contextlib import suppress
from pathlib import Path

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
ANSWERS_WITHIN_S = 15.0


class Sender:
    """The requests that wait, the connections that are free, and what came of it."""

    def __init__(self, requests: list[bytes], host: str, port: int) -> None:
        self.requests = requests
        self._host, self._port = host, port
        self._opening: set[asyncio.Task[None]] = set()
        self.free: deque[Connection] = deque()
        self.waiting: deque[tuple[int, float]] = deque()
        self.sent = self.answered = 0
        self.times: list[float] = []
        self.statuses: Counter[str] = Counter()

    async def open(self) -> None:
        """One more connection; where there is none to be had, the requests wait for those that there are."""
        with suppress(OSError):
            await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), self._host, self._port
            )

    def reopen(self) -> None:
        """Another connection in place of one that the service has ended."""
        task = asyncio.ensure_future(self.open())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def send(self, number: int, due_s: float) -> None:
        """Send it on a free connection, or as soon as there is one."""
        self.sent += 1
        self.waiting.append((number, due_s))
        self.serve()

    def serve(self) -> None:
        """Give free connections to requests that wait."""
        while self.free and self.waiting:
            number, due_s = self.waiting.popleft()
            self.free.popleft().send(self.requests[number % len(self.requests)], due_s)

    def note(self, status: str, due_s: float) -> None:
        """An answer, or the end of a connection that owed one."""
        self.answered += 1
        self.times.append(time.monotonic() - due_s)
        self.statuses[status] += 1


class Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._due_s = 0.0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is free."""
        self.transport = transport
        self._sender.free.append(self)
        self._sender.serve()

    def send(self, request: bytes, due_s: float) -> None:
        """Send it."""
        self._due_s = due_s
        self.transport.write(request)  # type: ignore[attr-defined]  # a Transport

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of one."""
        self._buffer += data
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return
        head = self._buffer[:end].lower() + b"\r\n"
        start = head.index(LENGTH) + len(LENGTH)
        if len(self._buffer) < end + len(HEAD_END) + int(head[start : head.index(b"\r\n", start)]):
            return
        self._sender.note(self._buffer[9:12].decode(), self._due_s)
        self._buffer, self._due_s = b"", 0.0
        self._sender.free.append(self)
        self._sender.serve()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's signature
        """Its end; a request that was under way has no answer."""
        if self._due_s:
            self._sender.note("none", self._due_s)
        elif self in self._sender.free:
            self._sender.free.remove(self)
        self._sender.reopen()


async def run(
    address: str, requests: list[bytes], rate: float, first: int, connections: int
) -> dict[str, object]:
    """Send until standard input closes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    sender = Sender(requests, host, int(port))
    for _ in range(connections):
        await sender.open()
    over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    print("ready", flush=True)
    began_s = time.monotonic()
    while not over.done():
        due_s = began_s + sender.sent / rate
        await asyncio.sleep(max(due_s - time.monotonic(), 0.0))
        sender.send(first + sender.sent, due_s)
    until_s = time.monotonic() + ANSWERS_WITHIN_S
    while sender.answered < sender.sent and time.monotonic() < until_s:
        await asyncio.sleep(0.01)
    sender.statuses["none"] += sender.sent - sender.answered
    return {
        "sent": sender.sent,
        "statuses": dict(+sender.statuses),
        "times_ms": [1e3 * one for one in sender.times],
    }


def main() -> None:
    """Run what the command line says."""
    address, file, rate, first, connections = sys.argv[1:6]
    requests = Path(file).read_bytes().split(b"\0")
    print(json.dumps(asyncio.run(run(address, requests, float(rate), int(first), int(connections)))))


if __name__ == "__main__":
    main()
