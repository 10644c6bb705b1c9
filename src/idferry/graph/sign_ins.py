"""One account at a time, while somebody waits at a sign-in page: read it, or write password and flag in one PATCH.

Nobody who waits here waits for the tenant's patience: a call is made once, or again while there is time, and whoever
comes when too many are under way hears so at once. https://learn.microsoft.com/graph/api/user-update
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from idferry.errors import DirectoryError, InvalidValue, Stopped, Throttled, WeakPassword
from idferry.graph import queries
from idferry.graph.applications import Naming
from idferry.graph.machine import Machine
from idferry.graph.replies import NoReply, Outcome, Reply, body_if_found, error_of, refusal_of
from idferry.graph.senders import Senders
from idferry.graph.transport import Call, Transport
from idferry.graph.wire import (
    Names,
    facts_of,
    lowered_flag_body,
    password_body,
    raised_flag_body,
    sign_in_select,
)
from idferry.ports import Deadline
from idferry.rules.password import Password
from idferry.rules.sign_in import AccountFacts, Written

UNDER_WAY_MAX = 64
AGAIN_AFTER_SECONDS = 0.1
TIME_FOR_A_CALL_SECONDS = 0.2
"""With less time left another try is not worth its cost."""

Result = TypeVar("Result")


class SignInAccounts:
    """`ports.SignInDirectory` over Microsoft Graph. Safe to use from several threads."""

    def __init__(self, *, transport: Transport, naming: Naming, senders: Senders, machine: Machine) -> None:
        self._transport = transport
        self._naming = naming
        self._senders = senders
        self._machine = machine
        self._lock = threading.Lock()
        self._under_way = 0

    def facts(self, object_id: str, deadline: Deadline) -> "Future[AccountFacts | None]":
        """What the directory says of this account now; None: it shows none."""
        return self._submit(lambda: self._facts(object_id, deadline))

    def write_password(
        self, object_id: str, password: Password, *, weak: bool, deadline: Deadline
    ) -> "Future[Written]":
        """Write the password and take the flag down, both in one call that is sent once, and never after the deadline.

        A call that is held back and leaves later could write over a password that the person has chosen meanwhile.
        """

        def write() -> Written:
            try:
                names = self._naming.names()
                body = password_body(password, names, weak=weak)
                return _written(self._patch(object_id, body, deadline))
            except UnicodeEncodeError:
                return Written.REFUSED
            except (DirectoryError, Stopped):
                return Written.FAILED

        return self._submit_answer(write, deadline, otherwise=Written.FAILED)

    def clear_flag(self, object_id: str, deadline: Deadline) -> "Future[bool]":
        """Take the flag down, the password untouched; whether that is done."""
        return self._change(object_id, lowered_flag_body, deadline)

    def raise_flag(self, object_id: str, deadline: Deadline) -> "Future[bool]":
        """Raise the flag, the password untouched; whether that is done."""
        return self._change(object_id, raised_flag_body, deadline)

    def _change(self, object_id: str, body: Callable[[Names], bytes], deadline: Deadline) -> "Future[bool]":
        def change() -> bool:
            try:
                outcome = self._patch(object_id, body(self._naming.names()), deadline)
            except (DirectoryError, Stopped):
                return False
            return isinstance(outcome, Reply) and outcome.succeeded

        return self._submit_answer(change, deadline, otherwise=False)

    def _facts(self, object_id: str, deadline: Deadline) -> AccountFacts | None:
        if not deadline.seconds_left(self._machine.clock):
            raise Stopped("the question waited for longer than who asked it")
        names = self._naming.names()
        call = Call("GET", queries.one(queries.USERS, object_id, select=sign_in_select(names)))
        outcome = self._transport.send(call, leave_by_s=deadline.at_s)
        while not _is_definite(outcome):
            if deadline.seconds_left(self._machine.clock) < AGAIN_AFTER_SECONDS + TIME_FOR_A_CALL_SECONDS:
                raise error_of(outcome)
            self._machine.pauses.rest(AGAIN_AFTER_SECONDS)
            outcome = self._transport.send(call, leave_by_s=deadline.at_s)
        return _read(outcome, object_id, names)

    def _patch(self, object_id: str, body: bytes, deadline: Deadline) -> Outcome:
        call = Call("PATCH", queries.one(queries.USERS, object_id), body)
        return self._transport.send(call, leave_by_s=deadline.at_s)

    def _submit_answer(
        self, work: Callable[[], Result], deadline: Deadline, *, otherwise: Result
    ) -> "Future[Result]":
        """The work's answer; `otherwise` where nothing was begun, because it is too late or too many are under way."""

        def in_time() -> Result:
            # It may have stood in the queue for longer than the caller waits.
            return work() if deadline.seconds_left(self._machine.clock) else otherwise

        is_in_time = deadline.seconds_left(self._machine.clock) > 0
        return (self._counted(in_time) if is_in_time else None) or _done(otherwise)

    def _submit(self, work: Callable[[], Result]) -> "Future[Result]":
        begun = self._counted(work)
        if begun is not None:
            return begun
        refused: Future[Result] = Future()
        refused.set_exception(Throttled("too many sign-ins wait for the directory"))
        return refused

    def _counted(self, work: Callable[[], Result]) -> "Future[Result] | None":
        """The work's answer, as one of so many at a time; None where nothing was begun."""
        if not self._enter():
            return None

        def counted() -> Result:
            try:
                return work()
            finally:
                self._leave()

        try:
            return self._senders.submit(counted)
        except RuntimeError:  # the system gives no more threads; this one must not count for good
            self._leave()
            return None

    def _enter(self) -> bool:
        with self._lock:
            if self._under_way >= UNDER_WAY_MAX:
                return False
            self._under_way += 1
            return True

    def _leave(self) -> None:
        with self._lock:
            self._under_way -= 1


def _is_definite(outcome: Outcome) -> bool:
    return isinstance(outcome, Reply) and not outcome.throttled and not outcome.unclear


def _read(outcome: Outcome, object_id: str, names: Names) -> AccountFacts | None:
    if not isinstance(outcome, Reply):
        raise error_of(outcome)
    body = body_if_found(outcome, object_id=object_id)
    return None if body is None else facts_of(body, names)


def _written(outcome: Outcome) -> Written:
    if isinstance(outcome, NoReply):
        return Written.UNCLEAR if outcome.maybe_done else Written.FAILED
    if outcome.succeeded:
        return Written.DONE
    if outcome.unclear:
        return Written.UNCLEAR
    refusal = refusal_of(outcome).error
    return Written.REFUSED if refusal in (WeakPassword, InvalidValue) else Written.FAILED


def _done(value: Result) -> "Future[Result]":
    done: Future[Result] = Future()
    done.set_result(value)
    return done
