"""What of a record goes nowhere but to the password's own place: copies of the password, and other secrets.

What people mend by hand in a file may hold nothing that the directory would not be sent either. Pure; nothing here
looks into a password, which knows by itself what repeats it.
"""

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from idferry.rules.attributes import AttributeValue, is_sensitive, is_sensitive_name
from idferry.rules.legacy_user import LegacyUser
from idferry.rules.password import Password

DISPLAY_NAME, CONTACT = "displayName", "otherMails"

Withholds = Callable[[str, AttributeValue], bool]
"""Whether the value of a field or attribute of this name stays out of a file."""


def withholding(attribute_names: Mapping[str, str]) -> Withholds:
    """The rule of planning: a secret by its name, in the source or in the directory, or by what the value looks like."""

    def withholds(name: str, value: AttributeValue) -> bool:
        by_name = is_sensitive_name(name) or is_sensitive_name(attribute_names.get(name, name))
        return by_name or is_sensitive(value)

    return withholds


def without_copies(user: LegacyUser, password: Password) -> LegacyUser:
    """The record without the values that repeat its own password; its `withheld` names them.

    A second column with the same cells would otherwise become an attribute that administrators and applications read.
    """
    if not password.may_be_among(user.attributes.values(), user.display_name, user.contact_email):
        return user
    copied = password.names_of_copies(user.attributes)
    fields = password.names_of_copies({DISPLAY_NAME: user.display_name, CONTACT: user.contact_email})
    if not (copied or fields):
        return user
    return replace(
        user,
        attributes={name: value for name, value in user.attributes.items() if name not in copied},
        display_name="" if DISPLAY_NAME in fields else user.display_name,
        contact_email="" if CONTACT in fields else user.contact_email,
        withheld=tuple(dict.fromkeys((*user.withheld, *copied, *fields))),
    )
