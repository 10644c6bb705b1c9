"""Accounts as their readers see them: by object id, by filter, or at sign-in, each with its own lag.

Reads only. What a reader may ask is decided in `graph/`.
"""

from collections.abc import Iterator

from idferry.emulator.clock import Clock
from idferry.emulator.lag import Channel, OlderStates
from idferry.emulator.lookup import LookupIndex, LookupKey, lookup_keys
from idferry.emulator.store import Account, AccountStore


class Sight:
    """What is shown to whom.

    Attributes:
        accounts, index: the present state, for readers that do not lag.
    """

    def __init__(
        self, *, accounts: AccountStore, index: LookupIndex, older: OlderStates, clock: Clock
    ) -> None:
        self.accounts = accounts
        self.index = index
        self._older = older
        self._clock = clock

    def current(self, id_or_name: str) -> Account | None:
        """The account as it really is, by object id or userPrincipalName; None when it is not live."""
        account = self.accounts.by_id(id_or_name) or self.holder(("userPrincipalName", id_or_name.lower()))
        return None if account is None or account.deleted_s is not None else account

    def holder(self, key: LookupKey) -> Account | None:
        """The account, live or deleted, that really holds this value."""
        places = self.index.exact(key)
        return self.accounts.by_place(places[0]) if places else None

    def read(self, id_or_name: str, *, channel: Channel) -> Account | None:
        """The account as this kind of reader is shown it, by object id or userPrincipalName."""
        account = self.accounts.by_id(id_or_name)
        if account is not None:
            return self.seen(account, channel=channel)
        found = self.found(("userPrincipalName", id_or_name.lower()), channel=channel)
        return found[0] if found else None

    def found(self, key: LookupKey, *, channel: Channel) -> list[Account]:
        """Accounts that show this value to this kind of reader."""
        places = self.candidates(self.index.exact(key))
        return [account for account in self.at(places, channel=channel) if key in lookup_keys(account.body)]

    def candidates(self, places: list[int]) -> list[int]:
        """These places and those of which an older state may still be shown, in order."""
        if not self._older.any:
            return sorted(places)
        return sorted({*places, *self._older.places(now_s=self._clock.now_s())})

    def at(self, places: list[int], *, channel: Channel) -> Iterator[Account]:
        """The accounts at these places, as this kind of reader is shown them."""
        for place in places:
            account = self.accounts.by_place(place)
            shown = None if account is None else self.seen(account, channel=channel)
            if shown is not None:
                yield shown

    def page(self, *, after: int, limit: int) -> list[Account]:
        """At most `limit` stored accounts behind place `after`; pass each through `seen`."""
        return self.accounts.page("lagging" if self._older.any else "live", after=after, limit=limit)

    def seen(self, account: Account, *, channel: Channel) -> Account | None:
        """This stored account as this kind of reader is shown it; None when it is not there for them."""
        if self._older.any:
            older = self._older.shown(account.seq, channel=channel, now_s=self._clock.now_s())
            if older is not None:
                if older.body is None:
                    return None
                return Account(account.seq, account.id, older.body, older.password, None)
        return None if account.deleted_s is not None else account
