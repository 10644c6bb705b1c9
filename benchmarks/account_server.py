"""A Microsoft Graph that shows one account at a time, and a key set: `account_server.py KEY_SET_FILE`.

Every account awaits its password and is ours. It answers as cheaply as Python can, because it shares the machine with
what is measured. It prints its port and ends when its standard input closes; it knows nothing of the product.
"""

import asyncio
import json
import re
import sys
from pathlib import Path

APP_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
CREATED = "2026-01-01T00:00:00Z"
USER = re.compile(rb"GET /v1\.0/users/(object-(\d+))[?]")
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
HEAD_END = b"\r\n\r\n"


def _answer(body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


_TOKEN = _answer({"token_type": "Bearer", "expires_in": 3599, "access_token": "a-token"})


class Connection(asyncio.Protocol):
    """One connection, for one request at a time."""

    def __init__(self, key_set: bytes) -> None:
        self._key_set = key_set
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for requests."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._received += data
        length = LENGTH.search(self._received)
        whole = self._received.find(HEAD_END) + len(HEAD_END) + (int(length[1]) if length else 0)
        if HEAD_END not in self._received or len(self._received) < whole:
            return
        request, self._received = self._received, b""
        self.transport.write(self._answer_to(request))  # type: ignore[attr-defined]  # a Transport

    def _answer_to(self, request: bytes) -> bytes:
        user = USER.match(request)
        if user is None:
            return _TOKEN if request.startswith(b"POST") else self._key_set
        return _answer(
            {
                "id": user[1].decode(),
                "accountEnabled": True,
                "createdDateTime": CREATED,
                "lastPasswordChangeDateTime": CREATED,
                f"extension_{APP_ID}_legacyId": f"bench:bench:{int(user[2])}",
                f"extension_{APP_ID}_requiresMigration": True,
            }
        )


async def serve(key_set: bytes) -> None:
    """Until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(key_set), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(_answer(json.loads(Path(sys.argv[1]).read_bytes()))))
