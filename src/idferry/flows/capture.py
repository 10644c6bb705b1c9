"""A legacy front has just proven a password: hand it on to the account, so that the person need not type another one.

One person after the other: a password that waited never overtakes a later one. It never writes over a password that
somebody chose here, and after a failure the account's flag is up, so that the next sign-in at the front is taken.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime

from idferry.errors import DirectoryError, LedgerError, Stopped
from idferry.ports import (
    Clock,
    Deadline,
    PersonHere,
    PersonTurns,
    SignInDirectory,
    SignInLedger,
    WrittenPasswords,
)
from idferry.rules.capture import (
    CaptureEnd,
    CaptureEvent,
    CaptureRules,
    Proven,
    end_without_write,
    is_refused,
)
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.rules.names import compared_form
from idferry.rules.password import Password
from idferry.rules.sign_in import LEAVES_WITHIN, AccountFacts, Written, password_is_newer
from idferry.rules.submission import KeyedDigest, password_mark

_WHICHEVER = -1
"""Stands for any password of a person: no mark is negative."""
RAISED_WITHIN_S = 3.0
"""A flag that must go up again gets its own time: the caller's may be used up by what failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One password that a front has proven, and whose it is: by object id, else legacyId, else sign-in name."""

    proven: Proven
    password: Password
    object_id: str = ""
    legacy_id: str = ""
    sign_in_name: str = ""


