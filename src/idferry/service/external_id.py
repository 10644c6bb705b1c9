"""The endpoint that an external tenant calls when a password does not match and the migration flag is up.

Exactly one action, the nonce echoed, inside the tenant's patience of two seconds. The legacy user is found through the
account's id, never through the typed name alone. Wrong, unknown and locked are the same bytes but for the nonce, and
leave at one fixed time. https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, assert_never

import msgspec
from starlette.types import Scope

from idferry.flows.migrate_on_sign_in import SignIn
from idferry.ports import Deadline
from idferry.rules.sign_in import Cause, Decision, Outcome
from idferry.rules.submission import Front
from idferry.service.answers import Answer, ErrorBody, error_answer
from idferry.service.bearer_tokens import TokenCheck
from idferry.service.doors import Books
from idferry.service.endpoints import Authenticate, AuthenticatedRequest, Caller, Endpoint
from idferry.service.equal_answers import Pause, reply_at
from idferry.service.logs import PersonIds, masked
from idferry.service.messages import Text
from idferry.service.password_context import PasswordContext, PasswordContexts
from idferry.service.token_sources import Heard, unheard
from idferry.service.workers import Overloaded, Workers

PATH = "/api/external-id/password-submit"
CALLER = Caller("entra")
KEYS = "external_id.keys"
"""What the metrics call the keys that open passwords, among the credentials: an old one goes when it is used no more."""
CALLER_APPLICATION_ID = "99045fe1-7639-4a75-9d4a-577b6ca3810f"
"""Microsoft's own application that calls: https://learn.microsoft.com/entra/identity-platform/custom-extension-overview"""
NEGATIVE_BEFORE_DEADLINE = timedelta(seconds=0.1)
DECIDED_BEFORE_REPLY = timedelta(seconds=0.05)
"""What a decision needs beside the legacy system's own time, so that it is there when it is to leave."""
EVENT_TYPE = "microsoft.graph.authenticationEvent.passwordSubmit"
_RESPONSE_TYPE = "microsoft.graph.onPasswordSubmitResponseData"
_BEARER = b"bearer "
_ID_CHARACTERS_MAX = 64

Migrate = Callable[[SignIn, Deadline], Decision]
"""The flow, with everything that it needs; it runs in a worker's thread."""


class Action(StrEnum):
    """What the tenant is to do. Microsoft spells the name in two ways; this one is what captured calls answered."""

    MIGRATE = "microsoft.graph.passwordSubmit.MigratePassword"
    UPDATE = "microsoft.graph.passwordSubmit.UpdatePassword"
    RETRY = "microsoft.graph.passwordSubmit.Retry"
    BLOCK = "microsoft.graph.passwordSubmit.Block"


class EventUser(msgspec.Struct, frozen=True):
    """Whose account it is."""

    id: str
    mail: str | None = None


class EventClient(msgspec.Struct, frozen=True):
    """Where the person sits."""

    ip: str | None = None


class EventContext(msgspec.Struct, frozen=True, rename="camel"):
    """The sign-in."""

    user: EventUser
    correlation_id: str = ""
    client: EventClient | None = None


class EventData(msgspec.Struct, frozen=True, rename="camel"):
    """What is decided by; whatever else Entra sends is not looked at."""

    tenant_id: str
    custom_authentication_extension_id: str
    encrypted_password_context: str
    authentication_context: EventContext


class PasswordSubmitEvent(msgspec.Struct, frozen=True):
    """The request."""

    type: str
    data: EventData


class ResponseAction(msgspec.Struct, frozen=True, omit_defaults=True):
    """One action; only a block has a text that Microsoft documents."""

    odata_type: str = msgspec.field(name="@odata.type")
    title: str = ""
    message: str = ""


class ResponseData(msgspec.Struct, frozen=True):
    """Exactly one action, and the nonce of the request."""

    odata_type: str = msgspec.field(name="@odata.type")
    actions: tuple[ResponseAction]
    nonce: str


class PasswordSubmitResponse(msgspec.Struct, frozen=True):
    """The answer."""

    data: ResponseData


