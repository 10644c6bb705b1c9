"""The tenant around the accounts: its extension attributes, the application that owns them, its object quota.

The application that owns the extension attributes is created with the tenant. Nothing here ever changes or deletes
an application: with it every extension attribute of every account would be gone.
"""

import base64
import binascii
from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from idferry.errors import Forbidden, TenantNotReady
from idferry.graph import queries
from idferry.graph.address import Address
from idferry.graph.asking import Asking
from idferry.graph.replies import error_of, is_guid, printable
from idferry.graph.tokens import TokenSource
from idferry.graph.transport import Call
from idferry.graph.wire import Names
from idferry.ports import TenantFacts

EXTENSION_APP_NAME = "b2c-extensions-app"
_DIRECTORY_ROLE = "#microsoft.graph.directoryRole"
_PERMISSION_TO_LIST = "Application.Read.All"
_PERMISSION_TO_CREATE = "Application.ReadWrite.All"


class _Whose(msgspec.Struct):
    """What a token says of its application: `appid` in its version 1, `azp` in version 2."""

    appid: str = ""
    azp: str = ""


class Naming:
    """The Names of one tenant; the extensions application is looked up once, when it is first needed."""

    def __init__(self, *, asking: Asking, address: Address) -> None:
        self._asking = asking
        self._domain = address.domain
        self._flag = address.flag
        self._app_id = address.extension_app_id

    @property
    def domain(self) -> str:
        """The tenant's domain: the issuer of its own sign-in names."""
        return self._domain

    def names(self) -> Names:
        """How this tenant names things.

        Raises:
            TenantNotReady: there is no extensions application, or several.
            DirectoryError: the directory cannot be asked.
        """
        # Two threads may ask at once, and hear the same: a lock would have to be held through the call.
        if not self._app_id:
            self._app_id = self._look_up()
        return Names(self._domain, self._app_id, self._flag)

    def _look_up(self) -> str:
        """https://learn.microsoft.com/graph/api/application-list; the display name is the tenant's own choice."""
        where = f"startswith(displayName,{queries.literal(EXTENSION_APP_NAME)})"
        reply = self._asking.one(
            Call("GET", queries.listing("/applications", where=where, select="id,appId,displayName"))
        )
        if reply.status == HTTPStatus.FORBIDDEN:
            raise Forbidden(
                "the application may not look up the extensions application",
                remedy=f"Grant {_PERMISSION_TO_LIST}, or put the client id of {EXTENSION_APP_NAME} into "
                "[tenant] extension_app_id.",
            )
        found = [app for app in self._asking.objects(reply) if isinstance(app.get("appId"), str)]
        if len(found) == 1:
            return str(found[0]["appId"])
        names = ", ".join(printable(f"{app['appId']} ({app.get('displayName')})") for app in found)
        raise TenantNotReady(
            f"several applications look like {EXTENSION_APP_NAME}: {names}"
            if found
            else f"the tenant has no {EXTENSION_APP_NAME}",
            remedy="Put the client id of the application that owns the extension attributes into "
            "[tenant] extension_app_id.",
        )


