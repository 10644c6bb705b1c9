"""The help desk changes one person's account: the legacy password counts again, or no password does until a new one.

The reason is in the ledger before anything happens, and the account is read first: one that is not ours is not touched.
"""

from dataclasses import dataclass
from datetime import timedelta

from idferry.errors import DirectoryError, Forbidden, IdferryError, UsageError, error_in_a_run
from idferry.flows.check_password_right import check_password_right
from idferry.ports import (
    AccountReader,
    AccountUpdater,
    Clock,
    Deadline,
    LedgerReport,
    ObservationLedger,
    RandomBelow,
    SignInDirectory,
    TenantInspector,
)
from idferry.rules.account import AccountChange
from idferry.rules.answers import Fatal
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.lifecycle import State
from idferry.rules.names import compared_form
from idferry.rules.password import random_password
from idferry.rules.readiness import PASSWORD_RIGHT_MEANINGS, PasswordRight
from idferry.rules.sign_in import Written

WRITTEN_WITHIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the help desk works with."""

    report: LedgerReport
    observations: ObservationLedger
    reader: AccountReader
    updater: AccountUpdater
    sign_ins: SignInDirectory
    inspector: TenantInspector
    clock: Clock


def raise_flag(*, desk: Desk, sign_in_name: str, reason: str) -> None:
    """Let the legacy password count again: at the next sign-in it replaces whatever password the account has now.

    Raises:
        UsageError: the ledger knows nobody of this name with an account, or the account is not the ledger's.
        DirectoryError: the directory refused or gave no answer; the command may be repeated.
    """
    entry = _person(desk, sign_in_name)
    _note(desk, entry, EventKind.FLAG_RAISED, None, reason)
    _raise(desk, entry)


def require_reset(
    *, desk: Desk, sign_in_name: str, reason: str, random_below: RandomBelow, keeps_flag: bool
) -> None:
    """Make every password of this person useless until the person chooses a new one by self-service.

    The account gets a random password that nobody knows. `keeps_flag`: nobody checks legacy passwords here, and the flag
    says who must reset; else it goes down, so that the legacy password opens nothing either. Raises as `raise_flag`, and
    Forbidden: the application may not set passwords, and what it lacks is seen.
    """
    entry = _person(desk, sign_in_name)
    _note(desk, entry, EventKind.RESET_REQUIRED, None, reason)
    deadline = Deadline.after(WRITTEN_WITHIN, desk.clock)
    password = random_password(random_below)
    writing = desk.sign_ins.write_password(entry.object_id, password, weak=False, deadline=deadline)
    desk.clock.wait_for([writing], WRITTEN_WITHIN.total_seconds())
    written = writing.result() if writing.done() else Written.UNCLEAR
    if written is Written.FAILED:
        _tell_what_is_missing(desk.inspector)
    if written is not Written.DONE:
        raise DirectoryError(
            f"the directory did not say that the password is written ({written})", remedy="Run it again."
        )
    if keeps_flag:
        _raise(desk, entry)
    else:
        _note(desk, entry, EventKind.RESET_REQUIRED, State.COMPLETE)


def _tell_what_is_missing(inspector: TenantInspector) -> None:
    """Raises Forbidden where the tenant shows why a password was not written."""
    try:
        rights = check_password_right(inspector=inspector)
    except IdferryError:
        return
    for application, right in rights.items():
        if right in (PasswordRight.NO_PERMISSION, PasswordRight.NO_ROLE):
            raise Forbidden(
                "the directory did not write the password",
                remedy=f"The application {application} {PASSWORD_RIGHT_MEANINGS[right]}.",
            )


def _person(desk: Desk, sign_in_name: str) -> Entry:
    entry = desk.report.entry_of_sign_in_name(compared_form(sign_in_name))
    if entry is None or not entry.state.has_account or not entry.object_id:
        raise UsageError(
            f"the ledger knows nobody with the sign-in name {sign_in_name} who has an account",
            remedy="Check how it is spelled: `idferry find --sign-in-name NAME` asks the directory.",
        )
    account = desk.reader.by_id(entry.object_id)
    if account is None or account.legacy_id != entry.legacy_id:
        raise UsageError(
            f"the directory shows no account {entry.object_id} of this person",
            remedy="`idferry verify` tells what became of it.",
        )
    return entry


def _raise(desk: Desk, entry: Entry) -> None:
    answers = desk.updater.update([AccountChange(entry.object_id, flag=True)]).result()
    answer = answers.get(entry.object_id, "")
    if isinstance(answer, Fatal):
        raise error_in_a_run(answer.code, answer.reason, remedy=answer.remedy)
    if answer:
        raise error_in_a_run(answer, "the directory did not raise the flag", remedy="Run it again.")
    _note(desk, entry, EventKind.FLAG_RAISED, State.AWAITING_PASSWORD)


def _note(desk: Desk, entry: Entry, kind: EventKind, state: State | None, reason: str = "") -> None:
    seen = Observation(entry.person_id, kind, state, reason=reason)
    desk.observations.observe(run="", observed=[seen], at=desk.clock.now())
