"""The endpoints of the reset-required flow: a policy asks who must reset, and says who has.

Same requests and answers as Microsoft's sample, so that a policy written for it works with this service:
https://github.com/azure-ad-b2c/user-migration (pre-migration, PrePasswordResetController). It is asked at every
sign-in, before any password: whatever goes wrong here lets the sign-in go on, because closing would bar everybody
who has migrated, and whoever has not is refused by the random password anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from idferry.errors import IdferryError
from idferry.ports import ResetStatus
from idferry.rules.attempts import address_block
from idferry.rules.names import ASCII_BLANKS, compared_form
from idferry.service.answers import Answer, ErrorBody, error_answer
from idferry.service.doors import Books
from idferry.service.endpoints import NO_BODY, AuthenticatedRequest, Endpoint
from idferry.service.limits import Budget, BudgetByKey
from idferry.service.logs import PersonIds, masked
from idferry.service.messages import Text
from idferry.service.workers import Overloaded, Workers

STORE_SECONDS_MAX = 2.0
NAME_CHARACTERS_MAX = 512
PER_ADDRESS_PERIOD = timedelta(minutes=10)
CONFLICTS_PERIOD = timedelta(minutes=1)
LOOK_AGAIN = timedelta(seconds=30)
LOOKS_REST = timedelta(minutes=1)
# The three refusals of the sample, in its words.
_NULL, _EMPTY, _NO_CLAIMS = (
    "Request content is NULL",
    "Request content is empty",
    "Can not deserialize input claims",
)


class StatusQuestion(msgspec.Struct, frozen=True):
    """What the policy sends. The sample sends `email` alone; the others are claims that a policy may add."""

    email: str | None = None
    signInName: str | None = None  # noqa: N815  a name of the wire
    objectId: str | None = None  # noqa: N815  a name of the wire
    correlationId: str | None = None  # noqa: N815  a name of the wire
    ipAddress: str | None = None  # noqa: N815  a name of the wire


_decode = msgspec.json.Decoder(StatusQuestion | None).decode
_MAY_SIGN_IN = Answer(200, "may_sign_in")  # nearly everybody's, so it is made once


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSource:
    """Where it stands who must reset.

    `is_local`: asking is a look into a file of this machine, done on the event loop, because a thread would cost more
    than the look. Everything else runs in `workers`. `track` says that a new password was written. `second_look` asks
    the directory whether somebody who seems to have to reset has done so; None: nobody asks it.
    """

    status: ResetStatus
    track: Callable[[str, str], None]
    is_local: bool
    workers: Workers
    second_look: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class StatusLimits:
    """What the 409 may reveal: questions about people for each person's address, and 409s in all."""

    per_address: int = 30
    conflicts_per_minute: int = 600


