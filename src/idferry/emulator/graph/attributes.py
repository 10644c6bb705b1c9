"""The attributes of a user: which exist, of what type, how long, who may set them.

Names and types follow Graph's entity model; limits follow
https://learn.microsoft.com/graph/api/resources/user and
https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes.
Values are checked here one by one; rules over several attributes stand in `accounts`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from idferry.emulator.graph.errors import GraphError, bad_request, denied, invalid_property, schema_mismatch
from idferry.emulator.tenants import ExtensionProperty, Tenant

Type = Literal["string", "boolean", "strings", "moment", "identities", "object", "objects"]

DEFAULT_SELECTION = (
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
)
# Kept in a mailbox or profile service, not in the directory: refused in a list, and not imitated elsewhere.
OUTSIDE_THE_DIRECTORY = frozenset(
    [
        "aboutMe",
        "birthday",
        "hireDate",
        "interests",
        "mailboxSettings",
        "mySite",
        "pastProjects",
        "preferredName",
        "print",
        "responsibilities",
        "schools",
        "skills",
    ]
)
# https://learn.microsoft.com/graph/api/user-update: these need a signed-in user.
NOT_FOR_APPLICATIONS = OUTSIDE_THE_DIRECTORY | {"employeeHireDate"}
NOT_SETTABLE_IN_B2C = frozenset({"faxNumber"})

MAIL_LENGTH_MAX = 254
EXTENSION_STRING_MAX = 256
EXTENSION_BINARY_MAX = 256
EXTENSION_VALUES_MAX = 100
OTHER_MAILS_MAX = 250
EMAIL = re.compile(r'(?:[^\s@"]+|"[^"\r\n]+")@[^\s@.]+(?:\.[^\s@.]+)+')
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_MAIL_NICKNAME = re.compile(r"[^\s@]{1,64}")


@dataclass(frozen=True)
class Attribute:
    """One property of a user: its type, its longest value in characters, and what is fixed about it."""

    type: Type
    longest: int = 0  # 0: no limit of its own
    settable: bool = False
    nullable: bool = True
    allowed: frozenset[str] | None = None


def _text(longest: int, **rules: Any) -> Attribute:
    return Attribute("string", longest, settable=True, **rules)


ATTRIBUTES: Mapping[str, Attribute] = {
    "accountEnabled": Attribute("boolean", settable=True, nullable=False),
    "ageGroup": _text(32, allowed=frozenset({"Minor", "NotAdult", "Adult"})),
    "assignedLicenses": Attribute("objects"),
    "assignedPlans": Attribute("objects"),
    "businessPhones": Attribute("strings", 64, settable=True),
    "city": _text(128),
    "companyName": _text(64),
    "consentProvidedForMinor": _text(32, allowed=frozenset({"Granted", "Denied", "NotRequired"})),
    "country": _text(128),
    "createdDateTime": Attribute("moment"),
    "creationType": Attribute("string"),
    "deletedDateTime": Attribute("moment"),
    "department": _text(64),
    "displayName": _text(256, nullable=False),
    "employeeId": _text(16),
    "employeeLeaveDateTime": Attribute("moment"),
    "employeeType": _text(64),
    "externalUserState": Attribute("string"),
    "externalUserStateChangeDateTime": Attribute("moment"),
    "faxNumber": _text(64),
    "givenName": _text(64),
    "id": Attribute("string"),
    "identities": Attribute("identities", settable=True, nullable=False),
    "imAddresses": Attribute("strings"),
    "isResourceAccount": Attribute("boolean"),
    "jobTitle": _text(128),
    "lastPasswordChangeDateTime": Attribute("moment"),
    "legalAgeGroupClassification": Attribute("string"),
    "mail": _text(MAIL_LENGTH_MAX, nullable=False),
    "mailNickname": _text(64),
    "mobilePhone": _text(64),
    "officeLocation": _text(128),
    "onPremisesImmutableId": Attribute("string"),
    "onPremisesSyncEnabled": Attribute("boolean"),
    "otherMails": Attribute("strings", 250, settable=True),
    "passwordPolicies": _text(256),
    "passwordProfile": Attribute("object", settable=True),
    "postalCode": _text(40),
    "preferredLanguage": _text(64),
    "provisionedPlans": Attribute("objects"),
    "proxyAddresses": Attribute("strings"),
    "securityIdentifier": Attribute("string"),
    "showInAddressList": Attribute("boolean", settable=True),
    "signInActivity": Attribute("object"),
    "signInSessionsValidFromDateTime": Attribute("moment"),
    "state": _text(128),
    "streetAddress": _text(1024),
    "surname": _text(64),
    "usageLocation": _text(2, nullable=False),
    "userPrincipalName": _text(113, nullable=False),
    "userType": _text(32, allowed=frozenset({"Member", "Guest"})),
}
EMPTY_COLLECTIONS = frozenset(
    name for name, attribute in ATTRIBUTES.items() if attribute.type in ("strings", "objects", "identities")
)


def check(name: str, value: Any, *, tenant: Tenant) -> Any:
    """The value as it is stored; GraphError when this attribute does not take it."""
    attribute = ATTRIBUTES.get(name)
    if attribute is None:
        if name.startswith("extension_"):
            return _check_extension(name, value, tenant=tenant)
        if name in NOT_FOR_APPLICATIONS:
            raise denied()
        raise bad_request(f"Property '{name}' does not exist as a declared property or extension property.")
    if not attribute.settable or (name in NOT_SETTABLE_IN_B2C and tenant.is_b2c):
        raise bad_request(f"Property '{name}' is read-only and cannot be set.")
    if value is None:
        return _check_null(name, attribute)
    _check_type(name, attribute, value)
    rule = _RULES.get(name)
    if rule is not None and not rule(value, tenant):
        raise invalid_property(name)
    return value


def _check_null(name: str, attribute: Attribute) -> Any:
    if not attribute.nullable:
        raise invalid_property(name)
    return [] if attribute.type == "strings" else None


def _check_type(name: str, attribute: Attribute, value: Any) -> None:
    if attribute.type == "string":
        if not isinstance(value, str):
            raise schema_mismatch(name)
        if (attribute.longest and len(value) > attribute.longest) or not value:
            raise invalid_property(name)
        if attribute.allowed is not None and value not in attribute.allowed:
            raise invalid_property(name)
    elif attribute.type == "boolean":
        if not isinstance(value, bool):
            raise schema_mismatch(name)
    elif attribute.type == "strings":
        _check_strings(name, attribute, value)
    elif not isinstance(value, list if attribute.type == "identities" else dict):
        raise schema_mismatch(name)


def _check_strings(name: str, attribute: Attribute, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise schema_mismatch(name)
    if any(not item or len(item) > attribute.longest for item in value):
        raise invalid_property(name)


def _plain_email(value: str) -> bool:
    return value.isascii() and EMAIL.fullmatch(value) is not None


def _display_name_fits(value: str, tenant: Tenant) -> bool:
    return not (tenant.is_b2c and ("<" in value or ">" in value))


_RULES: Mapping[str, Callable[[Any, Tenant], bool]] = {
    "businessPhones": lambda value, _: len(value) <= 1,
    "displayName": _display_name_fits,
    "mail": lambda value, _: _plain_email(value),
    "mailNickname": lambda value, _: _MAIL_NICKNAME.fullmatch(value) is not None,
    "otherMails": lambda value, _: len(value) <= OTHER_MAILS_MAX and all(map(_plain_email, value)),
    "usageLocation": lambda value, _: _COUNTRY.fullmatch(value) is not None,
}


def _check_extension(name: str, value: Any, *, tenant: Tenant) -> Any:
    declared = tenant.extension_properties.get(name)
    if declared is None or "User" not in declared.target_objects:
        raise bad_request(f"The following extension properties are not available: {name}.")
    if value is None:
        return None
    if not declared.multi_valued:
        return _extension_value(declared, value)
    if not isinstance(value, list):
        raise _wrong_extension_value(name)
    return [_extension_value(declared, item) for item in value]


def _extension_value(declared: ExtensionProperty, value: Any) -> Any:
    reader = _EXTENSION_TYPES[declared.data_type]
    try:
        return reader(value)
    except (ValueError, TypeError):
        raise _wrong_extension_value(declared.name) from None


def _wrong_extension_value(name: str) -> GraphError:
    message = f"Invalid value specified for property '{name}' of resource 'User'."
    return bad_request(message, details=[{"code": "InvalidValue", "message": message, "target": name}])


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _integer(bits: int) -> Callable[[Any], int]:
    bound = 2 ** (bits - 1)

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not -bound <= value < bound:
            raise ValueError
        return value

    return read


def _string(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= EXTENSION_STRING_MAX:
        raise ValueError
    return value


def _moment(value: Any) -> str:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _binary(value: Any) -> str:
    try:
        content = base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError from None
    if len(content) > EXTENSION_BINARY_MAX:
        raise ValueError
    return str(value)


# https://learn.microsoft.com/graph/api/application-post-extensionproperty
_EXTENSION_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "Binary": _binary,
    "Boolean": _boolean,
    "DateTime": _moment,
    "Integer": _integer(32),
    "LargeInteger": _integer(64),
    "String": _string,
}
EXTENSION_TYPES = frozenset(_EXTENSION_TYPES)
