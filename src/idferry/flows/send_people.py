"""Create the accounts of everybody who is planned: intent before act, observation after.

One thread alone owns the ledger. Each turn is one transaction with what was seen since the last turn and with the
intents of the next calls; a call leaves only after that transaction is on disk. After a crash the ledger therefore
names everybody for whom a call may have been sent, and the directory is asked about them before anything else.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, assert_never

from idferry.errors import (
    EXIT_STOPPED,
    DirectoryError,
    IdferryError,
    Stopped,
    Throttled,
    Unreachable,
    WeakPassword,
    error_in_a_run,
)
from idferry.flows.await_answer import WAIT_SECONDS_MAX, await_answer, gather_answers
from idferry.flows.prepare_orders import Order, prepare_orders, replannings
from idferry.ports import (
    AccountWriter,
    Clock,
    LegacySource,
    RandomBelow,
    SendLedger,
    Stop,
    Tell,
    never,
)
from idferry.rules.answers import (
    CreateAnswer,
    Created,
    Fatal,
    Holder,
    InRecycleBin,
    Ours,
    Postponed,
    Rejected,
    Stranger,
    Taken,
    Unanswered,
    Undelivered,
    Unseen,
)
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.happenings import PeopleSettled
from idferry.rules.lifecycle import State
from idferry.rules.observations import adoption, conflict, creation, failure, rejection
from idferry.rules.refused_password import NOTES, SecondChoices

CHUNK_PEOPLE_MAX = 20  # https://learn.microsoft.com/graph/json-batching
STOP_SECONDS_MAX = 15.0  # how long a stop waits for answers that are under way
CHUNKS_LOST_IN_A_ROW_MAX = 12
POSTPONEMENTS_MAX = 200
QUESTIONS_UNDER_WAY_MAX = 32


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How much is under way at once, and how often one person is tried after an unclear answer."""

    chunks_under_way_max: int = 8
    attempts_max: int = 8


@dataclass(slots=True)
class SendReport:
    """What sending did.

    `left_creating` are people whom an earlier run left unsettled and whom this source cannot settle: they belong to
    another one, or their record is no longer in it. `refused_passwords` counts accounts that got their password
    otherwise than planned, because the directory refused it: by the note that planning gives for the same.
    """

    created: int = 0
    adopted: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    left_creating: int = 0
    refused_passwords: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        """People with a final answer."""
        return self.created + self.adopted + self.failed.total()


def send_people(
    *,
    run: str,
    source: LegacySource,
    ledger: SendLedger,
    writer: AccountWriter,
    clock: Clock,
    random_below: RandomBelow,
    tell: Tell,
    stop: Stop = never,
    limits: SendLimits | None = None,
    second_choices: SecondChoices | None = None,
) -> SendReport:
    """Create everybody whom `run` planned, and settle everybody whom an earlier run left in `creating`.

    1. Ask the directory about every person in `creating`; adopt the accounts that carry our legacyId.
    2. Send the others of this source again, then everybody planned, in source order, in chunks.
    3. Settle each answer: created; postponed or unclear ones are sent again; taken names are looked into; for a
       password that the directory refuses, `second_choices` are sent.

    Raises:
        SourceChanged: the record of somebody who was planned is not the one that was planned.
        Stopped: `stop` said so; answers under way were waited for and recorded.
        DirectoryError: the directory refuses everybody (quota, permission, secret) or cannot be reached.
        LedgerError: the ledger cannot be written; nothing was sent without its intent on disk.
    """
    sending = _Sending(
        run=run,
        source_name=source.name,
        ledger=ledger,
        writer=writer,
        clock=clock,
        tell=tell,
        stop=stop,
        limits=limits or SendLimits(),
        random_below=random_below,
        second_choices=second_choices or SecondChoices(),
    )
    try:
        sending.settle_the_past()
        unmatched = sending.leave_creating
        again = prepare_orders(sending.resend, source=source, random_below=random_below, unmatched=unmatched)
        sending.send(again)
        sending.send(prepare_orders(_planned(ledger, run), source=source, random_below=random_below))
    except DirectoryError as error:
        error.exit_code = EXIT_STOPPED  # the run has begun: what was wrong settings before is a stop now
        raise
    return sending.report


