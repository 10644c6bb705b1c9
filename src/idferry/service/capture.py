"""The endpoint of capture: a legacy front hands on a password that it has just proven.

Only the callers that the settings name for it may call: whoever may hand on a password may choose one. Nothing here is
ever shown to the person, and no sign-in at the front depends on an answer.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import msgspec

from idferry.flows.capture import Captured
from idferry.ports import Deadline
from idferry.rules.capture import CaptureEnd, CaptureEvent, Proven
from idferry.rules.names import ASCII_BLANKS, LEGACY_ID_CHARACTERS_MAX, compared_form
from idferry.rules.password import Password
from idferry.service.answers import Answer, ErrorBody, error_answer
from idferry.service.capture_queue import WAITING_SECONDS_MAX, CaptureQueue
from idferry.service.doors import Books
from idferry.service.endpoints import AuthenticatedRequest, Endpoint
from idferry.service.logs import PersonIds, masked
from idferry.service.workers import Overloaded, Workers

NAME_CHARACTERS_MAX = 512
ID_CHARACTERS_MAX = 64
PASSWORD_CHARACTERS_MAX = 4_096
ANSWERED_BEFORE_DEADLINE = timedelta(seconds=0.1)

Capture = Callable[[Captured, Deadline], CaptureEnd]
"""What became of a password. It runs in a worker's thread, and never raises."""


class CaptureQuestion(msgspec.Struct, frozen=True):
    """What the front sends: whose password it is, by at least one of three names, and what the person did."""

    password: str
    event: CaptureEvent
    objectId: str | None = None  # noqa: N815  a name of the wire
    signInName: str | None = None  # noqa: N815  a name of the wire
    legacyId: str | None = None  # noqa: N815  a name of the wire
    passwordChangedAt: datetime | None = None  # noqa: N815  a name of the wire

    def __repr__(self) -> str:
        return "CaptureQuestion(...)"


class CaptureTaken(msgspec.Struct, frozen=True):
    """What became of it: `queued`, or the end."""

    outcome: str


