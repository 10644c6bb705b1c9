"""The values by which accounts are unique, or found without reading them all.

Knows what to index and how values compare; what a query means is decided in `graph/`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from idferry.emulator.store import Database

LookupKey = tuple[str, str]  # attribute, compared value

# Values that no two accounts of a tenant may share.
UNIQUE_ATTRIBUTES = frozenset({"local", "federated", "userPrincipalName", "proxyAddresses"})
_SMTP = len("smtp:")


def identity_key(identity: dict[str, str]) -> LookupKey:
    """What one entry of `identities` is found by.

    Names of local accounts compare without regard to case and to the issuer; the id that another identity provider
    assigned is opaque. https://learn.microsoft.com/graph/api/resources/objectidentity
    """
    kind, assigned = identity["signInType"].lower(), identity["issuerAssignedId"]
    if kind == "federated":
        return federated_key(identity["issuer"], assigned)
    if kind == "userprincipalname":
        return "userPrincipalName", assigned.lower()
    return "local", assigned.lower()


def federated_key(issuer: str, assigned: str) -> LookupKey:
    """What a federated identity is found by; an empty `assigned` gives the beginning of all of an issuer."""
    return "federated", f"{issuer.lower()}\n{assigned}"


def lookup_keys(body: dict[str, Any]) -> list[LookupKey]:
    """Every value by which this account is unique or found."""
    keys: list[LookupKey] = [identity_key(identity) for identity in body.get("identities", ())]
    keys.append(("userPrincipalName", body["userPrincipalName"].lower()))
    keys.append(("displayName", (body.get("displayName") or "").lower()))
    if body.get("mail"):
        keys.append(("mail", body["mail"].lower()))
    keys += [("proxyAddresses", address[_SMTP:].lower()) for address in body.get("proxyAddresses", ())]
    # Of a user's own properties only employee... and extension_ begin so: a look at one letter spares the others.
    keys += [
        (name, value.lower())
        for name, value in body.items()
        if name[0] == "e" and name.startswith("extension_") and isinstance(value, str)
    ]
    return list(dict.fromkeys(keys))  # the userPrincipalName is an identity as well


class LookupIndex:
    """Places of accounts by value, as they are now, without any lag."""

    def __init__(self, database: Database) -> None:
        self._db = database
        # In the file an attribute is a number: with names of 50 letters it would be twice as large.
        self._numbers: dict[str, int] = {}

    def add(self, place: int, *, keys: Iterable[LookupKey]) -> None:
        """Makes the account found by these values."""
        self._db.run_many("lookup_insert", [(self._number(name), value, place) for name, value in keys])

    def drop(self, place: int, *, keys: Iterable[LookupKey]) -> None:
        """Makes the account not found by these values any more."""
        self._db.run_many("lookup_delete", [(self._number(name), value, place) for name, value in keys])

    def exact(self, key: LookupKey) -> list[int]:
        """Places of the accounts that hold this value."""
        attribute, value = key
        return [row[0] for row in self._db.run("lookup_exact", (self._number(attribute), value))]

    def any_held(self, keys: Sequence[LookupKey]) -> bool:
        """Whether some account holds one of these values."""
        if not keys:
            return False
        values = [part for name, value in keys for part in (self._number(name), value)]
        return self._db.run_repeated("lookup_any", values, times=len(keys)).fetchone() is not None

    def between(self, attribute: str, *, low: str, high: str) -> list[int]:
        """Places of the accounts whose value of `attribute` lies in low <= value < high."""
        return [row[0] for row in self._db.run("lookup_range", (self._number(attribute), low, high))]

    def by_name(self, *, after: tuple[str, int], limit: int) -> list[tuple[str, int]]:
        """At most `limit` (lower-case display name, place) behind `after`, in that order."""
        return self._db.run("page_by_name", (self._number("displayName"), *after, limit)).fetchall()

    def drop_attribute(self, name: str) -> None:
        """Forgets the attribute's values of every account."""
        self._db.run("lookup_drop_attribute", (self._number(name),))

    def _number(self, attribute: str) -> int:
        return self._numbers.setdefault(attribute, len(self._numbers))
