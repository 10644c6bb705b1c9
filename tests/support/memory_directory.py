"""A directory in memory: satisfies the same ports as the Graph client, and the same contract tests run over it.

For flow tests that need no HTTP. A `MemoryTenant` is what exists; `.writer`, `.reader`, `.updater`, `.remover` and `.inspector`
are its ports. Faults come from a script with one entry per create order, in the order they arrive; accounts
become visible to readers after `lag`, measured by the clock handed in, while uniqueness counts at once.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tests.support.hand_clock import HandClock
from tests.support.memory_changes import MemoryRemover, MemoryUpdater, done, raising

from idferry.errors import (
    DirectoryError,
    Forbidden,
    QuotaExceeded,
    TenantNotReady,
    Unreachable,
    WeakPassword,
)
from idferry.ports import Clock, CreateOrder, TenantFacts
from idferry.rules.account import Account, AccountDraft
from idferry.rules.answers import (
    CreateAnswer,
    Created,
    Fatal,
    Holder,
    InRecycleBin,
    Ours,
    Postponed,
    Rejected,
    Stranger,
    Taken,
    Unanswered,
    Undelivered,
    Unseen,
)
from idferry.rules.attributes import LEGACY_ID, AttributeValue
from idferry.rules.comparison import made_from
from idferry.rules.names import Identity, compared_form
from idferry.rules.password import Password
from idferry.rules.quota import HeldBy, Pace

DOMAIN = "contoso.onmicrosoft.com"
EXTENSION_APP_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
FLAG = "requiresMigration"


@dataclass(frozen=True, slots=True)
class LostBefore:
    """The answer is lost and nothing was written: a 503, or a connection cut on the way in."""

    reason: str = "HTTP 503"


@dataclass(frozen=True, slots=True)
class LostAfter:
    """The account was written and the answer is lost."""

    reason: str = "the connection was cut"


Fault = LostBefore | LostAfter | Postponed | Undelivered | Rejected | Fatal
"""What the script may say about one create order; None lets it through. `Postponed` sets `held_back_s` aside."""


@dataclass(slots=True)
class Stored:
    """One account and what a reader must not see of it."""

    account: Account
    password: Password | None
    created_s: float
    deleted: bool = False

    @property
    def claims(self) -> set[str]:
        """The unique values that this account holds."""
        return claims_of(self.account.identities, self.account.values)


@dataclass
class MemoryTenant:
    """What exists in the directory, and how it misbehaves.

    `script` is taken one entry per create order; when it ends everything succeeds. `lag` hides new accounts from
    readers, `settle` is how long `holders` waits for them. `deleted_hold_names`: the recycle bin keeps sign-in names.
    `names_the_holder`: a conflict names the other account. `shows_sign_ins`: the tenant has a licence for that. `calls` lists what arrived, for tests that count.
    `refuses_password` says for which orders the password is too weak, before anything is looked at that must be unique.
    `interrupt` is called before every create order and may raise, to imitate a kill.
    """

    clock: Clock = field(default_factory=HandClock)
    script: Iterator[Fault | None] = field(default_factory=lambda: iter(()))
    lag: timedelta = timedelta(0)
    settle: timedelta = timedelta(minutes=2)
    quota: int = 1_000_000
    names_the_holder: bool = True
    deleted_hold_names: bool = False
    shows_sign_ins: bool = True
    may_create_attributes: bool = True
    permissions: frozenset[str] | None = frozenset({"User.ReadWrite.All"})
    directory_roles: frozenset[str] | None = None
    extension_app: bool = True
    attributes: dict[str, str] = field(default_factory=lambda: {LEGACY_ID: "String", FLAG: "Boolean"})
    held_back_s: float = 0.0
    unreachable: bool = False
    stored: dict[str, Stored] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    refuses_password: Callable[[CreateOrder], bool] = lambda order: False
    interrupt: Callable[[AccountDraft], None] = lambda draft: None
    _next_id: int = 1

    def __post_init__(self) -> None:
        self.writer = MemoryWriter(self)
        self.reader = MemoryReader(self)
        self.updater = MemoryUpdater(self)
        self.remover = MemoryRemover(self)
        self.inspector = MemoryInspector(self)

    def plan_faults(self, faults: Iterable[Fault | None]) -> None:
        """Replace the script."""
        self.script = iter(faults)

    def plant(
        self,
        *identities: Identity,
        legacy_id: str | None = None,
        display_name: str = "Somebody Else",
        password: Password | None = None,
        flag: bool | None = None,
        visible: bool = True,
        values: Mapping[str, AttributeValue | None] | None = None,
    ) -> str:
        """Put an account there without any call, such as a stranger's; its object id."""
        return self._store(
            Account(
                object_id=self._fresh_id(),
                identities=identities,
                legacy_id=legacy_id,
                flag=flag,
                enabled=True,
                values={"displayName": display_name, **(values or {})},
            ),
            password,
            age_s=self.lag.total_seconds() if visible else 0.0,
        )

    def change(self, object_id: str, **changes: object) -> None:
        """Replace fields of an account: what a person, a policy or an administrator does."""
        kept = self.stored[object_id]
        kept.account = replace(kept.account, **changes)  # type: ignore[arg-type]

    def person_sets_password(self, object_id: str, password: Password) -> None:
        """A first sign-in that migrates: the password is the person's own and the flag falls."""
        self.stored[object_id].password = password
        self.change(object_id, flag=False, password_changed_at=self.clock.now())

    def opens(self, sign_in_name: str, typed: str) -> bool:
        """Whether this password opens the account with this local sign-in name."""
        for kept in self.live():
            if any(
                one.is_local and one.compared == compared_form(sign_in_name)
                for one in kept.account.identities
            ):
                return kept.password is not None and kept.password.reveal_to(lambda text: text == typed)
        return False

    def live(self) -> list[Stored]:
        """The accounts that are not in the recycle bin, visible or not."""
        return [kept for kept in self.stored.values() if not kept.deleted]

    def accounts(self) -> list[Account]:
        """The accounts that are not in the recycle bin, visible or not: the oracle of a test."""
        return [kept.account for kept in self.live()]

    # From here on: what the ports share.

    def visible(self) -> list[Account]:
        now_s = self.clock.elapsed()
        return [kept.account for kept in self.live() if kept.created_s + self.lag.total_seconds() <= now_s]

    def visible_by_id(self, object_id: str) -> Account | None:
        return next((one for one in self.visible() if one.object_id == object_id), None)

    def check_reachable(self) -> None:
        if self.unreachable:
            raise Unreachable("no connection")

    def create(self, order: CreateOrder) -> CreateAnswer:
        self.interrupt(order.draft)
        self.calls.append(("create", order.draft.legacy_id))
        if self.unreachable:
            return Undelivered("connection refused")
        fault = next(self.script, None)
        match fault:
            case None:
                return self._write(order)
            case LostBefore(reason):
                return Unanswered(reason)
            case LostAfter(reason):
                self._write(order)
                return Unanswered(reason)
            case _:
                return fault

    def _write(self, order: CreateOrder) -> CreateAnswer:
        if len(self.stored) >= self.quota:
            return Fatal(
                QuotaExceeded.code, "the directory object quota limit for the tenant has been exceeded"
            )
        if self.refuses_password(order):
            return Rejected(WeakPassword.code, "the directory refuses the password")
        draft = order.draft
        wanted = claims_of(draft.identities, draft.values)
        for kept in self.stored.values():
            if (not kept.deleted or self.deleted_hold_names) and wanted & kept.claims:
                return Taken("identities", kept.account.object_id if self.names_the_holder else None)
        missing = sorted(set(draft.extensions) - set(self.attributes))
        if missing:
            return Fatal(TenantNotReady.code, f"the extension attributes {', '.join(missing)} do not exist")
        return Created(
            self._store(
                Account(
                    object_id=self._fresh_id(),
                    identities=draft.identities,
                    legacy_id=draft.legacy_id,
                    flag=True if draft.sets_flag else None,
                    enabled=draft.enabled,
                    values=draft.values,
                ),
                order.password,
            )
        )

    def _fresh_id(self) -> str:
        number, self._next_id = self._next_id, self._next_id + 1
        return f"00000000-0000-4000-8000-{number:012x}"

    def _store(self, account: Account, password: Password | None, *, age_s: float = 0.0) -> str:
        now = self.clock.now()
        self.stored[account.object_id] = Stored(
            replace(
                account,
                created_at=account.created_at or now,
                password_changed_at=account.password_changed_at or now,
                graph={"id": account.object_id, "displayName": account.values["displayName"]},
            ),
            password,
            created_s=self.clock.elapsed() - age_s,
        )
        return account.object_id


