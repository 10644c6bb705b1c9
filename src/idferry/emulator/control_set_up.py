r"""Password submit set up in one request, for people and programs that want to sign in rather than to administer.

| request | body | answer |
|---|---|---|
| POST password-submit | `tenant_id, target_url, certificate` (PEM of what passwords are encrypted for), optional `flag` (short name, default `requiresMigration`), `redirect_uris`, `authority` (PEM of who signed the target's certificate), `timeout_ms`, `retries` | `{"client_id", "client_secret", "resource_client_id", "resource_id", "extension_id", "listener_id", "flag", "issuer", "sign_in_url"}` |

Every step is one that an administrator takes through Graph, and is refused as Graph refuses it. `sign_in_url` opens the
hosted page and ends on a page of the emulator that shows who signed in. Made again, it makes everything anew beside the
old and takes the old listeners away.
"""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.routing import Route

from idferry.emulator.control import ControlError, post, tenant_named
from idferry.emulator.graph import custom_extensions, event_listeners
from idferry.emulator.graph.address import read_path
from idferry.emulator.graph.applications import declare
from idferry.emulator.graph.errors import GraphError
from idferry.emulator.graph.exchange import Call
from idferry.emulator.graph.operations import operation_of
from idferry.emulator.pages.sign_in_pages import SIGNED_IN
from idferry.emulator.registrations import GRAPH_CLIENT_ID, GRAPH_ROLES, RECEIVE_PAYLOAD
from idferry.emulator.tenants import Tenant
from idferry.emulator.world import World

Body = dict[str, Any]
Graph = Callable[[str, str, Body], Body]


class SetUp(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of POST password-submit."""

    tenant_id: str
    target_url: str
    certificate: str
    flag: str = "requiresMigration"
    redirect_uris: list[str] = []
    authority: str | None = None
    timeout_ms: int = custom_extensions.TIMEOUT_MS_MAX
    retries: int = custom_extensions.RETRIES_MAX


class SetUpControl:
    """The control API's one route about setting up."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes, relative to `/control`."""
        return [Route("/password-submit", post(SetUp, self._set_up), methods=["POST"])]

    def _set_up(self, wanted: SetUp) -> object:
        tenant = tenant_named(self._world, wanted.tenant_id)
        graph = self._graph(tenant)
        try:
            return self._made(wanted, tenant, graph)
        except GraphError as error:
            raise ControlError(error.message) from error

    def _made(self, wanted: SetUp, tenant: Tenant, graph: Graph) -> Body:
        if wanted.authority is not None:
            tenant.change_options({"trusted_authorities": [wanted.authority]})
        flag = declare(
            tenant, short_name=wanted.flag, data_type="Boolean", new_id=self._world.entropy.guid()
        ).name
        resource = graph(
            "POST",
            "applications",
            {"displayName": "password submit", "api": {"requestedAccessTokenVersion": 2}},
        )
        resource_id = f"api://{urlsplit(wanted.target_url).netloc}/{resource['appId']}"
        _give_key(graph, resource["id"], resource_id=resource_id, certificate=wanted.certificate)
        _consent(graph, resource["appId"], tenant=tenant)
        landing = f"{self._world.authority}/{tenant.tenant_id}/{SIGNED_IN}"
        client = _client(graph, [landing, *wanted.redirect_uris], tenant=tenant)
        secret = graph("POST", f"applications/{client['id']}/addPassword", {})["secretText"]
        extension = graph("POST", "identity/customAuthenticationExtensions", _extension(wanted, resource_id))
        tenant.registrations.listeners.clear()
        listener = graph(
            "POST", "identity/authenticationEventListeners", _listener(client["appId"], flag, extension["id"])
        )
        query = {
            "client_id": client["appId"],
            "redirect_uri": landing,
            "response_type": "code",
            "scope": "openid profile email",
            "state": client["appId"],
        }
        base = f"{self._world.authority}/{tenant.tenant_id}"
        return {
            "client_id": client["appId"],
            "client_secret": secret,
            "resource_client_id": resource["appId"],
            "resource_id": resource_id,
            "extension_id": extension["id"],
            "listener_id": listener["id"],
            "flag": flag,
            "issuer": f"{base}/v2.0",
            "sign_in_url": f"{base}/oauth2/v2.0/authorize?{urlencode(query)}",
        }

    def _graph(self, tenant: Tenant) -> Graph:
        """Graph, as somebody calls it who may do everything."""

        def call(method: str, path: str, body: Body) -> Body:
            given = Call(
                method=method,
                version="beta",
                segments=read_path(path),
                query={},
                headers={},
                raw_body=body,
                root=self._world.authority,
                tenant=tenant,
                application=tenant.import_application,
                roles=frozenset(GRAPH_ROLES.values()),
                now_s=self._world.clock.now_s(),
                entropy=self._world.entropy,
            )
            answered = operation_of(given).perform(given).body
            return answered if isinstance(answered, dict) else {}

        return call


def _give_key(graph: Graph, object_id: str, *, resource_id: str, certificate: str) -> None:
    try:
        der = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
    except ValueError:
        raise ControlError("The certificate is not one in PEM.") from None
    key = {"type": "AsymmetricX509Cert", "usage": "Encrypt", "key": base64.b64encode(der).decode()}
    path = f"applications/{object_id}"
    graph("PATCH", path, {"identifierUris": [resource_id], "keyCredentials": [key]})
    [kept] = graph("GET", path, {})["keyCredentials"]
    graph("PATCH", path, {"tokenEncryptionKeyId": kept["keyId"]})


def _consent(graph: Graph, client_id: str, *, tenant: Tenant) -> None:
    principal = graph("POST", "servicePrincipals", {"appId": client_id})
    resource = tenant.registrations.principal_of(GRAPH_CLIENT_ID)
    row = {
        "principalId": principal["id"],
        "resourceId": None if resource is None else resource.object_id,
        "appRoleId": RECEIVE_PAYLOAD,
    }
    graph("POST", f"servicePrincipals/{principal['id']}/appRoleAssignments", row)


def _client(graph: Graph, redirect_uris: list[str], *, tenant: Tenant) -> Body:
    """An application that people sign in to, with a page in the tenant."""
    implicit = {"enableIdTokenIssuance": True}
    web = {"redirectUris": redirect_uris, "implicitGrantSettings": implicit}
    made = graph("POST", "applications", {"displayName": "Shop", "web": web})
    graph("POST", "servicePrincipals", {"appId": made["appId"]})
    tenant.registrations.flow_applications.append(made["appId"])
    return made


def _extension(wanted: SetUp, resource_id: str) -> Body:
    return {
        "@odata.type": custom_extensions.KIND,
        "displayName": "password submit",
        "endpointConfiguration": {
            "@odata.type": custom_extensions.ENDPOINT,
            "targetUrl": wanted.target_url,
        },
        "authenticationConfiguration": {
            "@odata.type": custom_extensions.AUTHENTICATION,
            "resourceId": resource_id,
        },
        "clientConfiguration": {
            "timeoutInMilliseconds": wanted.timeout_ms,
            "maximumRetries": wanted.retries,
        },
    }


def _listener(client_id: str, flag: str, extension_id: str) -> Body:
    return {
        "@odata.type": event_listeners.KIND,
        "conditions": {"applications": {"includeApplications": [{"appId": client_id}]}},
        "handler": {
            "@odata.type": event_listeners.HANDLER,
            "migrationPropertyId": flag,
            "customExtension": {"id": extension_id},
        },
    }
