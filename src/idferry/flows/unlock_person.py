"""The help desk looks at the locks of one person, and ends them; the reason is in the ledger before anything happens."""

from datetime import datetime

from idferry.errors import UsageError
from idferry.ports import GuardDesk, LedgerReport, ObservationLedger, Standing
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.names import compared_form
from idferry.rules.submission import key_of_person, key_of_unknown


def look_at_locks(*, guard: GuardDesk, entry: Entry | None, sign_in_name: str, at: datetime) -> Standing:
    """How this person stands with the guard; of a name that nobody has, how the name does.

    Raises:
        GuardUnavailable: the guard cannot be asked.
    """
    return guard.standing(_key(entry, sign_in_name), at=at)


def unlock_person(
    *,
    guard: GuardDesk,
    report: LedgerReport,
    observations: ObservationLedger,
    sign_in_name: str,
    reason: str,
    at: datetime,
) -> None:
    """Forget what this person has failed; what the legacy system has counted is not touched.

    Raises:
        UsageError: the ledger knows nobody of this name, so the reason would stand nowhere.
        GuardUnavailable: the guard cannot be asked; the reason is in the ledger, and the command may be repeated.
    """
    entry = report.entry_of_sign_in_name(compared_form(sign_in_name))
    if entry is None:
        raise UsageError(
            f"the ledger knows nobody with the sign-in name {sign_in_name}",
            remedy="Check how it is spelled: `idferry find --sign-in-name NAME` asks the directory.",
        )
    observations.observe(
        run="", observed=[Observation(entry.person_id, EventKind.UNLOCKED, reason=reason)], at=at
    )
    guard.unlock(_key(entry, sign_in_name), at=at)


def _key(entry: Entry | None, sign_in_name: str) -> str:
    return key_of_person(entry.source, entry.key) if entry else key_of_unknown(sign_in_name)
