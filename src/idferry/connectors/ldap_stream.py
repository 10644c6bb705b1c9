"""A connection to a directory that libldap may use: connected, encrypted and verified by us, and ended at a deadline.

libldap's own handshake knows no deadline that holds: with GnuTLS it runs in circles for as long as a directory is
silent. So it gets one end of a pair of sockets, and a thread passes bytes between the other end and the directory.
"""

import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from idferry.outbound import NamedHost, Resolve, resolved, system_addresses
from idferry.ports import Clock, Deadline

CHUNK_BYTES = 16 * 1024
ANSWERS_BYTES_MAX = 64 * 1024
"""Of all answers to one check: two names at most, without attributes."""
MESSAGE_BYTES_MAX = 4 * 1024
LENGTH_BYTES_MAX = 2
ELEMENT_BYTES_MIN = 2  # a tag and a length
DEFAULT_PORTS = {"ldap": 389, "ldaps": 636}
# RFC 4511, 4.14.1: an ExtendedRequest with message id 1 and the name 1.3.6.1.4.1.1466.20037.
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
_SEQUENCE, _INTEGER, _ENUMERATED, _EXTENDED_RESPONSE = 0x30, 0x02, 0x0A, 0x78


class NoStream(OSError):
    """There is no connection that can be trusted; `timed_out`: not in time."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__("no connection to the directory")
        self.timed_out = timed_out


def open_stream(
    url: str,
    *,
    start_tls: bool,
    tls: ssl.SSLContext,
    clock: Clock,
    deadline: Deadline,
    resolve: Resolve = system_addresses,
) -> int:
    """A file descriptor that speaks to the directory in clear and is dead when the deadline has passed.

    Whoever gets it closes it.

    Raises:
        NoStream: refused, not in time, or a certificate that is not trusted.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    # Directories stand in private networks.
    named = NamedHost(parts.scheme, host, parts.port or DEFAULT_PORTS[parts.scheme], private=True)
    try:
        far = _connected(named, partial(_left, clock, deadline), resolve)
    except NoStream:
        raise
    except TimeoutError:
        raise NoStream(timed_out=True) from None
    except (OSError, UnicodeError):
        raise NoStream(timed_out=False) from None
    try:
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if start_tls:
            _ask_for_tls(far, partial(_left, clock, deadline))
        if start_tls or parts.scheme == "ldaps":
            far.settimeout(_left(clock, deadline))
            far = tls.wrap_socket(far, server_hostname=host)
        near, theirs = socket.socketpair()
        threading.Thread(
            target=_pass_on, args=(near, far, clock, deadline), name="idferry-ldap", daemon=True
        ).start()
    except (OSError, RuntimeError) as error:
        far.close()
        late = error.timed_out if isinstance(error, NoStream) else isinstance(error, TimeoutError)
        raise NoStream(timed_out=late) from None
    return theirs.detach()


def _connected(named: NamedHost, left: Callable[[], float], resolve: Resolve) -> socket.socket:
    """A connection to one of the addresses that the name stands for, if all of them may be called. Raises OSError."""
    addresses = resolved(resolve, named.host, named.port, seconds=left())
    if not addresses or not all(named.admits(one) for one in addresses):
        raise OSError("the name stands for an address that is not called")
    for later in reversed(range(1, len(addresses))):
        with suppress(OSError):
            address = addresses[-1 - later]
            return socket.create_connection((address, named.port), timeout=left() / (later + 1))
    return socket.create_connection((addresses[-1], named.port), timeout=left())


def _left(clock: Clock, deadline: Deadline) -> float:
    seconds = deadline.seconds_left(clock)
    if seconds <= 0:
        raise NoStream(timed_out=True)
    return seconds


def _pass_on(near: socket.socket, far: socket.socket, clock: Clock, deadline: Deadline) -> None:
    """Bytes in both directions, until one side ends, the directory says too much, or the time is over."""
    answered = 0
    # Not select(): it fails for descriptors from 1024 on, and idle callers of the service may hold those below.
    with near, far, suppress(OSError, ValueError), selectors.DefaultSelector() as waiting:
        waiting.register(near, selectors.EVENT_READ)
        waiting.register(far, selectors.EVENT_READ)
        while (left := deadline.seconds_left(clock)) > 0:
            # What has been decrypted already is no longer in the socket.
            pending = isinstance(far, ssl.SSLSocket) and far.pending()
            ready = [far] if pending else [key.fileobj for key, _ in waiting.select(left)]
            if near in ready and _moved(near, far, left) is None:
                return
            if far in ready:
                moved = _moved(far, near, left)
                answered += moved or 0
                if moved is None or answered > ANSWERS_BYTES_MAX:
                    return


def _moved(source: socket.socket, target: socket.socket, left: float) -> int | None:
    """Pass on what is there, so many bytes; None when the source has ended."""
    source.settimeout(0.0)
    try:
        data = source.recv(CHUNK_BYTES)
    except (BlockingIOError, ssl.SSLWantReadError):
        # A record of TLS itself, such as a session ticket: waiting for more here would hold the other direction up.
        return 0
    target.settimeout(left)
    target.sendall(data)
    return len(data) or None


class _Element(NamedTuple):
    tag: int
    content: bytes
    rest: bytes


def _ask_for_tls(far: socket.socket, left: Callable[[], float]) -> None:
    """StartTLS, before libldap sees the connection. Raises OSError unless the directory agrees."""
    far.settimeout(left())
    far.sendall(_START_TLS)
    head = _exactly(far, 2, left)
    more = head[1] & 0x7F if head[1] & 0x80 else 0
    if more > LENGTH_BYTES_MAX:
        raise OSError("an answer that is too long")
    size = int.from_bytes(_exactly(far, more, left), "big") if more else head[1]
    if head[0] != _SEQUENCE or size > MESSAGE_BYTES_MAX:
        raise OSError("not LDAP")
    message_id = _element(_exactly(far, size, left))
    response = _element(message_id.rest)
    result = _element(response.content)
    if (
        (message_id.tag, message_id.content) != (_INTEGER, b"\x01")
        or response.tag != _EXTENDED_RESPONSE
        or (result.tag, result.content) != (_ENUMERATED, b"\x00")
    ):
        raise OSError("the directory does not encrypt")


def _element(data: bytes) -> _Element:
    """The first element of some BER, and what stands behind it."""
    if len(data) < 2:
        raise OSError("not LDAP")
    tag, size, start = data[0], data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big")
    if start + size > len(data):
        raise OSError("not LDAP")
    return _Element(tag, data[start : start + size], data[start + size :])


def _exactly(far: socket.socket, count: int, left: Callable[[], float]) -> bytes:
    """So many bytes, each of them within what is left, and no byte behind them: those would be in clear."""
    data = b""
    while len(data) < count:
        far.settimeout(left())
        piece = far.recv(count - len(data))
        if not piece:
            raise OSError("the connection broke off")
        data += piece
    return data
