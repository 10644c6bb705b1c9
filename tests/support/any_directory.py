"""One face for every directory that the contract tests run over: in memory, and the Graph client on an emulator.

A test speaks about people and accidents; how an accident is brought about is each directory's own business.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.hand_clock import HandClock
from tests.support.memory_directory import LostAfter, LostBefore, MemoryTenant

from idferry.graph.address import Address
from idferry.graph.credentials import ClientSecret
from idferry.graph.directory import Directory, DirectoryLimits, Registration, open_directory
from idferry.graph.machine import Machine
from idferry.ports import (
    AccountReader,
    AccountRemover,
    AccountUpdater,
    AccountWriter,
    CreateOrder,
    TenantInspector,
)
from idferry.rules.account import AccountDraft, PasswordPlan, TenantKind
from idferry.rules.answers import CreateAnswer, Created, Postponed
from idferry.rules.attributes import AttributeValue
from idferry.rules.names import Identity, SignInType, local_identity
from idferry.rules.password import Password

FLAG = "requiresMigration"
KNOWN = "Correct-Horse-1"


class AnyDirectory(ABC):
    """The ports of one directory, and what a test may do behind their back."""

    kind: TenantKind
    clock: HandClock
    writer: AccountWriter
    reader: AccountReader
    updater: AccountUpdater
    remover: AccountRemover
    inspector: TenantInspector

    @abstractmethod
    def declare(self, name: str, data_type: str) -> None:
        """Let an extension attribute exist."""

    @abstractmethod
    def plant(
        self,
        *identities: Identity,
        legacy_id: str | None = None,
        display_name: str = "Somebody",
        mail: str = "",
    ) -> str:
        """An account that is there without any call of ours."""

    @abstractmethod
    def lose_the_next_answer(self, *, written: bool) -> None:
        """The next create call gets no answer; its accounts are written or not."""

    @abstractmethod
    def postpone_the_next_call(self) -> None:
        """The next create call is throttled."""

    @abstractmethod
    def set_lag(self, seconds: float) -> None:
        """Changes from now on show to readers this much later."""

    @abstractmethod
    def set_quota(self, objects: int) -> None:
        """The directory holds so many objects and no more."""

    @abstractmethod
    def keep_names_of_deleted(self) -> None:
        """Accounts in the recycle bin keep their sign-in names."""

    @abstractmethod
    def hide_the_holder(self) -> None:
        """A conflict does not name the other account."""

    @abstractmethod
    def forbid_attributes(self) -> None:
        """The application may not declare extension attributes."""

    @abstractmethod
    def opens(self, sign_in_name: str, password: str) -> bool:
        """Whether this password opens the account with this sign-in name."""

    @abstractmethod
    def account_count(self) -> int:
        """How many live accounts there really are."""

    def draft(
        self,
        key: str,
        *sign_in: str | Identity,
        plan: PasswordPlan = PasswordPlan.KNOWN,
        display_name: str = "",
        attributes: Mapping[str, AttributeValue] | None = None,
        extensions: Mapping[str, AttributeValue] | None = None,
        enabled: bool = True,
    ) -> AccountDraft:
        """A draft as planning makes it for this kind of tenant; its legacyId is `p:s:<key>`."""
        identities = tuple(local_identity(one) if isinstance(one, str) else one for one in sign_in)
        address = next(
            (one.issuer_assigned_id for one in identities if one.sign_in_type is SignInType.EMAIL_ADDRESS), ""
        )
        mail = {"mail": address} if self.kind is TenantKind.EXTERNAL and address else {}
        return AccountDraft(
            legacy_id=f"p:s:{key}",
            display_name=display_name or f"Person {key}",
            identities=identities,
            password_plan=plan,
            attributes={**mail, **(attributes or {})},
            extensions=extensions or {},
            enabled=enabled,
        )

    def create(self, *drafts: AccountDraft, password: str = KNOWN) -> list[CreateAnswer]:
        """One chunk, awaited."""
        orders = [
            CreateOrder(one, None if one.password_plan is PasswordPlan.NONE else Password(password))
            for one in drafts
        ]
        return list(self.writer.create(orders).result(60))

    def hand_over(self, drafts: Sequence[AccountDraft]) -> list[str]:
        """Create any number of accounts that are expected to go through; their object ids."""
        answers = [
            answer
            for start in range(0, len(drafts), 20)
            for answer in self.create(*drafts[start : start + 20])
        ]
        assert all(isinstance(answer, Created) for answer in answers), answers
        return [answer.object_id for answer in answers if isinstance(answer, Created)]


class MemoryDirectory(AnyDirectory):
    """The in-memory implementation."""

    def __init__(self, kind: TenantKind = TenantKind.EXTERNAL) -> None:
        self.kind = kind
        self.clock = HandClock()
        self.tenant = MemoryTenant(clock=self.clock)
        self.writer = self.tenant.writer
        self.reader = self.tenant.reader
        self.updater = self.tenant.updater
        self.remover = self.tenant.remover
        self.inspector = self.tenant.inspector

    def declare(self, name: str, data_type: str) -> None:
        self.tenant.attributes[name] = data_type

    def plant(
        self,
        *identities: Identity,
        legacy_id: str | None = None,
        display_name: str = "Somebody",
        mail: str = "",
    ) -> str:
        return self.tenant.plant(
            *identities,
            legacy_id=legacy_id,
            display_name=display_name,
            values={"mail": mail} if mail else None,
        )

    def lose_the_next_answer(self, *, written: bool) -> None:
        self.tenant.plan_faults([LostAfter() if written else LostBefore()])

    def postpone_the_next_call(self) -> None:
        self.tenant.plan_faults([Postponed()])
        self.tenant.held_back_s = 7.0

    def set_lag(self, seconds: float) -> None:
        self.tenant.lag = timedelta(seconds=seconds)

    def set_quota(self, objects: int) -> None:
        self.tenant.quota = objects

    def keep_names_of_deleted(self) -> None:
        self.tenant.deleted_hold_names = True

    def hide_the_holder(self) -> None:
        self.tenant.names_the_holder = False

    def forbid_attributes(self) -> None:
        self.tenant.may_create_attributes = False

    def opens(self, sign_in_name: str, password: str) -> bool:
        return self.tenant.opens(sign_in_name, password)

    def account_count(self) -> int:
        return len(self.tenant.live())


class EmulatorsClock(HandClock):
    """Sleeping moves the emulator's time on as well, so that nobody ever really waits."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator

    def sleep(self, seconds: float, *, unless: Future[None] | None = None) -> None:
        super().sleep(seconds)
        self._emulator.advance(seconds)


