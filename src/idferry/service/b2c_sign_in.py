"""The endpoints of just-in-time migration that a B2C policy calls: is this legacy password right, and who has reset one.

Success is 200 with two claims, everything else 409 with a sentence that the policy shows. Wrong, unknown and locked are
the same bytes, and leave at one fixed time. https://learn.microsoft.com/azure/active-directory-b2c/restful-technical-profile
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

import msgspec

from idferry.errors import IdferryError
from idferry.flows.migrate_on_sign_in import SignIn
from idferry.ports import Deadline
from idferry.rules.attributes import MIGRATION_FLAG
from idferry.rules.names import ASCII_BLANKS, compared_form
from idferry.rules.password import Password
from idferry.rules.sign_in import Cause, Decision, Outcome
from idferry.rules.submission import Front
from idferry.service.answers import Answer, ErrorBody, error_answer
from idferry.service.doors import Books
from idferry.service.endpoints import NO_BODY, AuthenticatedRequest, Endpoint
from idferry.service.equal_answers import Pause, reply_at
from idferry.service.logs import PersonIds, masked
from idferry.service.messages import Text
from idferry.service.newcomer_claims import newcomer_body
from idferry.service.workers import Overloaded, Workers

NAME_CHARACTERS_MAX = 512
ID_CHARACTERS_MAX = 64
PASSWORD_CHARACTERS_MAX = 4_096
ANSWERED_BEFORE_DEADLINE = timedelta(seconds=0.1)
RESET_NOTED_WITHIN = timedelta(seconds=5)

Migrate = Callable[[SignIn, Deadline], Decision]
NoteReset = Callable[[str, str, Deadline], bool]
"""Sign-in name and object id; whether the new password was seen. It runs in a worker's thread."""


class SignInQuestion(msgspec.Struct, frozen=True):
    """What the policy sends. `email` is the name in Microsoft's sample; the claims behind the password are optional."""

    password: str
    email: str | None = None
    signInName: str | None = None  # noqa: N815  a name of the wire
    objectId: str | None = None  # noqa: N815  a name of the wire
    correlationId: str | None = None  # noqa: N815  a name of the wire
    ipAddress: str | None = None  # noqa: N815  a name of the wire

    def __repr__(self) -> str:
        return "SignInQuestion(...)"


class SignInClaims(msgspec.Struct, frozen=True):
    """What the policy reads: the names and the order are those of Microsoft's sample.

    In mode C `createRequired` is there too, with everything of which the account is made: `newcomer_claims`.
    """

    tokenSuccess: bool = True  # noqa: N815  a name of the wire
    migrationRequired: bool = False  # noqa: N815  a name of the wire
    createRequired: bool | msgspec.UnsetType = msgspec.UNSET  # noqa: N815  a name of the wire


class ResetNotice(msgspec.Struct, frozen=True):
    """What the policy sends after it has written a new password and the flag."""

    email: str | None = None
    signInName: str | None = None  # noqa: N815  a name of the wire
    objectId: str | None = None  # noqa: N815  a name of the wire
    correlationId: str | None = None  # noqa: N815  a name of the wire


