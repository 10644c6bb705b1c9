"""Keeps so many connections busy with one kind of request for some seconds: `closed_loop.py ADDRESS FILE SECONDS CONNECTIONS`.

FILE holds the requests, each as it goes over the wire, separated by a NUL. Prints JSON: how many were answered, by
status, and the times. Written against asyncio's protocols: a client library would cost more than the server.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "


class Connection(asyncio.Protocol):
    """One connection: the next request goes out when the last answer is in."""

    def __init__(self, requests: list[bytes], first: int, until_s: float) -> None:
        self.requests = requests
        self.next = first
        self.until_s = until_s
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.done = asyncio.get_running_loop().create_future()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of one."""
        self._buffer += data
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return
        head = self._buffer[:end].lower() + b"\r\n"
        start = head.index(LENGTH) + len(LENGTH)
        size = end + len(HEAD_END) + int(head[start : head.index(b"\r\n", start)])
        if len(self._buffer) < size:
            return
        self.times.append(time.perf_counter() - self._began)
        self.statuses[int(self._buffer[9:12])] += 1
        self._buffer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's signature
        """The end, by us or by the server."""
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._began = time.perf_counter()
        if self._began >= self.until_s:
            self.transport.close()
            return
        self.transport.write(self.requests[self.next % len(self.requests)])  # type: ignore[attr-defined]  # a Transport
        self.next += 1


async def run(address: str, requests: list[bytes], seconds: float, connections: int) -> dict[str, object]:
    """All connections until the time is over."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    loop = asyncio.get_running_loop()
    until_s = time.perf_counter() + seconds
    made = [
        (await loop.create_connection(lambda n=n: Connection(requests, n * 97, until_s), host, int(port)))[1]
        for n in range(connections)
    ]
    await asyncio.gather(*(one.done for one in made))
    times = sorted(time_s for one in made for time_s in one.times)
    statuses = sum((one.statuses for one in made), Counter())
    return {
        "answers": len(times),
        "statuses": {str(status): count for status, count in statuses.items()},
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[int(len(times) * 0.99)] * 1000,
    }


def main() -> None:
    """Run what the command line says."""
    address, file, seconds, connections = sys.argv[1:5]
    requests = Path(file).read_bytes().split(b"\0")
    loop_factory = None
    if sys.platform != "win32":
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        print(json.dumps(runner.run(run(address, requests, float(seconds), int(connections)))))


if __name__ == "__main__":
    main()
