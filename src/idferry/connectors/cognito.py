"""Asks an AWS Cognito user pool whether a password is right (`AdminInitiateAuth`).

AWS's library finds our credentials and signs; the call itself goes the way of all others, with its limits and its
deadline. Tokens that come back prove the password and are dropped unread.
"""

import base64
import hashlib
import hmac
import importlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from idferry.errors import SettingsError
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

USER_NAME_CHARACTERS_MAX = 128
PASSWORD_CHARACTERS_MAX = 256
_TARGET = "AWSCognitoIdentityProviderService.AdminInitiateAuth"
_CONTENT_TYPE = "application/x-amz-json-1.1"

# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminInitiateAuth.html
_ROWS: Sequence[tuple[str, str, str]] = (
    ("NEW_PASSWORD_REQUIRED", "match_must_change", "the password is right and temporary"),
    ("SMS_MFA", "match_second_factor", "right; a code by text message is asked for"),
    ("EMAIL_OTP", "match_second_factor", "right; a code by e-mail is asked for"),
    ("SOFTWARE_TOKEN_MFA", "match_second_factor", "right; a code of an app is asked for"),
    ("SELECT_MFA_TYPE", "match_second_factor", "right; a second factor is asked for"),
    ("MFA_SETUP", "match_second_factor", "right; a second factor must be set up"),
    ("NotAuthorizedException: wrong", "mismatch", "the name or the password is wrong"),
    ("NotAuthorizedException: disabled", "barred", "the account is disabled"),
    ("NotAuthorizedException: attempts", "barred", "the account is locked after too many attempts"),
    ("NotAuthorizedException: expired", "barred", "the temporary password has expired"),
    ("NotAuthorizedException: secret", "no_answer_unexpected", "our client_secret is wrong or missing"),
    ("NotAuthorizedException", "mismatch", "another text: nothing proves that the password is right"),
    ("UserNotFoundException", "no_such_user", "nobody of this name"),
    ("UserNotConfirmedException", "barred", "the account was never confirmed"),
    ("PasswordResetRequiredException", "barred", "an administrator has reset the password"),
    ("TooManyRequestsException", "no_answer_throttled", "too many requests"),
    ("LimitExceededException", "no_answer_throttled", "too many requests"),
    ("ThrottlingException", "no_answer_throttled", "too many requests"),
    ("InternalErrorException", "no_answer_unreachable", "an error of the service"),
    ("InvalidParameterException", "no_answer_unsupported", "a name that no pool can hold, or the flow is not allowed"),
    ("ResourceNotFoundException", "no_answer_unexpected", "there is no such pool or app client"),
    ("AccessDeniedException", "no_answer_unexpected", "our credentials may not do this"),
    ("UnrecognizedClientException", "no_answer_unexpected", "our credentials are not known"),
    ("InvalidSignatureException", "no_answer_unexpected", "our credentials are wrong"),
    ("UserLambdaValidationException", "no_answer_unexpected", "a function of the pool refused it"),
)  # fmt: skip
CODES: Mapping[str, CodeMeaning] = MappingProxyType(
    {code: CodeMeaning(VERDICT_NAMES[verdict], meaning) for code, verdict, meaning in _ROWS}
)
"""What AdminInitiateAuth may be answered, challenges among it, and what that proves."""
# NotAuthorizedException says several things with one name; only its text tells them apart.
_TEXTS = {
    "incorrect username or password": "wrong",
    "user is disabled": "disabled",
    "password attempts exceeded": "attempts",
    "temporary password has expired and must be reset by an administrator": "expired",
}

_OUR_SECRET = re.compile(r"\bsecret[ _]hash\b|\bconfigured (with|for) secret\b")

Sign = Callable[[str, Mapping[str, str], bytes], Mapping[str, str]]
"""URL, headers and body of a POST -> the headers with AWS's signature. Raises SettingsError without credentials."""


@dataclass(frozen=True, slots=True)
class UserPool:
    """The pool, and the app client that may use ADMIN_USER_PASSWORD_AUTH. The secret is in no `repr`."""

    url: str
    user_pool_id: str
    client_id: str
    client_secret: str = field(default="", repr=False)


