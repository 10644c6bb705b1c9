"""The claims from which a B2C policy makes an account (mode C): one document for sign-in and for reset.

The names are those that the policy's AAD Write persists, so that its profile lists them once. No password is among them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from idferry.rules.account import AccountDraft
from idferry.rules.attributes import LEGACY_ID
from idferry.rules.names import SignInType

EXTENSION = "extension_"
"""How a policy writes the prefix of an extension attribute: without the application's id."""


class NewcomerClaims(msgspec.Struct, frozen=True):
    """What every such answer holds, unless there is nobody to come and `createRequired` stands alone and false; attributes and extension attributes of the person stand beside it by their names.

    `signInEmailAddress` and `signInUserName` are the person's sign-in names as the source spells them: those that there
    are. What other providers call the person comes in pairs: `federatedIssuer` and `federatedIssuerUserId`, the next ones
    with a number behind, from 2 on. The migration flag is among the extension attributes, false.
    """

    createRequired: bool  # noqa: N815  a name of the wire
    tokenSuccess: bool | msgspec.UnsetType = msgspec.UNSET  # noqa: N815  a name of the wire
    migrationRequired: bool | msgspec.UnsetType = msgspec.UNSET  # noqa: N815  a name of the wire
    displayName: str | msgspec.UnsetType = msgspec.UNSET  # noqa: N815  a name of the wire
    accountEnabled: bool | msgspec.UnsetType = msgspec.UNSET  # noqa: N815  a name of the wire


_NAMES: Mapping[SignInType, str] = MappingProxyType(
    {SignInType.EMAIL_ADDRESS: "signInEmailAddress", SignInType.USER_NAME: "signInUserName"}
)
_encode = msgspec.json.Encoder().encode


def newcomer_body(draft: AccountDraft, flag: str) -> bytes:
    """The encoded claims for this account; `flag` is the short name of the migration flag."""
    return _encode(newcomer_claims(draft, flag))


def newcomer_claims(draft: AccountDraft, flag: str) -> dict[str, Any]:
    """Claim name -> value."""
    fixed = NewcomerClaims(
        createRequired=True,
        tokenSuccess=True,
        migrationRequired=False,
        displayName=draft.display_name,
        accountEnabled=draft.enabled,
    )
    # Reversed, so that of several addresses the first one stays.
    names = {
        _NAMES[one.sign_in_type]: one.issuer_assigned_id for one in reversed(draft.identities) if one.is_local
    }
    federated = [one for one in draft.identities if not one.is_local]
    for number, one in enumerate(federated, 1):
        # A policy makes an alternativeSecurityId of the two, and its transformations know no lists of pairs.
        names |= {
            _numbered("federatedIssuer", number): one.issuer,
            _numbered("federatedIssuerUserId", number): one.issuer_assigned_id,
        }
    extensions = {f"{EXTENSION}{name}": value for name, value in draft.extensions.items()}
    return {
        **draft.attributes,
        **extensions,
        f"{EXTENSION}{LEGACY_ID}": draft.legacy_id,
        f"{EXTENSION}{flag}": False,
        **names,
        **msgspec.to_builtins(fixed),
    }


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}{number}"