_decode = msgspec.json.Decoder(PasswordSubmitEvent).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRules:
    """Which tenant and which of its extensions may ask, until when it is answered, and what an outage is called.

    `can_reset`: self-service reset is on, so that whoever has an e-mail address can choose another password.
    """

    tenant_id: str
    extension_ids: frozenset[str]
    deadline: timedelta
    outage_answer: Literal["block", "retry", "error"] = "block"
    can_reset: bool = True

    @property
    def replies_after_s(self) -> float:
        """Seconds after its arrival at which a request that gets no password written is answered."""
        return (self.deadline - NEGATIVE_BEFORE_DEADLINE).total_seconds()


class PasswordSubmitEndpoint:
    """The endpoint. `workers` are the threads that decide.

    What Entra encrypted is opened on the event loop: OpenSSL's RSA is called with Python's lock held, so that a thread
    would decrypt no call beside another one, and handing it over costs as much again as the 0.3 ms it takes.
    """

    def __init__(
        self,
        migrate: Migrate,
        *,
        contexts: PasswordContexts,
        check: TokenCheck,
        rules: ExternalRules,
        workers: Workers,
        people: PersonIds,
        books: Books,
        pause: Pause = asyncio.sleep,
        heard: Heard = unheard,
    ) -> None:
        """`heard` is told of every token that lets its caller in."""
        self._pause = pause
        self._heard = heard
        self._migrate = migrate
        self._contexts = contexts
        self._check = check
        self._rules = rules
        self._workers = workers
        self._people = people
        self._books = books

    def endpoints(self) -> list[Endpoint]:
        """One for the event, and one that lets Entra see that somebody is there."""
        return [
            Endpoint(
                name="password_submit",
                summary="Whether the legacy system knows this password; asked by Microsoft Entra External ID.",
                paths=(PATH,),
                handle=self.submit,
                request=PasswordSubmitEvent,
                answers={200: PasswordSubmitResponse, 400: ErrorBody, 503: ErrorBody},
                authenticate=bearer_of(self._check, self._heard),
            ),
            Endpoint(
                name="password_submit_seen",
                summary="That somebody is there. It answers with nothing.",
                paths=(PATH,),
                handle=_nothing,
                methods=("GET",),
                is_open=True,
            ),
        ]

    async def submit(self, request: AuthenticatedRequest) -> Answer:
        """The action for this event, in time."""
        event = _event(request.body)
        if event is None or not self._is_ours(event):
            return self._refused("malformed")
        context = self._contexts.read(event.data.encrypted_password_context)
        if context is None:
            return self._refused("context_refused")
        self._books.metrics.credential_used(KEYS, context.key)
        try:
            outcome, cause = await self._outcome(request, event, context)
        except Overloaded:
            # Nobody was looked at, so that its time tells nothing; held back it would only keep a connection.
            self._books.metrics.alert(Cause.OVERLOADED)
            return self._answer(Outcome.UNAVAILABLE, Cause.OVERLOADED, event, context)
        if outcome is not Outcome.WELCOME and not (
            outcome is Outcome.UNAVAILABLE and self._rules.outage_answer == "error"
        ):
            with self._books.metrics.waiting():
                on_time = await reply_at(
                    arrival_s=request.arrival_s,
                    seconds=self._rules.replies_after_s,
                    clock=self._books.clock,
                    pause=self._pause,
                )
            if not on_time:
                self._books.metrics.alert("late_answer")
        return self._answer(outcome, cause, event, context)

    async def _outcome(
        self, request: AuthenticatedRequest, event: PasswordSubmitEvent, context: PasswordContext
    ) -> tuple[Outcome, str]:
        """What was decided, and why; nothing is decided later than it can be answered. Raises Overloaded."""
        until_s = request.arrival_s + self._rules.replies_after_s
        sign_in = self._sign_in(event, context)
        deadline = Deadline(until_s - DECIDED_BEFORE_REPLY.total_seconds())
        left_s = max(until_s - self._books.clock.elapsed(), 0.0)
        try:
            decision = await self._workers.run(lambda: self._migrate(sign_in, deadline), within_s=left_s)
        except TimeoutError:
            self._books.metrics.alert(Cause.TOO_LATE)
            return Outcome.UNAVAILABLE, Cause.TOO_LATE
        return decision.outcome, decision.cause

    def _sign_in(self, event: PasswordSubmitEvent, context: PasswordContext) -> SignIn:
        about = event.data.authentication_context
        has_address = bool(about.user.mail) or "@" in context.user_name
        return SignIn(
            front=Front.EXTERNAL_ID,
            password=context.password,
            typed_name=context.user_name,
            object_id=about.user.id.lower(),
            correlation_id=about.correlation_id,
            nonce=context.nonce,
            expires_at=context.expires_at,
            client_address=(about.client.ip or "") if about.client else "",
            can_reset=self._rules.can_reset and has_address,
        )

    def _is_ours(self, event: PasswordSubmitEvent) -> bool:
        data, rules = event.data, self._rules
        about = data.authentication_context
        return (
            event.type == EVENT_TYPE
            and data.tenant_id.lower() == rules.tenant_id.lower()
            and data.custom_authentication_extension_id.lower() in rules.extension_ids
            and 0 < len(about.user.id) <= _ID_CHARACTERS_MAX
            and len(about.correlation_id) <= _ID_CHARACTERS_MAX
        )

    def _refused(self, why: str) -> Answer:
        self._books.metrics.alert(why)
        return error_answer(400, "This is not an event for this service.", outcome=why)

    def _answer(
        self, outcome: Outcome, cause: str, event: PasswordSubmitEvent, context: PasswordContext
    ) -> Answer:
        notes = {
            "person": self._people.of(event.data.authentication_context.user.id.lower()),
            "name": masked(context.user_name),
            "journey": event.data.authentication_context.correlation_id,
            "cause": cause,
        }
        action = self._action(outcome)
        if action is None:
            return error_answer(503, self._books.texts[Text.TRY_LATER], outcome=outcome, notes=notes)
        return Answer(200, outcome, _response(action, context.nonce), notes)

    def _action(self, outcome: Outcome) -> ResponseAction | None:
        """None: no action, so that the tenant asks once more."""
        texts = self._books.texts
        match outcome:
            case Outcome.WELCOME:
                return ResponseAction(Action.MIGRATE)
            case Outcome.MUST_CHANGE:
                return ResponseAction(Action.UPDATE)
            case Outcome.NEGATIVE:
                return ResponseAction(Action.RETRY)
            case Outcome.BARRED:
                return ResponseAction(Action.BLOCK, texts[Text.BARRED_TITLE], texts[Text.BARRED])
            case Outcome.UNAVAILABLE:
                return self._outage_action(texts)
            case _:
                assert_never(outcome)

    def _outage_action(self, texts: Mapping[Text, str]) -> ResponseAction | None:
        match self._rules.outage_answer:
            case "block":
                return ResponseAction(Action.BLOCK, texts[Text.OUTAGE_TITLE], texts[Text.TRY_LATER])
            case "retry":
                return ResponseAction(Action.RETRY)
            case "error":
                return None
            case _:
                assert_never(self._rules.outage_answer)


def bearer_of(check: TokenCheck, heard: Heard) -> Authenticate:
    """Who calls, by the one bearer token in the headers."""

    async def authenticate(scope: Scope) -> Caller | None:
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(values) != 1 or values[0][: len(_BEARER)].lower() != _BEARER:
            return None
        token = values[0][len(_BEARER) :].strip(b" ")
        if not await check.accepts(token):
            return None
        heard(CALLER.name, token, scope)
        return CALLER

    return authenticate


async def _nothing(_request: AuthenticatedRequest) -> Answer:
    return Answer(200, "seen")


def _event(body: bytes) -> PasswordSubmitEvent | None:
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _response(action: ResponseAction, nonce: str) -> bytes:
    return msgspec.json.encode(PasswordSubmitResponse(ResponseData(_RESPONSE_TYPE, (action,), nonce)))
