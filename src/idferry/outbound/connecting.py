"""Connections to the hosts of the settings: the name is resolved once, judged, and that very address is connected to.

Every wait is cut to what is left of the exchange, so that a server that sends one byte a second ends nothing later
than one that is silent.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import httpcore2

from idferry.outbound.address import NamedHost
from idferry.ports import Clock, Deadline

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port -> the addresses that the name stands for, as text. Raises OSError."""


class NotAdmitted(httpcore2.ConnectError):
    """The name stands for an address that is not called."""


class Exchange(threading.local):
    """What the calling thread is in the middle of: until when, and whether a byte of the request has left."""

    deadline: Deadline | None = None
    sent = False

    def begin(self, deadline: Deadline) -> None:
        """A new exchange."""
        self.deadline, self.sent = deadline, False

    def left(self, clock: Clock) -> float:
        """Seconds that are left; raises ReadTimeout when there are none."""
        assert self.deadline is not None  # noqa: S101  every exchange begins with `begin`
        seconds = self.deadline.seconds_left(clock)
        if seconds <= 0:
            raise httpcore2.ReadTimeout("the deadline has passed")
        return seconds


class Connector(httpcore2.NetworkBackend):
    """The network as httpcore sees it; nothing is opened but to `hosts`."""

    def __init__(
        self,
        *,
        hosts: Mapping[tuple[str, int], NamedHost],
        exchange: Exchange,
        clock: Clock,
        resolve: Resolve,
    ) -> None:
        self._hosts = hosts
        self._exchange = exchange
        self._clock = clock
        self._resolve = resolve
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  the exchange knows better how much time is left
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """A connection to one of the addresses that the host's name stands for.

        Raises:
            NotAdmitted: one of them may not be called.
            httpcore2.ConnectError, httpcore2.TimeoutException.
        """
        named = self._hosts.get((host.lower(), port))
        if named is None:
            raise NotAdmitted("a host that the settings do not name")
        addresses = self._addresses(host, port)
        # One stranger among them is enough: a name that stands for several is chosen by whoever answers for it.
        if not addresses or not all(named.admits(one) for one in addresses):
            raise NotAdmitted("the name stands for an address that is not called")
        for place, address in enumerate(addresses, start=1):
            share = self._exchange.left(self._clock) / (len(addresses) - place + 1)
            try:
                stream = self._plain.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if place == len(addresses):
                    raise
            else:
                return _Stream(stream, self._exchange, self._clock, encrypted=named.scheme == "http")
        raise NotAdmitted("no address")

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            return resolved(self._resolve, host, port, seconds=self._exchange.left(self._clock))
        except TimeoutError:
            raise httpcore2.ConnectTimeout("the name was not resolved in time") from None
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the name cannot be resolved") from error


class _Stream(httpcore2.NetworkStream):
    """A connection whose every wait ends with the exchange that uses it."""

    def __init__(
        self, inner: httpcore2.NetworkStream, exchange: Exchange, clock: Clock, *, encrypted: bool
    ) -> None:
        self._inner = inner
        self._exchange = exchange
        self._clock = clock
        # What passes before the handshake is over is none of the request.
        self._carries_requests = encrypted

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002  as above
        return self._inner.read(max_bytes, self._exchange.left(self._clock))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002  as above
        left = self._exchange.left(self._clock)
        self._exchange.sent = self._exchange.sent or self._carries_requests
        self._inner.write(buffer, left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002  as above
    ) -> httpcore2.NetworkStream:
        left = self._exchange.left(self._clock)
        inner = self._inner.start_tls(ssl_context, server_hostname, left)
        return _Stream(inner, self._exchange, self._clock, encrypted=True)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def resolved(resolve: Resolve, host: str, port: int, *, seconds: float) -> Sequence[str]:
    """What `resolve` says, from a thread of its own: the system's resolver knows no deadline.

    Raises:
        TimeoutError: not within so many seconds.
        OSError, UnicodeError: the name stands for nothing.
    """
    found: Future[Sequence[str]] = Future()

    def look_up() -> None:
        try:
            found.set_result(resolve(host, port))
        except Exception as error:  # noqa: BLE001  whoever waits for it gets it
            found.set_exception(error)

    threading.Thread(target=look_up, name="idferry-resolve", daemon=True).start()
    return found.result(timeout=seconds)


def system_addresses(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says, in its order, each address once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))
