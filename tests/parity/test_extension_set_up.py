"""Setting password submit up through Graph: extensions, listeners, the user flow, and what each refuses."""

from typing import Any

import httpx2
import pytest
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp, refused
from tests.support.password_submit import (
    EXTENSIONS,
    FLOWS,
    LISTENERS,
    SetUp,
    administrator,
    extension_body,
    listener_body,
    sign_in_application,
)

CREATE = "https://learn.microsoft.com/graph/api/identitycontainer-post-customauthenticationextensions"
LISTENER = "https://learn.microsoft.com/graph/api/resources/onpasswordsubmitlistener"
CODES = "https://learn.microsoft.com/entra/identity-platform/custom-extension-troubleshoot"
CLIENT = "https://learn.microsoft.com/graph/api/resources/customextensionclientconfiguration"
RESOURCE = "api://svc.example.org/11111111-2222-4333-8444-555555555555"
TARGET = "https://svc.example.org/api/external-id/password-submit"


@pytest.fixture
def tenant(emulator: Emulator) -> EmulatedTenant:
    return emulator.tenant("external")


@pytest.fixture
def admin(emulator: Emulator, tenant: EmulatedTenant) -> Any:
    client = administrator(emulator, tenant)
    yield client
    client.close()


def changed(body: dict[str, Any], *path: str, to: Any) -> dict[str, Any]:
    """The body with another value at this path; None takes it away."""
    name, *rest = path
    if rest:
        return {**body, name: changed(dict(body[name]), *rest, to=to)}
    return {key: value for key, value in {**body, name: to}.items() if value is not None}


@pytest.mark.documented(CREATE)
@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_extension_is_kept(admin: GraphHttp, version: str) -> None:
    """An extension is created, listed, read, changed and deleted, in beta and in v1.0."""
    path = f"/{version}/identity/customAuthenticationExtensions"
    made = admin.post(path, extension_body(TARGET, RESOURCE))
    assert made.status_code == 201, made.text
    row = made.json()
    assert row["endpointConfiguration"]["targetUrl"] == TARGET
    assert [one["id"] for one in admin.get(path).json()["value"]] == [row["id"]]
    assert admin.patch(f"{path}/{row['id']}", {"displayName": "other"}).status_code == 204
    again = admin.get(f"{path}/{row['id']}").json()
    assert (again["displayName"], again["clientConfiguration"]) == ("other", row["clientConfiguration"])
    assert admin.delete(f"{path}/{row['id']}").status_code == 204
    refused(admin.get(f"{path}/{row['id']}"), 404, "Request_ResourceNotFound")


@pytest.mark.documented(CLIENT)
def test_patience(admin: GraphHttp) -> None:
    """The timeout is 200 to 2,000 ms and 1,000 by default; retries are 0 or 1."""
    for timeout, retries in ((199, 1), (2001, 1), (2000, 2), (2000, -1), ("2000", 1), (True, 1)):
        client = {"timeoutInMilliseconds": timeout, "maximumRetries": retries}
        body = changed(extension_body(TARGET, RESOURCE), "clientConfiguration", to=client)
        assert admin.post(EXTENSIONS, body).status_code == 400, client
    made = admin.post(EXTENSIONS, changed(extension_body(TARGET, RESOURCE), "clientConfiguration", to=None))
    assert made.json()["clientConfiguration"] == {"timeoutInMilliseconds": 1000, "maximumRetries": 1}


@pytest.mark.documented(CODES)
@pytest.mark.parametrize(
    ("target", "resource"),
    [
        ("http://svc.example.org/", RESOURCE),
        ("ftp://svc.example.org/", RESOURCE),
        ("https://user@svc.example.org/", RESOURCE),
        ("https:///", RESOURCE),
        ("svc.example.org", RESOURCE),
        ("https://[::1", RESOURCE),
        ("https://svc.example.org:99999/", RESOURCE),
        ("https://svc.example.org/\n", RESOURCE),
        (TARGET, "api://[::1"),
        ("https://other.example.org/", RESOURCE),
        (TARGET, "https://svc.example.org/app"),
        (TARGET, "api://svc.example.org"),
        (TARGET, "api://svc.example.org/one/two"),
    ],
)
def test_addresses(admin: GraphHttp, target: str, resource: str) -> None:
    """targetUrl is HTTPS, resourceId is api://{host}/{application}, and their hosts are the same."""
    assert admin.post(EXTENSIONS, extension_body(target, resource)).status_code == 400


