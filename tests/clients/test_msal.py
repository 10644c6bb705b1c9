"""msal gets its tokens from the emulator: by secret, by certificate in both of its forms, and no token by lies."""

import msal
import pytest
import requests
from tests.support.certificates import ClientCertificate, self_signed
from tests.support.emulator import EmulatedTenant, Emulator

SCOPES = ["https://graph.microsoft.com/.default"]
NOT_A_CLIENT = "00000000-0000-4000-8000-000000000001"


def application(
    tenant: EmulatedTenant, http: requests.Session, credential: object, *, client_id: str = "", path: str = ""
) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        client_id or tenant.client_id,
        authority=f"{tenant.authority}/{path or tenant.tenant_id}",
        client_credential=credential,
        http_client=http,
        instance_discovery=False,  # it would ask login.microsoftonline.com about our host
    )


def opens_graph(tenant: EmulatedTenant, http: requests.Session, token: str) -> bool:
    answer = http.get(f"{tenant.graph_https}/v1.0/users", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code == 200


def test_a_secret_gets_a_token_that_opens_graph(tenant: EmulatedTenant, http: requests.Session) -> None:
    app = application(tenant, http, tenant.client_secret)
    first = app.acquire_token_for_client(SCOPES)
    assert first["token_type"] == "Bearer"
    assert first["token_source"] == "identity_provider"
    assert opens_graph(tenant, http, first["access_token"])
    again = app.acquire_token_for_client(SCOPES)
    assert (again["token_source"], again["access_token"]) == ("cache", first["access_token"])


def test_the_tenant_goes_by_its_domain_too(tenant: EmulatedTenant, http: requests.Session) -> None:
    app = application(tenant, http, tenant.client_secret, path=tenant.domain)
    assert opens_graph(tenant, http, app.acquire_token_for_client(SCOPES)["access_token"])


@pytest.mark.parametrize("form", ["thumbprint", "public_certificate"])
def test_a_certificate_gets_a_token(
    tenant: EmulatedTenant,
    emulator: Emulator,
    http: requests.Session,
    certificate: ClientCertificate,
    form: str,
) -> None:
    emulator.application(tenant, client_id=tenant.client_id, certificates=[certificate.public_pem])
    proof = {"thumbprint": certificate.sha1, "public_certificate": certificate.public_pem}
    app = application(tenant, http, {"private_key": certificate.private_pem, form: proof[form]})
    assert opens_graph(tenant, http, app.acquire_token_for_client(SCOPES)["access_token"])


def test_a_certificate_that_nobody_uploaded_gets_none(
    tenant: EmulatedTenant, emulator: Emulator, http: requests.Session, certificate: ClientCertificate
) -> None:
    emulator.application(tenant, client_id=tenant.client_id, certificates=[certificate.public_pem])
    stranger = self_signed("stranger")
    credential = {"private_key": stranger.private_pem, "public_certificate": stranger.public_pem}
    refused = application(tenant, http, credential).acquire_token_for_client(SCOPES)
    assert refused["error"] == "invalid_client"
    assert 700027 in refused["error_codes"]


@pytest.mark.parametrize(
    ("secret", "client_id", "error", "code"),
    [
        ("not-the-secret", "", "invalid_client", 7000215),
        ("", NOT_A_CLIENT, "unauthorized_client", 700016),
    ],
)
def test_lies_get_none(
    tenant: EmulatedTenant, http: requests.Session, secret: str, client_id: str, error: str, code: int
) -> None:
    app = application(tenant, http, secret or tenant.client_secret, client_id=client_id)
    refused = app.acquire_token_for_client(SCOPES)
    assert (refused["error"], refused["error_codes"]) == (error, [code])
    assert refused["error_description"].startswith(f"AADSTS{code}: ")
    assert {"correlation_id", "trace_id", "timestamp"} <= refused.keys()


def test_an_expired_secret_gets_none(
    tenant: EmulatedTenant, emulator: Emulator, http: requests.Session
) -> None:
    emulator.application(tenant, client_id=tenant.client_id, secret_expired=True)
    refused = application(tenant, http, tenant.client_secret).acquire_token_for_client(SCOPES)
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000222])
