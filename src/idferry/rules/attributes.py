"""Attributes of an account: which ones Microsoft Graph knows, what it takes, and what must never be stored.

Lengths: https://learn.microsoft.com/graph/api/resources/user and
https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes (extension attributes: the service
limits say 250, the Graph page 256; the smaller one is planned for).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from idferry.rules.outcomes import Refused

AttributeValue = str | bool | int | tuple[str, ...]

EXTENSION_CHARACTERS_MAX = 250
EXTENSIONS_PER_ACCOUNT_MAX = 100
EXTENSIONS_OF_SOURCE_MAX = EXTENSIONS_PER_ACCOUNT_MAX - 2  # the migration flag and legacyId are ours
DISPLAY_NAME_CHARACTERS_MAX = 256
OTHER_MAILS_MAX = 250
SENSITIVE_CHARACTERS_MIN = len("078-05-1120")
CARD_DIGITS_MIN = 13
CARD_DIGITS_MAX = 19
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1

LEGACY_ID = "legacyId"
"""Short name of the extension attribute by which an account says which legacy user it was made from."""
MIGRATION_FLAG = "requiresMigration"
"""Default short name of the migration flag's extension attribute; the settings may name another."""

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
GRAPH_NAMES = ("displayName", "mail", *LENGTHS_MAX)
"""The attributes that we write and read back under Graph's own names; every other name is an extension attribute's."""

RESERVED_NAMES = frozenset(
    {
        "accountEnabled",
        "createdDateTime",
        "creationType",
        "displayName",
        "id",
        "identities",
        "lastPasswordChangeDateTime",
        "mail",
        "passwordPolicies",
        "passwordProfile",
        "signInActivity",
        "userPrincipalName",
        "userType",
    }
)
"""Graph's names that we write or read with a meaning of their own: no attribute of a source has one, in any case."""

RESERVED_REASON = "is a name that Microsoft Graph itself gives to something else: map it to another name"

_RESERVED = frozenset(map(str.lower, RESERVED_NAMES))
_COLLECTIONS = MappingProxyType({"businessPhones": 1, "otherMails": OTHER_MAILS_MAX})
_CHOICES = MappingProxyType(
    {
        "ageGroup": ("Minor", "NotAdult", "Adult"),
        "consentProvidedForMinor": ("Granted", "Denied", "NotRequired"),
    }
)
_PLAIN_TEXTS = frozenset(LENGTHS_MAX) - {*_COLLECTIONS, *_CHOICES, "usageLocation"}
_EXTENSION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")
_USAGE_LOCATION = re.compile(r"[A-Z]{2}\Z")
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,}(?!\d)")
# A password, or what is made of one: some words are seen anywhere in a name, some at the end of a word of it, some as
# a whole word. A secretary, a hashtag and a passport are no secrets.
_SECRET_ANYWHERE = re.compile(
    r"passw(?:or)?[dt]|passphrase|passcode|pwd|kennwort|wachtwoord|motdepasse|contrasena|credential|apikey|privatekey"
)
_SECRET_WORD = re.compile(r".*(?:hash(?:e[ds])?|secrets?|tokens?)|pass|pw|salt|t?otp")
_NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# What hashes a password, as a whole word with its number: legacyMd5, SHA256, old_ntlm. A Shanghai office is none.
_HASH_WORD = re.compile(r"md[45]|sha[0-9]*|ntlm|[bs]?crypt|argon2?|pbkdf2?")
_NUMBERED_NAME_WORDS = re.compile(rf"(?:{_NAME_WORDS.pattern})[0-9]*")
# How password hashes begin: crypt and its successors (https://manpages.debian.org/crypt.5), LDAP's schemes
# (https://www.rfc-editor.org/rfc/rfc2307#section-5.3), Django's and Werkzeug's (`pbkdf2_sha256$`, `scrypt:`),
# ASP.NET Identity's third format: a marker and three numbers before salt and key, all in Base64
# (https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.identity.passwordhasher-1).
_PASSWORD_HASH = re.compile(
    r"\s*(?:\$(?:2[abxy]?|[1567y]|gy|md5|sha1|apr1|argon2[a-z]*|pbkdf2[a-z0-9-]*|b?scrypt|bcrypt[a-z0-9-]*|[PHS])\$"
    r"|\{(?:S?SHA|S?MD5|CRYPT|PBKDF2|ARGON2|B?SCRYPT|BCRYPT|NOOP)[A-Z0-9@_-]*\}"
    r"|(?:pbkdf2|b?crypt|scrypt|argon2|s?sha1|md5)[a-z0-9_]*[$:]|s?sha[0-9]+[a-z0-9_]*[$])",
    re.IGNORECASE,
)
_IDENTITY_MARK = "AQAAAA"
_IDENTITY_HASH = re.compile(
    rf"\s*{_IDENTITY_MARK}[A-Za-z0-9+/]{{54,}}={{0,2}}\s*\Z"
)  # 84 with the usual sizes
_DIGIT_SEPARATOR = re.compile(r"[ -]")
_DIGITS_MIN = 9
_NINE_DIGITS = re.compile(r"\d(?:[ -]?\d){8}")  # no card number and no social security number has fewer
# How card numbers are printed: most, with a long tail, American Express, Diners Club.
_CARD_GROUPS = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4)})
# Area 000, 666 and 9xx, group 00 and serial 0000 were never issued (https://www.ssa.gov/employer/randomization.html).
_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}([ -])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])")