class CognitoVerifier:
    """A ports.PasswordVerifier that asks a user pool."""

    def __init__(self, *, name: str, pool: UserPool, sign: Sign, outbound: Outbound, tell: Tell) -> None:
        self._name = name
        self._pool = pool
        self._sign = sign
        self._outbound = outbound
        self._tell = tell

    @property
    def name(self) -> str:
        """The name of its [[verifier]] table."""
        return self._name

    def verify(self, who: LegacyRef, password: Password, deadline: Deadline) -> Verdict:
        """What the pool says."""
        if not 0 < len(who.asked_name) <= USER_NAME_CHARACTERS_MAX or not _is_text(who.asked_name):
            return NoSuchUser()
        if password.is_empty or not password.reveal_to(_can_be_sent):
            return Mismatch()
        body = password.reveal_to(lambda text: self._body(who, text))
        plain = {"Content-Type": _CONTENT_TYPE, "X-Amz-Target": _TARGET}
        try:
            headers = self._sign(self._pool.url, plain, body)
        except SettingsError:
            self._tell(LegacyAnswered(self._name, "no credentials of ours"))
            return NoAnswer(Silence.UNSUPPORTED, reached=False)
        request = Request("POST", self._pool.url, list(headers.items()), body)
        code, verdict = _meaning(self._outbound.exchange(request, deadline))
        self._tell(LegacyAnswered(self._name, code))
        return verdict

    def _body(self, who: LegacyRef, password: str) -> bytes:
        pool = self._pool
        parameters = {"USERNAME": who.asked_name, "PASSWORD": password}
        if pool.client_secret:
            parameters["SECRET_HASH"] = _secret_hash(pool, who.asked_name)
        document: dict[str, Any] = {
            "UserPoolId": pool.user_pool_id,
            "ClientId": pool.client_id,
            "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
            "AuthParameters": parameters,
        }
        if address := told_address(who.client_address):
            document["ContextData"] = {
                "IpAddress": str(address),
                "ServerName": "sign-in",
                "ServerPath": "/",
                "HttpHeaders": [],
            }
        return json.dumps(document).encode("ascii")


def _meaning(reply: Reply | NoReply) -> tuple[str, Verdict]:
    if isinstance(reply, NoReply):
        return reply.reason, reply.verdict
    document = _document(reply)
    if reply.status == HTTPStatus.OK:
        result, challenge = document.get("AuthenticationResult"), document.get("ChallengeName")
        if isinstance(result, dict) and result.get("AccessToken") and not challenge:
            return "tokens", Match()
        code = str(challenge or "")
    else:
        code = code_of(str(document.get("__type") or ""), str(document.get("message") or ""))
    if code in CODES and (reply.status != HTTPStatus.OK) is code.partition(":")[0].endswith("Exception"):
        return code, CODES[code].verdict
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return "HTTP 429", NoAnswer(Silence.THROTTLED, reached=True)
    broken = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return f"HTTP {reply.status}", NoAnswer(
        Silence.UNREACHABLE if broken else Silence.UNEXPECTED, reached=True
    )


def code_of(kind: str, message: str) -> str:
    """The code in the table for an error: its kind without a prefix, and of one kind what its text says."""
    name = kind.rpartition("#")[2]
    if name != "NotAuthorizedException":
        return name
    text = message.rstrip(".").lower()
    said = "secret" if _OUR_SECRET.search(text) else _TEXTS.get(text, "")
    return f"{name}: {said}" if said else name


def _document(reply: Reply) -> Mapping[str, Any]:
    # AWS names a content type of its own for JSON.
    if reply.media_type not in (_CONTENT_TYPE, "application/json"):
        return {}
    try:
        found = json.loads(reply.content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _secret_hash(pool: UserPool, user_name: str) -> str:
    """For app clients with a secret.

    https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
    """
    digest = hmac.new(
        pool.client_secret.encode(), (user_name + pool.client_id).encode(), hashlib.sha256
    ).digest()
    return base64.b64encode(digest).decode("ascii")


def _can_be_sent(password: str) -> bool:
    return len(password) <= PASSWORD_CHARACTERS_MAX and _is_text(password)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def signer(*, region: str, access_key_id: str = "", secret_access_key: str = "") -> Sign:
    """What signs with these credentials, else with those that AWS's own tools find: environment, profile, machine.

    Raises:
        SettingsError: AWS's library is not installed.
    """
    try:
        session_module = importlib.import_module("botocore.session")
        auth_module = importlib.import_module("botocore.auth")
        request_module = importlib.import_module("botocore.awsrequest")
        credentials_module = importlib.import_module("botocore.credentials")
        errors_module = importlib.import_module("botocore.exceptions")
    except ImportError as error:
        raise SettingsError(
            "a verifier of the kind cognito needs the package botocore", remedy="pip install 'idferry[aws]'"
        ) from error
    session = session_module.get_session()
    given = credentials_module.Credentials(access_key_id, secret_access_key) if access_key_id else None

    def sign(url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        try:
            credentials = given or session.get_credentials()
        except errors_module.BotoCoreError:
            credentials = None
        if credentials is None:
            raise SettingsError("AWS's library finds no credentials")
        request = request_module.AWSRequest(method="POST", url=url, data=body, headers=dict(headers))
        auth_module.SigV4Auth(credentials, "cognito-idp", region).add_auth(request)
        return {str(name): str(value) for name, value in request.headers.items()}

    return sign
