"""A mended record laid over the original one: what the correction says counts, what it does not speak of stays.

Pure. The password is the original's, always: it stands beside the legacy user and no correction has one.
"""

import hashlib
from dataclasses import dataclass

from msgspec.structs import replace

from idferry.rules.legacy_user import LegacyUser

CORRECTIONS_MAX = 100_000
DIGEST_BYTES = 16
LOCAL, FEDERATED = "sign-in names", "federated identities"
DISPLAY_NAME, EMAIL, LAST_SIGN_IN, ENABLED = "displayName", "email", "lastSignIn", "accountEnabled"


@dataclass(frozen=True, slots=True)
class Correction:
    """A record as somebody mended it.

    `says` names what the record speaks of, also where it says "nothing": the names of this module, and attributes by
    their names.
    """

    user: LegacyUser
    says: frozenset[str]


def corrected(user: LegacyUser, correction: Correction) -> LegacyUser:
    """The original record with everything that the correction says; key and place are the original's."""
    mended, says = correction.user, correction.says
    local = mended if LOCAL in says else user
    federated = mended if FEDERATED in says else user
    identities = [one for one in local.identities if one.is_local]
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
    )


def _digest_of_both(user: LegacyUser, mended: LegacyUser) -> bytes:
    both = user.record_digest + mended.record_digest
    return hashlib.blake2b(both, digest_size=DIGEST_BYTES, person=b"correction").digest()
