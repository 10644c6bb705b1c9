"""Carries calls to Microsoft Graph and brings back what was answered: token, gate, limits, `$batch` envelopes.

One call is one attempt, with one exception: a call that was refused with 401 was certainly not carried out and is
sent once more with a new token. What an answer means is said by `replies`; what to do next by those who call.
"""

import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from idferry import __version__
from idferry.errors import DirectoryError, SettingsError, Stopped, UnexpectedAnswer
from idferry.graph.address import Address
from idferry.graph.machine import Machine
from idferry.graph.pacing import Gate, HeldBack, Passed, Stumbled, Verdict, retry_after_seconds
from idferry.graph.receiving import name_of, read_within
from idferry.graph.replies import NoReply, Outcome, Reply
from idferry.graph.tokens import TokenSource

BATCH_SIZE_MAX = 20  # https://learn.microsoft.com/graph/json-batching
# A page of 999 accounts, each with every attribute filled, stays below 16 MiB.
REPLY_BYTES_MAX = 64 * 1024 * 1024
CONNECT_TIMEOUT = timedelta(seconds=10)

# Raised before a byte of the request has left: https://github.com/encode/httpcore (connect, pool, proxy CONNECT).
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `path` begins with / and is percent-encoded; `body` is JSON that was already encoded.

    The body may hold a password and is never shown.
    """

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    version: str = "v1.0"


def open_client(address: Address, *, connections: int, timeout: timedelta) -> httpx2.Client:
    """An HTTP client for one directory: HTTP/1.1, keep-alive, no redirects, certificates checked.

    The address's `ca_file` replaces the system's authorities.

    Raises:
        SettingsError: the CA file cannot be used.
    """
    verify: ssl.SSLContext | bool = True
    if address.ca_file:
        try:
            verify = ssl.create_default_context(cadata=Path(address.ca_file).read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise SettingsError(f"the CA file {address.ca_file} cannot be used: {error}") from error
    seconds = timeout.total_seconds()
    return httpx2.Client(
        verify=verify,
        trust_env=not address.local,
        follow_redirects=False,
        timeout=httpx2.Timeout(seconds, connect=min(CONNECT_TIMEOUT.total_seconds(), seconds)),
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        headers={"User-Agent": f"idferry/{__version__} (Python {sys.version_info[0]}.{sys.version_info[1]})"},
    )


class Transport:
    """Sends calls for one application to one directory; safe to use from several threads."""

    def __init__(
        self,
        *,
        http: httpx2.Client,
        tokens: TokenSource,
        gate: Gate,
        address: Address,
        timeout: timedelta,
        machine: Machine,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._gate = gate
        self._root = httpx2.URL(address.graph_url.rstrip("/"))
        self._timeout = timeout
        self._clock = machine.clock
        self._new_id = machine.new_id

    def send(self, call: Call) -> Outcome:
        """Make one call.

        Raises:
            TokenRefused, Unreachable: there is no token, so nothing was sent.
            Stopped: closed.
        """
        return self._send(call.method, self._address(call), call.body)

    def follow(self, next_link: str) -> Outcome:
        """Get the next page by the address that the last one gave, exactly as it was given.

        Raises:
            UnexpectedAnswer: the address leads elsewhere; the token must not go there.
            and everything that `send` raises.
        """
        try:
            url = httpx2.URL(next_link)
        except httpx2.InvalidURL as error:
            raise UnexpectedAnswer("the address of the next page cannot be read") from error
        if _origin(url) != _origin(self._root):
            raise UnexpectedAnswer(f"the address of the next page leads to another host: {url.host!r}")
        return self._send("GET", url, None)

    def batch(self, calls: Sequence[Call]) -> list[Outcome]:
        """Make up to 20 calls of one version in one `$batch`; one outcome per call, in order.

        Raises like `send` if nothing was sent. Items refused with 401 that cannot be sent once more carry the error
        that says why; what the others were answered is kept.
        """
        assert 0 < len(calls) <= BATCH_SIZE_MAX  # noqa: S101  a bug of ours, not an operating error
        outcomes = self._batch_once(calls)
        refused = [place for place, one in enumerate(outcomes) if _is_unauthorized(one, in_batch=True)]
        if refused:
            again = self._batch_with_new_token([calls[place] for place in refused])
            for place, outcome in zip(refused, again, strict=True):
                outcomes[place] = outcome
        return outcomes

    def _batch_with_new_token(self, calls: Sequence[Call]) -> list[Outcome]:
        try:
            self._tokens.renew(self._tokens.token())
            return self._batch_once(calls)
        except (DirectoryError, Stopped) as error:
            return [NoReply(str(error), maybe_done=False, error=error)] * len(calls)

    def _batch_once(self, calls: Sequence[Call]) -> list[Outcome]:
        address = self._address(Call("POST", "/$batch", version=calls[0].version))
        envelope = msgspec.json.encode({"requests": [_item(place, call) for place, call in enumerate(calls)]})

        def unpack(reply: Reply) -> list[Outcome]:
            return _unpack(reply, calls)

        outcomes = self._authorized("POST", address, envelope, unpack)
        return outcomes if len(outcomes) == len(calls) else outcomes * len(calls)

    def _send(self, method: str, address: httpx2.URL, body: bytes | None) -> Outcome:
        return self._authorized(method, address, body, lambda reply: [reply])[0]

    def _authorized(
        self, method: str, address: httpx2.URL, body: bytes | None, unpack: Callable[[Reply], list[Outcome]]
    ) -> list[Outcome]:
        token = self._tokens.token()
        outcomes = self._exchange(method, address, body, token, unpack)
        if _is_unauthorized(outcomes[0], in_batch=False):
            outcomes = self._exchange(method, address, body, self._tokens.renew(token), unpack)
        return outcomes

    def _exchange(
        self,
        method: str,
        address: httpx2.URL,
        body: bytes | None,
        token: str,
        unpack: Callable[[Reply], list[Outcome]],
    ) -> list[Outcome]:
        ticket = self._gate.enter()
        # A gate that is never told stays shut for everybody, so an exception counts as a failed call.
        verdict: Verdict = Stumbled()
        try:
            reply = self._over_http(method, address, body, token)
            outcomes: list[Outcome] = [reply] if isinstance(reply, NoReply) else unpack(reply)
            verdict = self._verdict(outcomes)
            return outcomes
        finally:
            self._gate.report(ticket, verdict)

    def _over_http(self, method: str, address: httpx2.URL, body: bytes | None, token: str) -> Outcome:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "client-request-id": self._new_id(),
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._http.stream(method, address, content=body, headers=headers) as response:
                content = read_within(
                    response, bytes_max=REPLY_BYTES_MAX, timeout=self._timeout, clock=self._clock
                )
                status, answered = response.status_code, dict(response.headers)
        except _NEVER_SENT as error:
            return NoReply(f"no connection to {address.host}: {name_of(error)}", maybe_done=False)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            return NoReply(f"no answer from {address.host}: {name_of(error)}", maybe_done=True)
        return _reply(status, answered, content)

    def _verdict(self, outcomes: Sequence[Outcome]) -> Verdict:
        """What the gate learns."""
        replies = [one for one in outcomes if isinstance(one, Reply)]
        held_back = [one for one in replies if one.throttled]
        passed = any(not one.throttled and not one.unclear for one in replies)
        waits = [self._asked_to_wait(one) for one in replies if one.throttled or one.unclear]
        longest = max((one for one in waits if one is not None), default=None)
        if held_back:
            return HeldBack(longest, some_passed=passed)
        return Passed() if passed else Stumbled(longest)

    def _asked_to_wait(self, reply: Reply) -> float | None:
        return retry_after_seconds(reply.headers.get("retry-after"), now=self._clock.now())

    def _address(self, call: Call) -> httpx2.URL:
        return httpx2.URL(f"{self._root}/{call.version}{call.path}")


def _item(place: int, call: Call) -> dict[str, Any]:
    item: dict[str, Any] = {"id": str(place), "method": call.method, "url": call.path}
    if call.body is not None:
        # The body was encoded where passwords may be seen; it passes through here unread.
        item["headers"] = {"Content-Type": "application/json"}
        item["body"] = msgspec.Raw(call.body)
    return item


def _unpack(reply: Reply, calls: Sequence[Call]) -> list[Outcome]:
    """The items of a `$batch` answer in the order of the calls; what cannot be found there was not answered."""
    if not reply.succeeded:
        return [reply] * len(calls)
    answers = (reply.body or {}).get("responses")
    found: dict[str, Outcome] = {}
    for answer in answers if isinstance(answers, list) else ():
        if isinstance(answer, dict) and _is_status(answer.get("status")):
            found.setdefault(str(answer.get("id")), _item_reply(answer))
    return [
        _with_content(
            found.get(str(place), NoReply("the answer to this item is missing", maybe_done=True)), call
        )
        for place, call in enumerate(calls)
    ]


def _is_status(status: object) -> bool:
    return isinstance(status, int) and 100 <= status <= 599


def _item_reply(answer: dict[str, Any]) -> Reply:
    body, headers = answer.get("body"), answer.get("headers")
    return Reply(
        in_batch=True,
        status=answer["status"],
        body=body if isinstance(body, dict) else None,
        headers={str(name).lower(): str(value) for name, value in headers.items()}
        if isinstance(headers, dict)
        else {},
    )


def _with_content(outcome: Outcome, call: Call) -> Outcome:
    if call.method == "GET" and isinstance(outcome, Reply) and outcome.succeeded and outcome.body is None:
        return NoReply("the answer to this item is empty", maybe_done=True)
    return outcome


def _reply(status: int, headers: dict[str, str], content: bytes) -> Outcome:
    try:
        body = msgspec.json.decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if 200 <= status < 300 and content and not isinstance(body, dict):
        return NoReply(f"an answer that is not JSON (HTTP {status})", maybe_done=True)
    return Reply(status, body if isinstance(body, dict) else None, headers)


def _is_unauthorized(outcome: Outcome, *, in_batch: bool) -> bool:
    return (
        isinstance(outcome, Reply)
        and outcome.status == HTTPStatus.UNAUTHORIZED
        and outcome.in_batch is in_batch
    )


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    port = url.port if url.port is not None else {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, port
