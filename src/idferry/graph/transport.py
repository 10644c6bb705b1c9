"""Carries calls to Microsoft Graph and brings back what was answered: gate, token, limits, `$batch` envelopes.

The gate says which of our applications makes a call, and its token goes with it. One call is one attempt, with one
exception: a call that was refused with 401 was certainly not carried out and is sent once more with a new token. What
an answer means is said by `replies`; what to do next by those who call.
"""

import ssl
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from math import inf
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from msgspec import structs

from idferry import __version__
from idferry.errors import DirectoryError, SettingsError, Stopped, UnexpectedAnswer
from idferry.graph.address import Address
from idferry.graph.costs import Cost, cost_of, total_of
from idferry.graph.hearing import spent_of, verdict_of
from idferry.graph.machine import Machine, Pauses
from idferry.graph.pacing import Gate
from idferry.graph.receiving import name_of, read_within
from idferry.graph.replies import NoReply, Outcome, Reply
from idferry.graph.tokens import TokenSource
from idferry.graph.traffic import Stumbled, Ticket, Verdict
from idferry.graph.urgency import Urgency
from idferry.graph.waiting import skew_seconds

BATCH_SIZE_MAX = 20  # https://learn.microsoft.com/graph/json-batching
# A page of 999 accounts, each with every attribute filled, stays below 16 MiB.
REPLY_BYTES_MAX = 64 * 1024 * 1024
CONNECT_TIMEOUT = timedelta(seconds=10)
CONNECT_SECONDS_MIN = 0.1  # to a call that has passed the gate in time

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


@dataclass(frozen=True, slots=True)
class _Request:
    """One HTTP request, and what each of the calls in it costs."""

    method: str
    url: httpx2.URL
    body: bytes | None = field(repr=False)
    costs: Sequence[Cost]
    unpack: Callable[[Reply], list[Outcome]]
    leave_by_s: float = inf

    @property
    def cost(self) -> Cost:
        """What all of it costs."""
        return total_of(self.costs)