@pytest.mark.documented(
    "https://learn.microsoft.com/entra/external-id/customers/how-to-migrate-passwords-just-in-time"
)
def test_targets_of_microsofts_own(admin: GraphHttp) -> None:
    """Microsoft Graph and Entra's own endpoints cannot be targets."""
    for host in ("graph.microsoft.com", "login.microsoftonline.com", "contoso.ciamlogin.com"):
        body = extension_body(f"https://{host}/v1.0/me", f"api://{host}/11111111-2222-4333-8444-555555555555")
        assert admin.post(EXTENSIONS, body).status_code == 400, host


@pytest.mark.assumed("an emulator may call its own machine; a tenant may not")
def test_plain_http_on_this_machine(emulator: Emulator, admin: GraphHttp, tenant: EmulatedTenant) -> None:
    """Plain HTTP is taken for this machine only, and only after an option says so."""
    resource = "api://localhost:8080/11111111-2222-4333-8444-555555555555"
    body = extension_body("http://localhost:8080/", resource)
    assert admin.post(EXTENSIONS, body).status_code == 400
    emulator.options(tenant, http_loopback_targets=True)
    assert admin.post(EXTENSIONS, body).status_code == 201
    assert admin.post(EXTENSIONS, extension_body("http://svc.example.org/", RESOURCE)).status_code == 400


@pytest.mark.documented(CREATE)
def test_what_an_extension_must_say(admin: GraphHttp) -> None:
    """Name, endpoint and authentication are required and of their documented types."""
    body = extension_body(TARGET, RESOURCE)
    for path in (
        ("displayName",),
        ("endpointConfiguration",),
        ("authenticationConfiguration",),
        ("endpointConfiguration", "targetUrl"),
        ("endpointConfiguration", "@odata.type"),
        ("authenticationConfiguration", "resourceId"),
        ("authenticationConfiguration", "@odata.type"),
    ):
        assert admin.post(EXTENSIONS, changed(body, *path, to=None)).status_code == 400, path


@pytest.mark.assumed("an emulator must not answer what it does not imitate")
def test_other_events_are_not_covered(admin: GraphHttp) -> None:
    """Extensions, listeners and properties of other kinds answer 501."""
    other = "#microsoft.graph.onTokenIssuanceStartCustomExtension"
    refused(
        admin.post(EXTENSIONS, {**extension_body(TARGET, RESOURCE), "@odata.type": other}),
        501,
        "NotImplemented",
    )
    refused(admin.post(EXTENSIONS, {**extension_body(TARGET, RESOURCE), "new": 1}), 501, "NotImplemented")
    kind = "#microsoft.graph.onTokenIssuanceStartListener"
    refused(admin.post(LISTENERS, {"@odata.type": kind}), 501, "NotImplemented")


@pytest.mark.documented(LISTENER)
@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_listener_is_kept(ready: SetUp, version: str) -> None:
    """A listener is created, listed, read, changed and deleted, in beta and in v1.0."""
    graph, path = ready.graph, f"/{version}/identity/authenticationEventListeners"
    made = graph.post(path, listener_body(ready.client_id, ready.flag, ready.extension_id))
    assert made.status_code == 201, made.text
    listener_id = made.json()["id"]
    assert made.json()["handler"]["migrationPropertyId"] == ready.flag
    assert {row["id"] for row in graph.get(path).json()["value"]} == {ready.listener_id, listener_id}
    assert graph.patch(f"{path}/{listener_id}", {"priority": 1}).status_code == 204
    again = graph.get(f"{path}/{listener_id}").json()
    assert (again["priority"], again["handler"]) == (1, made.json()["handler"])
    assert graph.delete(f"{path}/{listener_id}").status_code == 204
    refused(graph.get(f"{path}/{listener_id}"), 404, "Request_ResourceNotFound")


@pytest.mark.assumed("which answers a listener's mistakes have was not recorded")
def test_what_a_listener_must_say(ready: SetUp) -> None:
    """The flag must be a declared Boolean attribute, application and extension must exist, the rest be in range."""
    graph = ready.graph
    body = listener_body(ready.client_id, ready.flag, ready.extension_id)
    text = graph.declare("favouriteColour")
    nobody = "11111111-2222-4333-8444-555555555555"
    conditions = {"applications": {"includeApplications": [{"appId": nobody}]}}
    for path, value, status in (
        (("handler", "migrationPropertyId"), f"{ready.flag}x", 400),
        (("handler", "migrationPropertyId"), text, 400),
        (("handler", "migrationPropertyId"), None, 400),
        (("handler", "customExtension"), {"id": nobody}, 404),
        (("handler", "@odata.type"), "#microsoft.graph.onPasswordSubmitHandler", 400),
        (("conditions",), conditions, 404),
        (("conditions",), {"applications": {"includeApplications": []}}, 400),
        (("conditions",), None, 400),
        (("priority",), "500", 400),
        (("priority",), 1001, 400),
    ):
        assert graph.post(LISTENERS, changed(body, *path, to=value)).status_code == status, (path, value)


