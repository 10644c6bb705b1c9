"""Endpoints of mode C beside the sign-in: who has an account or will have one, and what an account is made of at a reset.

A policy asks them after it has verified the e-mail address, so they may say what nobody else hears.
"""

from collections.abc import Callable

import msgspec

from idferry.errors import IdferryError
from idferry.rules.account import AccountDraft
from idferry.rules.names import ASCII_BLANKS, compared_form
from idferry.service.answers import Answer, ErrorBody, error_answer
from idferry.service.doors import Books
from idferry.service.endpoints import NO_BODY, AuthenticatedRequest, Endpoint
from idferry.service.logs import PersonIds, masked
from idferry.service.messages import Text
from idferry.service.newcomer_claims import NewcomerClaims, newcomer_body
from idferry.service.workers import Overloaded, Workers

NAME_CHARACTERS_MAX = 512
ID_CHARACTERS_MAX = 64

HasAccount = Callable[[str], bool]
"""Whether a person of this sign-in name has an account or is to get one. It runs in a worker's thread."""
DraftForReset = Callable[[str], AccountDraft | None]
"""The claimed draft of somebody who is to get one. It runs in a worker's thread."""


class NewcomerQuestion(msgspec.Struct, frozen=True):
    """What the policy sends: the sign-in name whose address was verified."""

    email: str | None = None
    signInName: str | None = None  # noqa: N815  a name of the wire
    correlationId: str | None = None  # noqa: N815  a name of the wire


_decode = msgspec.json.Decoder(NewcomerQuestion).decode
_NOBODY = msgspec.json.encode(NewcomerClaims(createRequired=False))


class NewcomerEndpoints:
    """Sign-up and reset look-up over their flows. `flag` is the short name of the migration flag."""

    def __init__(
        self,
        has_account: HasAccount,
        draft_for_reset: DraftForReset,
        *,
        flag: str,
        within_s: float,
        workers: Workers,
        people: PersonIds,
        books: Books,
    ) -> None:
        self._has_account = has_account
        self._draft_for_reset = draft_for_reset
        self._flag = flag
        self._within_s = within_s
        self._workers = workers
        self._people = people
        self._books = books

    def endpoints(self) -> list[Endpoint]:
        """Both."""
        return [
            Endpoint(
                name="sign_up",
                summary="Whether somebody with this verified address may sign up.",
                paths=("/api/migration/sign-up",),
                handle=self.sign_up,
                request=NewcomerQuestion,
                answers={200: NO_BODY, 409: ErrorBody},
            ),
            Endpoint(
                name="reset_lookup",
                summary="What the account of somebody with this verified address is made of, if there is none yet.",
                paths=("/api/migration/reset-lookup",),
                handle=self.reset_lookup,
                request=NewcomerQuestion,
                answers={200: NewcomerClaims, 409: ErrorBody},
            ),
        ]

    async def sign_up(self, request: AuthenticatedRequest) -> Answer:
        """200, or 409 for somebody who has an account or is to get one."""
        question = _question(request.body)
        if question is None:
            return error_answer(400, "This is not a sign-up.", outcome="malformed")
        name, notes = _name(question), self._notes(question)
        try:
            known = await self._workers.run(lambda: self._has_account(name), within_s=self._within_s)
        except (IdferryError, Overloaded, TimeoutError):
            return self._nobody_can_tell(notes)
        if known:
            return error_answer(409, self._books.texts[Text.HAS_ACCOUNT], outcome="has_account", notes=notes)
        return Answer(200, "may_sign_up", notes=notes)

    async def reset_lookup(self, request: AuthenticatedRequest) -> Answer:
        """200 with the claims of the account to make, or with none."""
        question = _question(request.body)
        if question is None:
            return error_answer(400, "This is not a reset.", outcome="malformed")
        name, notes = _name(question), self._notes(question)
        try:
            draft = await self._workers.run(lambda: self._draft_for_reset(name), within_s=self._within_s)
        except (IdferryError, Overloaded, TimeoutError):
            return self._nobody_can_tell(notes)
        if draft is None:
            return Answer(200, "nobody_to_come", _NOBODY, notes)
        return Answer(200, "to_be_created", newcomer_body(draft, self._flag), notes)

    def _nobody_can_tell(self, notes: dict[str, str]) -> Answer:
        self._books.metrics.alert("ledger_silent")
        return error_answer(409, self._books.texts[Text.TRY_LATER], outcome="unavailable", notes=notes)

    def _notes(self, question: NewcomerQuestion) -> dict[str, str]:
        name = _name(question)
        return {
            "person": self._people.of(compared_form(name)),
            "name": masked(name),
            "journey": (question.correlationId or "")[:ID_CHARACTERS_MAX],
        }


def _question(body: bytes) -> NewcomerQuestion | None:
    try:
        question = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if question.email and question.signInName and _compared(question.email) != _compared(question.signInName):
        # One of them was verified, and nothing says which: the other one may be somebody else's.
        return None
    return question if 0 < len(_name(question)) <= NAME_CHARACTERS_MAX else None


def _compared(name: str) -> str:
    return compared_form(name[:NAME_CHARACTERS_MAX])


def _name(question: NewcomerQuestion) -> str:
    return (question.signInName or question.email or "").strip(ASCII_BLANKS)