class Transport:
    """Sends calls for our applications to one directory; safe to use from several threads."""

    def __init__(
        self,
        *,
        http: httpx2.Client,
        tokens: Mapping[str, TokenSource],
        gate: Gate,
        address: Address,
        timeout: timedelta,
        creation_writes: float,
        machine: Machine,
        pauses: Pauses,
        only: int | None = None,
        urgency: Urgency = Urgency.WORK,
    ) -> None:
        """`tokens`: of each application that the gate lets pass, by its name; `only` one of them makes the calls.

        Closing `pauses` ends the waiting here.
        """
        self._urgency = urgency
        self._heard_skew = machine.heard_skew
        self._http = http
        self._names = list(tokens)
        self._tokens = list(tokens.values())
        self._gate = gate
        self._root = httpx2.URL(address.graph_url.rstrip("/"))
        self._batch_addresses: dict[str, httpx2.URL] = {}
        self._timeout = timeout
        self._creation_writes = creation_writes
        self._clock = machine.clock
        self._new_id = machine.new_id
        self._pauses = pauses
        self._only = only

    def send(self, call: Call, *, leave_by_s: float = inf) -> Outcome:
        """Make one call. It never leaves later than `leave_by_s` on the clock's `elapsed` scale.

        Raises:
            TokenRefused, Unreachable: there is no token, so nothing was sent.
            Stopped: closed, or too late; nothing was sent.
        """
        return self._send(call.method, self._address(call), call.body, self._costs([call]), leave_by_s)

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
        return self._send("GET", url, None, [cost_of("GET", next_link, creation_writes=0)])

    def batch(self, calls: Sequence[Call]) -> list[Outcome]:
        """Make up to 20 calls of one version in one `$batch`; one outcome per call, in order.

        Raises like `send` if nothing was sent. Items refused with 401 that cannot be sent once more carry the error
        that says why; what the others were answered is kept.
        """
        assert 0 < len(calls) <= BATCH_SIZE_MAX  # noqa: S101  a bug of ours, not an operating error
        outcomes, ticket, token = self._batch_once(calls)
        refused = [place for place, one in enumerate(outcomes) if _is_unauthorized(one, in_batch=True)]
        if refused:
            again = self._batch_with_new_token([calls[place] for place in refused], ticket, token)
            for place, outcome in zip(refused, again, strict=True):
                outcomes[place] = outcome
        return outcomes

    def _batch_with_new_token(self, calls: Sequence[Call], ticket: Ticket, token: str) -> list[Outcome]:
        try:
            outcomes, _, _ = self._batch_once(calls, refused=(ticket, token))
        except (DirectoryError, Stopped) as error:
            return [NoReply(str(error), maybe_done=False, error=error)] * len(calls)
        return outcomes

    def _batch_once(
        self, calls: Sequence[Call], *, refused: tuple[Ticket, str] | None = None
    ) -> tuple[list[Outcome], Ticket, str]:
        envelope = msgspec.json.encode({"requests": [_item(place, call) for place, call in enumerate(calls)]})
        request = _Request(
            "POST",
            self._batch_address(calls[0].version),
            envelope,
            self._costs(calls),
            lambda reply: _unpack(reply, calls),
        )
        outcomes, ticket, token = self._authorized(request, refused)
        return outcomes if len(outcomes) == len(calls) else outcomes * len(calls), ticket, token

    def _send(
        self,
        method: str,
        url: httpx2.URL,
        body: bytes | None,
        costs: Sequence[Cost],
        leave_by_s: float = inf,
    ) -> Outcome:
        request = _Request(method, url, body, costs, lambda reply: [reply], leave_by_s)
        return self._authorized(request, None)[0][0]

    def _authorized(
        self, request: _Request, refused: tuple[Ticket, str] | None
    ) -> tuple[list[Outcome], Ticket, str]:
        ticket, token = self._enter(request, refused)
        outcomes = self._exchange(request, ticket, token)
        if _is_unauthorized(outcomes[0], in_batch=False):
            ticket, token = self._enter(request, (ticket, token))
            outcomes = self._exchange(request, ticket, token)
        return outcomes, ticket, token

    def _enter(self, request: _Request, refused: tuple[Ticket, str] | None) -> tuple[Ticket, str]:
        """Wait until the call may leave; with the token of the application that makes it.

        `refused`: this token of that application was not good enough; the same application tries with another one.
        """
        only = self._only
        if refused:
            only = refused[0].lane
            self._tokens[only].renew(refused[1])
        cost, leave_by_s = request.cost, request.leave_by_s
        while True:
            ticket = self._gate.enter(cost, pauses=self._pauses, only=only, leave_by_s=leave_by_s)
            tokens = self._tokens[ticket.lane]
            try:
                token = tokens.at_hand()
            except BaseException:
                self._gate.give_back(ticket)
                raise
            if token is not None and self._gate.is_open(ticket):
                return ticket, token
            self._gate.give_back(ticket)
            if token is None:
                # Fetching takes time, and a ticket that is held may be the one for which all the others wait.
                tokens.token()

    def _exchange(self, request: _Request, ticket: Ticket, token: str) -> list[Outcome]:
        # A gate that is never told stays shut for everybody, so an exception counts as a failed call.
        verdict: Verdict = Stumbled()
        spent = ticket.cost
        try:
            reply = self._over_http(request, token)
            outcomes: list[Outcome] = [reply] if isinstance(reply, NoReply) else request.unpack(reply)
            if len(self._names) > 1:
                outcomes = [_naming(self._names[ticket.lane], one) for one in outcomes]
            verdict = verdict_of(outcomes, now=self._clock.now())
            spent = spent_of(request.costs, outcomes, verdict)
            return outcomes
        finally:
            self._gate.report(ticket, verdict, spent=spent)

    def _over_http(self, request: _Request, token: str) -> Outcome:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "client-request-id": self._new_id(),
            "x-ms-throttle-priority": self._urgency.value,
        }
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        host = request.url.host
        try:
            with self._http.stream(
                request.method,
                request.url,
                content=request.body,
                headers=headers,
                timeout=self._timeout_of(request),
            ) as response:
                self._hear_time(response)
                content = read_within(
                    response, bytes_max=REPLY_BYTES_MAX, timeout=self._timeout, clock=self._clock
                )
                status, answered = response.status_code, dict(response.headers)
        except _NEVER_SENT as error:
            return NoReply(f"no connection to {host}: {name_of(error)}", maybe_done=False)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            return NoReply(f"no answer from {host}: {name_of(error)}", maybe_done=True)
        return _reply(status, answered, content)

    def _timeout_of(self, request: _Request) -> httpx2.Timeout:
        """The usual one; but a connection that is not there in time comes too late for the call to leave."""
        seconds = self._timeout.total_seconds()
        left_s = max(request.leave_by_s - self._clock.elapsed(), CONNECT_SECONDS_MIN)
        connect_s = min(CONNECT_TIMEOUT.total_seconds(), seconds, left_s)
        return httpx2.Timeout(seconds, connect=connect_s, pool=min(seconds, left_s))

    def _hear_time(self, response: httpx2.Response) -> None:
        """As soon as the head is there: what follows may take a minute."""
        if self._heard_skew:
            skew_s = skew_seconds(response.headers.get("date"), now=self._clock.now())
            if skew_s is not None:
                self._heard_skew(skew_s)

    def _costs(self, calls: Sequence[Call]) -> list[Cost]:
        return [cost_of(one.method, one.path, creation_writes=self._creation_writes) for one in calls]

    def _batch_address(self, version: str) -> httpx2.URL:
        """Parsed once: it takes as long as packing the batch does."""
        if version not in self._batch_addresses:
            self._batch_addresses[version] = self._address(Call("POST", "/$batch", version=version))
        return self._batch_addresses[version]

    def _address(self, call: Call) -> httpx2.URL:
        return httpx2.URL(f"{self._root}/{call.version}{call.path}")


