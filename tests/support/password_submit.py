"""Sets the emulated external tenant up for password submit, through Graph, in the order in which an administrator does.

    extension_app = set_up(emulator, tenant, target=url, certificate_pem=pem, authority_pem=ca)

Steps: https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp

EXTENSIONS = "/beta/identity/customAuthenticationExtensions"
LISTENERS = "/beta/identity/authenticationEventListeners"
FLOWS = "/v1.0/identity/authenticationEventsFlows"
GRAPH_CLIENT_ID = "00000003-0000-0000-c000-000000000000"
RECEIVE_PAYLOAD = "214e810f-fda8-4fd7-a475-29461495eb00"
REDIRECT_URI = "http://localhost/signed-in"
ROLES = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "CustomAuthenticationExtension.ReadWrite.All",
    "EventListener.ReadWrite.All",
    "User.ReadWrite.All",
    "User-PasswordProfile.ReadWrite.All",
)


@dataclass(frozen=True)
class SetUp:
    """What was made: the flag's full name, the applications' client ids, the ids of extension and listener."""

    graph: GraphHttp
    flag: str
    client_id: str
    resource_client_id: str
    resource_object_id: str
    extension_id: str
    listener_id: str


def administrator(emulator: Emulator, tenant: EmulatedTenant) -> GraphHttp:
    """A client that may set everything up."""
    made = emulator.application(tenant, display_name="set-up", roles=list(ROLES))
    graph = GraphHttp(tenant)
    graph.sign_in(client_id=made["client_id"], client_secret=made["client_secret"])
    return graph


def key_credential(certificate_pem: str, key_id: str) -> dict[str, str]:
    """A certificate as an application's encryption key."""
    der = x509.load_pem_x509_certificate(certificate_pem.encode()).public_bytes(Encoding.DER)
    return {
        "displayName": "CN=JitMigration",
        "key": base64.b64encode(der).decode(),
        "keyId": key_id,
        "type": "AsymmetricX509Cert",
        "usage": "Encrypt",
    }


def extension_body(target: str, resource_id: str, **client: int) -> dict[str, Any]:
    """A body that creates a password-submit extension; `client` overrides timeout and retries."""
    return {
        "@odata.type": "#microsoft.graph.onPasswordSubmitCustomExtension",
        "displayName": "idferry",
        "description": "Migrates passwords at the first sign-in",
        "endpointConfiguration": {
            "@odata.type": "#microsoft.graph.httpRequestEndpoint",
            "targetUrl": target,
        },
        "authenticationConfiguration": {
            "@odata.type": "#microsoft.graph.azureAdTokenAuthentication",
            "resourceId": resource_id,
        },
        "clientConfiguration": {"timeoutInMilliseconds": 2000, "maximumRetries": 1, **client},
    }


def listener_body(client_id: str, flag: str, extension_id: str) -> dict[str, Any]:
    """A body that creates a listener for one application."""
    return {
        "@odata.type": "#microsoft.graph.onPasswordSubmitListener",
        "conditions": {
            "applications": {"includeAllApplications": False, "includeApplications": [{"appId": client_id}]}
        },
        "priority": 500,
        "handler": {
            "@odata.type": "#microsoft.graph.onPasswordMigrationCustomExtensionHandler",
            "migrationPropertyId": flag,
            "customExtension": {"id": extension_id},
        },
    }


def set_up(
    emulator: Emulator,
    tenant: EmulatedTenant,
    *,
    target: str,
    certificate_pem: str,
    authority_pem: str = "",
    flag: str = "requiresMigration",
    **client: int,
) -> SetUp:
    """Everything that a first sign-in needs; `authority_pem` signs the target's certificate."""
    graph = administrator(emulator, tenant)
    if authority_pem:
        emulator.options(tenant, trusted_authorities=[authority_pem])
    flag_name = _flag(graph, tenant.extension(flag), flag)
    resource = _made(
        graph.post("/applications", {"displayName": "extension", "api": {"requestedAccessTokenVersion": 2}})
    )
    resource_id = f"api://{urlsplit(target).netloc}/{resource['appId']}"
    key_id = "11111111-1111-4111-8111-111111111111"
    _changed(
        graph.patch(
            f"/applications/{resource['id']}",
            {
                "identifierUris": [resource_id],
                "keyCredentials": [key_credential(certificate_pem, key_id)],
                "tokenEncryptionKeyId": key_id,
            },
        )
    )
    _consent(graph, resource["appId"])
    client_id = sign_in_application(graph)
    extension = _made(graph.post(EXTENSIONS, extension_body(target, resource_id, **client)))
    listener = _made(graph.post(LISTENERS, listener_body(client_id, flag_name, extension["id"])))
    return SetUp(
        graph=graph,
        flag=flag_name,
        client_id=client_id,
        resource_client_id=resource["appId"],
        resource_object_id=resource["id"],
        extension_id=extension["id"],
        listener_id=listener["id"],
    )


def sign_in_application(graph: GraphHttp, *, redirect_uri: str = REDIRECT_URI, kind: str = "web") -> str:
    """An application that people sign in to, attached to the tenant's user flow; gives its client id."""
    body: dict[str, Any] = {"displayName": "Shop", kind: {"redirectUris": [redirect_uri]}}
    body.setdefault("web", {})["implicitGrantSettings"] = {"enableIdTokenIssuance": True}
    application = _made(graph.post("/applications", body))
    _made(graph.post("/servicePrincipals", {"appId": application["appId"]}))
    flow = graph.get(FLOWS).json()["value"][0]["id"]
    attached = f"{FLOWS}/{flow}/conditions/applications/includeApplications"
    _made(graph.post(attached, {"appId": application["appId"]}))
    return str(application["appId"])


def _flag(graph: GraphHttp, name: str, short_name: str) -> str:
    """The flag's full name, declared if premigration or a seed has not done so."""
    path = f"/applications(appId='{graph.tenant.extension_app_id}')/extensionProperties"
    known = [row["name"] for row in graph.get(path).json()["value"]]
    return name if name in known else graph.declare(short_name, "Boolean")


def _consent(graph: GraphHttp, client_id: str) -> None:
    principal = _made(graph.post("/servicePrincipals", {"appId": client_id}))
    resource = graph.get(f"/servicePrincipals(appId='{GRAPH_CLIENT_ID}')").json()
    row = {"principalId": principal["id"], "resourceId": resource["id"], "appRoleId": RECEIVE_PAYLOAD}
    _made(graph.post(f"/servicePrincipals/{principal['id']}/appRoleAssignments", row))


def _made(answer: Any) -> Mapping[str, Any]:
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def _changed(answer: Any) -> None:
    assert answer.status_code == 204, answer.text