class TenantInspection:
    """`ports.TenantInspector` over Microsoft Graph."""

    def __init__(
        self, *, asking: Asking, naming: Naming, tokens: Mapping[str, TokenSource], graph_url: str
    ) -> None:
        """`tokens`: of each application, by its name.

        `graph_url` is only used to print the exact address of a call that somebody else must make.
        """
        self._asking = asking
        self._naming = naming
        self._tokens = tokens
        self._graph_url = graph_url.rstrip("/")

    def inspect(self) -> TenantFacts:
        """What pre-flight wants to know; raises as the port says."""
        permissions = {name: tokens.permissions() for name, tokens in self._tokens.items()}
        names = self._naming.names()
        attributes = self._attributes(names)
        used, most = self._quota()
        return TenantFacts(permissions, names.extension_app_id, attributes, used, most)

    def directory_roles(self) -> dict[str, frozenset[str] | None]:
        """The role templates that each application holds, also through groups. Raises DirectoryError.

        https://learn.microsoft.com/graph/api/serviceprincipal-list-transitivememberof
        """
        return {name: self._roles_of(tokens.token()) for name, tokens in self._tokens.items()}

    def _roles_of(self, token: str) -> frozenset[str] | None:
        client_id = client_id_of(token)
        if not client_id:
            return None
        # All kinds of objects are asked for: a cast to roles would be an advanced query, which B2C does not know.
        reply = self._asking.one(Call("GET", f"/servicePrincipals(appId='{client_id}')/transitiveMemberOf"))
        if not reply.succeeded:
            return None
        held = [one for one in self._asking.objects(reply) if one.get("@odata.type") == _DIRECTORY_ROLE]
        templates = frozenset(str(one["roleTemplateId"]) for one in held if one.get("roleTemplateId"))
        # Whoever may not read roles is shown their ids, and no more.
        return templates if templates or not held else None

    def create_attribute(self, name: str, data_type: str) -> None:
        """Declare an extension attribute for users; one that exists already is fine.

        https://learn.microsoft.com/graph/api/application-post-extensionproperty

        Raises:
            Forbidden: the application may not; the remedy is the exact call.
            DirectoryError: anything else that went wrong.
        """
        names = self._naming.names()
        path = _properties_of(names)
        body = msgspec.json.encode({"name": name, "dataType": data_type, "targetObjects": ["User"]})
        reply = self._asking.one(Call("POST", path, body))
        if reply.succeeded:
            return
        if reply.status == HTTPStatus.FORBIDDEN:
            raise Forbidden(
                f"the application may not create the extension attribute {name}",
                remedy=f"As an administrator: POST {self._graph_url}/v1.0{path} with the body {body.decode()} "
                f"(or grant {_PERMISSION_TO_CREATE}).",
            )
        if reply.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT) and name in self._attributes(names):
            return
        raise error_of(reply)

    def _attributes(self, names: Names) -> dict[str, str]:
        reply = self._asking.one(Call("GET", _properties_of(names)))
        if reply.status == HTTPStatus.NOT_FOUND:
            raise TenantNotReady(
                f"the tenant has no application with the client id {names.extension_app_id}",
                remedy="Correct [tenant] extension_app_id: the client id of b2c-extensions-app, not its object id; "
                "or leave it empty and it is looked up.",
            )
        return {
            full.removeprefix(names.prefix): str(one.get("dataType"))
            for one in self._asking.objects(reply)
            if isinstance(full := one.get("name"), str) and full.startswith(names.prefix)
        }

    def _quota(self) -> tuple[int | None, int | None]:
        """Objects used and allowed, or None where we may not ask or are not told.

        https://learn.microsoft.com/azure/active-directory-b2c/tenant-management-directory-quota
        """
        path = queries.listing("/organization", select="directorySizeQuota")
        reply = self._asking.one(Call("GET", path, version="beta"))
        if not reply.succeeded:
            return None, None
        for organization in self._asking.objects(reply):
            quota = organization.get("directorySizeQuota")
            if isinstance(quota, dict):
                return _count(quota.get("used")), _count(quota.get("total"))
        return None, None


def client_id_of(token: str) -> str:
    """The application that a token speaks of; empty for a token that is not readable: it need not be.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    payload = token.split(".")[1:2]
    try:
        content = base64.urlsafe_b64decode(payload[0] + "=" * (-len(payload[0]) % 4)) if payload else b""
        found = msgspec.json.decode(content, type=_Whose)
    except (binascii.Error, ValueError):
        return ""
    client_id = found.appid or found.azp
    return client_id if is_guid(client_id) else ""


def _properties_of(names: Names) -> str:
    return f"/applications(appId='{names.extension_app_id}')/extensionProperties"


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