@dataclass
class MemoryWriter:
    """`ports.AccountWriter`. Every future is done when it is returned."""

    tenant: MemoryTenant

    def create(self, chunk: Sequence[CreateOrder]) -> "Future[Sequence[CreateAnswer]]":
        assert len(chunk) <= 20, "Graph takes at most 20 in one $batch"
        return done([self.tenant.create(order) for order in chunk])

    def holders(self, drafts: Sequence[tuple[AccountDraft, str | None]]) -> "Future[Sequence[Holder]]":
        self.tenant.calls += [("holders", draft.legacy_id) for draft, _ in drafts]
        try:
            return done([self._holder(draft, named) for draft, named in drafts])
        except DirectoryError as failure:
            return raising(failure)

    def ours(self, drafts: Sequence[AccountDraft]) -> "Future[Mapping[str, Ours]]":
        self.tenant.calls += [("ours", draft.legacy_id) for draft in drafts]
        if self.tenant.unreachable:
            return raising(Unreachable("no connection"))
        by_legacy_id = {draft.legacy_id: draft for draft in drafts}
        return done(
            {
                one.legacy_id: Ours(one.object_id, one.flag)
                for one in self.tenant.visible()
                if one.legacy_id in by_legacy_id and made_from(by_legacy_id[one.legacy_id], one)
            }
        )

    def pace(self) -> Pace:
        held_back_s = self.tenant.held_back_s
        return Pace(waiting_s=held_back_s, held_by=HeldBy.TENANT if held_back_s else HeldBy.NOBODY)

    def withdraw(self) -> None:
        """Nothing waits here: every call is answered at once."""

    def _holder(self, draft: AccountDraft, named: str | None) -> Holder:
        self.tenant.check_reachable()
        wanted = claims_of(draft.identities, draft.values)

        def seen() -> Holder | None:
            for account in self.tenant.visible():
                if account.object_id == named or wanted & claims_of(account.identities, account.values):
                    if made_from(draft, account):
                        return Ours(account.object_id, account.flag)
                    return Stranger(account.object_id, account.legacy_id)
            return None

        found = seen()
        if found is None:
            self.tenant.clock.sleep(self.tenant.settle.total_seconds())
            found = seen()
        if found is not None:
            return found
        for kept in self.tenant.stored.values():
            if kept.deleted and (kept.account.object_id == named or wanted & kept.claims):
                return InRecycleBin(kept.account.object_id)
        return Unseen()


