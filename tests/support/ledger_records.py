"""Planned records for tests of the ledger: short to write, and nothing in them but what the ledger looks at."""

from datetime import UTC, datetime

from idferry.rules.account import AccountDraft, PasswordPlan, legacy_id_of
from idferry.rules.entry import PlanItem
from idferry.rules.legacy_user import LegacyUser, Place
from idferry.rules.names import Identity, SignInType, local_identity
from idferry.rules.outcomes import LeftOut, Refused
from idferry.rules.plan import NotPlanned, Planned

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROJECT = "contoso"
TENANT = "11111111-2222-3333-4444-555555555555"
SHOP = "shop"


def federated(issuer: str, subject: str) -> Identity:
    return Identity(SignInType.FEDERATED, subject, issuer)


def legacy_user(
    key: str, *names: str | Identity, ordinal: int = 0, source: str = SHOP, digest: bytes = b""
) -> LegacyUser:
    return LegacyUser(
        source=source,
        key=key,
        place=Place("people.jsonl", ordinal + 1, ordinal),
        identities=tuple(local_identity(name) if isinstance(name, str) else name for name in names),
        display_name=f"Person {key}",
        record_digest=digest or f"digest of {key}".encode(),
    )


def wanted(
    key: str, *names: str | Identity, ordinal: int = 0, source: str = SHOP, digest: bytes = b""
) -> PlanItem:
    """A record that the rules want to create an account for."""
    user = legacy_user(key, *names, ordinal=ordinal, source=source, digest=digest)
    draft = AccountDraft(
        legacy_id=legacy_id_of(project=PROJECT, source=source, key=key),
        display_name=user.display_name,
        identities=user.identities,
        password_plan=PasswordPlan.RANDOM,
        attributes={"city": "Köln", "otherMails": ("one@example.com", "two@example.com")},
        extensions={"points": 7, "vip": True},
    )
    return PlanItem(user, Planned(draft))


def kept_back(
    key: str,
    *names: str | Identity,
    code: LeftOut | Refused = LeftOut.NO_PASSWORD,
    ordinal: int = 0,
    source: str = SHOP,
) -> PlanItem:
    """A record that the rules leave out or refuse."""
    user = legacy_user(key, *names, ordinal=ordinal, source=source)
    return PlanItem(user, NotPlanned(code, "the rules say so"))


def in_order(*items: PlanItem) -> list[PlanItem]:
    """The same items, each at its place in one source."""
    return [_at_ordinal(item, ordinal) for ordinal, item in enumerate(items)]


def _at_ordinal(item: PlanItem, ordinal: int) -> PlanItem:
    user = item.user
    place = Place(user.place.file, ordinal + 1, ordinal)
    moved = LegacyUser(
        source=user.source,
        key=user.key,
        place=place,
        identities=user.identities,
        display_name=user.display_name,
        record_digest=user.record_digest,
    )
    return PlanItem(moved, item.plan)