@dataclass(frozen=True, slots=True)
class AttributeProblem:
    """Why one attribute cannot be sent: an outcome of planning and a sentence that quotes no value."""

    code: Refused
    reason: str


def is_reserved(name: str) -> bool:
    """Whether no attribute of a source may have this name: the directory would take it for something else."""
    return name.lower() in _RESERVED


def is_extension(name: str) -> bool:
    """Whether a name is not one of Graph's own: it then becomes an extension attribute of that short name."""
    return name not in LENGTHS_MAX


def takes_list(name: str) -> bool:
    """Whether Graph keeps a list of texts under this name."""
    return name in _COLLECTIONS


@lru_cache(maxsize=4096)
def extension_name_problem(name: str) -> str | None:
    """Why this cannot be the short name of an extension attribute, or None."""
    if is_reserved(name):
        return RESERVED_REASON
    if not _EXTENSION_NAME.match(name):
        return "an extension attribute's name begins with a letter and holds letters, digits and _ only"
    return None


def migration_flag_problem(name: str) -> str | None:
    """Why the migration flag cannot have this short name, or None."""
    if name.lower() == LEGACY_ID.lower() or not is_extension(name):
        return "is a name that has a meaning of its own"
    return extension_name_problem(name)


def extension_type(value: AttributeValue) -> str:
    """The data type Graph must be told when it creates the extension attribute for this value."""
    if isinstance(value, str):  # nearly all are
        return "String"
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer" if -(2**31) <= value < 2**31 else "LargeInteger"
    return "String"


def plain_characters_max(name: str) -> int:
    """How long a text under this name may be where its length alone is judged; -1 where more of it is.

    Only for names that may stand in an account; `attribute_problem` says why a value is refused.
    """
    if is_extension(name):
        return EXTENSION_CHARACTERS_MAX if extension_name_problem(name) is None else -1
    return LENGTHS_MAX[name] if name in _PLAIN_TEXTS else -1


def attribute_problem(name: str, value: AttributeValue) -> AttributeProblem | None:
    """Why the directory would refuse this value, or None. Sensitive values are `is_sensitive`'s business."""
    if is_extension(name):
        return _extension_problem(name, value)
    if name in _PLAIN_TEXTS and isinstance(value, str):
        return _too_long(name, value, LENGTHS_MAX[name])
    if isinstance(value, bool) or not isinstance(value, str | tuple):
        return AttributeProblem(Refused.ATTRIBUTE_INVALID, f"{name} takes text")
    if isinstance(value, tuple) != takes_list(name):
        return AttributeProblem(
            Refused.ATTRIBUTE_INVALID, f"{name} takes {'a list' if takes_list(name) else 'text'}"
        )
    if isinstance(value, tuple) and len(value) > _COLLECTIONS[name]:
        return AttributeProblem(
            Refused.ATTRIBUTE_INVALID, f"{name} takes at most {_COLLECTIONS[name]} values"
        )
    if name in _CHOICES and value not in _CHOICES[name]:
        return AttributeProblem(Refused.ATTRIBUTE_INVALID, f"{name} is one of {', '.join(_CHOICES[name])}")
    if name == "otherMails" and not all(map(str.isascii, value)):
        return AttributeProblem(Refused.ATTRIBUTE_INVALID, "otherMails takes no letters beyond ASCII")
    if name == "usageLocation" and isinstance(value, str) and not _USAGE_LOCATION.match(value):
        return AttributeProblem(
            Refused.ATTRIBUTE_INVALID, "usageLocation is a country code of two capital letters"
        )
    return _too_long(name, value, LENGTHS_MAX[name])


