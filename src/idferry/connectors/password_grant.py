"""Asks an identity server whether a password is right, by the OAuth 2 password grant (RFC 6749, section 4.3).

Every value is form-encoded. Tokens that come back prove the password and are dropped unread. An error counts for what
its code proves in the server's own table: a code that stands in none is no answer, and nothing is told of its text.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import quote, urlencode

from idferry.outbound import NoReply, Outbound, Reply, Request
from idferry.ports import Deadline, LegacyRef, Tell
from idferry.rules.attempts import told_address
from idferry.rules.happenings import LegacyAnswered
from idferry.rules.password import Password
from idferry.rules.verdict import (
    VERDICT_NAMES,
    CodeMeaning,
    Match,
    Mismatch,
    NoAnswer,
    NoSuchUser,
    Silence,
    Verdict,
)

PASSWORD_GRANT = "password"
AUTH0_GRANT = "http://auth0.com/oauth/grant-type/password-realm"
GRANTS = (PASSWORD_GRANT, AUTH0_GRANT)
"""Those that prove a password."""
TOKENS = ("access_token", "id_token")
UNKNOWN_CODE = "another error"

_MICROSOFT_CODE = re.compile(r"(AADSTS\d{5,7}|AADB2C\d{5,6})\b")


@dataclass(frozen=True, slots=True)
class Server:
    """What one make of identity server wants and says.

    `codes`: code -> what it proves; `code_of`: error and its description -> the code; `address_header`: in which header
    the person's own address is passed on; `requests_per_second`: what it takes from one address.
    """

    codes: Mapping[str, CodeMeaning]
    code_of: Callable[[str, str], str]
    grant_type: str = PASSWORD_GRANT
    scope: str = "openid"
    parameters: Mapping[str, str] = field(default_factory=dict)
    address_header: str = ""
    requests_per_second: int = 0


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to the server: an application that may use the grant. The secret is in no `repr`."""

    url: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    by_basic: bool = False
    scope: str = ""
    realm: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


