"""What an emulated tenant knows about applications beside their secrets: principals, permissions, authentication events.

Values only: what may be written is decided in `graph/`, what follows from it at a sign-in in `password_submit/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idferry.emulator.entropy import Entropy

Body = dict[str, Any]

# Microsoft Graph itself, in every tenant. https://learn.microsoft.com/graph/permissions-reference
GRAPH_CLIENT_ID = "00000003-0000-0000-c000-000000000000"
RECEIVE_PAYLOAD = "214e810f-fda8-4fd7-a475-29461495eb00"
GRAPH_ROLES: Mapping[str, str] = {
    "06b708a9-e830-4db3-a914-8e69da51d44f": "AppRoleAssignment.ReadWrite.All",
    "9a5d68dd-52b0-4cc2-bd40-abcf4ac3a30c": "Application.Read.All",
    "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9": "Application.ReadWrite.All",
    "b0afded3-3588-46d8-8b3d-9842eff778da": "AuditLog.Read.All",
    RECEIVE_PAYLOAD: "CustomAuthenticationExtension.Receive.Payload",
    "c2667967-7050-4e7e-b059-4cbbb3811d03": "CustomAuthenticationExtension.ReadWrite.All",
    "19dbc75e-c2e2-444c-a770-ec69d8559fc7": "Directory.ReadWrite.All",
    "0edf5e9e-4ce8-468a-8432-d08631d18c43": "EventListener.ReadWrite.All",
    "498476ce-e0fe-48b0-b801-37ba7e2685c6": "Organization.Read.All",
    "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7": "User-PasswordProfile.ReadWrite.All",
    "eccc023d-eccf-4e7b-9683-8813ab36cecc": "User.DeleteRestore.All",
    "c529cfca-c91b-489c-af2b-d92990b66ce6": "User.ManageIdentities.All",
    "df021288-bdef-4463-88db-98f22de89214": "User.Read.All",
    "741f803b-c850-494e-b5df-cde7c675a1ca": "User.ReadWrite.All",
}


@dataclass
class ServicePrincipal:
    """An application as it takes part in the tenant; `assignments` by their id, as Graph shows them."""

    object_id: str
    client_id: str
    display_name: str
    enabled: bool = True
    assignments: dict[str, Body] = field(default_factory=dict)

    def holds(self, role_id: str, *, resource: "ServicePrincipal | None") -> bool:
        """Whether this application permission of that resource was consented to."""
        return resource is not None and any(
            row["appRoleId"] == role_id and row["resourceId"] == resource.object_id
            for row in self.assignments.values()
        )


@dataclass
class Registrations:
    """Service principals, authentication events and user flows of one tenant.

    Attributes:
        principals: by object id.
        extensions, listeners: by id, as Graph shows them.
        flow_id: the tenant's one sign-up and sign-in user flow. flow_applications: who is attached to it.
    """

    flow_id: str
    principals: dict[str, ServicePrincipal] = field(default_factory=dict)
    extensions: dict[str, Body] = field(default_factory=dict)
    listeners: dict[str, Body] = field(default_factory=dict)
    flow_applications: list[str] = field(default_factory=list)

    def principal_of(self, client_id: str) -> ServicePrincipal | None:
        """The service principal of this application."""
        return next((one for one in self.principals.values() if one.client_id == client_id), None)

    def add_principal(self, client_id: str, *, display_name: str, entropy: Entropy) -> ServicePrincipal:
        """A new service principal; the caller has made sure that there is none yet."""
        made = ServicePrincipal(entropy.guid(), client_id, display_name)
        self.principals[made.object_id] = made
        return made


def assignment(principal: ServicePrincipal, *, resource: ServicePrincipal, role_id: str, row_id: str) -> Body:
    """An application permission of `resource` that was consented to for `principal`, as Graph shows it."""
    return {
        "id": row_id,
        "deletedDateTime": None,
        "appRoleId": role_id,
        "principalDisplayName": principal.display_name,
        "principalId": principal.object_id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": resource.display_name,
        "resourceId": resource.object_id,
    }


def new_registrations(*, entropy: Entropy) -> Registrations:
    """What a tenant begins with: Microsoft Graph's principal, one user flow, and no authentication event."""
    begun = Registrations(flow_id=entropy.guid())
    begun.add_principal(GRAPH_CLIENT_ID, display_name="Microsoft Graph", entropy=entropy)
    return begun
