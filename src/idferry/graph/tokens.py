"""Access tokens for Microsoft Graph by the client-credentials flow, kept until shortly before they expire.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow. A secret, a key or a token
never gets into a message: messages are ours, and only error numbers and trace ids are taken from the answer.
"""

import base64
import binascii
import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Protocol

import httpx2
import msgspec

from idferry.errors import TokenRefused, Unreachable
from idferry.graph.address import Address
from idferry.graph.credentials import ClientCertificate, ClientSecret, Credential
from idferry.graph.machine import Machine, Turn
from idferry.graph.receiving import name_of, read_within
from idferry.graph.waiting import backoff_seconds, retry_after_seconds, skew_seconds

REFRESH_BEFORE_EXPIRY = timedelta(minutes=5)
LIFETIME_SECONDS_DEFAULT = 3599.0  # what Microsoft's samples show, for an answer that does not say
# What is stated beyond these is not believed: neither a token for every call nor one that is never renewed.
LIFETIME_SECONDS_MIN, LIFETIME_SECONDS_MAX = 60.0, 86_400.0
TRIES_MAX = 4
# https://learn.microsoft.com/graph/deployments
GRAPH_HOSTS = frozenset(
    {
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    }
)
TOKEN_BYTES_MAX = 256 * 1024
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_CAUSES: Mapping[int, tuple[str, str]] = {
    7000215: (
        "the client secret is wrong",
        "Put the secret's value into the settings, not its id; the portal shows the value once, when it is made.",
    ),
    7000222: (
        "the client secret has expired",
        "Make a new client secret and put its value into the settings.",
    ),
    7000218: (
        "the request carried no secret",
        "Give the application a secret or a certificate in the settings.",
    ),
    700016: (
        "the tenant does not know this client_id",
        "Check client_id and tenant id: the application must be registered, or consented to, in that very tenant.",
    ),
    7000229: (
        "the application is not consented to in this tenant",
        "Grant admin consent to the application.",
    ),
    7000112: ("the application is disabled", "Enable the application's sign-in, or use another application."),
    90002: ("there is no such tenant", "Check [tenant] id: the directory (tenant) id from the portal."),
    900023: ("the tenant id is not one", "Check [tenant] id: the directory (tenant) id from the portal."),
    700027: (
        "the certificate is not registered with the application",
        "Upload the public part of this very certificate to the application, or name the right file.",
    ),
    700024: (
        "the signed assertion is not valid at this time",
        "Set this machine's clock: it differs from the real time by minutes.",
    ),
    700213: ("no federated credential fits", "Compare issuer, subject and audience with the application's."),
    70021: ("no federated credential fits", "Compare issuer, subject and audience with the application's."),
    1002012: ("the scope is refused", "Check [tenant] graph: it must be the address of Microsoft Graph."),
    70011: ("the scope is refused", "Check [tenant] graph: it must be the address of Microsoft Graph."),
    500011: ("the tenant knows no Microsoft Graph under this address", "Check [tenant] graph and id."),
    53003: ("a Conditional Access policy blocks the application", "Except the application from that policy."),
}
_VISIBLE_ASCII = re.compile(r"[!-~]+")
_TRACE_ID = re.compile(r"[0-9A-Fa-f-]{36}")
_NUMBER = re.compile(r"AADSTS(\d{1,9})")


class TokenSource(Protocol):
    """Where the transport gets its tokens."""

    def token(self) -> str:
        """A token that is good for at least some minutes. Raises TokenRefused, Unreachable, Stopped."""
        ...

    def at_hand(self) -> str | None:
        """The token that is kept, or None when one must be fetched first; raises like `token`."""
        ...

    def renew(self, refused: str) -> str:
        """Another token than this one, which the directory refused; raises like `token`."""
        ...

    def permissions(self) -> frozenset[str] | None:
        """Application roles that the token names, or None if it cannot be read; raises like `token`."""
        ...