class PasswordGrantVerifier:
    """A ports.PasswordVerifier that asks a token endpoint."""

    def __init__(self, *, name: str, client: Client, server: Server, outbound: Outbound, tell: Tell) -> None:
        self._name = name
        self._client = client
        self._server = server
        self._outbound = outbound
        self._tell = tell

    @property
    def name(self) -> str:
        """The name of its [[verifier]] table."""
        return self._name

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
        """What the server says."""
        if not _is_text(who.asked_name) or not who.asked_name:
            return NoSuchUser()
        if password.is_empty or not password.reveal_to(_is_text):
            return Mismatch()
        request = password.reveal_to(lambda text: self._request(who, text))
        code, verdict = self._meaning(self._outbound.exchange(request, deadline))
        self._tell(LegacyAnswered(self._name, code))
        return verdict

    def _request(self, who: LegacyRef, password: str) -> Request:
        client, server = self._client, self._server
        headers = [
            ("Accept", "application/json"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ]
        form = {
            "grant_type": server.grant_type,
            "scope": client.scope or server.scope.replace("{client_id}", client.client_id),
            **server.parameters,
            **({"realm": client.realm} if client.realm else {}),
            **client.parameters,
        }
        if client.by_basic:
            headers.append(("Authorization", _basic(client.client_id, client.client_secret)))
        else:
            form["client_id"] = client.client_id
            form |= {"client_secret": client.client_secret} if client.client_secret else {}
        if server.address_header and (address := told_address(who.client_address)):
            headers.append((server.address_header, str(address)))
        form |= {"username": who.asked_name, "password": password}
        body = urlencode(form, quote_via=quote, safe="").encode("ascii")
        return Request("POST", client.url, headers, body)

    def _meaning(self, reply: Reply | NoReply) -> tuple[str, Verdict]:
        if isinstance(reply, NoReply):
            return reply.reason, reply.verdict
        document = reply.document
        told = document if isinstance(document, dict) else {}
        if reply.status == HTTPStatus.OK:
            proven = any(isinstance(told.get(one), str) and told[one] for one in TOKENS)
            if proven and "error" not in told:
                return "HTTP 200 with a token", Match()
            return "HTTP 200 without a token", NoAnswer(Silence.UNEXPECTED, reached=True)
        error, description = (str(told.get(one) or "") for one in ("error", "error_description"))
        code = self._server.code_of(error, description)
        if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR and code in self._server.codes:
            return code, self._server.codes[code].verdict
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return "HTTP 429", NoAnswer(Silence.THROTTLED, reached=True)
        broken = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        silence = Silence.UNREACHABLE if broken else Silence.UNEXPECTED
        return f"HTTP {reply.status} {_shown(code)}".strip(), NoAnswer(silence, reached=True)


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749, 2.3.1: both halves are form-encoded first."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(code: str) -> str:
    """A code that stands in no table, as far as it looks like one: the text of an answer goes nowhere."""
    return code if re.fullmatch(r"[A-Za-z0-9_]{1,40}", code) else UNKNOWN_CODE if code else ""


def _by_error(error: str, _description: str) -> str:
    return error


def _by_microsoft_code(error: str, description: str) -> str:
    found = _MICROSOFT_CODE.match(description)
    return found[1] if found else error


def _by_texts(texts: Mapping[str, str]) -> Callable[[str, str], str]:
    """For servers that say everything with `invalid_grant`: the description decides, where it is one of these."""

    def code_of(error: str, description: str) -> str:
        return f"{error}: {texts[description]}" if description in texts else error

    return code_of


def _codes(*rows: tuple[str, str, str]) -> Mapping[str, CodeMeaning]:
    return MappingProxyType(
        {code: CodeMeaning(VERDICT_NAMES[verdict], meaning) for code, verdict, meaning in rows}
    )


# https://learn.microsoft.com/entra/identity-platform/reference-error-codes. That the password was right when one of
# the second group comes is not on that page; it is what those who try passwords against Entra rely on.
_ENTRA: Sequence[tuple[str, str, str]] = (
    ("AADSTS50126", "mismatch", "the name or the password is wrong"),
    ("AADSTS50056", "mismatch", "there is no password for this account"),
    ("AADSTS50034", "no_such_user", "nobody of this name"),
    ("AADSTS51004", "no_such_user", "nobody of this name in this tenant"),
    ("AADSTS50053", "barred", "locked, or tried from an address with bad fame"),
    ("AADSTS50057", "barred", "the account is disabled"),
    ("AADSTS50055", "match_must_change", "the password is right and has expired"),
    ("AADSTS50144", "match_must_change", "the password is right and has expired in Active Directory"),
    ("AADSTS50142", "match_must_change", "the password is right and must be changed"),
    ("AADSTS50072", "match_second_factor", "right; a second factor must be enrolled"),
    ("AADSTS50074", "match_second_factor", "right; a second factor is asked for"),
    ("AADSTS50076", "match_second_factor", "right; a second factor is asked for"),
    ("AADSTS50079", "match_second_factor", "right; a second factor must be enrolled"),
    ("AADSTS50158", "match_second_factor", "right; another provider's challenge is asked for"),
    ("AADSTS53003", "barred_proven", "right; a Conditional Access policy forbids this sign-in"),
    ("AADSTS50196", "no_answer_throttled", "the same request too often"),
    ("AADSTS90033", "no_answer_unreachable", "a transient error of the server"),
    ("AADSTS80002", "no_answer_timed_out", "the agent for Active Directory did not answer in time"),
    ("AADSTS700016", "no_answer_unexpected", "our client_id is not known in this tenant"),
    ("AADSTS7000215", "no_answer_unexpected", "our client_secret is wrong"),
    ("AADSTS7000218", "no_answer_unexpected", "the application is no public client and we sent no secret"),
    ("AADSTS65001", "no_answer_unexpected", "nobody has consented to the scope"),
)
# https://learn.microsoft.com/azure/active-directory-b2c/error-codes
_B2C: Sequence[tuple[str, str, str]] = (
    ("AADB2C90225", "mismatch", "the name or the password is wrong"),
    ("AADB2C90054", "mismatch", "the password is wrong"),
    ("AADB2C90053", "no_such_user", "nobody of this name"),
    ("AADB2C90111", "barred", "the account is locked by an administrator"),
    ("AADB2C90114", "barred", "the account is locked for a while"),
    ("AADB2C90018", "no_answer_unexpected", "our client_id is not known in this tenant"),
    ("AADB2C90224", "no_answer_unexpected", "the application may not use this grant"),
)

SERVERS: Mapping[str, Server] = MappingProxyType(
    {
        # https://www.rfc-editor.org/rfc/rfc6749#section-5.2
        "standard": Server(
            codes=_codes(("invalid_grant", "mismatch", "the name or the password is wrong")),
            code_of=_by_error,
        ),
        # https://learn.microsoft.com/azure/active-directory-b2c/add-ropc-policy
        "b2c": Server(
            codes=_codes(*_B2C, *_ENTRA[:6]),
            code_of=_by_microsoft_code,
            scope="openid {client_id}",
            parameters=MappingProxyType({"response_type": "token id_token"}),
            requests_per_second=18,
        ),
        "entra": Server(codes=_codes(*_ENTRA), code_of=_by_microsoft_code),
        # https://github.com/keycloak/keycloak (ResourceOwnerPasswordCredentialsGrantType)
        "keycloak": Server(
            codes=_codes(
                ("invalid_grant: credentials", "mismatch", "the name, the password or a code is wrong"),
                ("invalid_grant: disabled", "barred", "the account is disabled"),
                (
                    "invalid_grant: setup",
                    "match_must_change",
                    "right; something must be done at sign-in first",
                ),
            ),
            code_of=_by_texts(
                {
                    "Invalid user credentials": "credentials",
                    "Account disabled": "disabled",
                    "Account is not fully set up": "setup",
                }
            ),
            address_header="X-Forwarded-For",
        ),
        # https://auth0.com/docs/libraries/common-auth0-library-authentication-errors and
        # https://auth0.com/docs/get-started/authentication-and-authorization-flow/avoid-common-issues-with-resource-owner-password-flow-and-attack-protection
        "auth0": Server(
            codes=_codes(
                ("invalid_grant", "mismatch", "the name or the password is wrong"),
                ("invalid_user_password", "mismatch", "the name or the password is wrong"),
                ("unauthorized", "barred", "the account is blocked, or a rule refuses it"),
                ("too_many_attempts", "barred", "the account is blocked after too many attempts"),
                ("password_leaked", "barred", "blocked: the password stands in a published list"),
                ("mfa_required", "match_second_factor", "right; a second factor is asked for"),
                (
                    "mfa_registration_required",
                    "match_second_factor",
                    "right; a second factor must be enrolled",
                ),
                ("too_many_logins", "no_answer_throttled", "too many attempts from our address"),
                ("too_many_requests", "no_answer_throttled", "too many requests"),
                ("requires_verification", "no_answer_throttled", "our address is taken for an attacker's"),
            ),
            code_of=_by_error,
            grant_type=AUTH0_GRANT,
            address_header="auth0-forwarded-for",
        ),
        # https://developer.okta.com/docs/reference/error-codes/
        "okta": Server(
            codes=_codes(
                ("invalid_grant", "mismatch", "the name or the password is wrong, or the account is locked"),
                ("mfa_required", "match_second_factor", "right; a second factor is asked for"),
                ("access_denied", "barred", "a policy refuses this sign-in"),
            ),
            code_of=_by_error,
            address_header="X-Forwarded-For",
        ),
    }
)
"""The makes of server that are known by name."""
