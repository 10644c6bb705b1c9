"""Names by which a person signs in, and how two of them are compared.

This module decides when two sign-in names are the same one. It must never *change* what is sent: the directory
receives the form that the person types, trimmed.
"""

import re
import unicodedata
from enum import StrEnum

import msgspec

SIGN_IN_NAME_CHARACTERS_MAX = 64  # userName; https://learn.microsoft.com/graph/api/resources/objectidentity
EMAIL_CHARACTERS_MAX = 254
ISSUER_CHARACTERS_MAX = 512
LEGACY_ID_CHARACTERS_MAX = 250
LOOK_ALIKE_NAMES_MAX = 20
"""Names of one look-alike form that are remembered: whoever signs up a thousand must not cost a million looks."""
ASCII_BLANKS = " \t\r\n\f\v"

_DOTLESS_I = "\N{LATIN SMALL LETTER DOTLESS I}"  # neither decomposition nor case folding leads from it to i
_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
# Letters beyond ASCII are let through: no page says that a sign-in address may not hold them, so the directory judges.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\w-]++"  # nothing behind it could begin with what it holds: no way back is kept
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@[\w-]++(?:\.[\w-]++)++\Z")


class SignInType(StrEnum):
    """The kinds of entry in an account's `identities` collection that we create."""

    EMAIL_ADDRESS = "emailAddress"
    USER_NAME = "userName"
    FEDERATED = "federated"


# By names of our own: each look into an enumeration takes 0.05 us, and every person costs ten of them.
_EMAIL_ADDRESS, _FEDERATED = SignInType.EMAIL_ADDRESS, SignInType.FEDERATED


class Identity(msgspec.Struct, frozen=True, gc=False):
    """One entry of an account's `identities` collection. A struct: it is made in a third of a dataclass's time.

    `issuer` is empty for the tenant's own sign-in names: the tenant's domain belongs to the wire, not to the plan.
    """

    sign_in_type: SignInType
    issuer_assigned_id: str
    issuer: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the tenant itself checks the password behind this sign-in name."""
        return self.sign_in_type is not _FEDERATED

    @property
    def compared(self) -> str:
        """The form in which two identities are the same one; it never leaves this machine."""
        if self.sign_in_type is not _FEDERATED:
            return compared_form(self.issuer_assigned_id)
        return f"{self.issuer.lower()}|{self.issuer_assigned_id}"

    @property
    def problem(self) -> str | None:
        """Why the directory would refuse this identity, or None."""
        if self.sign_in_type is _EMAIL_ADDRESS:  # most are
            return email_problem(self.issuer_assigned_id)
        if self.sign_in_type is SignInType.USER_NAME:
            return user_name_problem(self.issuer_assigned_id)
        if not self.issuer or not self.issuer_assigned_id:
            return "the issuer or the id at the issuer is missing"
        if len(self.issuer) > ISSUER_CHARACTERS_MAX:
            return f"the issuer is longer than {ISSUER_CHARACTERS_MAX} characters"
        return None


def local_identity(typed: str, sign_in_type: SignInType | None = None) -> Identity:
    """The identity behind a typed sign-in name: an e-mail address if it holds an @, unless the type is given."""
    trimmed = typed.strip(ASCII_BLANKS)
    guessed = _EMAIL_ADDRESS if "@" in trimmed else SignInType.USER_NAME
    return Identity(sign_in_type or guessed, trimmed)


def compared_form(typed: str) -> str:
    """NFC, ASCII blanks trimmed, lower case. Not case-folded: straße and strasse are two people.

    Composed once more behind the lower case: some letters have a composed form there only (J and a caron, ǰ).
    """
    if typed.isascii():
        return typed.strip(ASCII_BLANKS).lower()
    lowered = unicodedata.normalize("NFC", typed).strip(ASCII_BLANKS).lower()
    return unicodedata.normalize("NFC", lowered)


def look_alike_form(compared: str) -> str:
    """What a reader may take a local sign-in name for: its letters without accents and special forms.

    Takes a compared form and gives one. Names with the same form look alike: straße and strasse, josé and jose,
    fullwidth and plain letters, ı and i; not letters of two scripts (Cyrillic а stays itself). It is for reports
    alone and never decides who is who: compared_form does.
    """
    if compared.isascii():
        return compared
    apart = unicodedata.normalize("NFKD", compared)
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return compared_form(bare.casefold().replace(_DOTLESS_I, "i"))


def email_problem(address: str) -> str | None:
    """Why the directory would refuse this e-mail address as a sign-in name, or None."""
    if len(address) > EMAIL_CHARACTERS_MAX:
        return f"longer than {EMAIL_CHARACTERS_MAX} characters"
    if not _EMAIL.match(address):
        return "not an e-mail address that the directory takes"
    return None


def user_name_problem(name: str) -> str | None:
    """Why the directory would refuse this user name, or None.

    Letters and digits without accents, `-` and `_`, beginning with a letter or digit, at most 64 characters.
    Source: https://learn.microsoft.com/graph/api/resources/objectidentity
    """
    if len(name) > SIGN_IN_NAME_CHARACTERS_MAX:
        return f"longer than {SIGN_IN_NAME_CHARACTERS_MAX} characters"
    if not _USER_NAME.match(name):
        return (
            "only letters and digits without accents, - and _ are taken, and it begins with a letter or digit"
        )
    return None