class _KeptTokens(ABC):
    """One token for all threads, fetched once at a time and kept until shortly before it expires."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._turn = Turn(machine.clock)
        # The token and until when it is good, in one: it is read while another thread fetches.
        self._kept = ("", 0.0)

    def token(self) -> str:
        """A token that is good for some minutes; raises as TokenSource says."""
        with self._turn.taken():
            return self.at_hand() or self._fetch()

    def at_hand(self) -> str | None:
        """The token that is kept, if it is good for some minutes; never waits."""
        token, good_until_s = self._kept
        return token if token and self._machine.clock.elapsed() < good_until_s else None

    def renew(self, refused: str) -> str:
        """A new token, unless another thread has already fetched one since `refused`."""
        with self._turn.taken():
            kept, _ = self._kept
            return kept if kept and kept != refused else self._fetch()

    def permissions(self) -> frozenset[str] | None:
        """The `roles` of the token. Only a hint: the directory decides."""
        return roles_of(self.token())

    @abstractmethod
    def _ask_for_token(self) -> tuple[str, float]:
        """A token, and for how many seconds it is said to be good; raises as TokenSource says."""

    def _fetch(self) -> str:
        self._kept = ("", 0.0)
        asked_at_s = self._machine.clock.elapsed()
        token, stated_s = self._ask_for_token()
        token = _usable(token)
        lifetime_s = min(max(LIFETIME_SECONDS_MIN, stated_s), LIFETIME_SECONDS_MAX)
        # A token that lives for minutes only is still used for half of them.
        usable_s = max(lifetime_s - REFRESH_BEFORE_EXPIRY.total_seconds(), lifetime_s / 2)
        self._kept = (token, asked_at_s + usable_s)
        return token


class ClientCredentials(_KeptTokens):
    """Tokens from the tenant's token endpoint."""

    def __init__(
        self,
        *,
        http: httpx2.Client,
        address: Address,
        client_id: str,
        credential: Credential,
        timeout: timedelta,
        machine: Machine,
    ) -> None:
        super().__init__(machine)
        self._http = http
        self._url = f"{address.authority.rstrip('/')}/{address.tenant_id}/oauth2/v2.0/token"
        self._client_id = client_id
        self._credential = credential
        self._scope = scope_of(address.graph_url)
        self._timeout = timeout

    def _ask_for_token(self) -> tuple[str, float]:
        answer = self._ask()
        token, lifetime = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token:
            raise TokenRefused("the token endpoint answered without a token")
        return token, float(lifetime if isinstance(lifetime, int | float) else LIFETIME_SECONDS_DEFAULT)

    def _ask(self) -> Mapping[str, Any]:
        """Post the request; an endpoint that fails is asked again some times."""
        reason = ""
        for attempt in range(1, TRIES_MAX + 1):
            wait_s: float | None = None
            try:
                status, headers, answer = self._post()
            except httpx2.HTTPError as error:
                reason = name_of(error)
            else:
                if status == HTTPStatus.OK:
                    return answer
                if status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS:
                    raise _refused(status, answer, address=self._url)
                reason = f"HTTP {status}"
                wait_s = retry_after_seconds(headers.get("retry-after"), now=self._machine.clock.now())
            if attempt < TRIES_MAX:
                self._machine.pauses.rest(wait_s or backoff_seconds(attempt, jitter=self._machine.jitter()))
        raise Unreachable(
            f"no token from {self._url}: {reason}",
            remedy="Check the network, [tenant] authority and ca_file; the same command continues.",
        )

    def _hear_time(self, told: str | None) -> None:
        skew_s = skew_seconds(told, now=self._machine.clock.now())
        if self._machine.heard_skew and skew_s is not None:
            self._machine.heard_skew(skew_s)

    def _proof(self) -> dict[str, str]:
        match self._credential:
            case ClientSecret(secret):
                return {"client_secret": secret}
            case ClientCertificate() as certificate:
                assertion = certificate.assertion(
                    audience=self._url,
                    client_id=self._client_id,
                    now=self._machine.clock.now(),
                    jti=self._machine.new_id(),
                )
                return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}

    def _post(self) -> tuple[int, Mapping[str, str], Mapping[str, Any]]:
        self._machine.pauses.check()
        form = {
            "client_id": self._client_id,
            "grant_type": "client_credentials",
            "scope": self._scope,
            **self._proof(),
        }
        headers = {"Accept": "application/json", "client-request-id": self._machine.new_id()}
        with self._http.stream("POST", self._url, data=form, headers=headers) as response:
            self._hear_time(response.headers.get("date"))
            content = read_within(
                response, bytes_max=TOKEN_BYTES_MAX, timeout=self._timeout, clock=self._machine.clock
            )
        return response.status_code, response.headers, _json_object(content)


