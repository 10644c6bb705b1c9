"""Runs the service: sockets, TLS, one event loop, and an end in which answers under way are finished.

One process and one loop for all listeners. It prints nothing; the command line does.
"""

import asyncio
import contextlib
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from idferry.errors import SettingsError, UsageError
from idferry.service.connections import KEEP_ALIVE_SECONDS, BoundedProtocol, Connections
from idferry.service.hardening import keep_for_good
from idferry.service.logs import Log
from idferry.service.stray_errors import stray_errors_told, tell_stray

BACKLOG = 2_048
HANDSHAKE_SECONDS_MAX = 5.0
TLS_CLOSE_SECONDS_MAX = 2.0
GRACE_SECONDS = 15
"""Longer than any endpoint may take, so that whoever is being answered when we stop gets the answer."""
_STARTED_LOOK_S = 0.005


@dataclass(frozen=True, slots=True)
class Listener:
    """An application and where it answers: a bound socket, and TLS where `tls` is given.

    `cut` hears of each connection that had to make room for another one.
    """

    app: ASGIApp
    socket: socket.socket
    tls: ssl.SSLContext | None = None
    cut: Callable[[], None] = lambda: None

    @property
    def address(self) -> str:
        """Its root address."""
        host, port = self.socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{shown}:{port}"


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket at this address; port 0 takes a free one. Raises UsageError: it cannot be used."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"{host} is no address of this machine: {error.strerror}") from error
    if sys.platform != "win32":  # there it would let two programs share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"{host}:{port} cannot be used: {error.strerror}",
            remedy="Name another address or port in [service].",
        ) from error
    return listener


def tls_of(certificate: Path, key: Path, *, client_ca: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate chain; with `client_ca`, only for callers who have one of those.

    A certificate listed in `client_ca` is believed itself, so that one client can be named without its authority.

    Raises:
        SettingsError: a file cannot be read or holds something else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password="")  # instead of a question
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "service.tls_certificate and service.tls_key are not a certificate chain and its key",
            remedy="Two PEM files; the key without a passphrase, readable for the service alone.",
        ) from error
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError("service.client_ca holds no certificate", remedy="A PEM file.") from error
    return context


def serve(
    listeners: Sequence[Listener],
    *,
    log: Log,
    ready: Callable[[], object],
    before: Callable[[], Awaitable[None]],
    beside: Callable[[], Awaitable[None]] | None = None,
    stop_with: Callable[[Callable[[], None]], None] | None = None,
) -> None:
    """Answer until Ctrl-C or SIGTERM; a second one ends at once. `ready` is called when requests are answered.

    `before` runs on the loop ahead of that, `beside` as long as requests are answered. `stop_with` is handed a function that stops the service like a signal.
    """
    servers = [_Server(one) for one in listeners]
    with (
        stray_errors_told(log),
        asyncio.Runner(loop_factory=servers[0].config.get_loop_factory()) as runner,
    ):
        runner.run(_run(servers, log=log, ready=ready, before=before, beside=beside, stop_with=stop_with))


async def _run(
    servers: "Sequence[_Server]",
    *,
    log: Log,
    ready: Callable[[], object],
    before: Callable[[], Awaitable[None]],
    beside: Callable[[], Awaitable[None]] | None,
    stop_with: Callable[[Callable[[], None]], None] | None,
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: tell_stray(log, context.get("exception")))

    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    def stop_from_outside() -> None:
        loop.call_soon_threadsafe(stop)

    await before()
    keep_for_good()
    with _stopped_by_signals(stop_from_outside):
        if stop_with:
            stop_with(stop_from_outside)
        tasks = [asyncio.create_task(server.serve(sockets=[server.listener.socket])) for server in servers]
        while not all(server.started for server in servers):
            await asyncio.sleep(_STARTED_LOOK_S)
        ready()
        other = asyncio.ensure_future(beside()) if beside else None
        await asyncio.gather(*tasks)
        if other:
            other.cancel()


class _Server(uvicorn.Server):
    """One listener. Signals are left to the one who runs all of them."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(
            uvicorn.Config(
                listener.app,
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",  # its messages quote requests
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self.listener = listener
        self.connections = Connections(cut=listener.cut)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's own, with bounded handshakes and our connections."""
        assert sockets  # noqa: S101  they are bound before
        await self.lifespan.startup()
        make = partial(BoundedProtocol, self.connections, self.config, self.server_state, {})
        limits: dict[str, Any] = {}
        if self.listener.tls:
            limits = {
                "ssl_handshake_timeout": HANDSHAKE_SECONDS_MAX,
                "ssl_shutdown_timeout": TLS_CLOSE_SECONDS_MAX,
            }
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(make, sock=one, ssl=self.listener.tls, backlog=BACKLOG, **limits)
            for one in sockets
        ]
        self.started = True


@contextlib.contextmanager
def _stopped_by_signals(stop: Callable[[], object]) -> Iterator[None]:
    names = ["SIGINT", "SIGTERM", "SIGBREAK"]  # the last one exists on Windows only

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = {
        number: signal.signal(number, handle) for name in names if (number := getattr(signal, name, None))
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
