"""Self-service password reset: a code goes to the account's e-mail address, and whoever knows it chooses a new password.

https://learn.microsoft.com/entra/external-id/customers/how-to-enable-password-reset-customers. The extension is not asked.
"""

from enum import StrEnum

from idferry.emulator.clock import Clock
from idferry.emulator.entropy import Entropy
from idferry.emulator.graph import accounts
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.password_submit.codes import Codes, Mailbox
from idferry.emulator.password_submit.lockout import Lockout
from idferry.emulator.password_submit.readiness import flag_of, listener_for
from idferry.emulator.store import Account
from idferry.emulator.tenants import Tenant


class ResetEnd(StrEnum):
    """How choosing a new password ended."""

    CHANGED = "changed"
    WEAK = "weak"
    EXPIRED = "expired"


class Resets:
    """The resets under way in one emulator."""

    def __init__(self, *, clock: Clock, entropy: Entropy, lockout: Lockout, mailbox: Mailbox) -> None:
        self._clock = clock
        self._entropy = entropy
        self._lockout = lockout
        self._codes = Codes(clock=clock, entropy=entropy, mailbox=mailbox)

    def begin(self, tenant: Tenant, account: Account | None) -> str:
        """Sends a code, if there is anybody to send one to; gives the reset's name, which says nothing about that."""
        address = None if account is None else email_of(account)
        return self._codes.begin(tenant, to=address, about=None if account is None else account.id)

    def prove(self, name: str, code: str) -> bool:
        """Whether this is the code that was sent; a few wrong ones end it."""
        return self._codes.prove(name, code)

    def finish(self, name: str, password: str) -> ResetEnd:
        """Stores the new password of a proven reset."""
        proven = self._codes.proven(name)
        account = proven[0].sight.current(proven[1]) if proven else None
        if proven is None or account is None:
            return ResetEnd.EXPIRED
        try:
            self.set_password(proven[0], account, password)
        except GraphError:
            return ResetEnd.WEAK
        self._codes.end(name)
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

    def clear(self) -> None:
        """Nobody is resetting anything."""
        self._codes.clear()


def email_of(account: Account) -> str | None:
    """Where a code for this account goes: its e-mail sign-in name, else its mail address."""
    for entry in account.body["identities"]:
        if entry["signInType"].lower() == "emailaddress":
            return str(entry["issuerAssignedId"])
    mail = account.body.get("mail")
    return str(mail) if mail else None