@dataclass
class MemoryReader:
    """`ports.AccountReader`."""

    tenant: MemoryTenant

    def by_sign_in_name(self, sign_in_name: str) -> Sequence[Account]:
        self.tenant.check_reachable()
        wanted = compared_form(sign_in_name)
        return [
            account
            for account in self.tenant.visible()
            if any(one.is_local and one.compared == wanted for one in account.identities)
        ]

    def by_display_name(self, display_name: str) -> Sequence[Account]:
        self.tenant.check_reachable()
        return [one for one in self.tenant.visible() if one.values["displayName"] == display_name]

    def by_id(self, object_id: str) -> Account | None:
        self.tenant.check_reachable()
        return self.tenant.visible_by_id(object_id)

    def by_ids(self, object_ids: Sequence[str], value_names: Collection[str]) -> Mapping[str, Account]:
        self.tenant.check_reachable()
        self.tenant.calls += [("by_id", one) for one in object_ids]
        found = {one: self.tenant.visible_by_id(one) for one in object_ids}
        return {one: _with_values(account, value_names) for one, account in found.items() if account}

    def every(self, value_names: Collection[str]) -> Iterator[Account]:
        self.tenant.check_reachable()
        self.tenant.calls.append(("every", ",".join(sorted(value_names))))
        for account in self.tenant.visible():
            yield _with_values(account, value_names)


def _with_values(account: Account, value_names: Collection[str]) -> Account:
    return replace(account, values={one: account.values.get(one) for one in {"displayName", *value_names}})


@dataclass
class MemoryInspector:
    """`ports.TenantInspector`."""

    tenant: MemoryTenant

    def inspect(self) -> TenantFacts:
        self.tenant.check_reachable()
        if not self.tenant.extension_app:
            raise TenantNotReady("the tenant has no b2c-extensions-app")
        return TenantFacts(
            permissions={"import": self.tenant.permissions},
            extension_app_id=EXTENSION_APP_ID,
            attributes=dict(self.tenant.attributes),
            objects_used=len(self.tenant.stored),
            objects_max=self.tenant.quota,
        )

    def directory_roles(self) -> dict[str, frozenset[str] | None]:
        self.tenant.check_reachable()
        return {"import": self.tenant.directory_roles}

    def create_attribute(self, name: str, data_type: str) -> None:
        self.tenant.check_reachable()
        if not self.tenant.may_create_attributes:
            raise Forbidden("insufficient privileges", remedy=f"POST .../extensionProperties name={name}")
        self.tenant.calls.append(("create_attribute", name))
        self.tenant.attributes[name] = data_type


def claims_of(identities: Iterable[Identity], values: Mapping[str, AttributeValue | None]) -> set[str]:
    """What must be unique in the tenant: every identity, and the mail address."""
    mail = values.get("mail")
    claims = {f"identity {one.is_local} {one.compared}" for one in identities}
    return claims | ({f"mail {compared_form(mail)}"} if isinstance(mail, str) and mail else set())
