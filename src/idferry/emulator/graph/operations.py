"""The operations that are covered: method, path, name, cost, and the function that answers.

The one place where a path becomes a function. A path that is not here answers 501; a known path with another
method answers 405.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from idferry.emulator.graph import (
    applications,
    custom_extensions,
    deleted_items,
    event_listeners,
    organization,
    principals,
    registrations,
    users,
)
from idferry.emulator.graph.errors import method_not_allowed, not_covered
from idferry.emulator.graph.exchange import Answer, Call

Path = tuple[str, ...]
ANY = "*"


@dataclass(frozen=True, slots=True)
class Operation:
    """One covered operation.

    Attributes:
        units: resource units before the modifiers of the cost table.
        writes: units of the write allowance.
    """

    name: str
    perform: Callable[[Call], Answer]
    units: int = 1
    writes: int = 0
    beta_only: bool = False


_BIN = ("directory", "deletedItems")
_APP = ("applications", ANY)
_PROPERTIES = (*_APP, "extensionProperties")
_PRINCIPAL = ("servicePrincipals", ANY)
_ASSIGNMENTS = (*_PRINCIPAL, "appRoleAssignments")
_MEMBERSHIPS = (*_PRINCIPAL, "transitiveMemberOf")
_EXTENSIONS = ("identity", "customAuthenticationExtensions")
_LISTENERS = ("identity", "authenticationEventListeners")
_FLOWS = ("identity", "authenticationEventsFlows")
_ATTACHED = (*_FLOWS, ANY, "conditions", "applications", "includeApplications")

# Units: https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits
_TABLE: Mapping[Path, Mapping[str, Operation]] = {
    ("users",): {
        "GET": Operation("users.list", users.list_, units=2),
        "POST": Operation("users.create", users.create, writes=1),
    },
    ("users", "$count"): {"GET": Operation("users.count", users.count)},
    ("users", "delta"): {"GET": Operation("users.delta", users.delta)},
    ("users", "validatePassword"): {
        "POST": Operation("users.validatePassword", users.validate_password, beta_only=True)
    },
    ("users", ANY): {
        "GET": Operation("users.get", users.get),
        "PATCH": Operation("users.patch", users.patch, writes=1),
        "DELETE": Operation("users.delete", users.delete, writes=1),
    },
    (*_BIN, "microsoft.graph.user"): {"GET": Operation("deletedItems.list", deleted_items.list_)},
    (*_BIN, ANY): {
        "GET": Operation("deletedItems.get", deleted_items.get),
        "DELETE": Operation("deletedItems.purge", deleted_items.purge, writes=1),
    },
    (*_BIN, ANY, "restore"): {"POST": Operation("deletedItems.restore", deleted_items.restore, writes=1)},
    ("applications",): {
        "GET": Operation("applications.list", applications.list_, units=2),
        "POST": Operation("applications.create", registrations.create, writes=1),
    },
    _APP: {
        "GET": Operation("applications.get", applications.get),
        "PATCH": Operation("applications.patch", registrations.change, writes=1),
        "DELETE": Operation("applications.delete", registrations.delete, writes=1),
    },
    (*_APP, "addPassword"): {
        "POST": Operation("applications.addPassword", registrations.add_password, writes=1)
    },
    _PROPERTIES: {
        "GET": Operation("extensionProperties.list", applications.list_properties, units=2),
        "POST": Operation("extensionProperties.create", applications.create_property, writes=1),
    },
    (*_PROPERTIES, ANY): {
        "GET": Operation("extensionProperties.get", applications.get_property),
        "DELETE": Operation("extensionProperties.delete", applications.delete_property, writes=1),
    },
    ("servicePrincipals",): {
        "GET": Operation("servicePrincipals.list", principals.list_),
        "POST": Operation("servicePrincipals.create", principals.create, writes=1),
    },
    _PRINCIPAL: {
        "GET": Operation("servicePrincipals.get", principals.get),
        "PATCH": Operation("servicePrincipals.patch", principals.change, writes=1),
        "DELETE": Operation("servicePrincipals.delete", principals.delete, writes=1),
    },
    _ASSIGNMENTS: {
        "GET": Operation("appRoleAssignments.list", principals.list_assignments),
        "POST": Operation("appRoleAssignments.create", principals.assign, writes=1),
    },
    _MEMBERSHIPS: {"GET": Operation("servicePrincipals.transitiveMemberOf", principals.list_memberships)},
    (*_ASSIGNMENTS, ANY): {"DELETE": Operation("appRoleAssignments.delete", principals.unassign, writes=1)},
    _EXTENSIONS: {
        "GET": Operation("customAuthenticationExtensions.list", custom_extensions.list_),
        "POST": Operation("customAuthenticationExtensions.create", custom_extensions.create, writes=1),
    },
    (*_EXTENSIONS, ANY): {
        "GET": Operation("customAuthenticationExtensions.get", custom_extensions.get),
        "PATCH": Operation("customAuthenticationExtensions.patch", custom_extensions.change, writes=1),
        "DELETE": Operation("customAuthenticationExtensions.delete", custom_extensions.delete, writes=1),
    },
    _LISTENERS: {
        "GET": Operation("authenticationEventListeners.list", event_listeners.list_),
        "POST": Operation("authenticationEventListeners.create", event_listeners.create, writes=1),
    },
    (*_LISTENERS, ANY): {
        "GET": Operation("authenticationEventListeners.get", event_listeners.get),
        "PATCH": Operation("authenticationEventListeners.patch", event_listeners.change, writes=1),
        "DELETE": Operation("authenticationEventListeners.delete", event_listeners.delete, writes=1),
    },
    _FLOWS: {"GET": Operation("authenticationEventsFlows.list", event_listeners.list_flows)},
    _ATTACHED: {
        "GET": Operation("includeApplications.list", event_listeners.list_attached),
        "POST": Operation("includeApplications.create", event_listeners.attach, writes=1),
    },
    (*_ATTACHED, ANY): {"DELETE": Operation("includeApplications.delete", event_listeners.detach, writes=1)},
    ("organization",): {"GET": Operation("organization.list", organization.list_)},
    ("organization", ANY): {"GET": Operation("organization.get", organization.get)},
}
# The names and methods of all operations, for the control API and the coverage page.
NAMES = frozenset(operation.name for methods in _TABLE.values() for operation in methods.values())

_PATTERNS = [path for path in _TABLE if ANY in path]


def operation_of(call: Call) -> Operation:
    """The operation that this request asks for; GraphError 405 or 501 when there is none."""
    methods = _methods(call.segments)
    if methods is None:
        raise not_covered(f"{call.method} /{call.version}{call.path}")
    operation = methods.get(call.method)
    if operation is None:
        raise method_not_allowed()
    if operation.beta_only and call.version != "beta":
        raise not_covered(f"{call.method} {call.path} outside beta")
    return operation


def name_of(method: str, segments: Path) -> str:
    """The operation's name for counting, also where it is not covered."""
    operation = (_methods(segments) or {}).get(method)
    return "uncovered" if operation is None else operation.name


def _methods(segments: Path) -> Mapping[str, Operation] | None:
    exact = _TABLE.get(segments)
    if exact is not None:
        return exact
    for pattern in _PATTERNS:
        if len(pattern) == len(segments) and all(
            p in (ANY, s) for p, s in zip(pattern, segments, strict=True)
        ):
            return _TABLE[pattern]
    return None
