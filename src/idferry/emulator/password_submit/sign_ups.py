"""Self-service sign-up: a code proves the e-mail address, then the person chooses a name and a password.

https://learn.microsoft.com/entra/external-id/customers/concept-authentication-methods-customers. The extension is not
asked, and no migration flag is set: nobody of ours is coming.
"""

from dataclasses import dataclass
from enum import StrEnum

from idferry.emulator.clock import Clock
from idferry.emulator.entropy import Entropy
from idferry.emulator.graph import accounts
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.password_submit.codes import Codes, Mailbox
from idferry.emulator.sign_in import enter, find_account
from idferry.emulator.tenants import Tenant


class SignUpEnd(StrEnum):
    """How choosing name and password ended."""

    CREATED = "created"
    TAKEN = "taken"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class SignUp:
    """One end; `object_id` of the account that was created."""

    end: SignUpEnd
    object_id: str = ""


class SignUps:
    """The sign-ups under way in one emulator."""

    def __init__(self, *, clock: Clock, entropy: Entropy, mailbox: Mailbox) -> None:
        self._clock = clock
        self._entropy = entropy
        self._codes = Codes(clock=clock, entropy=entropy, mailbox=mailbox)

    def begin(self, tenant: Tenant, address: str) -> str:
        """Sends a code, whoever has the address; gives the sign-up's name."""
        return self._codes.begin(tenant, to=address, about=address)

    def prove(self, name: str, code: str) -> bool:
        """Whether this is the code that was sent; a few wrong ones end it."""
        return self._codes.prove(name, code)

    def is_taken(self, name: str) -> bool:
        """Whether somebody has the proven address already: told to its owner alone."""
        proven = self._codes.proven(name)
        return proven is not None and find_account(proven[0], ("local", proven[1].lower())) is not None

    def finish(self, name: str, *, display_name: str, password: str) -> SignUp:
        """Creates the account of a proven address, and lets the person in."""
        proven = self._codes.proven(name)
        if proven is None:
            return SignUp(SignUpEnd.EXPIRED)
        if self.is_taken(name):
            return SignUp(SignUpEnd.TAKEN)
        tenant, address = proven
        scene = accounts.Scene(tenant=tenant, entropy=self._entropy, now_s=self._clock.now_s())
        identity = {"signInType": "emailAddress", "issuer": tenant.domain, "issuerAssignedId": address}
        body = {
            "displayName": display_name,
            "identities": [identity],
            "mail": address,
            "passwordProfile": {"password": password, "forceChangePasswordNextSignIn": False},
            "passwordPolicies": "DisablePasswordExpiration",
        }
        try:
            account = accounts.create(body, scene=scene)
        except GraphError:
            return SignUp(SignUpEnd.REFUSED)
        self._codes.end(name)
        enter(tenant, account, entropy=self._entropy, now_s=scene.now_s)
        return SignUp(SignUpEnd.CREATED, account.id)

    def clear(self) -> None:
        """Nobody is signing up."""
        self._codes.clear()
