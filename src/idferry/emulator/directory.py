"""The user store of one emulated tenant: accounts, what they are found by, and what lagging replicas still show.

It keeps the store, the lookup values and the replication lag consistent with each other. Whether a body is valid,
unique or permitted is decided in `graph/`; nothing here knows HTTP.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from idferry.emulator.clock import Clock, stamp
from idferry.emulator.entropy import seeded
from idferry.emulator.store import Account, AccountStore, Channel, LookupKey, SeenUntil

RECYCLE_BIN_S = 30 * 24 * 3600.0
PRUNE_EVERY = 200  # changes between two looks for older states that nobody is shown any more

# Values that no two accounts of a tenant may share.
UNIQUE_ATTRIBUTES = frozenset({"local", "federated", "userPrincipalName", "proxyAddresses"})


class Lag(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How long (least, most seconds, drawn evenly) each kind of reader is shown the state before a change."""

    get_s: tuple[float, float] = (0.0, 0.0)
    filter_s: tuple[float, float] = (0.0, 0.0)
    sign_in_s: tuple[float, float] = (0.0, 0.0)
    seed: int = 0

    @property
    def none(self) -> bool:
        """Whether every reader sees every change at once."""
        return not (self.get_s[1] or self.filter_s[1] or self.sign_in_s[1])


