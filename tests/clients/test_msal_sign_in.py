"""msal signs a person in on the emulated tenant's hosted page: code flow with proof key, for a web and a public client."""

from collections.abc import Iterator

import msal
import pytest
import requests
from tests.support.emulator import EmulatedTenant, Emulator
from tests.support.graph_http import GraphHttp
from tests.support.hosted_pages import HostedPages
from tests.support.password_submit import REDIRECT_URI, administrator, sign_in_application

ANN, PASSWORD = "ann@example.org", "Zq7#mWv2!k"


@pytest.fixture
def tenant(emulator: Emulator) -> EmulatedTenant:
    return emulator.tenant("external")


@pytest.fixture
def admin(emulator: Emulator, tenant: EmulatedTenant) -> Iterator[GraphHttp]:
    graph = administrator(emulator, tenant)
    graph.create(ANN)
    yield graph
    graph.close()


def application(
    tenant: EmulatedTenant, http: requests.Session, admin: GraphHttp, kind: str
) -> msal.ClientApplication:
    client_id = sign_in_application(admin, kind=kind)
    options = {"oidc_authority": f"{tenant.authority}/{tenant.tenant_id}/v2.0", "http_client": http}
    if kind == "publicClient":
        return msal.PublicClientApplication(client_id, **options)
    secret = admin.post(f"/applications(appId='{client_id}')/addPassword", {}).json()["secretText"]
    return msal.ConfidentialClientApplication(client_id, client_credential=secret, **options)


@pytest.mark.parametrize("kind", ["web", "publicClient"])
def test_a_person_signs_in(
    tenant: EmulatedTenant, http: requests.Session, admin: GraphHttp, kind: str
) -> None:
    app = application(tenant, http, admin, kind)
    flow = app.initiate_auth_code_flow(["User.Read"], redirect_uri=REDIRECT_URI, response_mode="form_post")
    pages = HostedPages(tenant)
    try:
        address = flow["auth_uri"].replace(tenant.authority, tenant.graph_http)
        page = pages.at(address).submit(sign_in_name=ANN)
        answer = page.submit(password=PASSWORD).forms[0]["fields"]
    finally:
        pages.close()
    result = app.acquire_token_by_auth_code_flow(flow, answer)
    assert "error" not in result, result
    claims = result["id_token_claims"]
    assert claims["preferred_username"] == ANN
    assert claims["iss"] == f"{tenant.authority}/{tenant.tenant_id}/v2.0"
    assert app.get_accounts()[0]["username"] == ANN
    again = app.acquire_token_by_auth_code_flow(flow, answer)
    assert again["error"] == "invalid_grant"
