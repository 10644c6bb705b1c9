"""A person submits a name and a password to an external tenant: what is compared, who is asked, what is stored.

The order is that of https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time: the
stored password first; the extension only when that does not match and the migration flag is up. No HTML here.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from idferry.emulator.clock import Clock, stamp
from idferry.emulator.entropy import Entropy
from idferry.emulator.graph import accounts, passwords
from idferry.emulator.graph.counts import Counts
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.password_submit import texts
from idferry.emulator.password_submit.answers import Action, ActionKind
from idferry.emulator.password_submit.calling import Caller, CallMade
from idferry.emulator.password_submit.codes import Mailbox
from idferry.emulator.password_submit.envelope import Submission
from idferry.emulator.password_submit.failures import Failure
from idferry.emulator.password_submit.lockout import Lockout
from idferry.emulator.password_submit.readiness import Ready, flag_of, listener_for, readiness
from idferry.emulator.password_submit.resets import Resets
from idferry.emulator.password_submit.sign_ups import SignUps
from idferry.emulator.sign_in import enter, find_account
from idferry.emulator.store import Account
from idferry.emulator.tenants import Tenant
from idferry.emulator.tokens import Tokens

REMEMBERED_MAX = 5_000
SIGN_IN = "sign_in"


class Outcome(StrEnum):
    """How one submission ended."""

    OK = "ok"
    UNKNOWN = "unknown"
    WRONG_PASSWORD = "wrong_password"
    LOCKED = "locked"
    DISABLED = "disabled"
    MUST_CHANGE_PASSWORD = "must_change_password"
    MUST_RESET = "must_reset"
    BLOCKED = "blocked"
    ERROR = "error"


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """One submission of a sign-in page; `client_id` None: an application of whichever listener comes first."""

    tenant: Tenant
    client_id: str | None
    user_name: str
    password: str
    client_address: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class SignInEnd:
    """What the person is shown, and what the sign-in log tells.

    Attributes:
        title, text: of the page; empty after a sign-in.
        migrated: the flag was up and is down now.
        failure: what was wrong with the extension.
    """

    outcome: Outcome
    object_id: str | None = None
    title: str = ""
    text: str = ""
    migrated: bool = False
    failure: Failure | None = None
    calls: tuple[CallMade, ...] = field(default=())


class PasswordSubmit:
    """The sign-ins of one emulator's external tenant.

    Attributes:
        resets, sign_ups: self-service password reset and sign-up. mailbox: the letters that both send.
    """

    def __init__(
        self, *, authority: str, clock: Clock, entropy: Entropy, tokens: Tokens, counts: Counts
    ) -> None:
        self._clock = clock
        self._entropy = entropy
        self._counts = counts
        self._caller = Caller(authority=authority, clock=clock, entropy=entropy, tokens=tokens, counts=counts)
        self._lockout = Lockout(entropy=entropy)
        self._log: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_MAX)
        self.mailbox = Mailbox()
        self.resets = Resets(clock=clock, entropy=entropy, lockout=self._lockout, mailbox=self.mailbox)
        self.sign_ups = SignUps(clock=clock, entropy=entropy, mailbox=self.mailbox)

    async def sign_in(self, attempt: Attempt) -> SignInEnd:
        """Carries one submission out."""
        self._counts.arrived(SIGN_IN)
        end = await self._decide(attempt)
        self._counts.ended(SIGN_IN, end.outcome.value)
        self._log.append(
            {
                "at": stamp(self._clock.now_s()),
                "tenant_id": attempt.tenant.tenant_id,
                "sign_in_name": attempt.user_name,
                "correlation_id": attempt.correlation_id,
                "object_id": end.object_id,
                "outcome": end.outcome.value,
                "migrated": end.migrated,
                "error_code": end.failure,
                "calls": end.calls,
            }
        )
        return end

    def log(self, tenant_id: str) -> list[dict[str, Any]]:
        """The sign-ins of this tenant, oldest first; no password stands in it."""
        return [row for row in self._log if row["tenant_id"] == tenant_id]

    def forget(self) -> None:
        """Nobody has signed in or up, failed, or reset a password."""
        self._log.clear()
        self._lockout.clear()
        self.resets.clear()
        self.sign_ups.clear()
        self.mailbox.clear()
        self._caller.forget()

    async def close(self) -> None:
        """Lets go of the connections to extensions."""
        await self._caller.close()

    async def _decide(self, attempt: Attempt) -> SignInEnd:
        tenant = attempt.tenant
        account = find_account(tenant, ("local", attempt.user_name.strip().lower()))
        if account is None:
            return SignInEnd(Outcome.UNKNOWN, text=texts.UNKNOWN)
        if self._lockout.is_locked(account.id, now_s=self._clock.now_s()):
            return SignInEnd(Outcome.LOCKED, account.id, text=texts.LOCKED)
        listener = listener_for(tenant, attempt.client_id)
        if passwords.opens(attempt.password, kept=account.password):
            return self._matched(attempt, account, listener)
        if listener is None or not attempt.password or account.body.get(flag_of(listener)) is not True:
            return self._wrong(attempt, account)
        if not account.body["accountEnabled"]:
            return SignInEnd(Outcome.DISABLED, account.id, text=texts.DISABLED)
        return await self._ask_extension(attempt, account, listener)

    def _matched(self, attempt: Attempt, account: Account, listener: Mapping[str, Any] | None) -> SignInEnd:
        """The stored password was typed: whoever knows it needs no migration any more."""
        tenant = attempt.tenant
        if not account.body["accountEnabled"]:
            return SignInEnd(Outcome.DISABLED, account.id, text=texts.DISABLED)
        migrated = listener is not None and self._lower_flag(tenant, account.id, flag_of(listener))
        if account.body.get("passwordProfile", {}).get("forceChangePasswordNextSignIn"):
            return SignInEnd(
                Outcome.MUST_CHANGE_PASSWORD, account.id, text=texts.RESET_REQUIRED, migrated=migrated
            )
        return self._enter(tenant, account.id, migrated=migrated)

    def _wrong(self, attempt: Attempt, account: Account, calls: tuple[CallMade, ...] = ()) -> SignInEnd:
        options = attempt.tenant.options
        self._lockout.count(
            account.id,
            attempt.password,
            threshold=options.lockout_threshold,
            lock_s=options.lockout_s,
            now_s=self._clock.now_s(),
        )
        return SignInEnd(Outcome.WRONG_PASSWORD, account.id, text=texts.WRONG_PASSWORD, calls=calls)

    async def _ask_extension(
        self, attempt: Attempt, account: Account, listener: Mapping[str, Any]
    ) -> SignInEnd:
        client_id = attempt.client_id or _first_client(listener, attempt.tenant)
        ready = readiness(listener, tenant=attempt.tenant, client_id=client_id)
        if isinstance(ready, Failure):
            return SignInEnd(Outcome.ERROR, account.id, text=texts.FAILED, failure=ready)
        verdict, made = await self._caller.call(self._submission(attempt, account, ready))
        calls = tuple(made)
        if isinstance(verdict, Failure):
            return SignInEnd(Outcome.ERROR, account.id, text=texts.FAILED, failure=verdict, calls=calls)
        end = self._act(verdict, attempt, account, flag=flag_of(listener))
        return replace(end, calls=calls)

    def _submission(self, attempt: Attempt, account: Account, ready: Ready) -> Submission:
        return Submission(
            ready=ready,
            tenant=attempt.tenant,
            account=account.body,
            user_name=attempt.user_name,
            password=attempt.password,
            client_address=attempt.client_address,
            correlation_id=attempt.correlation_id,
            nonce=self._entropy.guid(),
            began_s=self._clock.now_s(),
        )

    def _act(self, action: Action, attempt: Attempt, account: Account, *, flag: str) -> SignInEnd:
        match action.kind:
            case ActionKind.MIGRATE_PASSWORD:
                return self._migrate(attempt, account.id, flag=flag)
            case ActionKind.UPDATE_PASSWORD:
                return SignInEnd(Outcome.MUST_RESET, account.id, text=texts.RESET_REQUIRED)
            case ActionKind.RETRY:
                return self._wrong(attempt, account)
            case ActionKind.BLOCK:
                return SignInEnd(
                    Outcome.BLOCKED,
                    account.id,
                    title=action.title or texts.BLOCKED_TITLE,
                    text=action.message or texts.BLOCKED,
                    failure=Failure.CUSTOM_EXTENSION_BLOCKED,
                )

    def _migrate(self, attempt: Attempt, object_id: str, *, flag: str) -> SignInEnd:
        tenant = attempt.tenant
        # While the extension was asked, the account may have been changed or deleted.
        current = tenant.sight.current(object_id)
        if current is None:
            return SignInEnd(Outcome.UNKNOWN, text=texts.UNKNOWN)
        scene = accounts.Scene(tenant=tenant, entropy=self._entropy, now_s=self._clock.now_s())
        try:
            accounts.migrate_password(current, attempt.password, flag=flag, scene=scene)
        except GraphError:
            return SignInEnd(Outcome.MUST_RESET, object_id, text=texts.RESET_REQUIRED)
        return self._enter(tenant, object_id, migrated=True)

    def _lower_flag(self, tenant: Tenant, object_id: str, flag: str) -> bool:
        current = tenant.sight.current(object_id)
        if current is None or current.body.get(flag) is not True:
            return False
        scene = accounts.Scene(tenant=tenant, entropy=self._entropy, now_s=self._clock.now_s())
        accounts.lower_flag(current, flag, scene=scene)
        return True

    def _enter(self, tenant: Tenant, object_id: str, *, migrated: bool) -> SignInEnd:
        current = tenant.sight.current(object_id)
        if current is None:
            return SignInEnd(Outcome.UNKNOWN, text=texts.UNKNOWN)
        self._lockout.forget(object_id)
        result = enter(tenant, current, entropy=self._entropy, now_s=self._clock.now_s())
        if not result.signed_in:
            return SignInEnd(Outcome.DISABLED, object_id, text=texts.DISABLED, migrated=migrated)
        return SignInEnd(Outcome.OK, object_id, migrated=migrated)


def _first_client(listener: Mapping[str, Any], tenant: Tenant) -> str:
    """An application that the listener is responsible for: the first one it names, else the tenant's first."""
    named = listener["conditions"]["applications"]["includeApplications"]
    return str(named[0]["appId"]) if named else tenant.import_application.client_id
