"""/organization: which tenant this is, and in beta how full its directory is.

https://learn.microsoft.com/azure/active-directory-b2c/tenant-management-directory-quota
"""

from typing import Any

from idferry.emulator.graph import permissions, query
from idferry.emulator.graph.errors import bad_request, not_found
from idferry.emulator.graph.exchange import Answer, Call

_TENANT_TYPES = {"b2c": "AAD B2C", "external": "CIAM"}


def list_(call: Call) -> Answer:
    """GET /organization: 200 with the one organization of the token's tenant."""
    head = {"@odata.context": query.context(call, "organization", selection=_selection(call))}
    return Answer(200, {**head, "value": [_shown(call)]})


def get(call: Call) -> Answer:
    """GET /organization/{tenant id}: 200."""
    if call.segments[1] != call.tenant.tenant_id:
        raise not_found(call.segments[1])
    head = {"@odata.context": query.context(call, "organization", selection=_selection(call), single=True)}
    return Answer(200, head | _shown(call))


def _selection(call: Call) -> tuple[str, ...] | None:
    text = call.query.get("$select")
    return tuple(name.strip() for name in text.split(",")) if text else None


def _shown(call: Call) -> dict[str, Any]:
    tenant, selection = call.tenant, _selection(call)
    quota_asked = call.version == "beta" and selection is not None and "directorySizeQuota" in selection
    permissions.require(call, permissions.READ_QUOTA if quota_asked else permissions.READ_ORGANIZATION)
    whole: dict[str, Any] = {
        "id": tenant.tenant_id,
        "deletedDateTime": None,
        "createdDateTime": tenant.created,
        "displayName": tenant.domain.partition(".")[0],
        "tenantType": _TENANT_TYPES[tenant.kind],
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": True,
                "isInitial": True,
                "name": tenant.domain,
                "type": "Managed",
            }
        ],
    }
    if call.version == "beta":
        whole["directorySizeQuota"] = {"used": tenant.directory.size, "total": tenant.options.object_quota}
    if selection is None:
        return whole
    for name in selection:
        if name not in whole:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.organization'.",
                code="BadRequest",
            )
    return {name: whole[name] for name in selection}
