"""Asks an HTTP service of the legacy system whether a password is right.

Name and password are always values of a JSON or form document, encoded there, and never put into text: what somebody
types can end neither a value nor a parameter. Only an answer that stands in the table means anything; a sign-in page
with status 200 is none.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from idferry.outbound import NoReply, Outbound, Reply, Request
from idferry.ports import Deadline, LegacyRef, Tell
from idferry.rules.happenings import LegacyAnswered
from idferry.rules.password import Password
from idferry.rules.verdict import VERDICT_NAMES, Match, Mismatch, NoAnswer, NoSuchUser, Silence, Verdict

PASSWORD = "{password}"
PLACEHOLDERS = ("{sign_in_name}", "{key}", "{source}", "{client_address}", PASSWORD)
URL_PLACEHOLDERS = ("{sign_in_name}", "{key}")
_HTML = frozenset({"text/html", "application/xhtml+xml"})

Scalar = str | int | bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of the table: the HTTP status, and what must stand at `path` of the JSON (dots between names and places).

    Without `equals` something must stand there: false, 0 and what is empty are nothing. Without `path` the status is
    enough, but for HTML; a match without `path` also needs an empty body, or JSON that is something. `empty`: the body
    must be empty.
    """

    status: int
    verdict: Verdict
    meaning: str = ""
    path: str = ""
    equals: Scalar | None = None
    empty: bool = False

    @property
    def code(self) -> str:
        """What tables and logs call the row."""
        wanted = "" if self.equals is None else f" = {json.dumps(self.equals)}"
        more = "empty" if self.empty else f"{self.path}{wanted}"
        return f"HTTP {self.status} {more}".strip()

    def fits(self, reply: Reply) -> bool:
        """Whether this is that answer."""
        if reply.status != self.status or (self.empty and reply.content):
            return False
        if self.path:
            found = _at(reply.document, self.path)
            # 1 is not true, and "1" is not 1.
            return bool(found) if self.equals is None else _same(found, self.equals)
        if isinstance(self.verdict, Match):
            # Many services answer "is it right?" with 200 and `false`.
            return not reply.content or bool(reply.document)
        return reply.media_type not in _HTML


@dataclass(frozen=True, slots=True)
class Contract:
    """How a service is asked and what its answers mean. `person_authenticates`: Basic, with the person's password."""

    answers: Sequence[Answer]
    body: Mapping[str, Any] = field(default_factory=dict)
    method: str = "POST"
    encoding: str = "json"
    person_authenticates: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the service is, and our own headers for it, which may hold a secret. The path may hold URL_PLACEHOLDERS."""

    url: str
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)


class WebServiceVerifier:
    """A ports.PasswordVerifier that asks a web service."""

    def __init__(
        self, *, name: str, endpoint: Endpoint, contract: Contract, outbound: Outbound, tell: Tell
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._contract = contract
        self._outbound = outbound
        self._tell = tell

    @property
    def name(self) -> str:
        """The name of its [[verifier]] table."""
        return self._name

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
        """What the service says."""
        asked = who.asked_name
        if not _is_text(asked) or (self._contract.person_authenticates and ":" in asked):
            return NoSuchUser()
        url = _url(self._endpoint.url, who)
        if url is None:
            return NoSuchUser()
        if password.is_empty or not password.reveal_to(_is_text):
            return Mismatch()
        request = password.reveal_to(lambda text: self._request(url, who, text))
        reply = self._outbound.exchange(request, deadline)
        code, verdict = self._meaning(reply)
        self._tell(LegacyAnswered(self._name, code))
        return verdict

    def _request(self, url: str, who: LegacyRef, password: str) -> Request:
        contract = self._contract
        headers = [("Accept", "application/json"), *self._endpoint.headers]
        if contract.person_authenticates:
            token = base64.b64encode(f"{who.asked_name}:{password}".encode()).decode("ascii")
            headers.append(("Authorization", f"Basic {token}"))
        if not contract.body:
            return Request(contract.method, url, headers)
        values = {
            "{sign_in_name}": who.asked_name,
            "{key}": who.key,
            "{source}": who.source,
            "{client_address}": who.client_address,
            PASSWORD: password,
        }
        body = _filled(contract.body, values)
        if contract.encoding == "form":
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            return Request(contract.method, url, headers, urlencode(body).encode("ascii"))
        headers.append(("Content-Type", "application/json"))
        return Request(contract.method, url, headers, json.dumps(body).encode("ascii"))

    def _meaning(self, reply: Reply | NoReply) -> tuple[str, Verdict]:
        if isinstance(reply, NoReply):
            return reply.reason, reply.verdict
        for answer in self._contract.answers:
            if answer.fits(reply):
                return answer.code, answer.verdict
        return f"HTTP {reply.status}", NoAnswer(silence_of(reply.status), reached=True)


def authorization(kind: str, *, user: str, secret: str) -> str:
    """The Authorization header with which we prove ourselves: `kind` is basic or bearer."""
    if kind == "basic":
        return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode("ascii")
    return f"Bearer {secret}"


def silence_of(status: int) -> Silence:
    """What an answer that stands in no table is."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Silence.THROTTLED
    broken = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Silence.UNREACHABLE if broken else Silence.UNEXPECTED


