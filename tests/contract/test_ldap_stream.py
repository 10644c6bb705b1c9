"""The connection that libldap is given: what it passes on, how much of it, and on a machine where many are open."""

import os
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from idferry.connectors.ldap_stream import ANSWERS_BYTES_MAX, CHUNK_BYTES, open_stream
from idferry.outbound import tls_context
from idferry.ports import Deadline
from idferry.wiring import SystemClock

CLOCK = SystemClock()
TLS = tls_context()
SECONDS = 5.0
DESCRIPTORS_OF_SELECT = 1_024


@contextmanager
def stream_to(serve: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """Our end of a stream whose other end is served so."""

    def accept() -> None:
        with suppress(OSError), listener.accept()[0] as connection:
            connection.settimeout(SECONDS)
            serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        url = f"ldap://127.0.0.1:{listener.getsockname()[1]}"
        number = open_stream(
            url, start_tls=False, tls=TLS, clock=CLOCK, deadline=Deadline(CLOCK.elapsed() + SECONDS)
        )
        with socket.socket(fileno=number) as ours:
            ours.settimeout(SECONDS)
            yield ours
        thread.join(SECONDS)


def echo(connection: socket.socket) -> None:
    while data := connection.recv(CHUNK_BYTES):
        connection.sendall(data)


def pour(connection: socket.socket) -> None:
    for _ in range(1_000):
        connection.sendall(bytes(CHUNK_BYTES))


def test_a_directory_that_never_stops_fills_no_memory() -> None:
    with stream_to(pour) as ours:
        taken = 0
        with suppress(ConnectionResetError):
            while data := ours.recv(CHUNK_BYTES):
                taken += len(data)
    assert 0 < taken <= ANSWERS_BYTES_MAX + CHUNK_BYTES


def test_as_many_open_connections_as_may_be_hold_nothing_up() -> None:
    """Callers who open many connections and say nothing must not take the directory away from everybody."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * DESCRIPTORS_OF_SELECT), hard))
    try:
        with ExitStack() as held:
            while (number := os.dup(0)) < DESCRIPTORS_OF_SELECT:
                held.callback(os.close, number)
            held.callback(os.close, number)
            with stream_to(echo) as ours:
                ours.sendall(b"anna")
                assert ours.recv(CHUNK_BYTES) == b"anna"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
