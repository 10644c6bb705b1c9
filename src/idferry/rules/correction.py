"""A mended record laid over the original one: what the correction says counts, what it does not speak of stays.

Pure. The password is the original's, always: it stands beside the legacy user and no correction has one.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from msgspec.structs import replace

from idferry.rules.legacy_user import LegacyUser
from idferry.rules.names import Identity, SignInType

CORRECTIONS_MAX = 100_000
DIGEST_BYTES = 16
LOCAL, FEDERATED = "sign-in names", "federated identities"
SIGN_IN_NAME, USER_NAME, EMAIL_ADDRESS = "signInName", "userName", "emailAddress"
DISPLAY_NAME, EMAIL, LAST_SIGN_IN, ENABLED = "displayName", "email", "lastSignIn", "accountEnabled"
_WITHHELD_AS = MappingProxyType({"otherMails": EMAIL})
_TYPES = MappingProxyType({USER_NAME: SignInType.USER_NAME, EMAIL_ADDRESS: SignInType.EMAIL_ADDRESS})


@dataclass(frozen=True, slots=True)
class Correction:
    """A record as somebody mended it.

    `says` names what the record speaks of, also where it says "nothing": the names of this module, and attributes by
    their names. LOCAL stands for all sign-in names of a person, SIGN_IN_NAME for one of any type, USER_NAME and
    EMAIL_ADDRESS for one of that type.
    """

    user: LegacyUser
    says: frozenset[str]


@dataclass(frozen=True, slots=True)
class Corrected:
    """Whom corrections mend: their keys, and of those who get other identities the digest of the mended record."""

    keys: frozenset[str] = frozenset()
    renamed: Mapping[str, bytes] = field(default_factory=dict)


def sign_in_names_problem(user: LegacyUser, correction: Correction) -> str | None:
    """Why the correction does not say which of the person's sign-in names it mends, or None. It quotes no value."""
    says = correction.says
    if LOCAL in says:
        return None
    types = _types(says)
    found = Counter(one.sign_in_type for one in user.identities if one.is_local)
    judged = found if SIGN_IN_NAME in says else found.keys() & types
    # Each field holds one name; the names beyond those of the typed fields are signInName's.
    beyond = sum(max(found[one] - (one in types), 0) for one in judged)
    if beyond <= (SIGN_IN_NAME in says):
        return None
    return f"speaks of fewer sign-in names than the {found.total()} that the person has"


def is_renamed(user: LegacyUser, mended: LegacyUser) -> bool:
    """Whether the mended record signs in by other names or with other federated identities."""
    return _compared(user) != _compared(mended)


def corrected(user: LegacyUser, correction: Correction) -> LegacyUser:
    """The original record with everything that the correction says; key and place are the original's.

    Only where `sign_in_names_problem` sees none.
    """
    mended, says = correction.user, correction.says
    federated = mended if FEDERATED in says else user
    identities = _local_identities(user, correction)
    identities += [one for one in federated.identities if not one.is_local]
    attributes = {name: value for name, value in user.attributes.items() if name not in says}
    return replace(
        user,
        identities=tuple(identities),
        display_name=mended.display_name if DISPLAY_NAME in says else user.display_name,
        attributes={**attributes, **mended.attributes},
        contact_email=mended.contact_email if EMAIL in says else user.contact_email,
        last_sign_in=mended.last_sign_in if LAST_SIGN_IN in says else user.last_sign_in,
        enabled=mended.enabled if ENABLED in says else user.enabled,
        record_digest=_digest_of_both(user, mended),
        withheld=tuple(one for one in user.withheld if _WITHHELD_AS.get(one, one) not in says),
    )


def _local_identities(user: LegacyUser, correction: Correction) -> list[Identity]:
    """The mended sign-in names, and those of the original that the correction does not speak of."""
    says = correction.says
    types = _types(says)
    if says & {LOCAL, SIGN_IN_NAME}:
        types = frozenset(_TYPES.values())
    said = [one for one in correction.user.identities if one.sign_in_type in types]
    return [*said, *(one for one in user.identities if one.is_local and one.sign_in_type not in types)]


def _types(says: frozenset[str]) -> frozenset[SignInType]:
    return frozenset(of_type for name, of_type in _TYPES.items() if name in says)


def _compared(user: LegacyUser) -> set[tuple[SignInType, str, str]]:
    return {(one.sign_in_type, one.compared, one.issuer) for one in user.identities}


def _digest_of_both(user: LegacyUser, mended: LegacyUser) -> bytes:
    both = user.record_digest + mended.record_digest
    return hashlib.blake2b(both, digest_size=DIGEST_BYTES, person=b"correction").digest()
