"""Addresses and filters of Microsoft Graph: every value is quoted as OData wants it and percent-encoded whole.

An unencoded + in a filter is read as a blank and finds nobody, without any error
(https://github.com/microsoftgraph/microsoft-graph-explorer-v4/issues/2061).
Filters: https://learn.microsoft.com/graph/api/user-list.
"""

from urllib.parse import quote

from idferry.rules.names import Identity

PAGE_SIZE_MAX = 999
USERS = "/users"
DELETED_ITEMS = "/directory/deletedItems"


def literal(value: str) -> str:
    """A text as an OData literal: quotes inside are doubled."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def equals(name: str, value: str) -> str:
    """A filter on one attribute."""
    return f"{name} eq {literal(value)}"


def has_identity(identity: Identity, *, domain: str) -> str:
    """A filter on one identity. Issuer and id are both given; the kind cannot be filtered."""
    issuer = domain if identity.is_local else identity.issuer
    assigned = literal(identity.issuer_assigned_id)
    return f"identities/any(c:c/issuerAssignedId eq {assigned} and c/issuer eq {literal(issuer)})"


def has_other_mail(address: str) -> str:
    """A filter on contact addresses."""
    return f"otherMails/any(m:m eq {literal(address)})"


def listing(path: str, *, where: str = "", select: str = "", top: int = 0) -> str:
    """The address of a list; empty options are left out."""
    options = []
    if where:
        options.append(f"$filter={_encoded(where)}")
    if select:
        options.append(f"$select={select}")
    if top:
        options.append(f"$top={top}")
    return f"{path}?{'&'.join(options)}" if options else path


def one(path: str, object_id: str, *, select: str = "", tail: str = "") -> str:
    """The address of one object."""
    return listing(f"{path}/{_encoded(object_id)}{tail}", select=select)


def _encoded(text: str) -> str:
    # Half a character (from a broken command line) cannot match anything: it becomes a question mark.
    return quote(text, safe="", errors="replace")
