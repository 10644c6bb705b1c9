"""The connection that libldap is given: what it passes on, how much of it, and on a machine where many are open."""

import os
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from idferry.connectors.ldap_stream import ANSWERS_BYTES_MAX, CHUNK_BYTES, NoStream, open_stream
from idferry.outbound import Resolve, tls_context
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


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["169.254.169.254"], ["::ffff:127.0.0.1"], []]
)
def test_a_name_that_stands_for_an_address_that_is_not_called_is_not_connected_to(
    addresses: list[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        with pytest.raises(NoStream) as refused:
            open_named(f"ldap://dc.example.com:{listener.getsockname()[1]}", lambda _, __: addresses)
        assert not refused.value.timed_out
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_resolver_that_is_silent_is_left_at_the_deadline() -> None:
    asked = threading.Event()

    def silent(_host: str, _port: int) -> list[str]:
        asked.wait(SECONDS)
        return []

    with pytest.raises(NoStream) as refused:
        open_named("ldap://dc.example.com", silent, seconds=0.1)
    asked.set()
    assert refused.value.timed_out


def test_an_address_that_refuses_is_followed_by_the_next_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ldap://localhost:{listener.getsockname()[1]}"
        with socket.socket(fileno=open_named(url, lambda _, __: ["127.0.0.9", "127.0.0.1"])):
            listener.accept()[0].close()


def open_named(url: str, resolve: Resolve, *, seconds: float = SECONDS) -> int:
    deadline = Deadline(CLOCK.elapsed() + seconds)
    return open_stream(url, start_tls=False, tls=TLS, clock=CLOCK, deadline=deadline, resolve=resolve)
