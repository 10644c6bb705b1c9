"""Self-service password reset: a code goes to the account's e-mail address, and whoever knows it chooses a new password.

https://learn.microsoft.com/entra/external-id/customers/how-to-enable-password-reset-customers. No letter leaves this
process: it lies in a mailbox that the control API shows. The extension is not asked.
"""

import hmac
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from idferry.emulator.clock import Clock, stamp
from idferry.emulator.entropy import Entropy
from idferry.emulator.graph import accounts
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.password_submit.lockout import Lockout
from idferry.emulator.password_submit.readiness import flag_of, listener_for
from idferry.emulator.store import Account
from idferry.emulator.tenants import Tenant

CODE_LIFETIME_S = 600.0
CODE_TRIES_MAX = 5
CODE_DIGITS = 8
LETTERS_MAX = 1_000
RESETS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail in the emulator's mailbox."""

    tenant_id: str
    to: str
    code: str
    sent: str


@dataclass
class _Reset:
    tenant: Tenant
    object_id: str | None  # None: nobody of that name, or no address; then no code is right
    code: str
    until_s: float
    tries_left: int = CODE_TRIES_MAX
    proven: bool = False


class ResetEnd(StrEnum):
    """How choosing a new password ended."""

    CHANGED = "changed"
    WEAK = "weak"
    EXPIRED = "expired"


class Resets:
    """The resets under way in one emulator, and the letters sent for them."""

    def __init__(self, *, clock: Clock, entropy: Entropy, lockout: Lockout) -> None:
        self._clock = clock
        self._entropy = entropy
        self._lockout = lockout
        self._under_way: dict[str, _Reset] = {}
        self._letters: deque[Letter] = deque(maxlen=LETTERS_MAX)

    def begin(self, tenant: Tenant, account: Account | None) -> str:
        """Sends a code, if there is anybody to send one to; gives the reset's name, which says nothing about that."""
        now_s = self._clock.now_s()
        code = "".join(
            str(int(digit, 16) % 10) for digit in self._entropy.guid().replace("-", "")[:CODE_DIGITS]
        )
        address = None if account is None else email_of(account)
        known = account is not None and address is not None
        while len(self._under_way) >= RESETS_MAX:
            self._under_way.pop(next(iter(self._under_way)))
        name = self._entropy.secret(length=32)
        self._under_way[name] = _Reset(
            tenant, account.id if account is not None and known else None, code, now_s + CODE_LIFETIME_S
        )
        if address is not None:
            self._letters.append(Letter(tenant.tenant_id, address, code, stamp(now_s)))
        return name

    def prove(self, name: str, code: str) -> bool:
        """Whether this is the code that was sent; a few wrong ones end it."""
        reset = self._live(name)
        if reset is None or reset.tries_left <= 0:
            return False
        reset.tries_left -= 1
        right = hmac.compare_digest(reset.code.encode(), code.strip().encode("utf-8", "replace"))
        reset.proven = right and reset.object_id is not None
        return reset.proven

    def finish(self, name: str, password: str) -> ResetEnd:
        """Stores the new password of a proven reset."""
        reset = self._live(name)
        account = None
        if reset is not None and reset.proven and reset.object_id is not None:
            account = reset.tenant.sight.current(reset.object_id)
        if reset is None or account is None:
            return ResetEnd.EXPIRED
        try:
            self.set_password(reset.tenant, account, password)
        except GraphError:
            return ResetEnd.WEAK
        del self._under_way[name]
        return ResetEnd.CHANGED

    def set_password(self, tenant: Tenant, account: Account, password: str) -> None:
        """The person's own new password; GraphError when it is too weak."""
        scene = accounts.Scene(tenant=tenant, entropy=self._entropy, now_s=self._clock.now_s())
        accounts.set_password(account, password, scene=scene)
        self._lockout.forget(account.id)
        listener = listener_for(tenant, None)
        current = tenant.sight.current(account.id)
        if tenant.options.reset_clears_flag and listener is not None and current is not None:
            accounts.lower_flag(current, flag_of(listener), scene=scene)

    def letters(self, tenant_id: str) -> list[Letter]:
        """What was sent in this tenant, newest first."""
        return [letter for letter in reversed(self._letters) if letter.tenant_id == tenant_id]

    def clear(self) -> None:
        """Nothing was sent."""
        self._under_way.clear()
        self._letters.clear()

    def _live(self, name: str) -> _Reset | None:
        reset = self._under_way.get(name)
        return reset if reset is not None and self._clock.now_s() < reset.until_s else None


def email_of(account: Account) -> str | None:
    """Where a code for this account goes: its e-mail sign-in name, else its mail address."""
    for entry in account.body["identities"]:
        if entry["signInType"].lower() == "emailaddress":
            return str(entry["issuerAssignedId"])
    mail = account.body.get("mail")
    return str(mail) if mail else None