@pytest.mark.documented(LISTENER)
def test_handler_overrides_patience(ready: SetUp) -> None:
    """The handler's own configuration replaces timeout and retries, within the same bounds."""
    body = listener_body(ready.client_id, ready.flag, ready.extension_id)
    client = {"timeoutInMilliseconds": 300, "maximumRetries": 0}
    body["handler"]["configuration"] = {"clientConfiguration": client}
    made = ready.graph.post(LISTENERS, body)
    assert made.json()["handler"]["configuration"]["clientConfiguration"] == client
    client["timeoutInMilliseconds"] = 5000
    assert ready.graph.post(LISTENERS, body).status_code == 400


@pytest.mark.assumed("whether a used extension can be deleted is not documented; the stricter reading")
def test_used_extension_stays(ready: SetUp) -> None:
    """An extension that a listener names cannot be deleted before the listener."""
    path = f"{EXTENSIONS}/{ready.extension_id}"
    assert ready.graph.delete(path).status_code == 400
    assert ready.graph.delete(f"{LISTENERS}/{ready.listener_id}").status_code == 204
    assert ready.graph.delete(path).status_code == 204


@pytest.mark.documented("https://learn.microsoft.com/graph/permissions-reference")
@pytest.mark.parametrize(
    ("path", "role"),
    [
        (EXTENSIONS, "CustomAuthenticationExtension.ReadWrite.All"),
        (LISTENERS, "EventListener.ReadWrite.All"),
        (FLOWS, "EventListener.ReadWrite.All"),
    ],
)
def test_permissions_of_events(
    emulator: Emulator, admin: GraphHttp, tenant: EmulatedTenant, path: str, role: str
) -> None:
    """Extensions and listeners have permissions of their own."""
    other = emulator.application(tenant, display_name="other", roles=["Application.ReadWrite.All"])
    admin.sign_in(client_id=other["client_id"], client_secret=other["client_secret"])
    refused(admin.get(path), 403, "Authorization_RequestDenied")
    emulator.application(tenant, client_id=other["client_id"], roles=[role])
    admin.sign_in(client_id=other["client_id"], client_secret=other["client_secret"])
    assert admin.get(path).status_code == 200


@pytest.mark.documented(
    "https://learn.microsoft.com/entra/external-id/customers/how-to-user-flow-add-application"
)
def test_user_flow(emulator: Emulator, ready: SetUp, tenant: EmulatedTenant) -> None:
    """An application has a sign-in page after it was attached to the user flow, and none without."""
    graph = ready.graph
    flow = graph.get(FLOWS).json()["value"][0]
    attached = f"{FLOWS}/{flow['id']}/conditions/applications/includeApplications"
    client_id = sign_in_application(graph)
    assert client_id in [row["appId"] for row in graph.get(attached).json()["value"]]
    assert graph.post(attached, {"appId": client_id}).status_code == 400
    refused(graph.post(attached, {"appId": flow["id"]}), 404, "Request_ResourceNotFound")
    refused(graph.get(attached.replace(flow["id"], client_id)), 404, "Request_ResourceNotFound")
    query = {
        "client_id": client_id,
        "redirect_uri": "http://localhost/signed-in",
        "response_type": "code",
        "scope": "openid",
    }
    page = f"{tenant.graph_http}/{tenant.tenant_id}/oauth2/v2.0/authorize"
    assert httpx2.get(page, params=query, trust_env=False).status_code == 200
    assert graph.delete(f"{attached}/{client_id}").status_code == 204
    without = httpx2.get(page, params=query, trust_env=False)
    assert (without.status_code, "AADSTS500208" in without.text) == (400, True)
    assert graph.delete(f"{attached}/{client_id}").status_code == 404
    emulator.options(tenant, strict_user_flow=False)
    assert httpx2.get(page, params=query, trust_env=False).status_code == 200


@pytest.mark.documented("https://learn.microsoft.com/entra/external-id/customers/reference-service-limits")
def test_numbers_of_extensions_and_listeners(ready: SetUp) -> None:
    """A tenant holds at most 100 extensions and 249 listeners."""
    body = extension_body(TARGET, RESOURCE)
    assert all(ready.graph.post(EXTENSIONS, body).status_code == 201 for _ in range(99))
    assert ready.graph.post(EXTENSIONS, body).status_code == 400
    listener = listener_body(ready.client_id, ready.flag, ready.extension_id)
    assert all(ready.graph.post(LISTENERS, listener).status_code == 201 for _ in range(248))
    assert ready.graph.post(LISTENERS, listener).status_code == 400