def _naming(application: str, outcome: Outcome) -> Outcome:
    """A refusal that another application might not have heard says whose it is."""
    if isinstance(outcome, Reply) and outcome.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return structs.replace(outcome, application=application)
    return outcome


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
    answers, dated = (reply.body or {}).get("responses"), reply.headers.get("date")
    found: dict[str, Outcome] = {}
    for answer in answers if isinstance(answers, list) else ():
        if isinstance(answer, dict) and _is_status(answer.get("status")):
            name = str(answer.get("id"))
            # Of two answers with one id, one belongs to somebody else, and nobody can tell which.
            found[name] = _DOUBLED if name in found else _item_reply(answer, dated=dated)
    return [_with_content(found.get(str(place), _MISSING), call) for place, call in enumerate(calls)]


_MISSING = NoReply("the answer to this item is missing", maybe_done=True)
_DOUBLED = NoReply("there are several answers to this item", maybe_done=True)


def _is_status(status: object) -> bool:
    return isinstance(status, int) and 100 <= status <= 599


def _item_reply(answer: dict[str, Any], *, dated: str | None) -> Reply:
    """`dated`: when the whole batch was answered, by the directory's own clock."""
    status, body = answer["status"], answer.get("body")
    body = body if isinstance(body, dict) else None
    # Nobody asks for the headers of what went well: they say how long to wait, or how to follow an error up.
    if 200 <= status < 300:
        return Reply(status, body, in_batch=True)
    headers = answer.get("headers")
    told = (
        {str(name).lower(): str(value) for name, value in headers.items()}
        if isinstance(headers, dict)
        else {}
    )
    return Reply(status, body, {"date": dated, **told} if dated else told, in_batch=True)


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
