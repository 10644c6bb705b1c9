"""The user store of one emulated tenant, as it is changed: accounts, what they are found by, and what lags behind.

It keeps the three consistent with each other. Whether a body is valid, unique or permitted is decided in `graph/`; how
accounts are read stands in `sight`; nothing here knows HTTP.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from idferry.emulator.clock import Clock, stamp
from idferry.emulator.entropy import seeded
from idferry.emulator.lag import Lag, OlderState, OlderStates
from idferry.emulator.lookup import UNIQUE_ATTRIBUTES, LookupIndex, LookupKey, lookup_keys
from idferry.emulator.recycle_bin import RecycleBin
from idferry.emulator.sight import Sight
from idferry.emulator.store import Account, AccountStore, Body, Database

PRUNE_EVERY = 200  # changes between two looks for older states that nobody is shown any more


class Directory:
    """The accounts of one tenant, and the changes to them.

    Attributes:
        sight: how they are read.
        bin: the deleted ones.
        live: how many are not deleted.
    """

    def __init__(self, *, path: Path, clock: Clock) -> None:
        self._db = Database(path)
        self._clock = clock
        self._accounts = AccountStore(self._db)
        self._index = LookupIndex(self._db)
        self._older = OlderStates(self._db)
        self.sight = Sight(accounts=self._accounts, index=self._index, older=self._older, clock=clock)
        self.bin = RecycleBin(accounts=self._accounts, index=self._index, older=self._older, clock=clock)
        self.reset()

    def reset(self) -> None:
        """Back to an empty directory without lag."""
        self._db.clear()
        self._older.any = False
        self.live = 0
        self.bin.count = 0
        self._changes = 0
        self.set_lag(Lag())

    def close(self) -> None:
        """Gives the file up."""
        self._db.close()

    def set_lag(self, lag: Lag) -> None:
        """Applies to changes from now on."""
        self._lag = lag
        self._chance = seeded(lag.seed)

    @contextmanager
    def without_lag(self) -> Iterator[None]:
        """Inside, every reader sees every change at once; the lag in force comes back afterwards."""
        lag, self._lag = self._lag, Lag()
        try:
            yield
        finally:
            self._lag = lag

    def add(self, *, body: Body, password: bytes | None, keys: Sequence[LookupKey]) -> Account:
        """Stores a new account with its `lookup_keys`; the caller has made sure that it clashes with none."""
        place = self._accounts.insert(body, password=password)
        self._index.add(place, keys=keys)
        self.live += 1
        self._remember(place, OlderState(body=None, password=None))
        return Account(seq=place, id=body["id"], body=body, password=password, deleted_s=None)

    def change(self, account: Account, *, body: Body, password: bytes | None) -> None:
        """Replaces body and password of a live account."""
        self._remember(account.seq, OlderState(account.body, account.password))
        before, after = set(lookup_keys(account.body)), set(lookup_keys(body))
        self._index.drop(account.seq, keys=before - after)
        self._index.add(account.seq, keys=after - before)
        self._accounts.update(Account(account.seq, account.id, body, password, None))

    def record_sign_in(self, account: Account, *, activity: Body) -> None:
        """Notes a sign-in on the present state; nobody is shown an older one because of it."""
        current = self._accounts.by_place(account.seq)
        if current is not None:
            current.body["signInActivity"] = activity
            self._accounts.update(current)

    def discard(self, account: Account, *, keep_sign_in_names: bool) -> None:
        """Moves a live account to the recycle bin, where it keeps its mail addresses."""
        self._remember(account.seq, OlderState(account.body, account.password))
        kept = UNIQUE_ATTRIBUTES if keep_sign_in_names else frozenset({"proxyAddresses"})
        self._index.drop(account.seq, keys=[key for key in lookup_keys(account.body) if key[0] not in kept])
        now_s = self._clock.now_s()
        body = {**account.body, "deletedDateTime": stamp(now_s)}
        self.bin.put(Account(account.seq, account.id, body, account.password, now_s))
        self.live -= 1

    def restore(self, account: Account) -> Account:
        """Takes an account out of the recycle bin; the caller has made sure that it clashes with none."""
        self.live += 1
        return self.bin.take_out(account)

    @property
    def size(self) -> int:
        """Objects that count against the quota."""
        self.bin.empty_old()
        return self.live + self.bin.count

    def drop_attribute(self, name: str) -> None:
        """Takes an extension attribute's values from every account."""
        self._accounts.drop_attribute(name)
        self._index.drop_attribute(name)

    def _remember(self, place: int, state: OlderState) -> None:
        self._changes += 1
        now_s = self._clock.now_s()
        if self._older.any and self._changes % PRUNE_EVERY == 0:
            self._older.prune(now_s=now_s)
        if not self._lag.none:
            self._older.keep(place, state, until=self._lag.draw(self._chance, now_s=now_s))
