"""Does this password open this account? A check for tests and the demo; no sign-in page stands before it.

It respects what a real sign-in respects: the enabled flag, a demanded password change, replication lag. Passwords are
compared and forgotten.
"""

from dataclasses import dataclass

from idferry.emulator.clock import stamp
from idferry.emulator.entropy import Entropy
from idferry.emulator.graph import passwords
from idferry.emulator.lookup import LookupKey, federated_key
from idferry.emulator.store import Account
from idferry.emulator.tenants import Tenant


@dataclass(frozen=True, slots=True)
class SignInResult:
    """How it ended; `reason` is ok, unknown, disabled, wrong_password or must_change_password."""

    signed_in: bool
    object_id: str | None
    reason: str


def sign_in_local(
    tenant: Tenant, *, name: str, password: str, entropy: Entropy, now_s: float
) -> SignInResult:
    """A person types a sign-in name and a password."""
    account = find_account(tenant, ("local", name.lower()))
    if account is None:
        return SignInResult(signed_in=False, object_id=None, reason="unknown")
    if not passwords.opens(password, kept=account.password):
        return SignInResult(signed_in=False, object_id=account.id, reason="wrong_password")
    if account.body.get("passwordProfile", {}).get("forceChangePasswordNextSignIn"):
        return SignInResult(signed_in=False, object_id=account.id, reason="must_change_password")
    return enter(tenant, account, entropy=entropy, now_s=now_s)


def sign_in_federated(
    tenant: Tenant, *, issuer: str, issuer_user_id: str, entropy: Entropy, now_s: float
) -> SignInResult:
    """Another identity provider vouches for a person."""
    account = find_account(tenant, federated_key(issuer, issuer_user_id))
    if account is None:
        return SignInResult(signed_in=False, object_id=None, reason="unknown")
    return enter(tenant, account, entropy=entropy, now_s=now_s)


def find_account(tenant: Tenant, key: LookupKey) -> Account | None:
    """The account that a sign-in is shown for this name."""
    found = tenant.sight.found(key, channel="sign_in")
    return found[0] if found else None


def enter(tenant: Tenant, account: Account, *, entropy: Entropy, now_s: float) -> SignInResult:
    """Lets an account in that was proven, unless it is disabled, and notes the time."""
    if not account.body["accountEnabled"]:
        return SignInResult(signed_in=False, object_id=account.id, reason="disabled")
    moment, request_id = stamp(now_s), entropy.guid()
    activity = {
        "lastSignInDateTime": moment,
        "lastSignInRequestId": request_id,
        "lastNonInteractiveSignInDateTime": None,
        "lastNonInteractiveSignInRequestId": None,
        "lastSuccessfulSignInDateTime": moment,
        "lastSuccessfulSignInRequestId": request_id,
    }
    tenant.directory.record_sign_in(account, activity=activity)
    return SignInResult(signed_in=True, object_id=account.id, reason="ok")
