"""An HTTP server that always gives the same answers, as cheaply as Python can: what is measured is its clients.

It stands for a Microsoft Graph that creates everything at once and never throttles. Run by itself it takes the latency
in milliseconds, prints its port and ends when its standard input closes. It knows nothing of the product.
"""

import asyncio
import json
import sys
from functools import partial

ID_PREFIX = "00000000-0000-4000-8000-0000000000"
BATCH_SIZE = 20
APP_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
EXTENSIONS = {
    "legacyId": "String",
    "requiresMigration": "Boolean",
    "loyaltyNumber": "String",
    "newsletter": "Boolean",
}


def _account(number: int) -> dict[str, object]:
    """What Graph answers to a create: the properties of its default set."""
    return {
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
        "id": f"{ID_PREFIX}{number:02}",
        "businessPhones": [],
        "displayName": "A Person",
        "givenName": "A",
        "jobTitle": None,
        "mail": None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": "Person",
        "userPrincipalName": f"{ID_PREFIX}{number:02}@contoso.onmicrosoft.com",
    }


def _answer(status: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


_BATCH = _answer(
    "200 OK",
    {
        "responses": [
            {
                "id": str(number),
                "status": 201,
                "headers": {"Content-Type": "application/json"},
                "body": _account(number),
            }
            for number in range(BATCH_SIZE)
        ]
    },
)
_TOKEN = _answer("200 OK", {"token_type": "Bearer", "expires_in": 3599, "access_token": "a-token"})
_CREATED = _answer("201 Created", _account(0))
_NOBODY = _answer("200 OK", {"value": []})
_ATTRIBUTES = _answer(
    "200 OK",
    {
        "value": [
            {"name": f"extension_{APP_ID.replace('-', '')}_{name}", "dataType": data_type}
            for name, data_type in EXTENSIONS.items()
        ]
    },
)
_REFUSED = _answer("403 Forbidden", {"error": {"code": "Authorization_RequestDenied", "message": "no"}})


def _answer_to(head: bytes) -> bytes:
    line = head.partition(b"\r\n")[0]
    if line.startswith(b"POST"):
        if b"/$batch" in line:
            return _BATCH
        return _TOKEN if b"/token" in line else _CREATED
    if b"/extensionProperties" in line:
        return _ATTRIBUTES
    return _NOBODY if b"/users" in line else _REFUSED


class _Connection(asyncio.Protocol):
    """One connection: reads a request to its end and answers it, perhaps later."""

    def __init__(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):  # every TCP connection's is
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (ends := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:ends])
            whole = ends + 4 + _content_length(head)
            if len(self._received) < whole:
                return
            del self._received[:whole]
            answer = partial(self._write, _answer_to(head))
            if self._latency_s:
                asyncio.get_running_loop().call_later(self._latency_s, answer)
            else:
                answer()

    def _write(self, answer: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(answer)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve(latency_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(latency_s), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1000))
