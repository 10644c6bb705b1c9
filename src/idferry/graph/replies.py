"""What Microsoft Graph answered to one call, and which error of ours a refusal is.

Classification looks at the status, then at `error.code` and `details[].code`, and only then at the message: a
message alone never decides. A refusal is told in words of ours, because a message may quote the password that was
sent: of Graph's words only codes, names of attributes and request ids are kept. Nothing here sends, repeats or waits.

Bodies: https://learn.microsoft.com/graph/errors; the codes of the directory service behind Graph are older than it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from idferry.errors import (
    Conflict,
    DirectoryError,
    Forbidden,
    InvalidValue,
    NotFound,
    QuotaExceeded,
    Stopped,
    TenantNotReady,
    Throttled,
    TokenRefused,
    UnexpectedAnswer,
    Unreachable,
    WeakPassword,
)

MESSAGE_CHARACTERS_MAX = 300
A_UNIQUE_VALUE = "a unique value"
# Permanent although they are in the 5xx range: the same call will never be answered otherwise.
_PERMANENT_5XX = frozenset({HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED})

_SAME_VALUE = re.compile(r"same value for property (\w+)", re.IGNORECASE)
_WEAK_PASSWORD = re.compile(r"password complexity|password\b.*\b(banned|too weak)", re.IGNORECASE | re.DOTALL)
_NO_SUCH_EXTENSION = re.compile(r"extension propert(y|ies) .*not available", re.IGNORECASE | re.DOTALL)
_INVALID = re.compile(
    r"invalid value|property values? specified (are|is) invalid|property \S+ is invalid|does not match schema"
    r"|a value is required",
    re.IGNORECASE,
)
_CONFLICTING_USER = re.compile(r"User_([0-9A-Fa-f-]{36})\Z")
_CODE = re.compile(r"[A-Za-z][A-Za-z_.]{0,63}")
_ATTRIBUTE = re.compile(r"[a-z][A-Za-z]{0,63}|extension_[0-9A-Fa-f]{32}_\w{1,120}", re.ASCII)
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NAMED_IN_MESSAGE = re.compile(
    r"for property '?(\w+)|^property (\w+) (?:is invalid|in payload)|(extension_[0-9a-f]{32}_\w+)",
    re.IGNORECASE | re.ASCII,
)
_NAMES_TOLD_MAX = 5
_WORDS: Mapping[type[DirectoryError], str] = {
    Forbidden: "the application may not do this",
    InvalidValue: "the directory refuses a value",
    NotFound: "the directory has no such object",
    QuotaExceeded: "the tenant may hold no more objects",
    TenantNotReady: "the tenant lacks an extension attribute",
    Throttled: "the tenant holds calls back",
    TokenRefused: "the directory refuses the token",
    UnexpectedAnswer: "an answer that no documentation explains",
    Unreachable: "the directory failed",
    WeakPassword: "the directory refuses the password",
}
_INVALID_DETAILS = frozenset({"InvalidValue", "InvalidLength", "PropertyRequired", "PropertyConflict"})


class Reply(msgspec.Struct, frozen=True, gc=False):
    """An answer that can be trusted: status, JSON object (None: there was none) and headers in lower case.

    A struct, because each item of a `$batch` is one; the headers of an item that succeeded are left out.
    `in_batch`: the answer to one item of a `$batch`. False where a `$batch` as a whole was refused: that one answer
    then stands for each of its items. `application`: the name of the one that called, where it matters which did.
    """

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}
    in_batch: bool = False
    application: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the directory did what it was asked to."""
        return 200 <= self.status < 300

    @property
    def throttled(self) -> bool:
        """Whether the tenant holds us back: certainly not done."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS

    @property
    def unclear(self) -> bool:
        """Whether the call may have been carried out all the same, and may succeed when it is repeated."""
        return self.status == HTTPStatus.REQUEST_TIMEOUT or (
            self.status >= 500 and self.status not in _PERMANENT_5XX
        )


@dataclass(frozen=True, slots=True)
class NoReply:
    """No answer that can be trusted. `maybe_done` is False only if the call was certainly not carried out.

    `error` is what kept us from making the call, where others of the same batch were made.
    """

    reason: str
    maybe_done: bool
    error: DirectoryError | Stopped | None = None


Outcome = Reply | NoReply

FOR_EVERYBODY = (Forbidden, QuotaExceeded, TenantNotReady, TokenRefused)
"""Refusals that the next person would hear as well: the run must stop, nobody must be marked as failed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal in our words: the class of the error, and a sentence with what is needed to follow it up.

    `attribute` and `holder_id` are filled for a Conflict: what is taken, and by which account if Graph says so.
    """

    error: type[DirectoryError]
    reason: str
    attribute: str = ""
    holder_id: str | None = None

    def as_error(self) -> DirectoryError:
        """The error to raise."""
        return self.error(self.reason)


@dataclass(frozen=True, slots=True)
class _Said:
    """The error document, with everything that may be missing from it filled in.

    `code` and `message` are as they came: they may quote anything, and are looked at, never told.
    """

    code: str
    message: str
    details: tuple[Mapping[str, Any], ...]
    request_id: str

    @property
    def attributes(self) -> list[str]:
        """The attributes that it is about."""
        in_message = [name for found in _NAMED_IN_MESSAGE.findall(self.message) for name in found if name]
        named = [str(detail.get("target")) for detail in self.details if detail.get("target")] + in_message
        return [name for name in dict.fromkeys(named) if _ATTRIBUTE.fullmatch(name)][:_NAMES_TOLD_MAX]

    def has_detail(self, codes: frozenset[str]) -> bool:
        return any(detail.get("code") in codes for detail in self.details)


def refusal_of(reply: Reply) -> Refusal:
    """Which error an answer outside 2xx is.

    A duplicate is HTTP 400 with a detail `ObjectConflict`, not 409:
    https://github.com/microsoftgraph/microsoft-graph-docs/issues/1508
    """
    said = _said(reply)
    match reply.status:
        case HTTPStatus.BAD_REQUEST | HTTPStatus.CONFLICT:
            return _bad_request(reply, said)
        case HTTPStatus.UNAUTHORIZED:
            return _refusal(TokenRefused, reply, said)
        case HTTPStatus.FORBIDDEN:
            full = said.code == "Directory_QuotaExceeded"
            return _refusal(QuotaExceeded if full else Forbidden, reply, said)
        case HTTPStatus.NOT_FOUND:
            return _refusal(NotFound, reply, said)
    if reply.throttled:
        return _refusal(Throttled, reply, said)
    return _refusal(Unreachable if reply.unclear else UnexpectedAnswer, reply, said)


def error_of(outcome: Outcome) -> DirectoryError:
    """The error to raise for an outcome that is not a success."""
    if isinstance(outcome, NoReply):
        return Unreachable(outcome.reason)
    return refusal_of(outcome).as_error()


def code_of(reply: Reply) -> str:
    """What became of a call, for reports: "" when it succeeded, else the code of the error class."""
    return "" if reply.succeeded else refusal_of(reply).error.code


def body_if_found(reply: Reply, *, object_id: str) -> Mapping[str, Any] | None:
    """The object that was asked for by this id, or None when there is none (404).

    Raises:
        UnexpectedAnswer: it is another object, about which nobody asked.
        DirectoryError: the question was refused.
    """
    if reply.status == HTTPStatus.NOT_FOUND:
        return None
    if not reply.succeeded or reply.body is None:
        raise error_of(reply)
    if str(reply.body.get("id")).lower() != object_id.lower():
        raise UnexpectedAnswer(f"the directory answers with another object than {object_id}")
    return reply.body


def is_guid(text: str) -> bool:
    """Whether a text has the form of an object id or a request id of the directory."""
    return _GUID.fullmatch(text) is not None


def printable(text: str) -> str:
    """A text of others, cut and without control characters, fit for a message of ours."""
    cleaned = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(cleaned.split())[:MESSAGE_CHARACTERS_MAX]


def _bad_request(reply: Reply, said: _Said) -> Refusal:
    from_directory = said.code == "Request_BadRequest"
    named = _SAME_VALUE.search(said.message)
    if said.has_detail(frozenset({"ObjectConflict"})) or (from_directory and named):
        return _conflict(said, named.group(1) if named else "")
    if from_directory and _WEAK_PASSWORD.search(said.message):
        return _refusal(WeakPassword, reply, said)
    if from_directory and _NO_SUCH_EXTENSION.search(said.message):
        return _refusal(TenantNotReady, reply, said)
    shaped = said.code in ("Request_BadRequest", "BadRequest")
    if said.has_detail(_INVALID_DETAILS) or (shaped and _INVALID.search(said.message)):
        return _refusal(InvalidValue, reply, said)
    return _refusal(UnexpectedAnswer, reply, said)


def _conflict(said: _Said, named_in_message: str) -> Refusal:
    targets = {
        str(detail.get("code")): target
        for detail in said.details
        if isinstance(target := detail.get("target"), str)
    }
    holder = _CONFLICTING_USER.match(targets.get("ConflictingObjects", ""))
    named = targets.get("ObjectConflict") or named_in_message
    attribute = named if _ATTRIBUTE.fullmatch(named) else A_UNIQUE_VALUE
    return Refusal(
        Conflict,
        f"another account holds the same {attribute}",
        attribute=attribute,
        holder_id=holder.group(1).lower() if holder else None,
    )


def _said(reply: Reply) -> _Said:
    error = (reply.body or {}).get("error")
    error = error if isinstance(error, Mapping) else {}
    inner = error.get("innerError") or error.get("innererror")
    inner = inner if isinstance(inner, Mapping) else {}
    details = error.get("details")
    return _Said(
        code=str(error.get("code") or ""),
        message=str(error.get("message") or ""),
        details=tuple(one for one in details if isinstance(one, Mapping))
        if isinstance(details, list)
        else (),
        request_id=str(inner.get("request-id") or reply.headers.get("request-id") or ""),
    )


def _refusal(error: type[DirectoryError], reply: Reply, said: _Said) -> Refusal:
    words = ": ".join(filter(None, (_WORDS[error], ", ".join(said.attributes))))
    facts = [f"application {reply.application}"] if reply.application else []
    facts += [f"HTTP {reply.status}"]
    facts += [said.code] if _CODE.fullmatch(said.code) else []
    facts += [f"request-id {said.request_id}"] if is_guid(said.request_id) else []
    return Refusal(error, f"{words} ({' '.join(facts)})")
