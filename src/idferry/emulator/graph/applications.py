"""/applications, read, and their extension properties: how an extension attribute is found, declared and deleted.

https://learn.microsoft.com/graph/api/application-post-extensionproperty. Registrations are written in `registrations`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from idferry.emulator.graph import permissions, query
from idferry.emulator.graph.attributes import EXTENSION_TYPES
from idferry.emulator.graph.errors import (
    bad_request,
    conflict,
    invalid_property,
    not_covered,
    not_found,
    required,
)
from idferry.emulator.graph.exchange import Answer, Call
from idferry.emulator.graph.filters import Compare, Node, TextTest, parse
from idferry.emulator.tenants import Application, ExtensionProperty, Tenant

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,119}")
_TARGETS = frozenset({"User", "Group", "Organization", "Device", "Application", "AdministrativeUnit"})
_FILTERED = {"displayName": "display_name", "appId": "client_id", "id": "object_id"}


def list_(call: Call) -> Answer:
    """GET /applications: 200 with all that the filter lets through, in one page."""
    permissions.require(call, permissions.READ_APPLICATIONS)
    query.check_names(call.query)
    wanted = _filter(call)
    rows = [shown(app, call=call) for app in call.tenant.applications.values() if wanted(app)]
    return Answer(
        200,
        {"@odata.context": query.context(call, "applications", selection=_selection(call)), "value": rows},
    )


def get(call: Call) -> Answer:
    """GET /applications/{object id} or applications(appId='...'): 200."""
    permissions.require(call, permissions.READ_APPLICATIONS)
    head = {"@odata.context": query.context(call, "applications", selection=_selection(call), single=True)}
    return Answer(200, head | shown(application_of(call), call=call))


def create_property(call: Call) -> Answer:
    """POST .../extensionProperties: 201 with the declared attribute under its full name."""
    permissions.require(call, permissions.WRITE_EXTENSIONS)
    application = application_of(call)
    declared = _read_property(call.json_object(), application=application, new_id=call.entropy.guid())
    properties = call.tenant.extension_properties
    if declared.name in properties:
        raise conflict("name", other_id=None)
    properties[declared.name] = declared
    context = f"{call.root}/{call.version}/$metadata#applications('{application.object_id}')/extensionProperties/$entity"
    return Answer(201, {"@odata.context": context} | _shown_property(declared))


def list_properties(call: Call) -> Answer:
    """GET .../extensionProperties: 200 with every attribute that the application declares."""
    permissions.require(call, permissions.READ_APPLICATIONS)
    application = application_of(call)
    context = (
        f"{call.root}/{call.version}/$metadata#applications('{application.object_id}')/extensionProperties"
    )
    rows = [_shown_property(row) for row in _declared_by(application, tenant=call.tenant)]
    return Answer(200, {"@odata.context": context, "value": rows})


def get_property(call: Call) -> Answer:
    """GET .../extensionProperties/{id}: 200."""
    permissions.require(call, permissions.READ_APPLICATIONS)
    return Answer(200, _shown_property(_property(call)))


def delete_property(call: Call) -> Answer:
    """DELETE .../extensionProperties/{id}: 204; its values are gone from every account."""
    permissions.require(call, permissions.WRITE_EXTENSIONS)
    declared = _property(call)
    del call.tenant.extension_properties[declared.name]
    call.tenant.directory.drop_attribute(declared.name)
    return Answer(204)


def declare(tenant: Tenant, *, short_name: str, data_type: str, new_id: str) -> ExtensionProperty:
    """Declares an attribute of users on the tenant's extensions application, as seeding does."""
    payload = {"name": short_name, "dataType": data_type, "targetObjects": ["User"]}
    declared = _read_property(payload, application=tenant.extensions_application, new_id=new_id)
    return tenant.extension_properties.setdefault(declared.name, declared)


