"""Whether a tenant is ready for what we are about to do: permissions, room, and the types of extension attributes.

Judgements on what pre-flight has read. None stands for what the tenant does not say; it stops nobody here, because
the directory itself then will.
"""

from collections.abc import Mapping, Set
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from idferry.errors import SourceError

PERMISSIONS_TO_CREATE = frozenset({"User.Create", "User.ReadWrite.All", "Directory.ReadWrite.All"})
PERMISSIONS_TO_READ = frozenset(
    {"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
)
PERMISSIONS_TO_CHANGE = frozenset({"User.ReadUpdate.All", "User.ReadWrite.All", "Directory.ReadWrite.All"})
PERMISSION_TO_SET_PASSWORDS = "User-PasswordProfile.ReadWrite.All"
ROLES_TO_SET_PASSWORDS = frozenset(
    {
        "fe930be7-5e62-47db-91af-98c3a49a38b1",  # User Administrator
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",  # Privileged Authentication Administrator
        "62e90394-69f5-4237-9190-012177145e10",  # Global Administrator
    }
)
"""Role templates (https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference)."""
_NUMBERS = frozenset({"Integer", "LargeInteger"})


class PasswordRight(StrEnum):
    """Whether an application may set people's passwords, as far as the tenant tells."""

    GRANTED = "granted"
    NO_PERMISSION = "no_permission"
    NO_ROLE = "no_role"
    UNSEEN = "unseen"


PASSWORD_RIGHT_MEANINGS: Mapping[PasswordRight, str] = MappingProxyType(
    {
        PasswordRight.GRANTED: "may set passwords: permission and directory role are present",
        PasswordRight.NO_PERMISSION: f"may not set passwords: the permission {PERMISSION_TO_SET_PASSWORDS} is missing. "
        "Grant it (application permission) and consent to it",
        PasswordRight.NO_ROLE: "may not set passwords, says Microsoft: the directory role User Administrator is missing. Assign it "
        "to the application's service principal; it acts within 15 minutes",
        PasswordRight.UNSEEN: "may or may not set passwords: its directory roles cannot be seen. Grant Application.Read.All and "
        "RoleManagement.Read.Directory, or try with one account",
    }
)
"""What is told, and what to do about it, after the application's name."""


def password_right(*, granted: Set[str] | None, roles: Set[str] | None) -> PasswordRight:
    """Whether an application that holds these permissions and role templates may set passwords; None: not told.

    Both are needed: https://learn.microsoft.com/graph/api/user-update
    """
    if granted is not None and PERMISSION_TO_SET_PASSWORDS not in granted:
        return PasswordRight.NO_PERMISSION
    if roles is None:
        return PasswordRight.UNSEEN
    if not roles & ROLES_TO_SET_PASSWORDS:
        return PasswordRight.NO_ROLE
    return PasswordRight.GRANTED if granted is not None else PasswordRight.UNSEEN


class Lack(NamedTuple):
    """What the application may not do, and the application permissions any one of which would let it."""

    action: str
    permissions: frozenset[str]


def lack_of_permission(granted: Set[str] | None) -> Lack | None:
    """The first thing a premigration does that these permissions do not allow, or None."""
    if granted is not None:
        for action, needed in (("create", PERMISSIONS_TO_CREATE), ("read", PERMISSIONS_TO_READ)):
            if not granted & needed:
                return Lack(action, needed)
    return None


def may_change_users(granted: Set[str] | None) -> bool:
    """Whether these permissions let an application change a flag; where they are not told, we try.

    https://learn.microsoft.com/graph/api/user-update
    """
    return granted is None or bool(granted & PERMISSIONS_TO_CHANGE)


def room_for_more(*, used: int | None, most: int | None) -> int | None:
    """How many objects the tenant has room for; None where it does not say."""
    return None if used is None or most is None else max(most - used, 0)


def takes_values(existing_type: str, data_type: str) -> bool:
    """Whether an extension attribute of the one data type holds values of the other."""
    return existing_type == data_type or (existing_type, data_type) == ("LargeInteger", "Integer")


def data_types(found: Mapping[str, Set[str]]) -> dict[str, str]:
    """The one data type of each extension attribute (short name -> type), from those that its values have.

    Raises:
        SourceError: an attribute has values of several types. Numbers of both sizes are large ones.
    """
    needed = {}
    for name, types in found.items():
        if len(types) > 1 and not types <= _NUMBERS:
            raise SourceError(
                f"the attribute {name} holds values of several types: {', '.join(sorted(types))}",
                remedy="Give all its values one type, or leave it out in [shape] attributes.",
            )
        needed[name] = "LargeInteger" if "LargeInteger" in types else next(iter(types))
    return needed