SignUp = Callable[[Captured, Deadline], CaptureEnd]
"""Creates the account of somebody who is planned."""
IsBeingCreated = Callable[[Captured], bool]
"""Whether somebody who has no account yet is getting one at this moment. Raises LedgerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureParts:
    """What capturing is done with: the same for all of them."""

    ledger: SignInLedger
    directory: SignInDirectory
    written: WrittenPasswords
    turns: PersonTurns
    keyed: KeyedDigest
    clock: Clock
    rules: CaptureRules
    sign_up: SignUp
    is_being_created: IsBeingCreated


def capture(*, captured: Captured, deadline: Deadline, parts: CaptureParts) -> CaptureEnd:
    """What became of the password, by the deadline.

    1. Find the person; somebody who signs up and is only planned gets the account now.
    2. In the person's turn: read the account; a password that is not needed, not storable or older than one that was
       chosen here is not written.
    3. Write password and flag in one call. Where that fails, the flag goes up again.
    """
    if captured.password.is_empty:
        return CaptureEnd.REFUSED
    try:
        person = _person(captured, deadline, parts)
        if person is None:
            return _without_account(captured, deadline, parts)
        with parts.turns.of(person.guard_key):
            # What was written while this one waited for its turn is in the ledger, or about to be.
            person = parts.ledger.by_object_id(person.object_id) or person
            return _Capturing(captured, person, deadline, parts).end()
    except LedgerError:
        return CaptureEnd.NOT_NOW
    except (DirectoryError, Stopped):
        return CaptureEnd.NOT_NOW


def _without_account(captured: Captured, deadline: Deadline, parts: CaptureParts) -> CaptureEnd:
    event = captured.proven.event
    if event is CaptureEvent.SIGN_UP:
        return parts.sign_up(captured, deadline)
    if event.is_new_password and parts.is_being_created(captured):
        # The account comes with the password of the sign-up: were this one lost, the older one would open it for good.
        return CaptureEnd.NOT_NOW
    return CaptureEnd.UNKNOWN_HERE


def _person(captured: Captured, deadline: Deadline, parts: CaptureParts) -> PersonHere | None:
    ledger = parts.ledger
    if captured.object_id:
        person = ledger.by_object_id(captured.object_id)
        if person is not None:
            return person
        # An account whose creation was never answered: the ledger does not know its id yet.
        facts = _waited(parts.directory.facts(captured.object_id, deadline), deadline, parts.clock)
        found = ledger.by_legacy_id(facts.legacy_id) if facts and facts.legacy_id else None
        return replace(found, object_id=captured.object_id) if found else None
    if captured.legacy_id:
        person = ledger.by_legacy_id(captured.legacy_id)
    else:
        compared = compared_form(captured.sign_in_name)
        person = ledger.by_sign_in_name(compared) if compared else None
    return person if person and person.object_id else None


class _Capturing:
    """One password of a person who has an account, in the person's turn."""

    def __init__(
        self, captured: Captured, person: PersonHere, deadline: Deadline, parts: CaptureParts
    ) -> None:
        self._captured = captured
        self._person = person
        self._deadline = deadline
        self._parts = parts
        self._key = person.guard_key
        self._mark = password_mark(captured.password, person=self._key, keyed=parts.keyed)

    def end(self) -> CaptureEnd:
        """What became of it. Raises DirectoryError, Stopped: nothing was read, so nothing is written."""
        parts, person, captured = self._parts, self._person, self._captured
        reading = parts.directory.facts(person.object_id, self._deadline)
        facts = _waited(reading, self._deadline, parts.clock)
        if facts is not None and self._has_just_written(facts):
            return CaptureEnd.REPEATED
        against = end_without_write(
            captured.proven,
            facts,
            legacy_id=person.legacy_id,
            written_at=self._written_at(),
            rules=parts.rules,
        )
        if facts is None or against is not None:
            return self._hindered(facts, against or CaptureEnd.UNKNOWN_HERE)
        if is_refused(captured.password, rules=parts.rules):
            return self._refused(facts)
        return self._write(facts)

    def _written_at(self) -> datetime | None:
        """Up to when the password is ours: what this process wrote a moment ago may not be in the ledger yet."""
        parts = self._parts
        lately = parts.written.written_at(self._key, _WHICHEVER, at=parts.clock.now())
        return max((one for one in (lately, self._person.written_at) if one), default=None)

    def _has_just_written(self, facts: AccountFacts) -> bool:
        """Whether we wrote this very password a moment ago, and nobody another one since."""
        parts = self._parts
        at = parts.written.written_at(self._key, self._mark, at=parts.clock.now())
        if at is None or facts.legacy_id != self._person.legacy_id:
            return False
        if facts.flag is True and self._captured.proven.event.is_new_password:
            return False  # it went up because another password could not be written; at a sign-in it is only seen late
        latest = self._written_at()
        if latest is not None and latest > at + parts.rules.tolerance:
            return False
        return not password_is_newer(facts, written_at=at, tolerance=parts.rules.tolerance)

    def _hindered(self, facts: AccountFacts | None, end: CaptureEnd) -> CaptureEnd:
        if end is CaptureEnd.CHANGED_HERE and facts and facts.flag is True and facts.password_changed_at:
            self._note(EventKind.PASSWORD_FOUND_CHANGED)
            cleared = self._parts.directory.clear_flag(self._person.object_id, self._deadline)
            cleared.add_done_callback(
                lambda done: self._note(EventKind.FLAG_CLEARED, State.COMPLETE) if done.result() else None
            )
        return end

    def _refused(self, facts: AccountFacts) -> CaptureEnd:
        self._note(EventKind.CAPTURE_REFUSED)
        if facts.flag is not True:
            self._raise_flag()
        return CaptureEnd.REFUSED

    def _write(self, before: AccountFacts) -> CaptureEnd:
        leaves_by = self._deadline.no_later_than(LEAVES_WITHIN, self._parts.clock)
        written = self._sent(leaves_by) if self._is_announced(leaves_by) else Written.FAILED
        if written is Written.UNCLEAR and self._is_written(before):
            self._wrote(Written.DONE)
            written = Written.DONE
        if written is Written.DONE:
            return CaptureEnd.WRITTEN
        if written is Written.REFUSED:
            return self._refused(before)
        if before.flag is not True:
            self._raise_flag()
        return CaptureEnd.NOT_NOW

    def _is_announced(self, by: Deadline) -> bool:
        """Whether it is on disk that a password is sent.

        Else, were this process to end, ours would be taken for one that somebody chose here, and no later one of the
        front would ever be written over it.
        """
        noted = self._note(EventKind.PASSWORD_SENT)
        self._parts.clock.wait_for([noted], by.seconds_left(self._parts.clock))
        return noted.done() and noted.result()

    def _sent(self, leaves_by: Deadline) -> Written:
        parts, password = self._parts, self._captured.password
        weak = password.weakness() is not None
        writing = parts.directory.write_password(
            self._person.object_id, password, weak=weak, deadline=leaves_by
        )
        writing.add_done_callback(lambda done: self._wrote(done.result()))
        parts.clock.wait_for([writing], self._deadline.seconds_left(parts.clock))
        return writing.result() if writing.done() else Written.UNCLEAR

    def _wrote(self, written: Written) -> None:
        if written is Written.DONE:
            for mark in (self._mark, _WHICHEVER):
                self._parts.written.remember(self._key, mark, at=self._parts.clock.now())
            self._note(EventKind.PASSWORD_WRITTEN, State.COMPLETE)

    def _is_written(self, before: AccountFacts) -> bool:
        """Whether the account shows the flag down and a password that is newer than the one it had before."""
        reading = self._parts.directory.facts(self._person.object_id, self._deadline)
        try:
            after = _waited(reading, self._deadline, self._parts.clock)
        except (DirectoryError, Stopped):
            return False
        if after is None or after.flag is not False or after.password_changed_at is None:
            return False
        return before.password_changed_at is None or after.password_changed_at > before.password_changed_at

    def _raise_flag(self) -> None:
        """The front has another password than the account: until the account has it, it awaits one."""
        clock = self._parts.clock
        deadline = Deadline(clock.elapsed() + RAISED_WITHIN_S)
        raising = self._parts.directory.raise_flag(self._person.object_id, deadline)
        raising.add_done_callback(
            lambda done: self._note(EventKind.FLAG_RAISED, State.AWAITING_PASSWORD) if done.result() else None
        )
        clock.wait_for([raising], RAISED_WITHIN_S)

    def _note(self, kind: EventKind, state: State | None = None) -> "Future[bool]":
        observation = Observation(self._person.person_id, kind, state)
        return self._parts.ledger.note(observation, at=self._parts.clock.now())


def _waited(reading: "Future[AccountFacts | None]", deadline: Deadline, clock: Clock) -> AccountFacts | None:
    """What the directory says by the deadline. Raises DirectoryError, Stopped."""
    clock.wait_for([reading], deadline.seconds_left(clock))
    if not reading.done():
        raise Stopped("the directory gave no answer in time")
    return reading.result()
