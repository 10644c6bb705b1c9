"""Account drafts as the ledger stores them: compact JSON, always the same text for the same draft.

The names in the JSON belong to the ledger, not to `AccountDraft`: renaming a field there must not break a ledger
that was written last year. There is no place for a password here.
"""

from collections.abc import Mapping

import msgspec

from idferry.errors import LedgerError
from idferry.rules.account import AccountDraft, PasswordPlan
from idferry.rules.attributes import AttributeValue
from idferry.rules.names import Identity, SignInType


class _StoredIdentity(msgspec.Struct, array_like=True):
    sign_in_type: SignInType
    issuer_assigned_id: str
    issuer: str = ""


class _StoredDraft(msgspec.Struct, omit_defaults=True):
    legacy_id: str
    display_name: str
    identities: tuple[_StoredIdentity, ...]
    password_plan: PasswordPlan
    attributes: dict[str, AttributeValue] = {}
    extensions: dict[str, AttributeValue] = {}
    enabled: bool = True


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DRAFT = msgspec.json.Decoder(_StoredDraft)
_WRITTEN = msgspec.json.Decoder(dict[str, str])


def draft_to_json(draft: AccountDraft) -> str:
    """The stored form; equal drafts give equal text."""
    stored = _StoredDraft(
        draft.legacy_id,
        draft.display_name,
        tuple(
            _StoredIdentity(one.sign_in_type, one.issuer_assigned_id, one.issuer) for one in draft.identities
        ),
        draft.password_plan,
        dict(draft.attributes),
        dict(draft.extensions),
        draft.enabled,
    )
    return _ENCODER.encode(stored).decode()


def draft_from_json(text: str) -> AccountDraft:
    """The draft behind a stored form. Raises LedgerError when the ledger is damaged."""
    try:
        stored = _DRAFT.decode(text)
    except msgspec.MsgspecError:
        raise LedgerError("a draft in the ledger cannot be read") from None  # its text could quote the draft
    return AccountDraft(
        legacy_id=stored.legacy_id,
        display_name=stored.display_name,
        identities=tuple(
            Identity(one.sign_in_type, one.issuer_assigned_id, one.issuer) for one in stored.identities
        ),
        password_plan=stored.password_plan,
        attributes=stored.attributes,
        extensions=stored.extensions,
        enabled=stored.enabled,
    )


def written_to_json(written: Mapping[str, str]) -> str:
    """Names of written values and their digests as JSON."""
    return _ENCODER.encode(dict(written)).decode()


def written_from_json(text: str) -> dict[str, str]:
    """Names of written values and their digests; empty text means none."""
    return _WRITTEN.decode(text) if text else {}
