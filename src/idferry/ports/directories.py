"""What flows need of the directory: accounts created, read, changed and taken away, and the tenant looked at."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import msgspec

from idferry.rules.account import Account, AccountChange, AccountDraft
from idferry.rules.answers import ChangeAnswer, CreateAnswer, Holder, Ours
from idferry.rules.password import Password
from idferry.rules.quota import Pace


class CreateOrder(msgspec.Struct, frozen=True, gc=False):
    """One account to create, its password beside it."""

    draft: AccountDraft
    password: Password | None


class AccountWriter(Protocol):
    """Creating accounts. One call is one attempt: the ledger must see every one of them."""

    def create(self, chunk: Sequence[CreateOrder]) -> "Future[Sequence[CreateAnswer]]":
        """Send one chunk (at most 20) once; one answer per order, in order. The future never raises."""
        ...

    def holders(self, drafts: Sequence[tuple[AccountDraft, str | None]]) -> "Future[Sequence[Holder]]":
        """Who holds the sign-in names of these drafts (with the object id Graph named, if it did).

        Waits for the directory to settle before it answers Unseen. The future raises DirectoryError when the
        directory cannot be asked.
        """
        ...

    def ours(self, drafts: Sequence[AccountDraft]) -> "Future[Mapping[str, Ours]]":
        """legacyId -> the account made from its draft: it carries the legacyId and one of the identities.

        A missing one may only be not visible yet.
        """
        ...

    def pace(self) -> Pace:
        """How fast people may be created from now on, and who holds us back."""
        ...

    def withdraw(self) -> None:
        """Create nobody who was not sent yet: these answer Undelivered, now and later."""
        ...


class AccountReader(Protocol):
    """Reading accounts."""

    def by_sign_in_name(self, sign_in_name: str) -> Sequence[Account]:
        """Accounts with this local sign-in name or user principal name (any of several spellings of case)."""
        ...

    def by_display_name(self, display_name: str) -> Sequence[Account]:
        """Accounts with exactly this display name."""
        ...

    def by_id(self, object_id: str) -> Account | None:
        """The account with this object id, or None."""
        ...

    def by_ids(self, object_ids: Sequence[str], value_names: Collection[str]) -> Mapping[str, Account]:
        """Accounts by object id, with values as in `every`; those that are not there are left out."""
        ...

    def every(self, value_names: Collection[str]) -> Iterator[Account]:
        """The whole directory, page by page, with these attributes and extension attributes (short names)."""
        ...


class AccountUpdater(Protocol):
    """Changing accounts that exist. Passwords and identities are no part of it, and nothing enables an account.

    A future answers object id -> "" when it is done, else the code of the error class, or Fatal where everybody would
    be refused; it raises DirectoryError when the directory cannot be asked. Both calls may be repeated: the same twice
    is the same once.
    """

    def update(self, changes: Sequence[AccountChange]) -> "Future[Mapping[str, ChangeAnswer]]":
        """Change accounts, at most 20.

        An account that is not there is waited for until the directory has settled: a new one shows late.
        """
        ...

    def disable(self, object_ids: Sequence[str]) -> "Future[Mapping[str, ChangeAnswer]]":
        """Let nobody sign in to these accounts, at most 20: accountEnabled becomes false, nothing else changes."""
        ...

    def pace(self) -> Pace:
        """How fast accounts may be changed from now on, and who holds us back."""
        ...


class AccountRemover(Protocol):
    """Taking accounts away again."""

    def usage(self, object_ids: Sequence[str]) -> Mapping[str, Account]:
        """The accounts with everything that tells whether somebody uses them; missing ones are left out."""
        ...

    def delete(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Move accounts to the recycle bin: object id -> "" when it is there, else the code of the error class."""
        ...

    def deleted(self, object_ids: Sequence[str]) -> Mapping[str, Account]:
        """Which of these are in the recycle bin."""
        ...

    def purge(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Delete for good, out of the recycle bin; answers like `delete`."""
        ...

    def restore(self, object_ids: Sequence[str]) -> Mapping[str, str]:
        """Take out of the recycle bin; answers like `delete`."""
        ...


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """What pre-flight reads. None: the tenant does not say, or we may not ask.

    `attributes`: short name -> data type of the extension attributes that exist. `permissions`: name of each
    application that sends -> its application roles.
    """

    permissions: Mapping[str, frozenset[str] | None]
    extension_app_id: str
    attributes: Mapping[str, str]
    objects_used: int | None
    objects_max: int | None


class TenantInspector(Protocol):
    """Pre-flight: is the tenant ready for what we are about to do?"""

    def inspect(self) -> TenantFacts:
        """Read permissions, extension app, extension attributes and object quota.

        Raises:
            TokenRefused, Unreachable, Forbidden, TenantNotReady (no extension app).
        """
        ...

    def directory_roles(self) -> Mapping[str, frozenset[str] | None]:
        """The role templates that each application holds, by its name; None where they are not shown to us.

        Raises DirectoryError when the directory cannot be asked.
        """
        ...

    def create_attribute(self, name: str, data_type: str) -> None:
        """Create an extension attribute. Raises Forbidden when the application may not."""
        ...