class Directory:
    """Accounts as their readers see them: by object id, by filter, or at sign-in."""

    def __init__(self, *, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Back to an empty directory without lag."""
        self._store.clear()
        self.live = 0
        self.deleted = 0
        self._changes = 0
        self._has_older = False
        self.set_lag(Lag())

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

    def add(self, *, body: dict[str, Any], password: bytes | None) -> Account:
        """Stores a new account; the caller has made sure that it clashes with none."""
        seq = self._store.insert(body=body, password=password, keys=lookup_keys(body))
        self.live += 1
        self._remember(seq, body=None, password=None)
        return Account(seq=seq, id=body["id"], body=body, password=password, deleted_s=None)

    def change(self, account: Account, *, body: dict[str, Any], password: bytes | None) -> None:
        """Replaces body and password of a live account."""
        self._remember(account.seq, body=account.body, password=account.password)
        before, after = set(lookup_keys(account.body)), set(lookup_keys(body))
        self._store.drop_keys(account.seq, keys=before - after)
        self._store.add_keys(account.seq, keys=after - before)
        self._store.update(Account(account.seq, account.id, body, password, None))

    def record_sign_in(self, account: Account, *, activity: dict[str, Any]) -> None:
        """Notes a sign-in on the present state; nobody is shown an older one because of it."""
        current = self._store.by_seq(account.seq)
        if current is not None:
            current.body["signInActivity"] = activity
            self._store.update(current)

    def discard(self, account: Account, *, keep_sign_in_names: bool) -> None:
        """Moves a live account to the recycle bin, where it keeps its mail addresses."""
        self._remember(account.seq, body=account.body, password=account.password)
        kept = UNIQUE_ATTRIBUTES if keep_sign_in_names else frozenset({"proxyAddresses"})
        self._store.drop_keys(
            account.seq, keys=[key for key in lookup_keys(account.body) if key[0] not in kept]
        )
        now_s = self._clock.now_s()
        body = {**account.body, "deletedDateTime": stamp(now_s)}
        self._store.update(Account(account.seq, account.id, body, account.password, now_s))
        self.live -= 1
        self.deleted += 1

    def restore(self, account: Account) -> Account:
        """Takes an account out of the recycle bin; the caller has made sure that it clashes with none."""
        body = {**account.body, "deletedDateTime": None}
        restored = Account(account.seq, account.id, body, account.password, None)
        self._store.update(restored)
        self._store.add_keys(account.seq, keys=lookup_keys(body))
        self.live += 1
        self.deleted -= 1
        return restored

    def purge(self, account: Account) -> None:
        """Removes an account of the recycle bin for good."""
        self._store.drop_keys(account.seq, keys=lookup_keys(account.body))
        self._store.delete(account.seq)
        self.deleted -= 1

    def empty_old_bin(self) -> None:
        """Removes what has been in the recycle bin for 30 days."""
        if not self.deleted:
            return
        for seq in self._store.deleted_before(self._clock.now_s() - RECYCLE_BIN_S):
            account = self._store.by_seq(seq)
            if account is not None:
                self.purge(account)

    def current(self, id_or_name: str) -> Account | None:
        """The account as it really is now, by object id or userPrincipalName; None when it is not live."""
        account = self._store.by_id(id_or_name.lower())
        if account is None and "@" in id_or_name:
            places = self._store.found_by(("userPrincipalName", id_or_name.lower()))
            account = self._store.by_seq(places[0]) if places else None
        return None if account is None or account.deleted_s is not None else account

    def read(self, id_or_name: str, *, channel: Channel) -> Account | None:
        """The account as this kind of reader is shown it, by object id or userPrincipalName."""
        account = self._store.by_id(id_or_name.lower())
        if account is not None:
            return self.seen(account, channel=channel)
        found = self.found(("userPrincipalName", id_or_name.lower()), channel=channel)
        return found[0] if found else None

    def any_by_id(self, object_id: str) -> Account | None:
        """The stored account with this object id, live or deleted."""
        return self._store.by_id(object_id.lower())

    def in_bin(self, object_id: str) -> Account | None:
        """The deleted account with this object id."""
        self.empty_old_bin()
        account = self._store.by_id(object_id.lower())
        return None if account is None or account.deleted_s is None else account

    def holder(self, key: LookupKey) -> Account | None:
        """The account, live or deleted, that holds this value now, without any lag."""
        places = self._store.found_by(key)
        return self._store.by_seq(places[0]) if places else None

    def found(self, key: LookupKey, *, channel: Channel) -> list[Account]:
        """Accounts that show this value to this kind of reader."""
        places = self.candidates(self._store.found_by(key))
        return [account for account in self.at(places, channel=channel) if key in lookup_keys(account.body)]

    def places_of(self, key: LookupKey) -> list[int]:
        """Places of the accounts that hold this value now."""
        return self._store.found_by(key)

    def places_between(self, attribute: str, *, low: str, high: str) -> list[int]:
        """Places of the accounts whose value of `attribute` lies in low <= value < high."""
        return self._store.found_between(attribute, low=low, high=high)

    def candidates(self, places: list[int]) -> list[int]:
        """These places and those of which an older state may still be shown, in order."""
        if not self._has_older:
            return sorted(places)
        return sorted({*places, *self._store.lagging_places(now_s=self._clock.now_s())})

    def at(self, places: list[int], *, channel: Channel) -> Iterator[Account]:
        """The accounts at these places, as this kind of reader is shown them."""
        for place in places:
            account = self._store.by_seq(place)
            shown = None if account is None else self.seen(account, channel=channel)
            if shown is not None:
                yield shown

    def page(self, *, after: int, limit: int) -> list[Account]:
        """At most `limit` stored accounts behind place `after`; pass each through `seen`."""
        return self._store.page("lagging" if self._has_older else "live", after=after, limit=limit)

    def page_by_name(self, *, after: tuple[str, int], limit: int) -> list[tuple[str, int]]:
        """At most `limit` (lower-case display name, place) behind `after`."""
        return self._store.page_by_name(after=after, limit=limit)

    def page_of_bin(self, *, after: int, limit: int) -> list[Account]:
        """At most `limit` deleted accounts behind place `after`."""
        return self._store.page("deleted", after=after, limit=limit)

    def seen(self, account: Account, *, channel: Channel) -> Account | None:
        """This stored account as this kind of reader is shown it; None when it is not there for them."""
        if self._has_older:
            older = self._store.older(account.seq, channel=channel, now_s=self._clock.now_s())
            if older is not None:
                body, password = older
                return None if body is None else Account(account.seq, account.id, body, password, None)
        return None if account.deleted_s is not None else account

    def drop_attribute(self, name: str) -> None:
        """Takes an extension attribute's values from every account."""
        self._store.drop_attribute(name)

    def close(self) -> None:
        """Gives the store's file up."""
        self._store.close()

    def _remember(self, seq: int, *, body: dict[str, Any] | None, password: bytes | None) -> None:
        self._changes += 1
        now_s = self._clock.now_s()
        if self._has_older and self._changes % PRUNE_EVERY == 0:
            self._has_older = self._store.prune_older(now_s=now_s)
        if self._lag.none:
            return
        self._has_older = True
        until = SeenUntil(
            get=now_s + self._chance.uniform(*self._lag.get_s),
            filter=now_s + self._chance.uniform(*self._lag.filter_s),
            sign_in=now_s + self._chance.uniform(*self._lag.sign_in_s),
        )
        self._store.keep_older(seq, body=body, password=password, until=until)


def identity_key(identity: dict[str, str]) -> LookupKey:
    """What one entry of `identities` is found by.

    Names of local accounts compare without regard to case and to the issuer; the id that another identity provider
    assigned is opaque. https://learn.microsoft.com/graph/api/resources/objectidentity
    """
    kind, assigned = identity["signInType"], identity["issuerAssignedId"]
    if kind == "federated":
        return "federated", f"{identity['issuer'].lower()}\n{assigned}"
    if kind.lower() == "userprincipalname":
        return "userPrincipalName", assigned.lower()
    return "local", assigned.lower()


def lookup_keys(body: dict[str, Any]) -> list[LookupKey]:
    """Every value by which this account is unique or answered without reading all accounts."""
    keys: list[LookupKey] = [identity_key(identity) for identity in body.get("identities", ())]
    keys.append(("userPrincipalName", body["userPrincipalName"].lower()))
    keys.append(("displayName", (body.get("displayName") or "").lower()))
    if body.get("mail"):
        keys.append(("mail", body["mail"].lower()))
    keys.extend(("proxyAddresses", address[5:].lower()) for address in body.get("proxyAddresses", ()))
    keys.extend(
        (name, value.lower())
        for name, value in body.items()
        if name[:10] == "extension_" and isinstance(value, str)
    )
    return keys
