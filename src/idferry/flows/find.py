"""Find accounts in the directory, and tell one person's story from the ledger and the directory together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from idferry.ports import AccountReader, LedgerReport
from idferry.rules.absence import claimed_since
from idferry.rules.account import Account
from idferry.rules.entry import Entry, Event
from idferry.rules.names import compared_form


@dataclass(frozen=True, slots=True)
class Found:
    """An account, and the ledger's entry if this tool created it."""

    account: Account
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Story:
    """One person: the ledger's entry with its events, and the accounts that the directory shows."""

    sign_in_name: str
    entry: Entry | None
    events: Sequence[Event]
    accounts: Sequence[Account]

    @property
    def claimed_since(self) -> datetime | None:
        """When a sign-in claimed the person, as long as nothing has come of it."""
        return claimed_since(self.entry.state, self.events) if self.entry else None


def find(
    *,
    reader: AccountReader,
    ledger: LedgerReport | None,
    sign_in_name: str = "",
    display_name: str = "",
    object_id: str = "",
) -> list[Found]:
    """Accounts by sign-in name, by display name (equal) or by object id, each with its entry.

    Raises:
        DirectoryError: the directory cannot be asked.
    """
    accounts: Sequence[Account]
    if sign_in_name:
        accounts = reader.by_sign_in_name(sign_in_name)
    elif display_name:
        accounts = reader.by_display_name(display_name)
    else:
        account = reader.by_id(object_id)
        accounts = [account] if account else []
    legacy_ids = {account.legacy_id for account in accounts if account.legacy_id}
    entries = ledger.entries_of_legacy_ids(legacy_ids) if ledger else {}
    return [Found(account, entries.get(account.legacy_id or "")) for account in accounts]


def tell_story(*, reader: AccountReader, ledger: LedgerReport, sign_in_name: str) -> Story:
    """Everything known about the person with this sign-in name.

    Raises:
        DirectoryError: the directory cannot be asked.
    """
    accounts = list(reader.by_sign_in_name(sign_in_name))
    entry = ledger.entry_of_sign_in_name(compared_form(sign_in_name))
    if entry is None:
        legacy_ids = {account.legacy_id for account in accounts if account.legacy_id}
        entry = next(iter(ledger.entries_of_legacy_ids(legacy_ids).values()), None)
    if entry and entry.object_id and all(account.object_id != entry.object_id for account in accounts):
        planned = reader.by_id(entry.object_id)
        accounts += [planned] if planned else []
    events = ledger.events(entry.person_id) if entry else ()
    return Story(sign_in_name, entry, events, accounts)
