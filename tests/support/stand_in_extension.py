"""A password-submit extension that answers by script, to see what the emulated tenant sends and makes of the answers.

    with stand_in_extension() as extension:
        extension.answers.append(migrate())          # else every call is answered with Retry
        ...
        extension.calls[0].claims["user-password"]

HTTPS on loopback with a throw-away authority. It is no model for a real one: it believes whatever it is sent.
"""

import asyncio
import base64
import tempfile
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from joserfc import jwe
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.support.certificates import ClientCertificate, self_signed

from idferry.emulator.certificates import make_certificates

ACTION = "microsoft.graph.passwordSubmit."
ALGORITHMS = ["RSA-OAEP", "A128CBC-HS256", "DEF"]
START_S = 10.0
GOODBYE_S = 0.2

Answer = Callable[["Call"], Awaitable[Response]]


@dataclass(frozen=True)
class Call:
    """One call as it arrived.

    Attributes:
        header, claims: of the encrypted password, decrypted. inner_header: of the token inside it.
    """

    raw: bytes
    headers: dict[str, str]
    body: dict[str, Any]
    header: dict[str, Any]
    inner_header: dict[str, Any]
    claims: dict[str, Any]

    @property
    def nonce(self) -> str:
        return str(self.claims["nonce"])

    @property
    def password(self) -> str:
        return str(self.claims["user-password"])


@dataclass
class StandIn:
    """The running stand-in: its address, its key, what it was sent, and what it says next."""

    url: str
    authority_pem: str
    certificate: ClientCertificate
    calls: list[Call] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)

    def passwords(self) -> list[str]:
        """The passwords it was sent, in order."""
        return [call.password for call in self.calls]


def action(name: str, *, prefix: str = ACTION, **more: Any) -> Answer:
    """An answer with one action."""

    async def answer(call: Call) -> Response:
        return document([{"@odata.type": f"{prefix}{name}", **more}], nonce=call.nonce)

    return answer


def migrate() -> Answer:
    """The password is right."""
    return action("MigratePassword")


def late(answer: Answer, *, by_s: float) -> Answer:
    """The same, after a while."""

    async def wait(call: Call) -> Response:
        await asyncio.sleep(by_s)
        return await answer(call)

    return wait


def plain(content: bytes = b"", *, status: int = 200, media_type: str = "application/json") -> Answer:
    """Just these bytes."""

    async def answer(_: Call) -> Response:
        return Response(content, status, media_type=media_type)

    return answer


def document(actions: list[dict[str, Any]], **data: Any) -> Response:
    """A response document with these actions."""
    whole = {"@odata.type": "microsoft.graph.onPasswordSubmitResponseData", "actions": actions, **data}
    return Response(msgspec.json.encode({"data": whole}), media_type="application/json")


@contextmanager
def stand_in_extension() -> Iterator[StandIn]:
    """A running stand-in; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        # TLS is judged by the machine's own time, however far a test has moved the emulated one.
        files = make_certificates(Path(folder), now_s=time.time())  # noqa: TID251  see above
        certificate = self_signed("JitMigration")
        key = RSAKey.import_key(certificate.private_pem)  # 30 ms: once
        stand_in = StandIn("", files.ca.read_text(encoding="utf-8"), certificate)

        async def receive(request: Request) -> Response:
            raw = await request.body()
            call = _opened(raw, dict(request.headers), key)
            stand_in.calls.append(call)
            answer = stand_in.answers.popleft() if stand_in.answers else action("Retry")
            return await answer(call)

        app = Starlette(routes=[Route("/password-submit", receive, methods=["POST"])])
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            lifespan="off",
            log_level="critical",
            access_log=False,
            ssl_certfile=str(files.chain),
            ssl_keyfile=str(files.key),
            timeout_graceful_shutdown=1,
            # A client that keeps an idle TLS connection does not read our goodbye on it.
            headers=[("Connection", "close")],
        )
        with _running(config) as port:
            stand_in.url = f"https://localhost:{port}/password-submit"
            yield stand_in


@contextmanager
def _running(config: uvicorn.Config) -> Iterator[int]:
    server = uvicorn.Server(config)

    async def serve() -> None:
        await server.serve()
        # TLS connections end after the server has: without a moment for it they are left open.
        await asyncio.sleep(GOODBYE_S)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    deadline = time.monotonic() + START_S
    while not server.started:
        assert time.monotonic() < deadline, "the stand-in did not start"
        time.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(START_S)


def _opened(raw: bytes, headers: dict[str, str], key: RSAKey) -> Call:
    body = msgspec.json.decode(raw)
    opened = jwe.decrypt_compact(body["data"]["encryptedPasswordContext"], key, algorithms=ALGORITHMS)
    assert opened.plaintext is not None
    inner_header, claims, signature = opened.plaintext.decode().split(".")
    assert signature == ""
    return Call(
        raw=raw,
        headers=headers,
        body=body,
        header=dict(opened.protected),
        inner_header=_part(inner_header),
        claims=_part(claims),
    )


def _part(text: str) -> dict[str, Any]:
    return dict(msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
