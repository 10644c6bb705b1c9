"""/identity/authenticationEventListeners of the password-submit kind, and the user flow that applications belong to.

https://learn.microsoft.com/graph/api/resources/onpasswordsubmitlistener. A listener says for which applications which
extension is called, and which extension attribute is the migration flag. Other kinds answer 501.
"""

from collections.abc import Mapping
from typing import Any

from idferry.emulator.graph import custom_extensions, permissions
from idferry.emulator.graph.errors import (
    bad_request,
    conflict,
    invalid_property,
    not_covered,
    not_found,
    required,
)
from idferry.emulator.graph.exchange import Answer, Call
from idferry.emulator.tenants import Tenant

KIND = "#microsoft.graph.onPasswordSubmitListener"
HANDLER = "#microsoft.graph.onPasswordMigrationCustomExtensionHandler"
CONDITION = "#microsoft.graph.authenticationConditionApplication"
FLOW = "#microsoft.graph.externalUsersSelfServiceSignUpEventsFlow"
PRIORITY_DEFAULT, PRIORITY_MAX = 500, 1000
# https://learn.microsoft.com/entra/external-id/customers/reference-service-limits
LISTENERS_MAX = 249
_PROPERTIES = frozenset({"@odata.type", "authenticationEventsFlowId", "conditions", "handler", "priority"})


def list_(call: Call) -> Answer:
    """GET: 200 with all of them, in one page."""
    _require(call, permissions.READ_LISTENERS)
    return Answer(200, {"@odata.context": _context(call), "value": [*_stored(call).values()]})


def get(call: Call) -> Answer:
    """GET .../{id}: 200."""
    _require(call, permissions.READ_LISTENERS)
    return Answer(200, {"@odata.context": f"{_context(call)}/$entity"} | _listener(call))


def create(call: Call) -> Answer:
    """POST: 201 with the id."""
    _require(call, permissions.WRITE_LISTENERS)
    payload = call.json_object()
    if payload.get("@odata.type") != KIND:
        raise not_covered(f"authentication event listeners of the kind {payload.get('@odata.type')}")
    if len(_stored(call)) >= LISTENERS_MAX:
        raise bad_request(f"A tenant holds at most {LISTENERS_MAX} authentication event listeners.")
    made = _checked({}, payload, tenant=call.tenant) | {"id": call.entropy.guid()}
    _stored(call)[made["id"]] = made
    return Answer(201, {"@odata.context": f"{_context(call)}/$entity"} | made)


def change(call: Call) -> Answer:
    """PATCH .../{id}: 204."""
    _require(call, permissions.WRITE_LISTENERS)
    before = _listener(call)
    _stored(call)[before["id"]] = {"id": before["id"]} | _checked(
        before, call.json_object(), tenant=call.tenant
    )
    return Answer(204)


def delete(call: Call) -> Answer:
    """DELETE .../{id}: 204."""
    _require(call, permissions.WRITE_LISTENERS)
    del _stored(call)[_listener(call)["id"]]
    return Answer(204)


def list_flows(call: Call) -> Answer:
    """GET /identity/authenticationEventsFlows: 200 with the tenant's one user flow."""
    _require(call, permissions.READ_LISTENERS)
    registrations = call.tenant.registrations
    conditions = {"applications": {"includeApplications": _attached(call)}}
    flow = {
        "@odata.type": FLOW,
        "id": registrations.flow_id,
        "displayName": "Sign up and sign in",
        "conditions": conditions,
    }
    context = f"{call.root}/{call.version}/$metadata#identity/authenticationEventsFlows"
    return Answer(200, {"@odata.context": context, "value": [flow]})


def list_attached(call: Call) -> Answer:
    """GET .../conditions/applications/includeApplications: 200 with the applications of the user flow."""
    _require(call, permissions.READ_LISTENERS)
    _check_flow(call)
    return Answer(200, {"value": _attached(call)})


def attach(call: Call) -> Answer:
    """POST .../conditions/applications/includeApplications: 201; the application has a sign-in page now."""
    _require(call, permissions.WRITE_LISTENERS)
    _check_flow(call)
    client_id = call.json_object().get("appId")
    if not isinstance(client_id, str) or call.tenant.application(client_id) is None:
        raise not_found(str(client_id))
    if client_id.lower() in call.tenant.registrations.flow_applications:
        raise conflict("appId", other_id=None)
    call.tenant.registrations.flow_applications.append(client_id.lower())
    return Answer(201, {"@odata.type": CONDITION, "appId": client_id.lower()})