_decode = msgspec.json.Decoder(CaptureQuestion).decode
_QUEUED = msgspec.json.encode(CaptureTaken("queued"))
_STATUS: Mapping[CaptureEnd, int] = MappingProxyType(
    {end: 200 if end.is_taken else 409 for end in CaptureEnd} | {CaptureEnd.NOT_NOW: 503}
)
_SENTENCES: Mapping[int, str] = MappingProxyType(
    {409: "The password was not taken over.", 503: "The password cannot be taken over right now."}
)
_ALERTS: Mapping[CaptureEnd, str] = MappingProxyType(
    {
        CaptureEnd.CHANGED_HERE: "password_changed_here",
        CaptureEnd.NOT_OURS: "not_ours",
        CaptureEnd.NOT_NOW: "capture_failed",
        CaptureEnd.REFUSED: "capture_refused",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureTerms:
    """Who may hand on passwords, and until when an event that is written before its answer is answered."""

    callers: Collection[str]
    deadline: timedelta
    key: bytes


class CaptureEndpoint:
    """The endpoint over one flow. `queue` takes sign-ins, `workers` what is written before the answer."""

    def __init__(
        self,
        capture: Capture,
        *,
        terms: CaptureTerms,
        queue: CaptureQueue,
        workers: Workers,
        people: PersonIds,
        books: Books,
    ) -> None:
        self._capture = capture
        self._terms = terms
        self._queue = queue
        self._workers = workers
        self._people = people
        self._books = books
        self._under_way: dict[bytes, asyncio.Task[CaptureEnd]] = {}

    def endpoints(self) -> list[Endpoint]:
        """The one."""
        return [
            Endpoint(
                name="capture",
                summary="A legacy front has just proven this password.",
                paths=("/api/migration/capture",),
                handle=self.take,
                request=CaptureQuestion,
                answers={200: CaptureTaken, 202: CaptureTaken, 403: ErrorBody, 409: ErrorBody},
            )
        ]

    async def take(self, request: AuthenticatedRequest) -> Answer:
        """202 for a sign-in, which is taken later; 200, 409 or 503 for what was dealt with."""
        if request.caller.name not in self._terms.callers:
            return error_answer(403, "This caller may not hand on passwords.", outcome="not_allowed")
        question = _question(request.body)
        if question is None:
            return error_answer(400, "This is no password of anybody.", outcome="malformed")
        captured = _captured(question, self._books.clock.now())
        whose = captured.object_id or captured.legacy_id or compared_form(captured.sign_in_name)
        notes = {"person": self._people.of(whose), "name": masked(captured.sign_in_name)}
        if question.event is CaptureEvent.SIGN_IN:
            return self._take_later(captured, request.correlation_id, notes)
        end = await self._end(request, captured)
        notes["what"] = question.event
        return _answer(end, notes)

    def _take_later(self, captured: Captured, correlation_id: str, notes: Mapping[str, str]) -> Answer:
        clock = self._books.clock
        deadline = Deadline(clock.elapsed() + WAITING_SECONDS_MAX)

        def do() -> None:
            end = CaptureEnd.NOT_NOW
            try:
                end = self._capture(captured, deadline)
            except Exception as error:  # noqa: BLE001  the outermost place: nobody would hear of it
                self._books.tell_bug(error, endpoint="capture", correlation_id=correlation_id)
            self._tell(end, notes["person"])

        if not self._queue.put(do):
            self._books.metrics.alert("capture_dropped")
            return error_answer(503, _SENTENCES[503], outcome="queue_full", notes=notes)
        return Answer(202, "queued", _QUEUED, notes)

    async def _end(self, request: AuthenticatedRequest, captured: Captured) -> CaptureEnd:
        """What became of it; the same bytes again, while the first ones are being dealt with, hear the same."""
        digest = hmac.digest(self._terms.key, request.body, hashlib.sha256)
        task = self._under_way.get(digest)
        if task is None:
            task = self._under_way[digest] = asyncio.create_task(self._worked(request, captured))
            task.add_done_callback(lambda _: self._under_way.pop(digest, None))
        return await asyncio.shield(task)

    async def _worked(self, request: AuthenticatedRequest, captured: Captured) -> CaptureEnd:
        until_s = request.arrival_s + self._terms.deadline.total_seconds()
        deadline = Deadline(until_s - ANSWERED_BEFORE_DEADLINE.total_seconds())
        left_s = max(until_s - self._books.clock.elapsed(), 0.0)
        try:
            end = await self._workers.run(lambda: self._capture(captured, deadline), within_s=left_s)
        except (Overloaded, TimeoutError):
            end = CaptureEnd.NOT_NOW
        self._alert(end)
        return end

    def _tell(self, end: CaptureEnd, person: str) -> None:
        self._books.log.info("captured", person=person, outcome=end)
        self._alert(end)

    def _alert(self, end: CaptureEnd) -> None:
        if end in _ALERTS:
            self._books.metrics.alert(_ALERTS[end])


def _answer(end: CaptureEnd, notes: Mapping[str, str]) -> Answer:
    status = _STATUS[end]
    if status == 200:
        return Answer(200, end, msgspec.json.encode(CaptureTaken(end)), notes)
    return error_answer(status, _SENTENCES[status], outcome=end, notes=notes)


def _question(body: bytes) -> CaptureQuestion | None:
    """What was handed on, if it is somebody's and within its bounds."""
    try:
        question = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    bounds = (
        (question.password, PASSWORD_CHARACTERS_MAX),
        (question.objectId or "", ID_CHARACTERS_MAX),
        (question.signInName or "", NAME_CHARACTERS_MAX),
        (question.legacyId or "", LEGACY_ID_CHARACTERS_MAX),
    )
    if any(len(text) > most for text, most in bounds) or not _whose(question):
        return None
    return question if question.password else None


def _captured(question: CaptureQuestion, arrived_at: datetime) -> Captured:
    changed_at = question.passwordChangedAt
    if changed_at is not None and changed_at.tzinfo is None:
        changed_at = changed_at.replace(tzinfo=UTC)
    return Captured(
        proven=Proven(question.event, arrived_at, changed_at),
        password=Password(question.password),
        object_id=(question.objectId or "").strip(ASCII_BLANKS).lower(),
        legacy_id=question.legacyId or "",
        sign_in_name=(question.signInName or "").strip(ASCII_BLANKS),
    )


def _whose(question: CaptureQuestion) -> str:
    names = (question.objectId, question.legacyId, question.signInName)
    return next((one.strip(ASCII_BLANKS) for one in names if one and one.strip(ASCII_BLANKS)), "")