_decode_question = msgspec.json.Decoder(SignInQuestion).decode
_decode_notice = msgspec.json.Decoder(ResetNotice).decode
_WELCOME = msgspec.json.encode(SignInClaims())
_TEXTS: Mapping[Outcome, Text] = MappingProxyType(
    {
        Outcome.NEGATIVE: Text.WRONG,
        Outcome.MUST_CHANGE: Text.CANNOT_BE_USED,
        Outcome.BARRED: Text.BARRED,
        Outcome.UNAVAILABLE: Text.TRY_LATER,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class B2cRules:
    """Until when a sign-in is answered, and when what is not a match leaves: 0 is at once. `flag`: its short name."""

    deadline: timedelta
    negative_reply_at_s: float = 0.0
    flag: str = MIGRATION_FLAG


class B2cSignInEndpoints:
    """The endpoints over one flow."""

    def __init__(
        self,
        migrate: Migrate,
        note_reset: NoteReset,
        *,
        rules: B2cRules,
        workers: Workers,
        people: PersonIds,
        books: Books,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._pause = pause
        self._migrate = migrate
        self._note_reset = note_reset
        self._rules = rules
        self._workers = workers
        self._people = people
        self._books = books
        self._refusals = {
            outcome: error_answer(409, books.texts[text], outcome=outcome).body
            for outcome, text in _TEXTS.items()
        }

    def endpoints(self) -> list[Endpoint]:
        """Sign-in, under its own name and that of Microsoft's sample, and password reset."""
        return [
            Endpoint(
                name="sign_in",
                summary="Whether the legacy system knows this password.",
                paths=("/api/migration/sign-in", "/api/identity"),
                handle=self.sign_in,
                request=SignInQuestion,
                answers={200: SignInClaims, 409: ErrorBody},
            ),
            Endpoint(
                name="password_reset",
                summary="The policy has written this person's new password.",
                paths=("/api/migration/password-reset",),
                handle=self.password_reset,
                request=ResetNotice,
                answers={200: NO_BODY},
            ),
        ]

    async def sign_in(self, request: AuthenticatedRequest) -> Answer:
        """200 with two claims, or 409 with a sentence."""
        question = _question(request.body)
        if question is None:
            return error_answer(400, "This is not a sign-in.", outcome="malformed")
        reply_at_s = self._rules.negative_reply_at_s
        try:
            decision = await self._decision(request, question)
        except Overloaded:
            # Nobody was looked at, so that its time tells nothing; held back it would only keep a connection.
            self._books.metrics.alert(Cause.OVERLOADED)
            decision, reply_at_s = Decision(Outcome.UNAVAILABLE, Cause.OVERLOADED), 0.0
        outcome = decision.outcome
        notes = {
            "person": self._people.of(_id(question.objectId) or compared_form(_name(question))),
            "name": masked(_name(question)),
            "journey": (question.correlationId or "")[:ID_CHARACTERS_MAX],
            "cause": decision.cause,
        }
        if outcome is Outcome.WELCOME:
            created = decision.create
            return Answer(
                200, outcome, newcomer_body(created, self._rules.flag) if created else _WELCOME, notes
            )
        with self._books.metrics.waiting():
            on_time = await reply_at(
                arrival_s=request.arrival_s,
                seconds=reply_at_s,
                clock=self._books.clock,
                pause=self._pause,
            )
        if not on_time:
            self._books.metrics.alert("late_answer")
        return Answer(409, outcome, self._refusals[outcome], notes)

    async def _decision(self, request: AuthenticatedRequest, question: SignInQuestion) -> Decision:
        """What was decided, in time. Raises Overloaded: nothing was begun."""
        until_s = request.arrival_s + self._rules.deadline.total_seconds()
        deadline = Deadline(until_s - ANSWERED_BEFORE_DEADLINE.total_seconds())
        sign_in = SignIn(
            front=Front.B2C,
            password=Password(question.password),
            typed_name=_name(question),
            object_id=_id(question.objectId),
            correlation_id=question.correlationId or "",
            client_address=question.ipAddress or "",
        )
        left_s = max(until_s - self._books.clock.elapsed(), 0.0)
        try:
            return await self._workers.run(lambda: self._migrate(sign_in, deadline), within_s=left_s)
        except TimeoutError:
            self._books.metrics.alert(Cause.TOO_LATE)
            return Decision(Outcome.UNAVAILABLE, Cause.TOO_LATE)

    async def password_reset(self, request: AuthenticatedRequest) -> Answer:
        """200, whatever is found: the password is written, and what cannot be recorded now heals itself."""
        try:
            notice = _decode_notice(request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Answer(200, "malformed")
        name, object_id = _name(notice), _id(notice.objectId)
        notes = {
            "person": self._people.of(object_id or compared_form(name)),
            "name": masked(name),
            "journey": (notice.correlationId or "")[:ID_CHARACTERS_MAX],
        }
        deadline = Deadline(request.arrival_s + RESET_NOTED_WITHIN.total_seconds())
        try:
            seen = await self._workers.run(
                lambda: self._note_reset(name, object_id, deadline),
                within_s=RESET_NOTED_WITHIN.total_seconds(),
            )
        except (IdferryError, Overloaded, TimeoutError):
            self._books.metrics.alert("reset_not_recorded")
            return Answer(200, "not_recorded", notes=notes)
        return Answer(200, "recorded" if seen else "not_seen", notes=notes)


def _question(body: bytes) -> SignInQuestion | None:
    """What was asked, if it is a sign-in of somebody and within its bounds."""
    try:
        question = _decode_question(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if len(question.password) > PASSWORD_CHARACTERS_MAX or not (_name(question) or _id(question.objectId)):
        return None
    bounded = (question.correlationId, question.ipAddress, question.objectId)
    if any(len(one or "") > ID_CHARACTERS_MAX for one in bounded):
        return None
    return None if _is_of_two(question) else question


def _is_of_two(question: SignInQuestion) -> bool:
    """Whether two names are told and no account: the policy may write to the account of the one we do not look at."""
    email, name = question.email or "", question.signInName or ""
    if _id(question.objectId) or not (email and name):
        return False
    return compared_form(email[:NAME_CHARACTERS_MAX]) != compared_form(name[:NAME_CHARACTERS_MAX])


def _name(told: SignInQuestion | ResetNotice) -> str:
    name = (told.signInName or told.email or "").strip(ASCII_BLANKS)
    return name if len(name) <= NAME_CHARACTERS_MAX else ""


def _id(object_id: str | None) -> str:
    return (object_id or "").strip(ASCII_BLANKS).lower()
