"""Runs the emulator: certificates, sockets, one event loop, and a quiet end.

One process, one loop, 127.0.0.1 only: HTTPS on one port because the official clients refuse plain HTTP, plain HTTP
on the next with the control API. It prints nothing; the command line does.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from idferry.emulator.certificates import CertificateFiles, make_certificates
from idferry.emulator.clock import Clock
from idferry.emulator.control import Control
from idferry.emulator.control_set_up import SetUpControl
from idferry.emulator.control_sign_ins import SignInControl
from idferry.emulator.graph_endpoint import GraphEndpoint
from idferry.emulator.identity_endpoints import IdentityEndpoints
from idferry.emulator.pages.sign_in_pages import SignInRoutes
from idferry.emulator.request_time import RequestClock, TimeFromRequests
from idferry.emulator.tenants import Tenant, TenantKind
from idferry.emulator.world import World

HOST = "127.0.0.1"
KEEP_ALIVE_S = 120  # longer than any client keeps an idle connection, so that none meets a closed one
SHUTDOWN_S = 2

TimeFrom = Literal["system", "requests"]


@dataclass(frozen=True, slots=True)
class RunningTenant:
    """What somebody needs to use one emulated tenant; `settings` is a complete idferry.toml."""

    kind: TenantKind
    tenant_id: str
    domain: str
    authority: str
    graph_https: str
    graph_http: str
    ca_file: str
    client_id: str
    client_secret: str
    extension_app_id: str
    settings: str


@dataclass(frozen=True, slots=True)
class Running:
    """What a started emulator offers: its tenants, and the address of the control API."""

    tenants: list[RunningTenant]
    control: str


def serve(
    *,
    kinds: tuple[TenantKind, ...],
    port: int | None,
    seed: int | None,
    exit_with_parent: bool,
    ready: Callable[[Running], None],
    time_from: TimeFrom = "system",
) -> None:
    """Runs until interrupted, terminated, or (with `exit_with_parent`) until standard input closes.

    HTTPS listens on `port` and HTTP on the next one; None takes two free ports. `ready` is called once, when
    requests are answered. `seed` makes ids and secrets reproducible. `time_from`: whose time it is.

    Raises:
        OSError: a port is in use.
    """
    with tempfile.TemporaryDirectory(prefix="idferry-emulator-") as name, _sockets(port) as (https, http):
        folder = Path(name)
        world = World(
            kinds=kinds,
            folder=folder,
            seed=seed,
            clock=RequestClock() if time_from == "requests" else Clock(),
            authority=f"https://localhost:{https.getsockname()[1]}",
        )
        try:
            files = make_certificates(folder, now_s=world.clock.now_s())
            running = _describe(world, files=files, https=https.getsockname()[1], http=http.getsockname()[1])
            servers = _Servers(
                _application(world),
                files=files,
                sockets=(https, http),
                at_the_end=world.password_submit.close,
            )
            servers.run(exit_with_parent=exit_with_parent, ready=lambda: ready(running))
        finally:
            world.close()


def _application(world: World) -> Starlette:
    graph = GraphEndpoint(world)
    cloud: ASGIApp = Starlette(
        routes=[
            Mount("/v1.0", graph),
            Mount("/beta", graph),
            *SignInRoutes(world).routes(),
            *IdentityEndpoints(world).routes(),
        ]
    )
    if isinstance(world.clock, RequestClock):
        cloud = TimeFromRequests(cloud, world.clock)
    parts = (Control(world), SignInControl(world), SetUpControl(world))
    control = _PlainHttpOnly(Starlette(routes=[route for part in parts for route in part.routes()]))
    return Starlette(routes=[Mount("/control", control), Mount("/", cloud)])


class _PlainHttpOnly:
    """Hides an application on HTTPS, where clients of the emulated cloud are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["scheme"] == "http":
            await self._app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


