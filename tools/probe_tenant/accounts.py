"""The accounts of one probing: made under a name of their own, and every one of them removed in the end.

Nothing is deleted but accounts whose display name is this probing's, read just before. A creation whose answer was lost is
found by that name.
"""

import secrets
import string
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2

from tools.probe_tenant.access import Access, Answer, Body, Unclear

PREFIX = "idferry probe"
RUN_BYTES = 4
LOOKS_FOR_LOST_MAX = 3
NOT_OURS = 409
"""What removing an account of somebody else is answered, here and without asking the tenant."""
_NO_EXPIRY = "DisablePasswordExpiration"


@dataclass
class Accounts:
    """Makes, reads and removes accounts in one tenant. `left`: ids of accounts that could not be removed."""

    access: Access
    domain: str
    is_b2c: bool
    run: str = field(default_factory=lambda: secrets.token_hex(RUN_BYTES))
    made: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    in_bin: set[str] = field(default_factory=set)
    removed: int = 0
    _count: int = 0

    @property
    def display_name(self) -> str:
        """By which every account of this probing is known."""
        return f"{PREFIX} {self.run}"

    def fresh(self, text: str = "") -> str:
        """A sign-in name that nobody has: letters and digits, and then `text`."""
        self._count += 1
        return f"probe{self.run}n{self._count}{text}"

    def address(self, domain: str = "example.com") -> str:
        """An e-mail address that nobody has."""
        return f"{self.fresh()}@{domain}"

    def body(self, name: str, *, kind: str = "", **changes: Any) -> Body:
        """What creates an account with this sign-in name; None among the changes leaves a property out."""
        kind = kind or ("emailAddress" if "@" in name else "userName")
        given: Body = {
            "displayName": self.display_name,
            "identities": [{"signInType": kind, "issuer": self.domain, "issuerAssignedId": name}],
            "passwordProfile": {"password": strong_password(), "forceChangePasswordNextSignIn": False},
            "passwordPolicies": _NO_EXPIRY,
        }
        if not self.is_b2c and kind == "emailAddress":
            given["mail"] = name
        given |= changes
        return {key: value for key, value in given.items() if value is not None}

    def create(self, body: Body) -> Answer:
        """Create it, and remember whose it is."""
        answer = self.access.ask("POST", "/users", body)
        object_id = answer.body.get("id")
        if answer.succeeded and isinstance(object_id, str):
            self.made.append(object_id)
        return answer

    def new(self, **changes: Any) -> str:
        """The id of a new account with an e-mail address; empty when the tenant refuses it."""
        return str(self.create(self.body(self.address(), **changes)).body.get("id") or "")

    def read(self, object_id: str, select: str) -> Answer:
        """Some properties of one account."""
        return self.access.ask("GET", f"/users/{object_id}?$select={select}")

    def wait_for(self, object_id: str) -> None:
        """Until the tenant shows a new account by its id, or a minute has passed."""
        for _ in range(60):
            if self.read(object_id, "id").succeeded:
                return
            self.access.clock.sleep(1.0)

    def find(self, where: str) -> list[Body]:
        """Accounts by a filter."""
        return self.access.ask("GET", f"/users?$filter={quote(where, safe='')}&$select=id,displayName").rows

    def remove(self, object_id: str) -> Answer:
        """Into the recycle bin; only an account of this probing."""
        shown = self.read(object_id, "displayName")
        if shown.body.get("displayName") != self.display_name:
            return shown if not shown.succeeded else Answer(NOT_OURS, {}, {})
        answer = self.access.ask("DELETE", f"/users/{object_id}")
        if answer.succeeded:
            self.in_bin.add(object_id)
        return answer

    def purge(self, object_id: str) -> Answer:
        """Out of the recycle bin."""
        return self.access.ask("DELETE", f"/directory/deletedItems/{object_id}")

    def remove_all(self) -> None:
        """Remove what was made, also what nobody answered for; what stays is named in `left`."""
        for object_id in dict.fromkeys([*self.made, *self._lost()]):
            try:
                self._remove_for_good(object_id)
            except (httpx2.HTTPError, Unclear):
                self.left.append(object_id)
        self.made.clear()

    def _remove_for_good(self, object_id: str) -> None:
        if object_id not in self.in_bin:
            self.wait_for(object_id)
            if not self.remove(object_id).succeeded:
                self.left.append(object_id)
                return
        # Where nobody may purge, the recycle bin keeps it for thirty days: that is an answer, and no remainder.
        self.purge(object_id)
        self.removed += 1

    def _lost(self) -> list[str]:
        """Accounts of this name that no answer has told of."""
        found: list[Body] = []
        for _ in range(LOOKS_FOR_LOST_MAX):
            with suppress(httpx2.HTTPError, Unclear):
                found = self.find(f"displayName eq '{self.display_name}'")
                break
        return [str(one["id"]) for one in found if one.get("displayName") == self.display_name]


def strong_password() -> str:
    """One that any rule takes; it is told to nobody."""
    return f"Pq7#{secrets.token_hex(8)}Z"


def lower_case(length: int) -> str:
    """Letters of one kind alone: too weak for the strong rule, whatever its length."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(length))
