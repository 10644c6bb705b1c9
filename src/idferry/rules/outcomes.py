"""What planning decides about a record: codes that scripts depend on. Codes are added, never renamed."""

from enum import StrEnum
from types import MappingProxyType


class LeftOut(StrEnum):
    """The person stays behind by rule."""

    DUPLICATE_SIGN_IN_NAME = "duplicate_sign_in_name"
    DUPLICATE_KEY = "duplicate_key"
    KEY_REUSED = "key_reused"
    WEAK_PASSWORD = "weak_password"
    NO_PASSWORD = "no_password"
    STALE = "stale"
    REMOVED = "removed"
    RECORD_GONE = "record_gone"


class Refused(StrEnum):
    """Storing the person would be wrong, or the directory would refuse it for certain."""

    NO_IDENTITY = "no_identity"
    ATTRIBUTE_TOO_LONG = "attribute_too_long"
    ATTRIBUTE_INVALID = "attribute_invalid"
    SIGN_IN_NAME_INVALID = "sign_in_name_invalid"
    TOO_MANY_IDENTITIES = "too_many_identities"


class RefusedAttribute(StrEnum):
    """The person is created, this attribute is not sent."""

    SENSITIVE = "sensitive"
    ATTRIBUTE_TOO_LONG = "attribute_too_long"


class Note(StrEnum):
    """Something was decided for the operator, who should know."""

    DISPLAY_NAME_BUILT = "display_name_built"
    WEAK_PASSWORD_RANDOM = "weak_password_random"
    WEAK_PASSWORD_KEPT = "weak_password_kept"
    LOOK_ALIKE_SIGN_IN_NAME = "look_alike_sign_in_name"
    NON_ASCII_CONTACT_EMAIL = "non_ascii_contact_email"


MEANINGS = MappingProxyType(
    {
        LeftOut.DUPLICATE_SIGN_IN_NAME: "The sign-in name (or federated identity) belongs to an earlier record; that one is kept.",
        LeftOut.DUPLICATE_KEY: "An earlier record of the same source has the same key; that one is kept.",
        LeftOut.KEY_REUSED: "The key belongs to somebody who has an account under other sign-in names: another person, or the same one renamed.",
        LeftOut.WEAK_PASSWORD: "The password breaks the strong rule and --password known allows no other.",
        LeftOut.NO_PASSWORD: "The source has no password for this local account and --password known was asked for.",
        LeftOut.STALE: "The last sign-in is older than stale_after_days.",
        LeftOut.REMOVED: "The account was removed by `idferry remove`; --again takes the person up.",
        LeftOut.RECORD_GONE: "The record was planned and then disappeared from the source, before the account was created.",
        Refused.NO_IDENTITY: "The record has neither a sign-in name nor a federated identity.",
        Refused.ATTRIBUTE_TOO_LONG: 'A value is longer than the directory takes; too_long = "drop" creates the person without it.',
        Refused.ATTRIBUTE_INVALID: "A value has a type or form that the directory refuses.",
        Refused.SIGN_IN_NAME_INVALID: "The directory takes no such sign-in name.",
        Refused.TOO_MANY_IDENTITIES: "An account holds at most ten identities, one of which is the directory's own.",
        RefusedAttribute.SENSITIVE: "The value looks like a card number, a social security number or a password hash, it repeats the person's own password, or the name says that it is a secret.",
        Note.DISPLAY_NAME_BUILT: "The display name was missing and built from the names, else from the sign-in name.",
        Note.WEAK_PASSWORD_RANDOM: "The password is too weak: a random one and the migration flag are used.",
        Note.WEAK_PASSWORD_KEPT: "The password is weak and is sent with DisableStrongPassword.",
        Note.LOOK_ALIKE_SIGN_IN_NAME: "Another record's sign-in name differs only by accents or letter forms.",
        Note.NON_ASCII_CONTACT_EMAIL: "The contact e-mail holds letters that the directory refuses there: not sent.",
    }
)
"""One sentence per code, for reports and the generated reference page."""