def template_problem(body: Mapping[str, Any], *, encoding: str) -> str | None:
    """Why a body template cannot be used, or None: a placeholder is the whole of a value."""
    for name, value in body.items():
        match value:
            case str() if value in PLACEHOLDERS:
                continue
            case str() if any(one in value for one in PLACEHOLDERS):
                return f"the placeholder in {name!r} must be the whole value"
            case str() | bool() | int() | float():
                continue
            case Mapping() if encoding == "json":
                if problem := template_problem(value, encoding=encoding):
                    return problem
            case _:
                return f"{name!r} is no text, number or truth value" + (
                    "" if encoding == "form" else ", and no table of such"
                )
    return None


def missing_of(contract: Contract, url: str) -> str | None:
    """What is not told to the service, so that its answer could not be about this person and this password; or None."""
    if contract.person_authenticates:
        return None
    told = {*_placeholders(contract.body), *(one for one in URL_PLACEHOLDERS if one in url)}
    if PASSWORD not in told:
        return PASSWORD
    return None if told & set(URL_PLACEHOLDERS) else " or ".join(URL_PLACEHOLDERS)


def _placeholders(template: Mapping[str, Any]) -> Iterator[str]:
    for value in template.values():
        if isinstance(value, Mapping):
            yield from _placeholders(value)
        elif isinstance(value, str) and value in PLACEHOLDERS:
            yield value


def url_problem(url: str) -> str | None:
    """Why a URL with placeholders cannot be used, or None: each is a whole segment of the path."""
    _, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    if "{" in host or "{" in path.partition("?")[2]:
        return "a placeholder stands in the path only"
    segments = path.partition("?")[0].split("/")
    strange = [one for one in segments if ("{" in one or "}" in one) and one not in URL_PLACEHOLDERS]
    return (
        f"{strange[0]!r} is none of {', '.join(URL_PLACEHOLDERS)}, alone between two slashes"
        if strange
        else None
    )


def _url(template: str, who: LegacyRef) -> str | None:
    """The address for this person; None when the name would lead to another one."""
    url = template
    for placeholder, value in (("{sign_in_name}", who.asked_name), ("{key}", who.key)):
        if placeholder in template:
            if value in ("", ".", "..") or not _is_text(value):
                return None
            url = url.replace(placeholder, quote(value, safe=""))
    return url


def _filled(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: _filled(value, values)
        if isinstance(value, Mapping)
        else values.get(value, value)
        if isinstance(value, str)
        else value
        for name, value in template.items()
    }


def _at(document: object, path: str) -> object:
    """What stands there; None for nothing."""
    for step in path.split("."):
        match document:
            case dict():
                document = document.get(step)
            case list() if step.isascii() and step.isdigit() and int(step) < len(document):
                document = document[int(step)]
            case _:
                return None
    return document


