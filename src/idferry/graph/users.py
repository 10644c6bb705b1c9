"""Creating accounts: one chunk, one `$batch`, one attempt, one answer per person.

The official SDKs send a create again after 503 and 504 and then report the account that they made themselves as a
conflict. Nothing here sends anything again: the flow decides, because the ledger must see every attempt.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from idferry.errors import (
    Conflict,
    DirectoryError,
    InvalidValue,
    Stopped,
    Throttled,
    Unreachable,
)
from idferry.graph import queries
from idferry.graph.applications import Naming
from idferry.graph.holders import Holders
from idferry.graph.machine import Pauses
from idferry.graph.pacing import Gate
from idferry.graph.replies import (
    A_UNIQUE_VALUE,
    FOR_EVERYBODY,
    NoReply,
    Outcome,
    Reply,
    is_guid,
    refusal_of,
)
from idferry.graph.senders import Senders
from idferry.graph.transport import BATCH_SIZE_MAX, Call, Transport
from idferry.graph.wire import Names, create_body, quotes
from idferry.ports import CreateOrder
from idferry.rules.account import AccountDraft
from idferry.rules.answers import (
    CreateAnswer,
    Created,
    Fatal,
    Holder,
    Ours,
    Postponed,
    Rejected,
    Taken,
    Unanswered,
    Undelivered,
)
from idferry.rules.password import Password
from idferry.rules.quota import Pace

WITHHELD = "the answer repeats a password that was sent, so it is not told"


class AccountWriting:
    """`ports.AccountWriter` over Microsoft Graph."""

    def __init__(
        self,
        *,
        transport: Transport,
        naming: Naming,
        holders: Holders,
        gate: Gate,
        pauses: Pauses,
        senders: Senders,
        askers: Senders,
    ) -> None:
        """`askers` are threads of their own: a question may wait for minutes until the directory has settled.

        `pauses` are those of `transport`.
        """
        self._transport = transport
        self._naming = naming
        self._holders = holders
        self._gate = gate
        self._pauses = pauses
        self._senders = senders
        self._askers = askers

    def create(self, chunk: Sequence[CreateOrder]) -> "Future[Sequence[CreateAnswer]]":
        """Send one chunk (at most 20) once; one answer per order, in order. The future never raises."""
        assert 0 < len(chunk) <= BATCH_SIZE_MAX  # noqa: S101  a bug of the caller
        return self._senders.submit(lambda: self._create(chunk))

    def holders(self, drafts: Sequence[tuple[AccountDraft, str | None]]) -> "Future[Sequence[Holder]]":
        """Who holds the sign-in names of these drafts; the future raises DirectoryError or Stopped."""
        return self._askers.submit(lambda: self._holders.find(drafts))

    def ours(self, drafts: Sequence[AccountDraft]) -> "Future[Mapping[str, Ours]]":
        """legacyId -> the account made from its draft; the future raises DirectoryError or Stopped."""
        return self._askers.submit(lambda: self._holders.ours(drafts))

    def pace(self) -> Pace:
        """How fast people may be created from now on, and who holds us back."""
        return self._gate.pace()

    def withdraw(self) -> None:
        """Create nobody who was not sent yet: these answer Undelivered, now and later."""
        self._pauses.close()

    def _create(self, chunk: Sequence[CreateOrder]) -> list[CreateAnswer]:
        try:
            names = self._naming.names()
            calls = [_create_call(order, names) for order in chunk]
            sent = [call for call in calls if isinstance(call, Call)]
            outcomes = iter(self._transport.batch(sent)) if sent else iter(())
        except (DirectoryError, Stopped) as error:
            # No token, or no name for the extension attributes: nothing of this chunk was sent.
            return [_not_sent(error)] * len(chunk)
        answers = [call if isinstance(call, Rejected) else answer_of(next(outcomes)) for call in calls]
        sent_passwords = [order.password for order in chunk if order.password]
        return _each_id_once([_quoting_nothing(answer, sent_passwords) for answer in answers])


def answer_of(outcome: Outcome) -> CreateAnswer:
    """What the outcome of one create call means for that person."""
    if isinstance(outcome, NoReply):
        if outcome.error:
            return _not_sent(outcome.error)
        return Unanswered(outcome.reason) if outcome.maybe_done else Undelivered(outcome.reason)
    if outcome.succeeded:
        object_id = (outcome.body or {}).get("id")
        if isinstance(object_id, str) and object_id:
            return Created(object_id)
        return Unanswered(f"HTTP {outcome.status} without an id")
    return _refused(outcome)


def _quoting_nothing(answer: CreateAnswer, passwords: Sequence[Password]) -> CreateAnswer:
    """The answer without what it repeats of our passwords: a gateway on the way may echo the request."""
    if isinstance(answer, Created):  # nearly all are
        told = is_guid(answer.object_id) or not quotes(answer.object_id, passwords)
        return answer if told else Unanswered(WITHHELD)
    match answer:
        case Taken(attribute, holder_id) if quotes(attribute, passwords):
            return Taken(A_UNIQUE_VALUE, holder_id)
        case Rejected(_, reason) | Fatal(_, reason) | Unanswered(reason) | Undelivered(reason) if quotes(
            reason, passwords
        ):
            return replace(answer, reason=WITHHELD)
    return answer


def _each_id_once(answers: Sequence[CreateAnswer]) -> list[CreateAnswer]:
    """No two people have one account: whose an object id is that was given to several, the directory must say again."""
    given = Counter([answer.object_id.lower() for answer in answers if isinstance(answer, Created)])
    if len(given) == given.total():
        return list(answers)
    return [
        Unanswered("the object id was given to several people at once")
        if isinstance(answer, Created) and given[answer.object_id.lower()] > 1
        else answer
        for answer in answers
    ]


def _not_sent(error: DirectoryError | Stopped) -> CreateAnswer:
    passing = isinstance(error, Unreachable | Throttled | Stopped)
    return Undelivered(str(error)) if passing else Fatal(error.code, str(error), error.remedy)


def _refused(reply: Reply) -> CreateAnswer:
    refusal = refusal_of(reply)
    if reply.throttled:
        return Postponed()
    if reply.unclear or reply.status < 400:
        return Unanswered(refusal.reason)
    if issubclass(refusal.error, Conflict):
        return Taken(refusal.attribute, refusal.holder_id)
    if issubclass(refusal.error, FOR_EVERYBODY) or not reply.in_batch:
        return Fatal(refusal.error.code, refusal.reason)
    return Rejected(refusal.error.code, refusal.reason)


def _create_call(order: CreateOrder, names: Names) -> Call | Rejected:
    try:
        return Call("POST", queries.USERS, create_body(order.draft, order.password, names))
    except UnicodeEncodeError:
        # The exception quotes the text, which could be anything: it goes no further.
        return Rejected(InvalidValue.code, "a value holds half a character (a lone surrogate)")
