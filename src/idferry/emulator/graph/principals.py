"""/servicePrincipals and their application permissions: how an application takes part, and admin consent.

https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals and
https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments.
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from idferry.emulator.graph import permissions, query
from idferry.emulator.graph.errors import bad_request, conflict, not_covered, not_found, required
from idferry.emulator.graph.exchange import Answer, Call
from idferry.emulator.graph.filters import Compare, parse
from idferry.emulator.registrations import GRAPH_CLIENT_ID, GRAPH_ROLES, ServicePrincipal, assignment
from idferry.emulator.tenants import PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, USER_ADMINISTRATOR

# https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
_ROLE_TEMPLATES = {
    USER_ADMINISTRATOR: "fe930be7-5e62-47db-91af-98c3a49a38b1",
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
}
_FILTERED = {"appId": "client_id", "displayName": "display_name", "id": "object_id"}


def list_(call: Call) -> Answer:
    """GET /servicePrincipals: 200 with all that the filter lets through, in one page."""
    permissions.require(call, permissions.READ_APPLICATIONS)
    query.check_names(call.query)
    rows = [_shown(one) for one in call.tenant.registrations.principals.values() if _wanted(one, call=call)]
    return Answer(200, {"@odata.context": _context(call), "value": rows})


def get(call: Call) -> Answer:
    """GET /servicePrincipals/{id} or servicePrincipals(appId='...'): 200."""
    permissions.require(call, permissions.READ_APPLICATIONS)
    return Answer(200, {"@odata.context": f"{_context(call)}/$entity"} | _shown(_principal(call)))


def create(call: Call) -> Answer:
    """POST /servicePrincipals: 201; one for each application."""
    permissions.require(call, permissions.WRITE_APPLICATIONS)
    client_id = call.json_object().get("appId")
    if not isinstance(client_id, str) or not client_id:
        raise required("appId")
    application = call.tenant.application(client_id)
    if application is None:
        raise bad_request(
            f"The appId '{client_id}' of the service principal does not reference a valid application object."
        )
    if call.tenant.registrations.principal_of(application.client_id) is not None:
        raise conflict("appId", other_id=None)
    made = call.tenant.registrations.add_principal(
        application.client_id, display_name=application.display_name, entropy=call.entropy
    )
    return Answer(201, {"@odata.context": f"{_context(call)}/$entity"} | _shown(made))


def change(call: Call) -> Answer:
    """PATCH /servicePrincipals/{id}: 204; whether it is enabled."""
    permissions.require(call, permissions.WRITE_APPLICATIONS)
    payload, principal = call.json_object(), _principal(call)
    if payload.keys() != {"accountEnabled"} or not isinstance(payload["accountEnabled"], bool):
        raise not_covered("changing anything but accountEnabled of service principals")
    principal.enabled = payload["accountEnabled"]
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE /servicePrincipals/{id}: 204."""
    permissions.require(call, permissions.WRITE_APPLICATIONS)
    principal = _principal(call)
    del call.tenant.registrations.principals[principal.object_id]
    return Answer(204)


def list_assignments(call: Call) -> Answer:
    """GET /servicePrincipals/{id}/appRoleAssignments: 200."""
    permissions.require(call, permissions.READ_APPLICATIONS)
    return Answer(
        200, {"@odata.context": _context(call), "value": list(_principal(call).assignments.values())}
    )


def list_memberships(call: Call) -> Answer:
    """GET /servicePrincipals/{id}/transitiveMemberOf: 200 with directory roles; without a permission for them, ids alone.

    https://learn.microsoft.com/graph/api/serviceprincipal-list-transitivememberof
    """
    permissions.require(call, permissions.READ_APPLICATIONS)
    principal = _principal(call)
    application = call.tenant.application(principal.client_id)
    held = sorted(application.directory_roles) if application else []
    shown = not call.roles.isdisjoint(permissions.READ_DIRECTORY_ROLES)
    context = f"{call.root}/{call.version}/$metadata#directoryObjects"
    return Answer(200, {"@odata.context": context, "value": [_role(name, shown=shown) for name in held]})


def _role(name: str, *, shown: bool) -> dict[str, Any]:
    template = _ROLE_TEMPLATES.get(name) or str(uuid5(NAMESPACE_URL, f"template of {name}"))
    return {
        "@odata.type": "#microsoft.graph.directoryRole",
        "id": str(uuid5(NAMESPACE_URL, f"role {name}")),
        "displayName": name if shown else None,
        "roleTemplateId": template if shown else None,
    }


def assign(call: Call) -> Answer:
    """POST /servicePrincipals/{id}/appRoleAssignments: 201; the permission stands in the application's next token."""
    permissions.require(call, permissions.ASSIGN_ROLES)
    payload, principal = call.json_object(), _principal(call)
    resource = call.tenant.registrations.principals.get(str(payload.get("resourceId")))
    role_id = str(payload.get("appRoleId"))
    if payload.get("principalId") != principal.object_id or resource is None:
        raise not_found(str(payload.get("resourceId")))
    if resource.client_id != GRAPH_CLIENT_ID or role_id not in GRAPH_ROLES:
        raise bad_request("Permission being assigned was not found on application.")
    if principal.holds(role_id, resource=resource):
        raise bad_request("Permission being assigned already exists on the object.")
    row = assignment(principal, resource=resource, role_id=role_id, row_id=call.entropy.guid())
    principal.assignments[row["id"]] = row
    _follow(call, principal)
    return Answer(201, {"@odata.context": f"{_context(call)}/$entity"} | row)


def unassign(call: Call) -> Answer:
    """DELETE /servicePrincipals/{id}/appRoleAssignments/{id}: 204."""
    permissions.require(call, permissions.ASSIGN_ROLES)
    principal = _principal(call)
    if principal.assignments.pop(call.segments[3], None) is None:
        raise not_found(call.segments[3])
    _follow(call, principal)
    return Answer(204)


def _follow(call: Call, principal: ServicePrincipal) -> None:
    """What a next token may do is what is assigned now, beside roles that have no id here."""
    application = call.tenant.application(principal.client_id)
    if application is not None:
        assigned = {GRAPH_ROLES[row["appRoleId"]] for row in principal.assignments.values()}
        unnamed = application.roles - set(GRAPH_ROLES.values())
        application.roles = frozenset(assigned | unnamed)


def _principal(call: Call) -> ServicePrincipal:
    key = call.segments[1]
    for principal in call.tenant.registrations.principals.values():
        if key in (principal.object_id, f"appId={principal.client_id}"):
            return principal
    raise not_found(key.removeprefix("appId="))


def _shown(principal: ServicePrincipal) -> dict[str, Any]:
    roles = GRAPH_ROLES if principal.client_id == GRAPH_CLIENT_ID else {}
    return {
        "id": principal.object_id,
        "deletedDateTime": None,
        "accountEnabled": principal.enabled,
        "appId": principal.client_id,
        "displayName": principal.display_name,
        "servicePrincipalType": "Application",
        "appRoles": [
            {"id": role_id, "value": name, "isEnabled": True, "allowedMemberTypes": ["Application"]}
            for role_id, name in roles.items()
        ],
    }


def _wanted(principal: ServicePrincipal, *, call: Call) -> bool:
    text = call.query.get("$filter")
    if text is None:
        return True
    match parse(text):
        case Compare(name=name, operator="eq", value=str(wanted)) if name in _FILTERED:
            return str(getattr(principal, _FILTERED[name])).lower() == wanted.lower()
        case _:
            raise not_covered(f"$filter={text} on servicePrincipals")


def _context(call: Call) -> str:
    return f"{call.root}/{call.version}/$metadata#servicePrincipals"