def _same(found: object, wanted: Scalar) -> bool:
    return type(found) is type(wanted) and found == wanted


def _is_text(text: str) -> bool:
    """Whether UTF-8 can hold it: half a character is nobody's name and nobody's password."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _row(status: int, verdict: str, meaning: str, path: str = "", equals: Scalar | None = None) -> Answer:
    return Answer(status, VERDICT_NAMES[verdict], meaning, path, equals)


_NAME_AND_PASSWORD = {"username": "{sign_in_name}", "password": PASSWORD}

CONTRACTS: Mapping[str, Contract] = MappingProxyType(
    {
        # https://www.ory.com/docs/kratos/manage-identities/import-user-accounts-identities
        "kratos": Contract(
            body={"identifier": "{sign_in_name}", "password": PASSWORD},
            answers=(
                _row(200, "match", "the password is right", "status", "password_match"),
                _row(403, "mismatch", "the password is wrong"),
            ),
        ),
        # https://developer.okta.com/docs/reference/password-hook/
        "okta": Contract(
            body={
                "eventType": "com.okta.user.credential.password.import",
                "data": {
                    "context": {"credential": _NAME_AND_PASSWORD},
                    "action": {"credential": "UNVERIFIED"},
                },
            },
            answers=(
                _row(200, "match", "the password is right", "commands.0.value.credential", "VERIFIED"),
                _row(200, "mismatch", "the password is wrong", "commands.0.value.credential", "UNVERIFIED"),
                Answer(200, Mismatch(), "no command: the password is wrong", empty=True),
                Answer(204, Mismatch(), "no command: the password is wrong", empty=True),
            ),
        ),
        # https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-migrate-user.html
        "cognito_lambda": Contract(
            body={
                "version": "1",
                "triggerSource": "UserMigration_Authentication",
                "userName": "{sign_in_name}",
                "request": {"password": PASSWORD, "validationData": {}, "clientMetadata": {}},
                "response": {},
            },
            answers=(
                _row(
                    200,
                    "match_must_change",
                    "right, and must be changed",
                    "response.finalUserStatus",
                    "RESET_REQUIRED",
                ),
                _row(200, "match", "the password is right", "response.finalUserStatus", "CONFIRMED"),
                _row(200, "mismatch", "the function refused it", "errorMessage", "Bad password"),
                _row(200, "no_such_user", "the function knows nobody", "errorMessage", "User not found"),
            ),
        ),
        # https://auth0.com/docs/authenticate/database-connections/custom-db/templates/login
        "auth0_database": Contract(
            method="GET",
            person_authenticates=True,
            answers=(
                _row(200, "match", "the profile of this person", "user_id"),
                _row(401, "mismatch", "the name or the password is wrong"),
            ),
        ),
        # https://fusionauth.io/docs/lifecycle/migrate-users/connectors/generic-connector
        "fusionauth": Contract(
            body={"loginId": "{sign_in_name}", "password": PASSWORD},
            answers=(
                _row(200, "match", "the password is right", "user.id"),
                _row(203, "match_must_change", "right, and must be changed", "changePasswordId"),
                _row(242, "match_second_factor", "right, and a second factor is asked for", "twoFactorId"),
                _row(404, "mismatch", "the name or the password is wrong"),
                _row(423, "barred", "the account is locked"),
            ),
        ),
        # https://github.com/daniel-frak/keycloak-user-migration
        "keycloak_plugin": Contract(
            body={"password": PASSWORD},
            answers=(
                Answer(200, VERDICT_NAMES["match"], "the password is right"),
                _row(401, "mismatch", "the password is wrong"),
                _row(403, "mismatch", "the password is wrong"),
                _row(404, "no_such_user", "nobody of this name"),
            ),
        ),
    }
)
"""What the contracts of other systems mean, by name: for services that were written for one of them."""
