"""One request and its answer, or why there is none. Passwords pass through here as bytes of a body, unread."""

import os
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpcore2
import msgspec

from idferry.outbound.address import NamedHost, RefusedAddress, named_host
from idferry.outbound.connecting import Connector, Exchange, NotAdmitted, Resolve, system_addresses
from idferry.ports import Clock, Deadline
from idferry.rules.verdict import NoAnswer, Silence

REPLY_BYTES_MAX = 64 * 1024
CONNECTIONS_MAX = 128

Header = tuple[str, str]

_OWN_HEADERS: Sequence[Header] = (
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
    ("User-Agent", "idferry"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. Headers and body may hold secrets and are in no `repr`."""

    method: str
    url: str
    headers: Sequence[Header] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status. `headers`: names in lower case. Both may hold tokens and are in no `repr`."""

    status: int
    headers: dict[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty where none is told."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def document(self) -> object:
        """The JSON of the answer; None for anything that does not say that it is JSON, and is."""
        if self.media_type != "application/json" and not self.media_type.endswith("+json"):
            return None
        try:
            return msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class NoReply:
    """No answer, or none that is taken. `reached`: bytes of the request have left; `reason`: in words of ours."""

    silence: Silence
    reached: bool
    reason: str

    @property
    def verdict(self) -> NoAnswer:
        """The same as what a verifier says."""
        return NoAnswer(self.silence, self.reached)


class Outbound:
    """Calls to the hosts that the settings name; safe to use from several threads. A context manager."""

    def __init__(
        self,
        *,
        hosts: Iterable[NamedHost],
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = system_addresses,
        reply_bytes_max: int = REPLY_BYTES_MAX,
    ) -> None:
        """`tls`: as `tls_context` makes it; left out: the authorities that the system trusts."""
        self._hosts = {(one.host, one.port): one for one in hosts}
        self._clock = clock
        self._exchange = Exchange()
        self._reply_bytes_max = reply_bytes_max
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls or tls_context(),
            max_connections=CONNECTIONS_MAX,
            # Each question has a connection of its own: an answer that somebody sends twice must not be taken for the
            # answer about the next person.
            max_keepalive_connections=0,
            retries=0,
            network_backend=Connector(
                hosts=self._hosts, exchange=self._exchange, clock=clock, resolve=resolve
            ),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def exchange(self, request: Request, deadline: Deadline) -> Reply | NoReply:
        """Send once and take the answer in, all of it by the deadline. A redirect is an answer and is not followed.

        Raises:
            RefusedAddress: a host that the settings do not name, or a URL that is none.
        """
        self._check(request.url)
        self._exchange.begin(deadline)
        try:
            self._exchange.left(self._clock)
            return self._over_http(request)
        except NotAdmitted as error:
            return NoReply(Silence.UNREACHABLE, reached=False, reason=str(error))
        except httpcore2.TimeoutException:
            return self._none(Silence.TIMED_OUT, "no answer in time")
        except (httpcore2.NetworkError, httpcore2.RemoteProtocolError) as error:
            return self._none(Silence.UNREACHABLE, _words(error))
        except httpcore2.LocalProtocolError:
            return NoReply(Silence.UNSUPPORTED, reached=False, reason="a request that HTTP cannot carry")

    def _over_http(self, request: Request) -> Reply | NoReply:
        headers = [*_OWN_HEADERS, *request.headers]
        content = bytearray()
        with self._pool.stream(
            request.method,
            request.url,
            headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in headers],
            content=request.body,
        ) as response:
            for part in response.iter_stream():
                content += part
                if len(content) > self._reply_bytes_max:
                    return self._none(
                        Silence.UNEXPECTED, f"an answer of more than {self._reply_bytes_max} bytes"
                    )
            told = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            return Reply(response.status, told, bytes(content))

    def _none(self, silence: Silence, reason: str) -> NoReply:
        return NoReply(silence, reached=self._exchange.sent, reason=reason)

    def _check(self, url: str) -> None:
        """The URL as the pool will read it must lead where it seems to lead."""
        found = named_host(url, private=True)
        allowed = self._hosts.get((found.host, found.port))
        if allowed is None or allowed.scheme != found.scheme:
            raise RefusedAddress("a host that the settings do not name")
        if (urlsplit(url).hostname or "") != httpcore2.URL(url).host.decode("ascii").lower().strip("[]"):
            raise RefusedAddress("a URL that can be read in two ways")


def tls_context(*, ca_file: str = "", client_certificate: str = "") -> ssl.SSLContext:
    """TLS 1.2 or later with verification.

    `ca_file`: trust these authorities alone. `client_certificate`: a PEM file that holds the certificate and its
    unencrypted key.

    Raises:
        OSError, ssl.SSLError: a file cannot be read, or holds something else.
    """
    # Not create_default_context: it would write the keys of every connection where SSLKEYLOGFILE says.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        context.load_verify_locations(cafile=str(Path(ca_file)))
    else:
        context.load_default_certs()
    if client_certificate:
        # An empty passphrase instead of a question on the terminal.
        context.load_cert_chain(client_certificate, password="")
    return context


def _words(error: BaseException) -> str:
    """What the operating system or the TLS library calls it; never the text of an answer."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    match cause:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not trusted: {cause.verify_message}"
        case ssl.SSLError():
            return f"TLS: {cause.reason}"
        case socket.gaierror():
            return "the name cannot be resolved"
        case OSError() if cause.errno:
            return os.strerror(cause.errno)
    return "the connection was broken off" if isinstance(error, httpcore2.NetworkError) else "not HTTP"
