"""What an application asks for when it sends a person to the sign-in page, and the codes it redeems afterwards.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow and .../v2-protocols-oidc. Nothing here knows
who signs in or how.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import urlencode, urlsplit

from idferry.emulator.clock import Clock
from idferry.emulator.entropy import Entropy
from idferry.emulator.tenants import Application, Tenant

FLOW_LIFETIME_S = 3_600.0
CODE_LIFETIME_S = 600.0
KEPT_MAX = 10_000
RESPONSE_TYPES = frozenset({"code", "id_token"})
RESPONSE_MODES = ("query", "fragment", "form_post")
ResponseMode = Literal["query", "fragment", "form_post"]
_CLIENTS = ("web", "spa", "publicClient")
_Kept = TypeVar("_Kept")


class AuthorizationRefusal(Exception):
    """A request for sign-in that is refused.

    Attributes:
        number: the AADSTS number. error: OAuth's name for it.
        asked: where the application wants to hear of it; None: only the person is told.
    """

    def __init__(self, number: int, error: str, text: str, *, asked: "Authorization | None" = None) -> None:
        super().__init__(text)
        self.number = number
        self.error = error
        self.text = text
        self.asked = asked


@dataclass
class Authorization:
    """One person on the way through the sign-in page of one application.

    Attributes:
        flow: its unguessable name in forms and links. issuer: of the id token.
        public: the application keeps no secret, and must prove the code by its verifier alone.
        user_name: what was typed last.
    """

    flow: str
    tenant: Tenant
    application: Application
    redirect_uri: str
    public: bool
    response_types: frozenset[str]
    response_mode: ResponseMode
    scopes: frozenset[str]
    state: str | None
    nonce: str | None
    challenge: str | None
    challenge_method: str
    correlation_id: str
    issuer: str
    until_s: float
    user_name: str = ""

    def address(self, answer: Mapping[str, str]) -> str:
        """Where the browser goes with this answer, for the modes that put it into the address."""
        query = urlencode({**answer, **({} if self.state is None else {"state": self.state})})
        if self.response_mode == "fragment":
            return f"{self.redirect_uri}#{query}"
        return f"{self.redirect_uri}{'&' if urlsplit(self.redirect_uri).query else '?'}{query}"


@dataclass(frozen=True, slots=True)
class _Code:
    asked: Authorization
    object_id: str
    until_s: float


class Authorizations:
    """The sign-ins under way, and the codes that nobody has redeemed yet."""

    def __init__(self, *, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._flows: dict[str, Authorization] = {}
        self._codes: dict[str, _Code] = {}

    def begin(self, given: Mapping[str, str], *, tenant: Tenant, issuer: str) -> Authorization:
        """A new sign-in for this request; AuthorizationRefusal when it cannot be one."""
        application = tenant.application(given.get("client_id", ""))
        if application is None or not application.enabled:
            text = (
                f"Application with identifier '{given.get('client_id', '')}' was not found in the directory."
            )
            raise AuthorizationRefusal(700016, "unauthorized_client", text)
        redirect_uri = given.get("redirect_uri", "")
        client = _client_of(application, redirect_uri)
        if client is None:
            text = f"The redirect URI '{redirect_uri}' specified in the request does not match those of the application."
            raise AuthorizationRefusal(50011, "invalid_request", text)
        types = frozenset(given.get("response_type", "").split())
        begun = Authorization(
            flow=self._entropy.secret(length=43),
            tenant=tenant,
            application=application,
            redirect_uri=redirect_uri,
            public=client != "web",
            response_types=types,
            response_mode=_mode(given.get("response_mode"), types),
            scopes=frozenset(given.get("scope", "").split()),
            state=given.get("state"),
            nonce=given.get("nonce"),
            challenge=given.get("code_challenge"),
            challenge_method=given.get("code_challenge_method", "plain"),
            correlation_id=self._entropy.guid(),
            issuer=issuer,
            until_s=self._clock.now_s() + FLOW_LIFETIME_S,
            user_name=given.get("login_hint", ""),
        )
        _check(begun, client=client)
        _keep(self._flows, begun.flow, begun)
        return begun

    def under_way(self, flow: str) -> Authorization | None:
        """The sign-in of this name, while its page is good."""
        found = self._flows.get(flow)
        return found if found is not None and self._clock.now_s() < found.until_s else None

    def finish(self, asked: Authorization) -> None:
        """The page of this sign-in is used up."""
        self._flows.pop(asked.flow, None)

    def new_code(self, asked: Authorization, *, object_id: str) -> str:
        """A code for the application, good once."""
        code = self._entropy.secret(length=64)
        _keep(self._codes, code, _Code(asked, object_id, self._clock.now_s() + CODE_LIFETIME_S))
        return code

    def redeem(
        self, code: str, *, client_id: str, redirect_uri: str, verifier: str | None
    ) -> tuple[Authorization, str] | None:
        """What was asked for with this code and who signed in; None when it is not this client's or not good."""
        kept = self._codes.pop(code, None)
        if kept is None or kept.until_s <= self._clock.now_s():
            return None
        asked = kept.asked
        if asked.application.client_id != client_id.lower() or asked.redirect_uri != redirect_uri:
            return None
        if asked.challenge is not None and not _proves(verifier, asked):
            return None
        return asked, kept.object_id

    def forget(self) -> None:
        """Nobody is on the way."""
        self._flows.clear()
        self._codes.clear()


