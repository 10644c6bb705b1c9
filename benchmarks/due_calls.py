"""Makes each call when it is due, whatever became of the others: `due_calls.py ADDRESS FILE FIRST RATE COUNT [RATE COUNT]...`.

FILE holds the requests, each as it goes over the wire, separated by a NUL. From FIRST on each is sent once: COUNT of them,
RATE in a second, then those of the next stretch. Prints JSON: for each one when it was due, how long after that it left
and was answered (Infinity: never), the status, and the action that the body names.
"""

import asyncio
import json
import re
import sys
import time
from pathlib import Path

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "
ACTION = re.compile(rb"passwordSubmit\.(\w+)")
BEGINS_AFTER_S = 0.1
PATIENCE_S = 10.0  # a tenant is long gone by then
NEVER_S = float("inf")


class Connection(asyncio.Protocol):
    """One connection, for one call at a time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bytes] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first call."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of one."""
        self._buffer += data
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return
        head = self._buffer[:end].lower() + b"\r\n"
        start = head.index(LENGTH) + len(LENGTH)
        size = end + len(HEAD_END) + int(head[start : head.index(b"\r\n", start)])
        if len(self._buffer) >= size and self._answer and not self._answer.done():
            self._answer.set_result(self._buffer)
            self._buffer = b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for an answer hears that there is none."""
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed"))

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        """The answer to this request."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)  # type: ignore[attr-defined]  # a Transport
        return self._answer


class Load:
    """All calls of one run; a connection is opened when none is free."""

    def __init__(self, address: str, began_s: float) -> None:
        host, _, port = address.rpartition("//")[2].rpartition(":")
        self._host, self._port = host, int(port)
        self._began_s = began_s
        self._free: list[Connection] = []

    async def call(self, request: bytes, due_s: float) -> dict[str, object]:
        """Make one when it is due."""
        await asyncio.sleep(self._began_s + due_s - time.perf_counter())
        told = {"due_s": due_s, "left_s": time.perf_counter() - self._began_s - due_s}
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._asked(request)
        except (OSError, TimeoutError):
            return {**told, "took_s": NEVER_S, "status": 0, "action": ""}
        took_s = time.perf_counter() - self._began_s - due_s
        action = ACTION.search(answer)
        name = action[1].decode() if action else ""
        return {**told, "took_s": took_s, "status": int(answer[9:12]), "action": name}

    async def _asked(self, request: bytes) -> bytes:
        while self._free and self._free[-1].transport.is_closing():
            self._free.pop()
        if self._free:
            connection = self._free.pop()
        else:
            loop = asyncio.get_running_loop()
            connection = (await loop.create_connection(Connection, self._host, self._port))[1]
        answer = await connection.ask(request)
        self._free.append(connection)
        return answer


async def run(address: str, requests: list[bytes], dues_s: list[float]) -> list[dict[str, object]]:
    """Every call at its time."""
    load = Load(address, time.perf_counter() + BEGINS_AFTER_S)
    pairs = zip(requests, dues_s, strict=True)
    return await asyncio.gather(*(load.call(request, due_s) for request, due_s in pairs))


def main() -> None:
    """Run what the command line says."""
    address, file, first = sys.argv[1:4]
    dues_s, begins_s = [], 0.0
    for rate, count in zip(map(float, sys.argv[4::2]), map(int, sys.argv[5::2]), strict=True):
        dues_s += [begins_s + number / rate for number in range(count)]
        begins_s += count / rate
    requests = Path(file).read_bytes().split(b"\0")[int(first) :][: len(dues_s)]
    loop_factory = None
    if sys.platform != "win32":
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        print(json.dumps(runner.run(run(address, requests, dues_s))))


if __name__ == "__main__":
    main()