def _planned(ledger: SendLedger, run: str) -> Iterator[Entry]:
    after = -1
    while entries := ledger.planned(run, after=after, limit=50 * CHUNK_PEOPLE_MAX):
        yield from entries
        after = entries[-1].ordinal


@dataclass(slots=True, kw_only=True)
class _Sending:
    """The state of one sending: what waits, what is under way, what was seen and is not yet recorded."""

    run: str
    source_name: str
    ledger: SendLedger
    writer: AccountWriter
    clock: Clock
    tell: Tell
    stop: Stop
    limits: SendLimits
    random_below: RandomBelow
    second_choices: SecondChoices
    report: SendReport = field(default_factory=SendReport)
    resend: list[Entry] = field(default_factory=list)
    _creates: dict[Future[Sequence[CreateAnswer]], list[Order]] = field(default_factory=dict)
    _questions: dict[Future[Sequence[Holder]], list[Order]] = field(default_factory=dict)
    _again: deque[Order] = field(default_factory=deque)
    _taken: list[Order] = field(default_factory=list)
    _observed: list[Observation] = field(default_factory=list)
    _chunks_lost_in_a_row: int = 0
    _ending: IdferryError | None = None

    # --- after a crash -------------------------------------------------------------------------------------------

    def settle_the_past(self) -> None:
        """Adopt what earlier runs created without hearing the answer; collect what is to be sent again."""
        after = 0
        while entries := self.ledger.under_way(after=after, limit=50 * CHUNK_PEOPLE_MAX):
            after = entries[-1].person_id
            for chunk in _chunks(entries):
                self._settle_chunk(chunk)
        self.resend.sort(key=lambda entry: entry.ordinal)

    def _settle_chunk(self, chunk: Sequence[Entry]) -> None:
        drafts = [entry.draft for entry in chunk if entry.draft]
        found: Mapping[str, Ours] = await_answer(self.writer.ours(drafts), clock=self.clock, stop=self.stop)
        for entry in chunk:
            ours = found.get(entry.legacy_id)
            if ours and entry.draft:
                self._observed.append(adoption(entry.person_id, ours))
                self.report.adopted += 1
            elif entry.source == self.source_name:
                self.resend.append(entry)
            else:
                self.leave_creating(entry)
        self._turn(())
        if self.stop():
            raise Stopped("stopped while asking the directory about earlier calls")

    def leave_creating(self, entry: Entry) -> None:
        """Nothing here tells what became of this person: nobody's password is at hand. The ledger keeps the intent."""
        assert entry.state is State.CREATING  # noqa: S101  others are not left in the middle
        self.report.left_creating += 1

    # --- the loop ------------------------------------------------------------------------------------------------

    def send(self, orders: Iterator[Order]) -> None:
        """Send all orders and settle them; returns when nothing is under way any more."""
        more = True
        try:
            while True:
                if self._ending:
                    raise self._ending
                if not (more or self._again or self._taken or self._creates or self._questions):
                    return
                if self.stop():
                    raise Stopped("stopped; everybody who was settled in this run is in the ledger")
                more = self._send_chunks(orders)
                self._ask_about_taken(everything=not more)
                self._wait(WAIT_SECONDS_MAX)
        except IdferryError:
            self._hear_what_is_under_way()
            raise
        finally:
            # Whatever ends this, what was seen is recorded; only a ledger that cannot be written loses it.
            self._turn(())

    def _send_chunks(self, orders: Iterator[Order]) -> bool:
        """Fill up what may be under way, people to be sent again first; False when there are no further orders."""
        chunks: list[list[Order]] = []
        more = True
        # Questions may wait for minutes: while many do, nobody else is sent who might raise another one.
        may_send = len(self._questions) < QUESTIONS_UNDER_WAY_MAX
        while may_send and more and len(self._creates) + len(chunks) < self.limits.chunks_under_way_max:
            chunk = [self._again.popleft() for _ in range(min(CHUNK_PEOPLE_MAX, len(self._again)))]
            chunk += islice(orders, CHUNK_PEOPLE_MAX - len(chunk))
            more = len(chunk) == CHUNK_PEOPLE_MAX
            if chunk:
                chunks.append(chunk)
        self._observed += replannings(chunks)
        held = self._turn([order.entry.person_id for chunk in chunks for order in chunk])
        for chunk in chunks:
            free = [order for order in chunk if order.entry.person_id not in held] if held else chunk
            for order in free:
                order.attempts += 1
                order.replanned = False
            if free:
                self._creates[self.writer.create([order.create for order in free])] = free
        return more

    def _ask_about_taken(self, *, everything: bool) -> None:
        while len(self._taken) >= CHUNK_PEOPLE_MAX or (everything and self._taken):
            chunk, self._taken = self._taken[:CHUNK_PEOPLE_MAX], self._taken[CHUNK_PEOPLE_MAX:]
            asked = self.writer.holders([(order.draft, order.holder_id) for order in chunk])
            self._questions[asked] = chunk

    def _wait(self, seconds: float) -> None:
        under_way: list[Future[Any]] = [*self._creates, *self._questions]
        finished = gather_answers(under_way, clock=self.clock, seconds=seconds)
        for created in [future for future in self._creates if future in finished]:
            self._hear_chunk(self._creates.pop(created), created.result())
        for asked in [future for future in self._questions if future in finished]:
            self._hear_holders(self._questions.pop(asked), asked)
        pace = self.writer.pace()
        if finished or pace.waiting_s:
            self.tell(PeopleSettled(self.report.done, self.report.failed.total(), pace))

    def _turn(self, sending: Sequence[int]) -> Collection[int]:
        """Record and intend; whom somebody who signs in is creating is held back and not sent."""
        if not (self._observed or sending):
            return ()
        held = self.ledger.turn(run=self.run, observed=self._observed, sending=sending, at=self.clock.now())
        self._observed = []
        return held

    def _hear_what_is_under_way(self) -> None:
        """Give answers that are under way some time to come; what would have to wait for its allowance is not sent."""
        deadline = self.clock.elapsed() + STOP_SECONDS_MAX
        while self._creates and self.clock.elapsed() < deadline:
            if self.writer.pace().waiting_s:
                self.writer.withdraw()
            self._wait(WAIT_SECONDS_MAX)

    # --- answers -------------------------------------------------------------------------------------------------

    def _hear_chunk(self, chunk: Sequence[Order], answers: Sequence[CreateAnswer]) -> None:
        lost = all(isinstance(answer, Unanswered | Undelivered) for answer in answers)
        self._chunks_lost_in_a_row = self._chunks_lost_in_a_row + 1 if lost else 0
        for order, answer in zip(chunk, answers, strict=True):
            self._hear(order, answer)
        if self._chunks_lost_in_a_row >= CHUNKS_LOST_IN_A_ROW_MAX:
            reason = next(a.reason for a in answers if isinstance(a, Unanswered | Undelivered))
            self._end_with(Unreachable(f"the directory does not answer: {reason}"))

    def _hear(self, order: Order, answer: CreateAnswer) -> None:
        person_id = order.entry.person_id
        match answer:
            case Created(object_id):
                self._observed.append(creation(person_id, order.draft, object_id))
                self.report.created += 1
                self._count_second_choice(order)
            case Taken(attribute, holder_id):
                order.attribute, order.holder_id = attribute, holder_id
                self._observed.append(Observation(person_id, EventKind.TAKEN, reason=attribute))
                self._taken.append(order)
            case Rejected() if order.unclear:
                # It says nothing about the attempt before, whose account may be there.
                self._observed.append(rejection(person_id, answer))
                order.refusal = answer
                self._taken.append(order)
            case Rejected():
                self._refuse(order, answer)
            case Postponed():
                self._observed.append(Observation(person_id, EventKind.POSTPONED))
                order.postponements += 1
                order.attempts -= 1
                self._again.append(order)
                if order.postponements > POSTPONEMENTS_MAX:
                    self._end_with(Throttled(f"the tenant postponed one call {POSTPONEMENTS_MAX} times"))
            case Unanswered(reason):
                self._observed.append(Observation(person_id, EventKind.UNANSWERED, reason=reason))
                self._try_again(order, reason)
            case Undelivered(reason):
                self._observed.append(Observation(person_id, EventKind.UNDELIVERED, reason=reason))
                order.attempts -= 1
                self._again.append(order)
            case Fatal():
                self._observed.append(rejection(person_id, answer))
                self._end_with(error_in_a_run(answer.code, answer.reason, remedy=answer.remedy))
            case _:
                assert_never(answer)

    def _try_again(self, order: Order, reason: str) -> None:
        """Send again: the directory's uniqueness makes that safe, and a taken name is then looked into."""
        order.unclear = True
        if order.attempts < self.limits.attempts_max:
            self._again.append(order)
        else:
            # The last unclear answer may have created the account: only the directory can say.
            order.attribute = reason
            self._taken.append(order)

    def _end_with(self, error: IdferryError) -> None:
        """Nobody else is sent: the first reason ends the run once answers under way were heard."""
        self._ending = self._ending or error

    def _hear_holders(self, chunk: Sequence[Order], asked: Future[Sequence[Holder]]) -> None:
        try:
            holders = asked.result()
        except IdferryError as error:
            self._end_with(error)
            return
        for order, holder in zip(chunk, holders, strict=True):
            self._hear_holder(order, holder)

    def _hear_holder(self, order: Order, holder: Holder) -> None:
        match holder:
            case Ours():
                self._observed.append(adoption(order.entry.person_id, holder))
                self.report.adopted += 1
                if bool(holder.flag) is order.draft.sets_flag:
                    self._count_second_choice(order)
            case _ if order.refusal:
                self._refuse(order, order.refusal)
            case Unseen() if order.attempts >= self.limits.attempts_max:
                reason = f"no clear answer in {order.attempts} attempts: {order.attribute}"
                who, kind = order.entry.person_id, EventKind.UNANSWERED
                self._fail(Observation(who, kind, State.FAILED, Unreachable.code, reason))
            case Stranger() | InRecycleBin() | Unseen():
                self._fail(conflict(order.entry.person_id, order.attribute, holder))
            case _:
                assert_never(holder)

    def _refuse(self, order: Order, refusal: Rejected) -> None:
        """Nothing of this person is in the directory: send another password if that helps, else the person fails."""
        plan = order.draft.password_plan
        other = self.second_choices.after(plan, redraws=order.redraws)
        if refusal.code != WeakPassword.code or other is None:
            self._fail(failure(order.entry.person_id, refusal))
            return
        if order.refusal is None:
            self._observed.append(rejection(order.entry.person_id, refusal))
        order.choose(other, self.random_below)
        self._again.append(order)

    def _count_second_choice(self, order: Order) -> None:
        if order.is_second_choice:
            self.report.refused_passwords[NOTES[order.draft.password_plan]] += 1

    def _fail(self, seen: Observation) -> None:
        self._observed.append(seen)
        self.report.failed[seen.code] += 1


def _chunks(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), CHUNK_PEOPLE_MAX):
        yield entries[start : start + CHUNK_PEOPLE_MAX]