class ForeignTokens(_KeptTokens):
    """Tokens from an object with azure-identity's `get_token(scope)`: managed and workload identities.

    The object caches by itself and does not say whether it would fetch one: what it gave is kept here as well, so
    that nobody asks it, and waits, while a call of ours counts as under way.
    """

    def __init__(self, *, source: Any, graph_url: str, machine: Machine) -> None:
        super().__init__(machine)
        self._source = source
        self._scope = scope_of(graph_url)

    def _ask_for_token(self) -> tuple[str, float]:
        try:
            got = self._source.get_token(self._scope)
        except Exception as error:  # noqa: BLE001  see below
            # The object and its exceptions belong to a library that may not be installed.
            raise TokenRefused(
                f"no token from {type(self._source).__name__}: {_numbers(str(error)) or type(error).__name__}",
                remedy="Check that this machine has the identity, and that it may use the application.",
            ) from None
        # Seconds since 1970: https://learn.microsoft.com/python/api/azure-core/azure.core.credentials.accesstoken
        expires = getattr(got, "expires_on", None)
        if not isinstance(expires, int | float):
            return str(got.token), LIFETIME_SECONDS_MIN
        return str(got.token), expires - self._machine.clock.now().timestamp()


class NamedTokens:
    """The tokens of one of several applications: what goes wrong says which one."""

    def __init__(self, name: str, tokens: TokenSource) -> None:
        self._name = name
        self._tokens = tokens

    def token(self) -> str:
        """As TokenSource says."""
        with self._naming():
            return self._tokens.token()

    def at_hand(self) -> str | None:
        """As TokenSource says."""
        with self._naming():
            return self._tokens.at_hand()

    def renew(self, refused: str) -> str:
        """As TokenSource says."""
        with self._naming():
            return self._tokens.renew(refused)

    def permissions(self) -> frozenset[str] | None:
        """As TokenSource says."""
        with self._naming():
            return self._tokens.permissions()

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except (TokenRefused, Unreachable) as error:
            raise type(error)(f"application {self._name}: {error}", remedy=error.remedy) from None


def _usable(token: str) -> str:
    """The token, if it can stand in a header: the HTTP library quotes one that cannot."""
    if not _VISIBLE_ASCII.fullmatch(token):
        raise TokenRefused("the token that was given holds characters that no token has")
    return token


def scope_of(graph_url: str) -> str:
    """The scope that stands for every application permission granted on this Graph.

    A local imitation of Graph still takes tokens for the real one.
    """
    host = httpx2.URL(graph_url).host
    return f"https://{host if host in GRAPH_HOSTS else 'graph.microsoft.com'}/.default"


def roles_of(token: str) -> frozenset[str] | None:
    """The `roles` claim of a token, or None when the token is not readable: it need not be."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
    except (binascii.Error, ValueError):
        return None
    claims = _json_object(payload)
    roles = claims.get("roles", [] if claims else None)
    return frozenset(map(str, roles)) if isinstance(roles, list) else None


def _refused(status: int, answer: Mapping[str, Any], *, address: str) -> TokenRefused:
    number = _error_number(answer)
    known = _CAUSES.get(number or 0)
    trace = answer.get("trace_id")
    facts = [f"HTTP {status}"]
    facts += [f"AADSTS{number}"] if number else []
    facts += [f"trace id {trace}"] if isinstance(trace, str) and _TRACE_ID.fullmatch(trace) else []
    if known:
        cause, remedy = known
        return TokenRefused(f"no access token: {cause} ({', '.join(facts)})", remedy=remedy)
    if number is None and not answer:
        remedy = "Check [tenant] authority: there is no token endpoint at this address."
        return TokenRefused(f"no access token from {address} ({', '.join(facts)})", remedy=remedy)
    return TokenRefused(f"no access token: the request was refused ({', '.join(facts)})")


def _error_number(answer: Mapping[str, Any]) -> int | None:
    numbers = answer.get("error_codes")
    if isinstance(numbers, list) and numbers and isinstance(numbers[0], int):
        return numbers[0] if 0 < numbers[0] < 10**9 else None
    found = _NUMBER.search(str(answer.get("error_description", "")))
    return int(found.group(1)) if found else None


def _numbers(text: str) -> str:
    return ", ".join(dict.fromkeys(match.group() for match in _NUMBER.finditer(text)))


def _json_object(content: bytes) -> Mapping[str, Any]:
    try:
        decoded = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}
