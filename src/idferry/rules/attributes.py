"""Attributes of an account: which ones Microsoft Graph knows, what it takes, and what must never be stored.

Lengths: https://learn.microsoft.com/graph/api/resources/user and
https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes (extension attributes: the service
limits say 250, the Graph page 256; the smaller one is planned for).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

AttributeValue = str | bool | int | tuple[str, ...]

EXTENSION_CHARACTERS_MAX = 250
EXTENSIONS_PER_ACCOUNT_MAX = 100
DISPLAY_NAME_CHARACTERS_MAX = 256
OTHER_MAILS_MAX = 250
CARD_DIGITS_MIN = 13
CARD_DIGITS_MAX = 19

LEGACY_ID = "legacyId"
"""Short name of the extension attribute by which an account says which legacy user it was made from."""

# Attributes that a source may fill. Identities, password, flag, legacyId and accountEnabled have rules of their own.
LENGTHS_MAX: Mapping[str, int] = MappingProxyType(
    {
        "givenName": 64,
        "surname": 64,
        "jobTitle": 128,
        "companyName": 64,
        "department": 64,
        "city": 128,
        "state": 128,
        "country": 128,
        "streetAddress": 1024,
        "postalCode": 40,
        "mobilePhone": 64,
        "officeLocation": 128,
        "employeeId": 16,
        "preferredLanguage": 64,
        "usageLocation": 2,
        "ageGroup": 10,
        "consentProvidedForMinor": 12,
        "businessPhones": 64,
        "otherMails": 250,
    }
)
_COLLECTIONS = MappingProxyType({"businessPhones": 1, "otherMails": OTHER_MAILS_MAX})
_CHOICES = MappingProxyType(
    {
        "ageGroup": ("Minor", "NotAdult", "Adult"),
        "consentProvidedForMinor": ("Granted", "Denied", "NotRequired"),
    }
)
_EXTENSION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")
_USAGE_LOCATION = re.compile(r"[A-Z]{2}\Z")
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
# Area 000, 666 and 9xx, group 00 and serial 0000 were never issued (https://www.ssa.gov/employer/randomization.html).
_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}([ -])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])")


@dataclass(frozen=True, slots=True)
class AttributeProblem:
    """Why one attribute cannot be sent: an outcome code of planning and a sentence that quotes no value."""

    code: str
    reason: str


def is_extension(name: str) -> bool:
    """Whether a name is not one of Graph's own: it then becomes an extension attribute of that short name."""
    return name not in LENGTHS_MAX


def takes_list(name: str) -> bool:
    """Whether Graph keeps a list of texts under this name."""
    return name in _COLLECTIONS


def extension_name_problem(name: str) -> str | None:
    """Why this cannot be the short name of an extension attribute, or None."""
    if not _EXTENSION_NAME.match(name):
        return "an extension attribute's name begins with a letter and holds letters, digits and _ only"
    return None


def extension_type(value: AttributeValue) -> str:
    """The data type Graph must be told when it creates the extension attribute for this value."""
    match value:
        case bool():
            return "Boolean"
        case int():
            return "Integer" if -(2**31) <= value < 2**31 else "LargeInteger"
        case _:
            return "String"


def attribute_problem(name: str, value: AttributeValue) -> AttributeProblem | None:
    """Why the directory would refuse this value, or None. Sensitive values are `sensitive_kind`'s business."""
    if is_extension(name):
        return _too_long(name, value, EXTENSION_CHARACTERS_MAX)
    if isinstance(value, bool) or not isinstance(value, str | tuple):
        return AttributeProblem("attribute_invalid", f"{name} takes text")
    if isinstance(value, tuple) != takes_list(name):
        return AttributeProblem(
            "attribute_invalid", f"{name} takes {'a list' if takes_list(name) else 'text'}"
        )
    if isinstance(value, tuple) and len(value) > _COLLECTIONS[name]:
        return AttributeProblem("attribute_invalid", f"{name} takes at most {_COLLECTIONS[name]} values")
    if name in _CHOICES and value not in _CHOICES[name]:
        return AttributeProblem("attribute_invalid", f"{name} is one of {', '.join(_CHOICES[name])}")
    if name == "usageLocation" and isinstance(value, str) and not _USAGE_LOCATION.match(value):
        return AttributeProblem("attribute_invalid", "usageLocation is a country code of two capital letters")
    return _too_long(name, value, LENGTHS_MAX[name])


def display_name_problem(display_name: str, *, angle_brackets_refused: bool) -> AttributeProblem | None:
    """Why the directory would refuse this display name, or None."""
    if angle_brackets_refused and ("<" in display_name or ">" in display_name):
        return AttributeProblem("attribute_invalid", "displayName must not hold < or >")
    return _too_long("displayName", display_name, DISPLAY_NAME_CHARACTERS_MAX)


def sensitive_kind(value: AttributeValue) -> str | None:
    """`card_number` (Luhn's check digit holds) or `ssn` when the value holds one, else None."""
    if isinstance(value, bool | int):
        # A number of 13 digits and more in a column of its own could be a card number; it is judged as text.
        return sensitive_kind(str(value)) if not isinstance(value, bool) else None
    for text in (value,) if isinstance(value, str) else value:
        if len(text) < len("078051120"):
            continue
        if any(_passes_luhn(match.group()) for match in _CARD.finditer(text)):
            return "card_number"
        if _SSN.search(text):
            return "ssn"
    return None


def _passes_luhn(written: str) -> bool:
    digits = [int(character) for character in written if character.isdigit()]
    if not CARD_DIGITS_MIN <= len(digits) <= CARD_DIGITS_MAX or len(set(digits)) == 1:
        return False
    doubled = (digit * 2 for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(digit - 9 if digit > 9 else digit for digit in doubled)) % 10 == 0


def _too_long(name: str, value: AttributeValue, characters_max: int) -> AttributeProblem | None:
    texts = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
    if any(len(text) > characters_max for text in texts):
        return AttributeProblem("attribute_too_long", f"{name} is longer than {characters_max} characters")
    return None