class EmulatedDirectory(AnyDirectory):
    """The Graph client over HTTPS on one tenant of the emulator."""

    def __init__(self, emulator: Emulator, kind: TenantKind) -> None:
        self.kind = kind
        self.emulator = emulator
        self.tenant: EmulatedTenant = emulator.tenant(kind)
        self.clock = EmulatorsClock(emulator)
        self.directory = self.connect()
        self.writer = self.directory.writer
        self.reader = self.directory.reader
        self.updater = self.directory.updater
        self.remover = self.directory.remover
        self.inspector = self.directory.inspector
        self.declare("legacyId", "String")
        self.declare(FLAG, "Boolean")

    def connect(self, **changes: Any) -> Directory:
        """Another client: `client_id`, `credential`, `settle`, or any field of Address replaced."""
        tenant = self.tenant
        where: dict[str, Any] = {
            "tenant_id": tenant.tenant_id,
            "domain": tenant.domain,
            "authority": tenant.authority,
            "graph_url": tenant.graph_https,
            "flag": FLAG,
            "ca_file": tenant.ca_file,
            "local": True,
        }
        client_id = changes.pop("client_id", tenant.client_id)
        credential = changes.pop("credential", ClientSecret(tenant.client_secret))
        limits = DirectoryLimits(
            connections=2,
            settle=changes.pop("settle", timedelta(minutes=2)),
            timeout=changes.pop("timeout", timedelta(seconds=60)),
        )
        return open_directory(
            address=Address(**(where | changes)),
            applications=[Registration("import", client_id, credential)],
            machine=Machine(self.clock),
            limits=limits,
        )

    def close(self) -> None:
        self.directory.close()

    def set_same_time(self) -> None:
        """Set the emulator to the time of the hand clock, where moments are compared."""
        now_s = float(self.emulator.get("clock")["epoch_s"])
        self.emulator.advance(self.clock.now().timestamp() - now_s)

    def declare(self, name: str, data_type: str) -> None:
        self.inspector.create_attribute(name, data_type)

    def plant(
        self,
        *identities: Identity,
        legacy_id: str | None = None,
        display_name: str = "Somebody",
        mail: str = "",
    ) -> str:
        written = [
            {
                "signInType": one.sign_in_type,
                "issuer": self.tenant.domain if one.is_local else one.issuer,
                "issuerAssignedId": one.issuer_assigned_id,
            }
            for one in identities
        ]
        body: dict[str, Any] = {
            **self.tenant.local_account("x", displayName=display_name),
            "identities": written,
        }
        if legacy_id is not None:
            body[self.tenant.extension("legacyId")] = legacy_id
        if mail:
            body["mail"] = mail
        return self.emulator.seed(self.tenant, [body])[0]

    def lose_the_next_answer(self, *, written: bool) -> None:
        kind = "cut_after" if written else "cut_before"
        self.emulator.faults({"operation": "batch", "kind": kind, "count": 1})

    def postpone_the_next_call(self) -> None:
        self.emulator.faults(
            {"operation": "users.create", "kind": "status", "status": 429, "retry_after": "7", "count": 1}
        )

    def set_lag(self, seconds: float) -> None:
        self.emulator.lag(get_s=(seconds, seconds), filter_s=(seconds, seconds))

    def set_quota(self, objects: int) -> None:
        self.emulator.options(self.tenant, object_quota=objects)

    def keep_names_of_deleted(self) -> None:
        self.emulator.options(self.tenant, deleted_holds_identities=True)

    def hide_the_holder(self) -> None:
        self.emulator.options(self.tenant, conflict_details=False)

    def forbid_attributes(self) -> None:
        self.emulator.application(
            self.tenant, client_id=self.tenant.client_id, roles=["User.ReadWrite.All", "Application.Read.All"]
        )
        self.emulator.expire_tokens()

    def opens(self, sign_in_name: str, password: str) -> bool:
        return bool(self.emulator.sign_in(self.tenant, sign_in_name, password)["signed_in"])

    def account_count(self) -> int:
        return len(self.emulator.dump(self.tenant))


def local_draft(directory: AnyDirectory, key: str) -> AccountDraft:
    """Somebody with a sign-in name of their own."""
    return directory.draft(key, f"{key}@example.com")