def display_name_problem(display_name: str, *, angle_brackets_refused: bool) -> AttributeProblem | None:
    """Why the directory would refuse this display name, or None."""
    if angle_brackets_refused and ("<" in display_name or ">" in display_name):
        return AttributeProblem(Refused.ATTRIBUTE_INVALID, "displayName must not hold < or >")
    if len(display_name) <= DISPLAY_NAME_CHARACTERS_MAX:
        return None
    return _too_long("displayName", display_name, DISPLAY_NAME_CHARACTERS_MAX)


@lru_cache(maxsize=4096)
def is_sensitive_name(name: str) -> bool:
    """Whether an attribute of this name would hold a password, a hash of one, or another secret."""
    if _SECRET_ANYWHERE.search(name.replace("_", "").lower()):
        return True
    if any(_SECRET_WORD.fullmatch(word.lower()) for word in _NAME_WORDS.findall(name)):
        return True
    return any(_HASH_WORD.fullmatch(word.lower()) for word in _NUMBERED_NAME_WORDS.findall(name))


def is_sensitive(value: AttributeValue) -> bool:
    """Whether the value holds a card number (Luhn's check digit holds) or a social security number, or is a password hash."""
    if isinstance(value, str):
        # Most names and towns have letters only.
        return not value.isalpha() and _is_sensitive_text(value)
    if isinstance(value, bool):
        return False
    # A number of 13 digits and more in a column of its own could be a card number; it is judged as text.
    return any(map(_is_sensitive_text, value if isinstance(value, tuple) else (str(value),)))


def is_password_hash(text: str) -> bool:
    """Whether a text begins as password hashes do: nobody types it, so it must not become somebody's password."""
    # One of the three stands in all of them, and in few other texts: looking for it first costs a third.
    if ("$" in text or ":" in text or "}" in text) and _PASSWORD_HASH.match(text):
        return True
    return _IDENTITY_MARK in text and _IDENTITY_HASH.match(text) is not None


def _is_sensitive_text(text: str) -> bool:
    if is_password_hash(text):
        return True
    if len(text) < SENSITIVE_CHARACTERS_MIN or _has_few_digits(text) or not _NINE_DIGITS.search(text):
        return False
    return any(_holds_card_number(match.group()) for match in _DIGITS.finditer(text)) or bool(
        _SSN.search(text)
    )


def _has_few_digits(text: str) -> bool:
    """Whether there are too few digits for any of it, wherever they stand; counting them takes half of the search."""
    if not text.isascii():  # it may hold digits of other scripts
        return False
    plain = text.encode()
    return len(plain) - len(plain.translate(None, b"0123456789")) < _DIGITS_MIN


def _holds_card_number(written: str) -> bool:
    """Whether a run of digits, blanks and hyphens is a card number, or holds one beside an expiry date or the like."""
    groups = _DIGIT_SEPARATOR.split(written)
    if _passes_luhn("".join(groups)):
        return True
    return any(
        _passes_luhn("".join(groups[first:behind]))
        for first in range(len(groups))
        for behind in range(first + 1, min(first + 5, len(groups)) + 1)
        if behind == first + 1 or tuple(map(len, groups[first:behind])) in _CARD_GROUPS
    )


def _passes_luhn(written: str) -> bool:
    if not CARD_DIGITS_MIN <= len(written) <= CARD_DIGITS_MAX or len(set(written)) == 1:
        return False
    digits = [int(character) for character in written]
    doubled = (digit * 2 for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(digit - 9 if digit > 9 else digit for digit in doubled)) % 10 == 0


def _extension_problem(name: str, value: AttributeValue) -> AttributeProblem | None:
    problem = extension_name_problem(name)
    if problem:
        return AttributeProblem(Refused.ATTRIBUTE_INVALID, problem)
    if isinstance(value, tuple):
        return AttributeProblem(
            Refused.ATTRIBUTE_INVALID, f"{name} is an extension attribute and takes no list"
        )
    if isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
        return AttributeProblem(Refused.ATTRIBUTE_INVALID, f"{name} is a number of more than 64 bits")
    return _too_long(name, value, EXTENSION_CHARACTERS_MAX)


def _too_long(name: str, value: AttributeValue, characters_max: int) -> AttributeProblem | None:
    texts = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
    for text in texts:
        if len(text) > characters_max:
            return AttributeProblem(
                Refused.ATTRIBUTE_TOO_LONG, f"{name} is longer than {characters_max} characters"
            )
    return None