def detach(call: Call) -> Answer:
    """DELETE .../conditions/applications/includeApplications/{appId}: 204."""
    _require(call, permissions.WRITE_LISTENERS)
    _check_flow(call)
    client_id = call.segments[-1].lower()
    if client_id not in call.tenant.registrations.flow_applications:
        raise not_found(client_id)
    call.tenant.registrations.flow_applications.remove(client_id)
    return Answer(204)


def _attached(call: Call) -> list[dict[str, str]]:
    return [{"@odata.type": CONDITION, "appId": one} for one in call.tenant.registrations.flow_applications]


def _check_flow(call: Call) -> None:
    if call.segments[2] != call.tenant.registrations.flow_id:
        raise not_found(call.segments[2])


def _require(call: Call, any_of: tuple[str, ...]) -> None:
    if call.tenant.is_b2c:
        raise not_covered("authentication events in Azure AD B2C")
    permissions.require(call, any_of)


def _stored(call: Call) -> dict[str, dict[str, Any]]:
    return call.tenant.registrations.listeners


def _listener(call: Call) -> dict[str, Any]:
    found = _stored(call).get(call.segments[2])
    if found is None:
        raise not_found(call.segments[2])
    return found


def _checked(before: Mapping[str, Any], payload: Mapping[str, Any], *, tenant: Tenant) -> dict[str, Any]:
    for name in payload:
        if name not in _PROPERTIES:
            raise not_covered(f"the property {name} of authentication event listeners")
    whole: dict[str, Any] = {"priority": PRIORITY_DEFAULT, "authenticationEventsFlowId": None} | {
        name: value for name, value in {**before, **payload}.items() if name != "id"
    }
    if whole.get("@odata.type") != KIND:
        raise invalid_property("@odata.type")
    if type(whole["priority"]) is not int or not 0 <= whole["priority"] <= PRIORITY_MAX:
        raise invalid_property("priority")
    whole["conditions"] = {"applications": _conditions(whole.get("conditions"), tenant=tenant)}
    whole["handler"] = _handler(whole.get("handler"), tenant=tenant)
    return whole


def _conditions(given: Any, *, tenant: Tenant) -> dict[str, Any]:
    applications = given.get("applications") if isinstance(given, dict) else None
    if not isinstance(applications, dict):
        raise required("conditions")
    every = applications.get("includeAllApplications", False)
    named = applications.get("includeApplications") or []
    if not isinstance(every, bool) or not isinstance(named, list) or not (every or named):
        raise invalid_property("conditions")
    rows = []
    for row in named:
        client_id = row.get("appId") if isinstance(row, dict) else None
        if not isinstance(client_id, str) or tenant.application(client_id) is None:
            raise not_found(str(client_id))
        rows.append({"@odata.type": CONDITION, "appId": client_id.lower()})
    return {"includeAllApplications": every, "includeApplications": rows}


def _handler(given: Any, *, tenant: Tenant) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise required("handler")
    if given.get("@odata.type") != HANDLER:
        raise invalid_property("handler")
    flag = tenant.extension_properties.get(str(given.get("migrationPropertyId")))
    if flag is None or flag.data_type != "Boolean" or "User" not in flag.target_objects:
        raise invalid_property("migrationPropertyId")
    extension = given.get("customExtension")
    extension_id = extension.get("id") if isinstance(extension, dict) else None
    if extension_id not in tenant.registrations.extensions:
        raise not_found(str(extension_id))
    return {
        "@odata.type": HANDLER,
        "migrationPropertyId": flag.name,
        "customExtension": {"id": extension_id},
        "configuration": _overriding(given.get("configuration")),
    }


def _overriding(given: Any) -> dict[str, Any] | None:
    """The handler's own timeout and retries, which win over the extension's."""
    if given is None:
        return None
    client = given.get("clientConfiguration") if isinstance(given, dict) else None
    return {
        "@odata.type": "#microsoft.graph.customExtensionOverwriteConfiguration",
        "clientConfiguration": custom_extensions.patience(client),
    }


def _context(call: Call) -> str:
    return f"{call.root}/{call.version}/$metadata#identity/authenticationEventListeners"
