"""A policy says that somebody has reset the password before the first sign-in: look, and record what is seen.

It never writes to the directory: the policy has written password and flag in one write, and there is one writer. What
cannot be seen yet is found by `verify` and `sweep`.
"""

from contextlib import suppress
from datetime import timedelta

from idferry.errors import DirectoryError, GuardUnavailable, Stopped
from idferry.ports import AttemptGuard, Clock, Deadline, SignInDirectory, SignInLedger
from idferry.rules.entry import EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.rules.names import compared_form
from idferry.rules.sign_in import CREATION_TOLERANCE, password_is_newer


def note_password_reset(
    *,
    sign_in_name: str,
    object_id: str,
    deadline: Deadline,
    ledger: SignInLedger,
    directory: SignInDirectory,
    guard: AttemptGuard,
    clock: Clock,
    tolerance: timedelta = CREATION_TOLERANCE,
) -> bool:
    """Whether the account shows the new password, so that the person is complete. A lock of the person ends anyhow.

    Raises:
        LedgerError: nobody can say who it is.
    """
    compared = compared_form(sign_in_name)
    person = ledger.by_object_id(object_id) if object_id else None
    if person is None and not object_id and compared:
        person = ledger.by_sign_in_name(compared)
    if person is None:
        return False
    with suppress(GuardUnavailable):
        guard.unlock(person.guard_key, at=clock.now())
    reading = directory.facts(person.object_id, deadline)
    clock.wait_for([reading], deadline.seconds_left(clock))
    try:
        facts = reading.result(timeout=0)
    except (DirectoryError, Stopped, TimeoutError):
        return False
    if facts is None or facts.legacy_id != person.legacy_id or facts.password_changed_at is None:
        return False
    if facts.flag is not False and not password_is_newer(
        facts, written_at=person.written_at, tolerance=tolerance
    ):
        return False
    ledger.note(Observation(person.person_id, EventKind.PASSWORD_RESET, State.COMPLETE), at=clock.now())
    return True
