"""One sign-in of somebody whose password is still with the legacy system: from what the tenant sent to a decision.

Read from top to bottom it is the list in the documentation. It never writes over a password that somebody chose here,
and it never lets a guess through that the guard has not booked.
"""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from idferry.errors import DirectoryError, GuardUnavailable, LedgerError, Stopped
from idferry.flows.ask_legacy import BookedCheck, ask_legacy
from idferry.flows.claim_newcomer import claim_newcomer, newcomer
from idferry.ports import (
    AttemptGuard,
    Booking,
    CheckResult,
    ClaimLedger,
    Clock,
    Crowded,
    Deadline,
    Follower,
    Leader,
    LegacyRef,
    NonceReused,
    PersonHere,
    Settlement,
    SignInDirectory,
    SignInLedger,
    Submissions,
    Tell,
    Verifiers,
    WrittenPasswords,
)
from idferry.rules.entry import EventKind, Observation
from idferry.rules.happenings import SignInDecided
from idferry.rules.lifecycle import State
from idferry.rules.names import compared_form
from idferry.rules.password import Password
from idferry.rules.sign_in import (
    LEAVES_WITHIN,
    AccountFacts,
    Cause,
    Decision,
    Outcome,
    SignInRules,
    Written,
    decide,
    is_proven,
    obstacle,
    password_is_newer,
)
from idferry.rules.submission import (
    Front,
    KeyedDigest,
    Submission,
    b2c_submission,
    external_submission,
    key_of_unknown,
    password_mark,
)
from idferry.rules.verdict import NoAnswer, NoSuchUser, Silence, Verdict

