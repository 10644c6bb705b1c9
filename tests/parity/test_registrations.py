"""Registering applications: identifier URIs, encryption keys, secrets, service principals, admin consent."""

from typing import Any

import pytest
from tests.support.certificates import self_signed
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp, refused
from tests.support.password_submit import (
    GRAPH_CLIENT_ID,
    RECEIVE_PAYLOAD,
    administrator,
    key_credential,
)

APPLICATION = "https://learn.microsoft.com/graph/api/application-update"
KEYS = "https://learn.microsoft.com/graph/api/resources/keycredential"
PRINCIPAL = "https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals"
CONSENT = "https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments"
ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def admin(emulator: Emulator, tenant: EmulatedTenant) -> Any:
    client = administrator(emulator, tenant)
    yield client
    client.close()


def new_application(admin: GraphHttp, **more: Any) -> dict[str, Any]:
    answer = admin.post("/applications", {"displayName": "extension", **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.mark.documented("https://learn.microsoft.com/graph/api/application-post-applications")
def test_application_is_created_and_deleted(admin: GraphHttp) -> None:
    """A new registration has an id, an appId and no key; it is found, and gone once deleted."""
    access = [{"resourceAppId": GRAPH_CLIENT_ID, "resourceAccess": [{"id": RECEIVE_PAYLOAD, "type": "Role"}]}]
    made = new_application(admin, signInAudience="AzureADMyOrg", requiredResourceAccess=access)
    assert (made["keyCredentials"], made["identifierUris"]) == ([], [])
    assert made["requiredResourceAccess"] == access
    found = admin.get("/applications", filter=f"appId eq '{made['appId']}'").json()["value"]
    assert [row["id"] for row in found] == [made["id"]]
    assert admin.delete(f"/applications/{made['id']}").status_code == 204
    refused(admin.get(f"/applications/{made['id']}"), 404, "Request_ResourceNotFound")
    assert admin.post("/applications", {}).status_code == 400


@pytest.mark.assumed("an emulator must not answer what it does not imitate")
def test_uncovered_properties(admin: GraphHttp) -> None:
    """Properties of a registration that nothing here follows answer 501."""
    refused(admin.post("/applications", {"displayName": "x", "logo": "y"}), 501, "NotImplemented")


@pytest.mark.documented(APPLICATION)
def test_application_is_changed(admin: GraphHttp) -> None:
    """An update merges objects, replaces collections and touches nothing else."""
    made = new_application(admin, web={"redirectUris": ["http://localhost/a"]})
    path = f"/applications/{made['id']}"
    implicit = {"implicitGrantSettings": {"enableIdTokenIssuance": True}}
    api = {"requestedAccessTokenVersion": 2}
    assert admin.patch(path, {"web": implicit, "api": api, "displayName": "other"}).status_code == 204
    shown = admin.get(path).json()
    assert shown["web"] == {"redirectUris": ["http://localhost/a"], **implicit}
    assert (shown["api"], shown["displayName"]) == (api, "other")
    admin.patch(path, {"web": {"redirectUris": []}})
    assert admin.get(path).json()["web"]["redirectUris"] == []
    assert admin.patch(path, {"displayName": ""}).status_code == 400
    assert admin.patch(path, {"web": []}).status_code == 400


@pytest.mark.documented("https://learn.microsoft.com/entra/identity-platform/reply-url")
def test_redirect_uris(admin: GraphHttp) -> None:
    """A redirect URI is HTTPS, HTTP on localhost, or an installed application's own scheme; no wildcard, no fragment."""
    path = f"/applications/{new_application(admin)['id']}"
    for good in ("https://shop.example.org/a?b=c", "http://localhost/a", "http://127.0.0.1:8080/"):
        assert admin.patch(path, {"web": {"redirectUris": [good]}}).status_code == 204, good
    own = "msal11111111-1111-4111-8111-111111111111://auth"
    assert admin.patch(path, {"publicClient": {"redirectUris": [own]}}).status_code == 204
    for wrong in (
        "http://shop.example.org/",
        "https://*.example.org/",
        "https://shop.example.org/#a",
        "https://shop.example.org/;x y",
        "https://shop.example.org:1;script-src/",
        "https://me@shop.example.org/",
        "https://shop.example.org/" + "a" * 240,
        own,
        "/a",
        7,
    ):
        assert admin.patch(path, {"web": {"redirectUris": [wrong]}}).status_code == 400, wrong


@pytest.mark.documented("https://learn.microsoft.com/entra/identity-platform/identifier-uri-restrictions")
def test_identifier_uris(admin: GraphHttp) -> None:
    """An identifier URI holds the application's id, the tenant's id or its domain, and belongs to one application."""
    made, other = new_application(admin), new_application(admin)
    path = f"/applications/{made['id']}"
    uri = f"api://svc.example.org/{made['appId']}"
    assert admin.patch(path, {"identifierUris": [uri]}).status_code == 204
    assert admin.get(path).json()["identifierUris"] == [uri]
    assert admin.patch(path, {"identifierUris": ["api://svc.example.org/x"]}).status_code == 400
    shared = f"api://{admin.tenant.tenant_id}/shop"
    assert admin.patch(path, {"identifierUris": [shared]}).status_code == 204
    assert admin.patch(f"/applications/{other['id']}", {"identifierUris": [shared]}).status_code == 400


@pytest.mark.documented(KEYS)
def test_encryption_keys(admin: GraphHttp) -> None:
    """keyCredentials are replaced as a whole; the key itself is shown only where one application is asked for it."""
    path = f"/applications/{new_application(admin)['id']}"
    first, second = (
        key_credential(self_signed(name).public_pem, id_) for name, id_ in (("a", ONE), ("b", TWO))
    )
    assert admin.patch(path, {"keyCredentials": [first], "tokenEncryptionKeyId": ONE}).status_code == 204
    shown = admin.get(path).json()
    assert (shown["tokenEncryptionKeyId"], shown["keyCredentials"][0]["key"]) == (ONE, None)
    asked = admin.get(path, select="keyCredentials").json()["keyCredentials"]
    assert [row["key"] for row in asked] == [first["key"]]
    assert asked[0]["usage"] == "Encrypt"
    assert admin.patch(path, {"keyCredentials": [second], "tokenEncryptionKeyId": TWO}).status_code == 204
    assert [row["keyId"] for row in admin.get(path).json()["keyCredentials"]] == [TWO]


@pytest.mark.assumed("keys are not shown in lists, so an update must be able to name them without")
def test_known_keys_are_kept_by_name(admin: GraphHttp) -> None:
    """A key that the application has is named by its keyId alone; rotation adds a second one and switches."""
    path = f"/applications/{new_application(admin)['id']}"
    first, second = (
        key_credential(self_signed(name).public_pem, id_) for name, id_ in (("a", ONE), ("b", TWO))
    )
    admin.patch(path, {"keyCredentials": [first], "tokenEncryptionKeyId": ONE})
    kept = admin.get(path).json()["keyCredentials"]
    assert admin.patch(path, {"keyCredentials": [*kept, second]}).status_code == 204
    rows = admin.get(path, select="keyCredentials").json()["keyCredentials"]
    assert [row["key"] for row in rows] == [first["key"], second["key"]]
    assert admin.patch(path, {"tokenEncryptionKeyId": TWO}).status_code == 204


@pytest.mark.assumed("which answers wrong keys have was not recorded")
def test_wrong_keys(admin: GraphHttp) -> None:
    """What is no certificate, or the id of no encryption key, is refused, and nothing of the update is applied."""
    path = f"/applications/{new_application(admin)['id']}"
    good = key_credential(self_signed("a").public_pem, ONE)
    for wrong in (
        {**good, "key": "bm90IGEgY2VydGlmaWNhdGU="},
        {**good, "key": "?"},
        {**good, "key": None},
        {**good, "usage": "Decrypt"},
        {**good, "type": "Symmetric"},
        "a key",
    ):
        assert admin.patch(path, {"keyCredentials": [wrong]}).status_code == 400, wrong
    assert admin.patch(path, {"keyCredentials": [good], "tokenEncryptionKeyId": TWO}).status_code == 400
    verify = {**good, "usage": "Verify"}
    assert admin.patch(path, {"keyCredentials": [verify], "tokenEncryptionKeyId": ONE}).status_code == 400
    assert admin.get(path).json()["keyCredentials"] == []


@pytest.mark.documented("https://learn.microsoft.com/graph/api/application-addpassword")
def test_client_secret(admin: GraphHttp) -> None:
    """addPassword shows a secret once, and a token is issued for it."""
    made = new_application(admin)
    answer = admin.post(
        f"/applications/{made['id']}/addPassword", {"passwordCredential": {"displayName": "x"}}
    )
    secret = answer.json()["secretText"]
    assert answer.status_code == 200
    assert secret not in admin.get(f"/applications/{made['id']}").text
    assert admin.ask_token(client_id=made["appId"], client_secret=secret).status_code == 200


@pytest.mark.documented(PRINCIPAL)
def test_service_principal(admin: GraphHttp) -> None:
    """An application has one service principal, which can be disabled and deleted."""
    made = new_application(admin)
    refused(admin.get(f"/servicePrincipals(appId='{made['appId']}')"), 404, "Request_ResourceNotFound")
    answer = admin.post("/servicePrincipals", {"appId": made["appId"]})
    assert answer.status_code == 201
    path = f"/servicePrincipals/{answer.json()['id']}"
    assert admin.post("/servicePrincipals", {"appId": made["appId"]}).status_code == 400
    assert admin.post("/servicePrincipals", {"appId": ONE}).status_code == 400
    assert admin.post("/servicePrincipals", {}).status_code == 400
    found = admin.get("/servicePrincipals", filter=f"appId eq '{made['appId']}'").json()["value"]
    assert [row["id"] for row in found] == [answer.json()["id"]]
    assert admin.patch(path, {"accountEnabled": False}).status_code == 204
    assert admin.get(path).json()["accountEnabled"] is False
    refused(admin.patch(path, {"displayName": "x"}), 501, "NotImplemented")
    refused(admin.get("/servicePrincipals", filter="startswith(displayName,'x')"), 501, "NotImplemented")
    assert admin.delete(path).status_code == 204
    refused(admin.get(path), 404, "Request_ResourceNotFound")


@pytest.mark.documented(CONSENT)
def test_admin_consent(admin: GraphHttp) -> None:
    """An application permission of Graph is assigned once, stands in the next token, and is taken away again."""
    made = new_application(admin)
    principal = admin.post("/servicePrincipals", {"appId": made["appId"]}).json()["id"]
    graph = admin.get(f"/servicePrincipals(appId='{GRAPH_CLIENT_ID}')").json()
    role = next(row["id"] for row in graph["appRoles"] if row["value"] == "User.Read.All")
    path = f"/servicePrincipals/{principal}/appRoleAssignments"
    row = {"principalId": principal, "resourceId": graph["id"], "appRoleId": role}
    answer = admin.post(path, row)
    assert answer.status_code == 201, answer.text
    assert admin.post(path, row).status_code == 400
    assert admin.post(path, {**row, "appRoleId": ONE}).status_code == 400
    refused(admin.post(path, {**row, "resourceId": ONE}), 404, "Request_ResourceNotFound")
    assert [one["appRoleId"] for one in admin.get(path).json()["value"]] == [role]
    secret = admin.post(f"/applications/{made['id']}/addPassword", {}).json()["secretText"]
    other = GraphHttp(admin.tenant)
    try:
        other.sign_in(client_id=made["appId"], client_secret=secret)
        assert other.get("/users").status_code == 200
        assert admin.delete(f"{path}/{answer.json()['id']}").status_code == 204
        other.sign_in(client_id=made["appId"], client_secret=secret)
        refused(other.get("/users"), 403, "Authorization_RequestDenied")
    finally:
        other.close()


@pytest.mark.documented("https://learn.microsoft.com/graph/permissions-reference")
def test_permissions_of_registrations(admin: GraphHttp) -> None:
    """Registering needs Application.ReadWrite.All, consenting AppRoleAssignment.ReadWrite.All on top."""
    made = new_application(admin)
    principal = admin.post("/servicePrincipals", {"appId": made["appId"]}).json()["id"]
    admin.sign_in()  # the first application may register, and not consent
    assert admin.patch(f"/applications/{made['id']}", {"tags": ["x"]}).status_code == 204
    row = {"principalId": principal, "resourceId": ONE, "appRoleId": RECEIVE_PAYLOAD}
    path = f"/servicePrincipals/{principal}/appRoleAssignments"
    refused(admin.post(path, row), 403, "Authorization_RequestDenied")


@pytest.mark.documented("https://learn.microsoft.com/azure/active-directory-b2c/user-profile-attributes")
def test_extensions_application_stays(admin: GraphHttp) -> None:
    """The application of the custom attributes cannot be deleted: all of them would be lost with it."""
    assert admin.delete(f"/applications(appId='{admin.tenant.extension_app_id}')").status_code == 400