def _read_property(payload: Mapping[str, Any], *, application: Application, new_id: str) -> ExtensionProperty:
    name, data_type, targets = payload.get("name"), payload.get("dataType"), payload.get("targetObjects")
    for key, value in (("name", name), ("dataType", data_type), ("targetObjects", targets)):
        if not value:
            raise required(key)
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise invalid_property("name")
    if data_type not in EXTENSION_TYPES:
        raise invalid_property("dataType")
    if not isinstance(targets, list) or not _TARGETS.issuperset(targets):
        raise invalid_property("targetObjects")
    multi_valued = payload.get("isMultiValued", False)
    if not isinstance(multi_valued, bool):
        raise bad_request(
            "Property isMultiValued in payload has a value that does not match schema.", code="BadRequest"
        )
    return ExtensionProperty(
        id=new_id,
        name=f"extension_{application.client_id.replace('-', '')}_{name}",
        data_type=str(data_type),
        multi_valued=multi_valued,
        app_object_id=application.object_id,
        app_display_name=application.display_name,
        target_objects=tuple(targets),
    )


def _shown_property(declared: ExtensionProperty) -> dict[str, Any]:
    return {
        "id": declared.id,
        "deletedDateTime": None,
        "appDisplayName": declared.app_display_name,
        "dataType": declared.data_type,
        "isMultiValued": declared.multi_valued,
        "isSyncedFromOnPremises": False,
        "name": declared.name,
        "targetObjects": list(declared.target_objects),
    }


def _declared_by(application: Application, *, tenant: Tenant) -> list[ExtensionProperty]:
    return [row for row in tenant.extension_properties.values() if row.app_object_id == application.object_id]


def application_of(call: Call) -> Application:
    """The application that this path names; GraphError 404 when there is none."""
    key = call.segments[1]
    for application in call.tenant.applications.values():
        if key in (application.object_id, f"appId={application.client_id}"):
            return application
    raise not_found(key.removeprefix("appId="))


def _property(call: Call) -> ExtensionProperty:
    for declared in _declared_by(application_of(call), tenant=call.tenant):
        if declared.id == call.segments[3]:
            return declared
    raise not_found(call.segments[3])


def _selection(call: Call) -> tuple[str, ...] | None:
    text = call.query.get("$select")
    return tuple(name.strip() for name in text.split(",")) if text else None


def shown(application: Application, *, call: Call, created: bool = False) -> dict[str, Any]:
    """The application as Graph shows it; the keys themselves only where one application is asked for them."""
    selection = None if created else _selection(call)
    whole: dict[str, Any] = {
        "id": application.object_id,
        "deletedDateTime": None,
        "appId": application.client_id,
        "createdDateTime": application.created,
        "displayName": application.display_name,
        "identifierUris": [],
        "publisherDomain": call.tenant.domain,
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "tokenEncryptionKeyId": None,
        "keyCredentials": [],
        "requiredResourceAccess": [],
        "api": {"requestedAccessTokenVersion": None},
        "web": {"redirectUris": [], "implicitGrantSettings": {"enableIdTokenIssuance": False}},
        "spa": {"redirectUris": []},
        "publicClient": {"redirectUris": []},
        **application.registration,
    }
    if selection is None or "keyCredentials" not in selection or call.segments == ("applications",):
        whole["keyCredentials"] = [{**row, "key": None} for row in whole["keyCredentials"]]
    if selection is None:
        return whole
    if not whole.keys() >= set(selection):
        raise not_covered(f"$select={','.join(selection)} on applications")
    return {name: whole[name] for name in selection}


def _filter(call: Call) -> Callable[[Application], bool]:
    text = call.query.get("$filter")
    if text is None:
        return lambda _: True
    node: Node = parse(text)
    match node:
        case TextTest(function="startswith", name="displayName", text=prefix):
            return lambda app: app.display_name.lower().startswith(prefix.lower())
        case Compare(name=name, operator="eq", value=str(wanted)) if name in _FILTERED:
            return lambda app: str(getattr(app, _FILTERED[name])).lower() == wanted.lower()
        case _:
            raise not_covered(f"$filter={text} on applications")