FACTS_AGE_MAX = timedelta(seconds=2)
"""What was read of an account longer ago is read again before anything is written or vouched for."""
FLAG_CLEARED_WITHIN = timedelta(seconds=30)
_UNKNOWN = Decision(Outcome.NEGATIVE, Cause.UNKNOWN_HERE)
_NOBODY_TOLD = NoAnswer(Silence.UNEXPECTED, reached=True)
_REFUSED: Mapping[Booking, Cause] = {
    Booking.LOCKED: Cause.LOCKED,
    Booking.BUSY: Cause.BUSY,
    Booking.ADDRESS_SPENT: Cause.ADDRESS_SPENT,
    Booking.GLOBAL_LIMIT: Cause.GLOBAL_LIMIT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One pressing of the button, as the tenant told it. `typed_name` is trimmed.

    With an `object_id` the person is found through it alone: the typed name could be anybody's. `nonce` and
    `expires_at` come from External ID. `can_reset`: the person has a way to choose another password.
    """

    front: Front
    password: Password
    typed_name: str
    object_id: str = ""
    correlation_id: str = ""
    nonce: str = ""
    expires_at: datetime | None = None
    client_address: str = ""
    can_reset: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInParts:
    """What a sign-in is decided with: the same for all of them."""

    ledger: SignInLedger
    directory: SignInDirectory
    verifiers: Verifiers
    guard: AttemptGuard
    submissions: Submissions
    written: WrittenPasswords
    keyed: KeyedDigest
    clock: Clock
    rules: SignInRules
    tell: Tell
    claims: ClaimLedger | None = None
    """Mode C: people who are planned get their account at the sign-in."""


def migrate_on_sign_in(*, sign_in: SignIn, deadline: Deadline, parts: SignInParts) -> Decision:
    """What to tell the tenant, by the deadline; whatever there was to do is done or under way.

    1. Find the person; join the submission: a retry hears what the first try heard.
    2. Book the attempt; read the account while the verifiers of the person's legacy users are asked; settle the attempt.
    3. Only for a password that was proven right: look at what the account says, decide, act.
    4. While a legacy system is known to be out, everybody who is not let in hears of an outage.
    """
    decision = _decided(sign_in, deadline, parts)
    if decision.outcome is Outcome.NEGATIVE and parts.verifiers.is_any_out(sign_in.typed_name):
        decision = replace(decision, outcome=Outcome.UNAVAILABLE)
    parts.tell(SignInDecided(decision.outcome, decision.cause))
    return decision


def _decided(sign_in: SignIn, deadline: Deadline, parts: SignInParts) -> Decision:
    if sign_in.password.is_empty:
        # To many legacy systems it means "anonymous", and they let it in.
        return Decision(Outcome.NEGATIVE, Cause.EMPTY_PASSWORD)
    if not deadline.seconds_left(parts.clock):
        return Decision(Outcome.UNAVAILABLE, Cause.TOO_LATE)
    try:
        person = _person(sign_in, deadline, parts)
    except LedgerError:
        return Decision(Outcome.UNAVAILABLE, Cause.LEDGER_SILENT)
    except (DirectoryError, Stopped):
        return Decision(Outcome.UNAVAILABLE, Cause.DIRECTORY_SILENT)
    checking = _Checking(sign_in, person, deadline, parts)
    match parts.submissions.join(checking.submission, at=parts.clock.now()):
        case NonceReused():
            return Decision(Outcome.NEGATIVE, Cause.CONFLICTING_SUBMISSION)
        case Crowded():
            return Decision(Outcome.UNAVAILABLE, Cause.OVERLOADED)
        case Follower(result):
            return checking.follow(result)
        case Leader():
            return checking.lead()


def _person(sign_in: SignIn, deadline: Deadline, parts: SignInParts) -> PersonHere | None:
    """By the account's id, else by the legacyId that the account carries; without an id by the compared name."""
    if not sign_in.object_id:
        compared = compared_form(sign_in.typed_name)
        found = parts.ledger.by_sign_in_name(compared) if compared else None
        return found or (newcomer(compared, parts.claims) if compared and parts.claims else None)
    person = parts.ledger.by_object_id(sign_in.object_id)
    if person is not None:
        return person
    # An account whose creation was never answered: the ledger does not know its id yet.
    facts = _waited(parts.directory.facts(sign_in.object_id, deadline), deadline, parts.clock)
    found = parts.ledger.by_legacy_id(facts.legacy_id) if facts and facts.legacy_id else None
    return replace(found, object_id=sign_in.object_id) if found else None


class _Checking:
    """One sign-in of a person, or of nobody: whoever is unknown is booked and settled like everybody else."""

    def __init__(
        self, sign_in: SignIn, person: PersonHere | None, deadline: Deadline, parts: SignInParts
    ) -> None:
        self._sign_in = sign_in
        self._person = person
        self._deadline = deadline
        self._parts = parts
        self._facts: Future[AccountFacts | None] | None = None
        self._read_at_s = 0.0
        name = person.guard_key if person else key_of_unknown(sign_in.typed_name)
        self._key = name
        self._mark = password_mark(sign_in.password, person=name, keyed=parts.keyed)
        self.submission = _submission(sign_in, name, self._mark, at=parts.clock.now())

    def follow(self, result: "Future[CheckResult]") -> Decision:
        """A retry: it costs nothing, and hears what the first one hears."""
        self._read_account()
        self._parts.clock.wait_for([result], self._deadline.seconds_left(self._parts.clock))
        if not result.done():
            return Decision(Outcome.UNAVAILABLE, Cause.LEGACY_SILENT)
        return self._judge(result.result())

    def lead(self) -> Decision:
        """The first of its submission: it is settled in the end, here or by a verdict that comes late."""
        result: CheckResult = _NOBODY_TOLD
        pending = False
        try:
            result, pending = self._check()
            return self._judge(result)
        except GuardUnavailable:
            return Decision(Outcome.UNAVAILABLE, Cause.GUARD_SILENT)
        finally:
            if not pending:
                self._parts.submissions.settle(self.submission, result, at=self._parts.clock.now())

    def _check(self) -> tuple[CheckResult, bool]:
        """What the guard or the legacy system says, and whether a call is still under way."""
        parts, sign_in = self._parts, self._sign_in
        booked = parts.guard.book(name_key=self._key, address=sign_in.client_address, at=parts.clock.now())
        if booked.booking is not Booking.BOOKED:
            return booked.booking, False
        self._read_account()
        people = self._legacy_refs()
        if not people:
            # Nobody of that name: no legacy system is asked, and the attempt stays as if one had said no.
            parts.guard.settle(booked.ticket, Settlement.FAILED, at=parts.clock.now())
            return NoSuchUser(), False
        check = BookedCheck(
            ticket=booked.ticket, people=people, password=sign_in.password, deadline=self._deadline
        )
        return ask_legacy(
            check, verifiers=parts.verifiers, guard=parts.guard, clock=parts.clock, later=self._hear_late
        )

    def _legacy_refs(self) -> list[LegacyRef]:
        person, sign_in = self._person, self._sign_in
        if person is None:
            return []
        return [
            LegacyRef(
                one.source,
                one.key,
                sign_in.typed_name,
                one.sign_in_names or person.sign_in_names,
                sign_in.client_address,
            )
            for one in person.legacy_users
        ]

    def _hear_late(self, verdict: Verdict) -> None:
        self._parts.submissions.settle(self.submission, verdict, at=self._parts.clock.now(), late=True)

    def _read_account(self) -> None:
        if self._person is not None and self._person.object_id:
            self._read_at_s = self._parts.clock.elapsed()
            self._facts = self._parts.directory.facts(self._person.object_id, self._deadline)

    def _judge(self, result: CheckResult) -> Decision:
        if isinstance(result, Booking):
            return Decision(Outcome.NEGATIVE, _REFUSED[result])
        person, sign_in, parts = self._person, self._sign_in, self._parts
        if person is not None and not person.object_id and parts.claims is not None:
            decision = decide(result, password=sign_in.password, rules=parts.rules)
            return claim_newcomer(person, decision, claims=parts.claims, clock=parts.clock)
        if person is None or self._facts is None:
            # What keeps everybody from an answer keeps unknown names from one too: else they would stand out.
            is_silent = isinstance(result, NoAnswer)
            return decide(result, password=sign_in.password, rules=parts.rules) if is_silent else _UNKNOWN
        decision = decide(result, password=sign_in.password, rules=parts.rules, can_reset=sign_in.can_reset)
        if not is_proven(result):
            return decision
        if parts.clock.elapsed() - self._read_at_s > FACTS_AGE_MAX.total_seconds():
            # Somebody may have chosen a password here while the legacy system was thinking.
            self._read_account()
        try:
            facts = _waited(self._facts, self._deadline, parts.clock)
        except (DirectoryError, Stopped):
            return Decision(Outcome.UNAVAILABLE, Cause.DIRECTORY_SILENT)
        against = obstacle(facts, legacy_id=person.legacy_id, written_at=person.written_at, rules=parts.rules)
        if facts is None or against is not None:
            return self._hindered(person, facts, against)
        return self._act(person, decision, facts)

    def _hindered(self, person: PersonHere, facts: AccountFacts | None, against: Decision | None) -> Decision:
        assert against is not None  # noqa: S101  no facts are an obstacle
        if facts is not None and against.cause is Cause.NOT_FLAGGED and self._has_just_written(facts):
            return Decision(Outcome.WELCOME, Cause.MATCHED)
        if against.clear_flag:
            self._note(person, EventKind.PASSWORD_FOUND_CHANGED, None)
            # Nobody waits for it, so that it has time of its own.
            within = Deadline.after(FLAG_CLEARED_WITHIN, self._parts.clock)
            cleared = self._parts.directory.clear_flag(person.object_id, within)
            cleared.add_done_callback(
                lambda done: (
                    self._note(person, EventKind.FLAG_CLEARED, State.COMPLETE) if done.result() else None
                )
            )
        return against

    def _has_just_written(self, facts: AccountFacts) -> bool:
        """Whether it was this very password that we wrote a moment ago, and nobody another one since."""
        parts = self._parts
        at = parts.written.written_at(self._key, self._mark, at=parts.clock.now())
        rules = parts.rules
        return at is not None and not password_is_newer(facts, written_at=at, tolerance=rules.tolerance)

    def _act(self, person: PersonHere, decision: Decision, facts: AccountFacts) -> Decision:
        if decision.outcome is not Outcome.WELCOME:
            return decision
        if not decision.write:
            self._note(person, EventKind.VOUCHED, State.CONFIRMING)
            return decision
        if self._has_just_written(facts):
            # The directory does not show our write yet, and would not show either that somebody has reset since.
            return decision
        match self._write(person, facts):
            case Written.DONE:
                return decision
            case Written.REFUSED:
                return Decision(Outcome.MUST_CHANGE, Cause.PASSWORD_REFUSED)
            case Written.FAILED | Written.UNCLEAR:
                return Decision(Outcome.UNAVAILABLE, Cause.WRITE_FAILED)

    def _write(self, person: PersonHere, before: AccountFacts) -> Written:
        """Write password and flag; where the answer was lost, the account says what became of it."""
        parts, password = self._parts, self._sign_in.password
        weak = parts.rules.stores_weak and password.weakness(person.sign_in_names) is not None
        leaves_by = self._deadline.no_later_than(LEAVES_WITHIN, parts.clock)
        writing = parts.directory.write_password(person.object_id, password, weak=weak, deadline=leaves_by)
        writing.add_done_callback(lambda done: self._wrote(person, done.result()))
        parts.clock.wait_for([writing], self._deadline.seconds_left(parts.clock))
        written = writing.result() if writing.done() else Written.UNCLEAR
        if written is Written.UNCLEAR and self._is_written(person, before):
            self._wrote(person, Written.DONE)
            return Written.DONE
        return written

    def _wrote(self, person: PersonHere, written: Written) -> None:
        if written is Written.DONE:
            self._parts.written.remember(self._key, self._mark, at=self._parts.clock.now())
            self._note(person, EventKind.PASSWORD_WRITTEN, State.COMPLETE)

    def _is_written(self, person: PersonHere, before: AccountFacts) -> bool:
        """Whether the account shows the flag down and a password that is newer than the one it had before."""
        reading = self._parts.directory.facts(person.object_id, self._deadline)
        try:
            after = _waited(reading, self._deadline, self._parts.clock)
        except (DirectoryError, Stopped):
            return False
        if after is None or after.flag is not False or after.password_changed_at is None:
            return False
        return before.password_changed_at is None or after.password_changed_at > before.password_changed_at

    def _note(self, person: PersonHere, kind: EventKind, state: State | None) -> None:
        self._parts.ledger.note(Observation(person.person_id, kind, state), at=self._parts.clock.now())


def _submission(sign_in: SignIn, person: str, mark: int, *, at: datetime) -> Submission:
    match sign_in.front:
        case Front.B2C:
            return b2c_submission(correlation_id=sign_in.correlation_id, person=person, mark=mark, at=at)
        case Front.EXTERNAL_ID:
            return external_submission(
                correlation_id=sign_in.correlation_id,
                nonce=sign_in.nonce,
                person=person,
                mark=mark,
                expires_at=sign_in.expires_at or at,
                at=at,
            )
        case _:
            assert_never(sign_in.front)


def _waited(reading: "Future[AccountFacts | None]", deadline: Deadline, clock: Clock) -> AccountFacts | None:
    """What the directory says by the deadline. Raises DirectoryError, Stopped."""
    clock.wait_for([reading], deadline.seconds_left(clock))
    if not reading.done():
        raise Stopped("the directory gave no answer in time")
    return reading.result()