class ResetStatusEndpoints:
    """The two endpoints over one store."""

    def __init__(
        self, source: StatusSource, *, limits: StatusLimits, people: PersonIds, books: Books
    ) -> None:
        elapsed = books.clock.elapsed
        self._source = source
        self._books = books
        self._people = people
        self._second_looks = _SecondLooks(elapsed)
        self._must_reset = error_answer(409, books.texts[Text.MUST_RESET], outcome="must_reset").body
        self._by_address = BudgetByKey(
            most=limits.per_address, per_s=PER_ADDRESS_PERIOD.total_seconds(), elapsed=elapsed
        )
        self._conflicts = Budget(
            most=limits.conflicts_per_minute, per_s=CONFLICTS_PERIOD.total_seconds(), elapsed=elapsed
        )

    def endpoints(self) -> list[Endpoint]:
        """Both, in both spellings: the sample's own name has a typo that policies out there repeat."""
        root = "/api/PrePasswordReset"
        answers = {200: NO_BODY, 409: ErrorBody}
        return [
            Endpoint(
                name="reset_status",
                summary="Whether this person must reset the password before signing in.",
                paths=(f"{root}/LoalAccountSignIn", f"{root}/LocalAccountSignIn"),
                handle=self.ask,
                request=StatusQuestion,
                answers=answers,
            ),
            Endpoint(
                name="password_updated",
                summary="This person's new password was written.",
                paths=(f"{root}/PasswordUpdated",),
                handle=self.password_updated,
                request=StatusQuestion,
                answers=answers,
            ),
        ]

    async def ask(self, request: AuthenticatedRequest) -> Answer:
        """409 where the person must reset, else 200 without a body; also 200 where nobody can tell."""
        question = _read(request.body)
        if isinstance(question, Answer):
            return question
        name = _name(question)
        if not name:
            return error_answer(409, _NO_CLAIMS, outcome="malformed")
        address = address_block(question.ipAddress) if question.ipAddress else ""
        if address and not self._by_address.take(address):
            # Beyond its bound an address learns nothing, and nobody is barred by it.
            return self._unsaid("status_address_limit", question)
        try:
            if not await self._asked(name):
                return _MAY_SIGN_IN
        except (IdferryError, Overloaded, TimeoutError) as error:
            return self._unsaid("status_unavailable", question, kind=getattr(error, "code", "") or "slow")
        except Exception as error:  # noqa: BLE001  a bug of ours or of a store's library must bar nobody either
            return self._unsaid("status_bug", question, kind=type(error).__name__)
        if not self._conflicts.take():
            return self._unsaid("status_global_limit", question)
        if await self._has_reset(name):
            return Answer(200, "has_reset", notes=self._notes(question))
        return Answer(409, "must_reset", self._must_reset, self._notes(question))

    async def _asked(self, name: str) -> bool:
        source = self._source
        if source.is_local:
            return source.status.must_reset(name)
        return await source.workers.run(lambda: source.status.must_reset(name), within_s=STORE_SECONDS_MAX)

    async def _has_reset(self, name: str) -> bool:
        """Whether the account shows a reset of which the message was lost. Where nobody can tell, the store counts."""
        source, looks = self._source, self._second_looks
        look = source.second_look
        if look is None or not looks.are_due(name):
            return False
        try:
            return await source.workers.run(lambda: look(name), within_s=STORE_SECONDS_MAX)
        except (IdferryError, Overloaded, TimeoutError) as error:
            looks.rest()
            self._books.metrics.alert("second_look_failed")
            self._books.log.warning("second_look_failed", kind=getattr(error, "code", "") or "slow")
            return False

    async def password_updated(self, request: AuthenticatedRequest) -> Answer:
        """200, whether anything was to be done or not; what cannot be recorded now heals itself later."""
        question = _read(request.body)
        if isinstance(question, Answer):
            return question
        name, object_id = _name(question), (question.objectId or "").strip(ASCII_BLANKS)
        if not name and not object_id:
            return error_answer(409, _NO_CLAIMS, outcome="malformed")
        try:
            await self._source.workers.run(
                lambda: self._source.track(name, object_id), within_s=STORE_SECONDS_MAX
            )
        except (IdferryError, Overloaded, TimeoutError) as error:
            return self._unsaid("reset_not_recorded", question, kind=getattr(error, "code", "") or "slow")
        return Answer(200, "recorded", notes=self._notes(question))

    def _unsaid(self, alert: str, question: StatusQuestion, *, kind: str = "") -> Answer:
        self._books.metrics.alert(alert)
        notes = self._notes(question)
        self._books.log.warning(alert, kind=kind, **notes)
        return Answer(200, alert, notes=notes)

    def _notes(self, question: StatusQuestion) -> dict[str, str]:
        name = _name(question)
        return {
            "person": self._people.of(compared_form(name)),
            "name": masked(name),
            "journey": (question.correlationId or "")[:64],
        }


class _SecondLooks:
    """When the directory is asked about somebody: not twice within a while, and not at all while it is down."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._resting_until_s = -1.0
        self._by_name = BudgetByKey(most=1, per_s=LOOK_AGAIN.total_seconds(), elapsed=elapsed)

    def are_due(self, name: str) -> bool:
        """Whether to ask; it counts as asked."""
        return self._elapsed() >= self._resting_until_s and self._by_name.take(compared_form(name))

    def rest(self) -> None:
        """The directory gave no answer."""
        self._resting_until_s = self._elapsed() + LOOKS_REST.total_seconds()


def _name(question: StatusQuestion) -> str:
    name = (question.email or question.signInName or "").strip(ASCII_BLANKS)
    return name if len(name) <= NAME_CHARACTERS_MAX else ""


def _read(body: bytes) -> StatusQuestion | Answer:
    if not body:
        return error_answer(409, _NULL, outcome="malformed")
    if not body.strip():
        return error_answer(409, _EMPTY, outcome="malformed")
    try:
        question = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        question = None
    return question or error_answer(409, _NO_CLAIMS, outcome="malformed")
