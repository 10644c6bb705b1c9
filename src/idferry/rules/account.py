"""The account: as we plan it (a draft), and as the directory shows it.

Neither holds a password. How an account gets one is said by `PasswordPlan`; the password itself travels beside.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from idferry.rules.attributes import AttributeValue
from idferry.rules.names import LEGACY_ID_CHARACTERS_MAX, Identity


class TenantKind(StrEnum):
    """Which directory people move to; the two take different drafts."""

    B2C = "b2c"
    EXTERNAL = "external"


class PasswordPlan(StrEnum):
    """How an account gets its password."""

    KNOWN = "known"
    KNOWN_WEAK = "known_weak"
    """Known, and sent with DisableStrongPassword."""
    RANDOM = "random"
    """A fresh random one, with the migration flag set: the account awaits the person's own."""
    NONE = "none"
    """Federated only: nobody types a password here."""

    @property
    def is_known(self) -> bool:
        """Whether the password comes from the source."""
        return self in (PasswordPlan.KNOWN, PasswordPlan.KNOWN_WEAK)


class AccountDraft(msgspec.Struct, frozen=True, gc=False):
    """An account before it exists. A struct, as `LegacyUser` is and for its reason.

    `attributes` are Graph's own names (`mail` included where the tenant kind wants it), `extensions` short names
    without the migration flag and `legacyId`, which follow from `password_plan` and `legacy_id`.
    """

    legacy_id: str
    display_name: str
    identities: tuple[Identity, ...]
    password_plan: PasswordPlan
    attributes: Mapping[str, AttributeValue] = {}
    extensions: Mapping[str, AttributeValue] = {}
    enabled: bool = True

    @property
    def sets_flag(self) -> bool:
        """Whether the account is created with the migration flag set."""
        return self.password_plan is PasswordPlan.RANDOM

    @property
    def values(self) -> dict[str, AttributeValue]:
        """Everything that `verify` compares: attributes, extension attributes and the display name, by name."""
        return {"displayName": self.display_name, **self.attributes, **self.extensions}


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the directory shows it. None stands for "not set" or "not shown to us".

    `sign_ins_shown` says whether a `last_sign_in_at` of None means "never" or that we are not told, `identities_shown`
    whether empty `identities` mean "none of a kind that we create". `graph` is the JSON object as Graph gave it, for
    people who want to see all of it.
    """

    object_id: str
    identities: tuple[Identity, ...]
    legacy_id: str | None
    flag: bool | None
    enabled: bool | None
    values: Mapping[str, AttributeValue | None]
    created_at: datetime | None = None
    password_changed_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    sign_ins_shown: bool = False
    identities_shown: bool = True
    graph: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What is to change in one account, and nothing else of it.

    `values`: attributes and extension attributes (short names); None clears one. `flag`: None leaves it as it is.
    """

    object_id: str
    values: Mapping[str, AttributeValue | None] = field(default_factory=dict)
    flag: bool | None = None


def legacy_id_of(*, project: str, source: str, key: str) -> str:
    """`<project>:<source>:<key>`, hashed where it would be longer than an extension attribute may be.

    A key that begins with # is hashed as well: it could be written like the hash of another one. Computable from the source alone, so that a new ledger recognises the accounts of a lost one.
    """
    whole = f"{project}:{source}:{key}"
    if len(whole) <= LEGACY_ID_CHARACTERS_MAX and not key.startswith("#"):
        return whole
    readable = f"{project}:{source}:#{hashlib.sha256(key.encode()).hexdigest()}"
    return (
        readable
        if len(readable) <= LEGACY_ID_CHARACTERS_MAX
        else f"#{hashlib.sha256(whole.encode()).hexdigest()}"
    )


def value_digest(value: AttributeValue | None) -> str:
    """A short digest of one value: with it we later tell our own value from the person's, without keeping it twice."""
    if isinstance(value, str):  # nearly all are, and every account has several
        text = f"str:{value}"
    else:
        plain = "\x1f".join(value) if isinstance(value, tuple) else str(value)
        text = f"{type(value).__name__}:{plain}"
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def written_digests(draft: AccountDraft) -> dict[str, str]:
    """Digests of every value the draft writes, by name."""
    return {name: value_digest(value) for name, value in draft.values.items()}