def _client_of(application: Application, redirect_uri: str) -> str | None:
    """As what the application registered this address: web, spa or publicClient."""
    for client in _CLIENTS:
        for known in application.registration.get(client, {}).get("redirectUris", []):
            if known == redirect_uri or _same_but_port(known, redirect_uri):
                return client
    return None


def _same_but_port(known: str, given: str) -> bool:
    """On this machine any port will do: https://learn.microsoft.com/entra/identity-platform/reply-url."""
    one = urlsplit(known)
    if one.scheme != "http" or one.hostname not in ("localhost", "127.0.0.1"):
        return False
    try:
        port = urlsplit(given).port
    except ValueError:
        return False
    # Written anew and compared as a whole, so that nothing but a number can stand where the port is.
    return given == one._replace(netloc=f"{one.hostname}:{port}").geturl()


def _mode(given: str | None, types: frozenset[str]) -> ResponseMode:
    default: ResponseMode = "fragment" if "id_token" in types else "query"
    match given:
        case "query" | "fragment" | "form_post":
            return given
        case _:
            return default


def _check(asked: Authorization, *, client: str) -> None:
    def refuse(number: int, error: str, text: str) -> AuthorizationRefusal:
        return AuthorizationRefusal(number, error, text, asked=asked)

    types = asked.response_types
    if not types or not types <= RESPONSE_TYPES:
        raise refuse(70005, "unsupported_response_type", "The response type is not supported.")
    if "openid" not in asked.scopes:
        raise refuse(90015, "invalid_scope", "The scope must hold openid.")
    if "id_token" in types:
        implicit = asked.application.registration.get("web", {}).get("implicitGrantSettings") or {}
        if not implicit.get("enableIdTokenIssuance"):
            raise refuse(
                700054,
                "unsupported_response_type",
                "response_type 'id_token' is not enabled for the application.",
            )
        if not asked.nonce:
            raise refuse(
                90014, "invalid_request", "The required field 'nonce' is missing from the credential."
            )
        if asked.response_mode == "query":
            asked.response_mode = "fragment"
            raise refuse(70007, "invalid_request", "'query' is not a supported value of 'response_mode'.")
    if asked.challenge_method not in ("S256", "plain"):
        raise refuse(501491, "invalid_request", "The code_challenge_method is not supported.")
    if client == "spa" and "code" in types and asked.challenge is None:
        raise refuse(9002325, "invalid_request", "Proof Key for Code Exchange is required.")


def _proves(verifier: str | None, asked: Authorization) -> bool:
    if verifier is None or asked.challenge is None:
        return False
    given = verifier
    if asked.challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        given = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return hmac.compare_digest(given.encode(), asked.challenge.encode())


def _keep(kept: dict[str, _Kept], name: str, value: _Kept) -> None:
    while len(kept) >= KEPT_MAX:
        kept.pop(next(iter(kept)))
    kept[name] = value
