"""Disable the accounts of people who left the source or are barred there. Nothing ever enables one again.

Each account is read shortly before: one that somebody else has disabled, or that is no longer ours, is left alone.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from msgspec import structs

from idferry.flows.change_accounts import AccountChanges, Intended
from idferry.flows.plan_update import Listing
from idferry.flows.recycle import chunks_of, ids_of
from idferry.ports import AccountReader, AccountUpdater, Tell
from idferry.rules.account import Account
from idferry.rules.entry import Entry, EventKind, Observation
from idferry.rules.happenings import AccountsUpdated

ENABLED = "accountEnabled"


@dataclass(slots=True)
class DisableReport:
    """What disabling did. Counts are people.

    `already`: somebody had disabled the account before. `missing`: no account is shown; `foreign`: it carries another
    legacyId; neither is touched. `failed` by code of the error class.
    """

    disabled: int = 0
    already: int = 0
    missing: Listing = field(default_factory=Listing)
    foreign: Listing = field(default_factory=Listing)
    failed: Counter[str] = field(default_factory=Counter)

    @property
    def settled(self) -> int:
        """People who need nothing more, or have failed."""
        return self.disabled + self.already + self.missing.count + self.foreign.count + self.failed.total()


def disable_people(
    *,
    people: Iterable[Entry],
    reason: str,
    reader: AccountReader,
    updater: AccountUpdater,
    changes: AccountChanges,
    report: DisableReport,
    total: int,
    tell: Tell,
) -> None:
    """Disable the accounts of `people`, who are not disabled yet as far as the ledger knows; counts go to `report`.

    `total`: of how many people the report will tell in the end, these and others.

    Raises:
        DirectoryError, LedgerError, Stopped.
    """

    def told() -> None:
        tell(AccountsUpdated(report.disabled, report.settled, total, report.failed.total(), updater.pace()))

    changes.waited = told
    for chunk in chunks_of(people):
        accounts = reader.by_ids(ids_of(chunk), ())
        due = [entry for entry in chunk if _is_due(entry, accounts.get(entry.object_id), changes, report)]
        if due:
            intended = [_intended(entry, reason, report) for entry in due]
            changes.send(intended, partial(updater.disable, ids_of(due)))
        told()


def list_by_enabled(*, people: Iterable[Entry], enabled: bool, reader: AccountReader) -> Listing:
    """Those of `people` whose accounts are enabled, or disabled, by now: about them somebody has to decide."""
    found = Listing()
    for chunk in chunks_of(people):
        accounts = reader.by_ids(ids_of(chunk), ())
        for entry in chunk:
            account = accounts.get(entry.object_id)
            if account and account.enabled is enabled and account.legacy_id == entry.legacy_id:
                found.add(entry)
    return found


def _is_due(entry: Entry, account: Account | None, changes: AccountChanges, report: DisableReport) -> bool:
    """Whether a call is needed; people who need none are counted, and recorded where that is news."""
    if account is None:
        report.missing.add(entry)
    elif account.legacy_id != entry.legacy_id:
        report.foreign.add(entry)
    elif account.enabled is False:
        report.already += 1
        changes.note(_seen(entry, "somebody had disabled it before"))
    else:
        return True
    return False


def _intended(entry: Entry, reason: str, report: DisableReport) -> Intended:
    def answered(code: str) -> Observation:
        if code:
            report.failed[code] += 1
            return Observation(entry.person_id, EventKind.CHANGE_FAILED, code=code, reason=ENABLED)
        report.disabled += 1
        return _seen(entry, reason)

    return Intended(entry.person_id, entry.object_id, EventKind.DISABLE_SENT, reason, answered)


def _seen(entry: Entry, reason: str) -> Observation:
    draft = structs.replace(entry.draft, enabled=False) if entry.draft else None
    return Observation(entry.person_id, EventKind.DISABLED, reason=reason, draft=draft)
