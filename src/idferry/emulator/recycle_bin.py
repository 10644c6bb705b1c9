"""Deleted accounts: kept for 30 days, restored whole, or purged for good.

https://learn.microsoft.com/graph/api/directory-deleteditems-list. Which of their names they keep meanwhile is decided by
`directory`, which puts them here.
"""

from idferry.emulator.clock import Clock
from idferry.emulator.lag import OlderStates
from idferry.emulator.lookup import LookupIndex, lookup_keys
from idferry.emulator.store import Account, AccountStore

KEPT_S = 30 * 24 * 3600.0


class RecycleBin:
    """The deleted accounts of one tenant.

    Attributes:
        count: how many there are; they count against the object quota.
    """

    def __init__(
        self, *, accounts: AccountStore, index: LookupIndex, older: OlderStates, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._index = index
        self._older = older
        self._clock = clock
        self.count = 0

    def get(self, object_id: str) -> Account | None:
        """The deleted account with this object id."""
        self.empty_old()
        account = self._accounts.by_id(object_id)
        return None if account is None or account.deleted_s is None else account

    def page(self, *, after: int, limit: int) -> list[Account]:
        """At most `limit` deleted accounts behind place `after`."""
        self.empty_old()
        return self._accounts.page("deleted", after=after, limit=limit)

    def put(self, account: Account) -> None:
        """Keeps an account that has just been deleted."""
        self._accounts.update(account)
        self.count += 1

    def take_out(self, account: Account) -> Account:
        """Makes the account live again and found by all its names."""
        body = {**account.body, "deletedDateTime": None}
        restored = Account(account.seq, account.id, body, account.password, None)
        self._accounts.update(restored)
        self._index.add(account.seq, keys=lookup_keys(body))
        self.count -= 1
        return restored

    def purge(self, account: Account) -> None:
        """Removes the account for good."""
        self._index.drop(account.seq, keys=lookup_keys(account.body))
        self._older.forget(account.seq)
        self._accounts.delete(account.seq)
        self.count -= 1

    def empty_old(self) -> None:
        """Removes what has been here for 30 days."""
        if self.count:
            for account in self._accounts.deleted_before(self._clock.now_s() - KEPT_S):
                self.purge(account)