class _CuttableProtocol(HttpToolsProtocol):
    """Lets an endpoint close its connection without an answer, and know when that has happened."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._lost.set()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        handles: Any = {"idferry.transport": self.transport, "idferry.lost": self._lost}
        self.scope["extensions"] = handles


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the one that runs both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Servers:
    """The HTTPS and the HTTP server in one event loop."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        files: CertificateFiles,
        sockets: tuple[socket.socket, socket.socket],
        at_the_end: Callable[[], Awaitable[None]],
    ) -> None:
        tls = {"ssl_certfile": str(files.chain), "ssl_keyfile": str(files.key)}
        self._configs = [_config(app, **tls), _config(app)]
        self._sockets = sockets
        self._at_the_end = at_the_end

    def run(self, *, exit_with_parent: bool, ready: Callable[[], None]) -> None:
        """Blocks until stopped."""
        with asyncio.Runner(loop_factory=self._configs[0].get_loop_factory()) as runner:
            runner.run(self._run(exit_with_parent=exit_with_parent, ready=ready))

    async def _run(self, *, exit_with_parent: bool, ready: Callable[[], None]) -> None:
        servers = [_QuietServer(config) for config in self._configs]
        loop = asyncio.get_running_loop()

        def stop() -> None:
            for server in servers:
                server.should_exit = True
                # An idle TLS client would keep us for seconds, and nothing is worth it.
                server.force_exit = True

        with _stopped_by_signals(lambda: loop.call_soon_threadsafe(stop)):
            tasks = [
                asyncio.create_task(server.serve(sockets=[listener]))
                for server, listener in zip(servers, self._sockets, strict=True)
            ]
            while not all(server.started for server in servers):
                await asyncio.sleep(0.005)
            if exit_with_parent:
                _watch_standard_input(lambda: loop.call_soon_threadsafe(stop))
            ready()
            await asyncio.gather(*tasks)
            await self._at_the_end()


def _config(app: ASGIApp, **tls: str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_CuttableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,  # the emulated date is sent instead
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        **tls,  # type: ignore[arg-type]
    )


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


def _watch_standard_input(stop: Callable[[], object]) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError, ValueError):
            # Unbuffered: a buffered read that still waits would hold a lock when the interpreter ends.
            while os.read(sys.stdin.fileno(), 1024):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has already closed
            stop()

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()


@contextlib.contextmanager
def _sockets(port: int | None) -> Iterator[tuple[socket.socket, socket.socket]]:
    with contextlib.ExitStack() as stack:
        https = stack.enter_context(_listener(port or 0))
        http = stack.enter_context(_listener(0 if port is None else port + 1))
        yield https, http


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let two programs share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


def _describe(world: World, *, files: CertificateFiles, https: int, http: int) -> Running:
    tenants = [_describe_tenant(tenant, files=files, https=https, http=http) for tenant in world.tenants]
    return Running(tenants=tenants, control=f"http://localhost:{http}/control")


def _describe_tenant(tenant: Tenant, *, files: CertificateFiles, https: int, http: int) -> RunningTenant:
    root = f"https://localhost:{https}"
    application = tenant.import_application
    return RunningTenant(
        kind=tenant.kind,
        tenant_id=tenant.tenant_id,
        domain=tenant.domain,
        authority=root,
        graph_https=root,
        graph_http=f"http://localhost:{http}",
        ca_file=str(files.ca),
        client_id=application.client_id,
        client_secret=application.secrets[0].value,
        extension_app_id=tenant.extensions_application.client_id,
        settings=_settings(tenant, root=root, ca_file=str(files.ca)),
    )


def _settings(tenant: Tenant, *, root: str, ca_file: str) -> str:
    """A complete idferry.toml; the path is a TOML literal so that backslashes survive."""
    application = tenant.import_application
    return f"""project = "demo"

[tenant]
kind = "{tenant.kind}"
id = "{tenant.tenant_id}"
domain = "{tenant.domain}"
authority = "{root}"
graph = "{root}"
ca_file = '{ca_file}'

[[application]]
name = "import"
use = "import"
client_id = "{application.client_id}"
secret = "{application.secrets[0].value}"

[ledger]
path = "idferry.ledger"
"""
