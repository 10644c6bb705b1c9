"""A tenant that repeats secrets: whatever it was sent comes back where texts of the directory are told.

No emulator does that on request. It knows just enough of Graph to let a premigration begin, over plain HTTP.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

APP_ID = "11111111-1111-1111-1111-111111111111"
_PREFIX = f"extension_{APP_ID.replace('-', '')}_"
_ATTRIBUTES = {"legacyId": "String", "requiresMigration": "Boolean"}
Item = dict[str, Any]


def honest(item: Item) -> Item:
    """Everything as it should be."""
    return {"status": 201, "body": {"id": f"account-{item['id']}"}}


def in_id(item: Item) -> Item:
    """The password is the object id."""
    return {"status": 201, "body": {"id": _password(item)}}


def in_refusal(status: int, code: str, message: str, detail: str) -> Callable[[Item], Item]:
    """The password stands in every text of a refusal; {} in `code` and `message` is the place for it."""

    def answer(item: Item) -> Item:
        secret = _password(item)
        error = {
            "code": code.format(secret),
            "message": message.format(secret),
            "details": [{"code": detail, "target": secret, "message": secret}],
            "innerError": {"request-id": secret, "client-request-id": secret},
        }
        return {"status": status, "headers": {"Retry-After": secret}, "body": {"error": error}}

    return answer


class LyingTenant(ThreadingHTTPServer):
    """`creates` answers one create; `raw` the bytes of a whole answer to a request with creates or for a token."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.creates: Callable[[Item], Item] = honest
        self.raw: Callable[[bytes], bytes] | None = None
        self.raw_token: Callable[[bytes], bytes] | None = None
        self.token = "opaque-token"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


def in_status_line(request: bytes) -> bytes:
    """An answer whose first line is the end of the request."""
    return b"HTTP/1.1 abc " + request[-400:] + b"\r\n\r\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LyingTenant

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if "extensionProperties" in self.path:
            listed = [{"name": _PREFIX + name, "dataType": kind} for name, kind in _ATTRIBUTES.items()]
        else:
            listed = [{"appId": APP_ID}] if "/applications" in self.path else []
        self._send({"value": listed})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "/oauth2/" in self.path:
            self._send(
                {"access_token": self.server.token, "expires_in": 3600}, content, self.server.raw_token
            )
            return
        items = json.loads(content)["requests"]
        creates = any(item["method"] == "POST" for item in items)
        answers = [{"id": item["id"], **self._answer(item)} for item in items]
        self._send({"responses": answers}, content, self.server.raw if creates else None)

    def _answer(self, item: Item) -> Item:
        return (
            self.server.creates(item) if item["method"] == "POST" else {"status": 200, "body": {"value": []}}
        )

    def _send(self, document: Any, request: bytes = b"", raw: Callable[[bytes], bytes] | None = None) -> None:
        if raw:
            self.close_connection = True
            self.wfile.write(raw(request))
            return
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _password(item: Item) -> str:
    return str(item["body"]["passwordProfile"]["password"])


@contextmanager
def lying_tenant() -> Iterator[LyingTenant]:
    """One that listens for as long as the block lasts; it is honest until it is told to lie."""
    with LyingTenant() as tenant:
        serving = threading.Thread(target=tenant.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        serving.start()
        yield tenant
        tenant.shutdown()
        serving.join()
