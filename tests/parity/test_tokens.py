"""The token endpoint, discovery, and what Graph says to a token it does not like."""

import base64
import datetime as dt
import ssl
import time
import uuid
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from tests.support.emulator import Emulator
from tests.support.graph_http import SCOPE, GraphHttp, refused

FLOW = "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def token_refusal(answer: httpx2.Response, status: int, error: str, number: int) -> None:
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert (body["error"], body["error_codes"]) == (error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert "\r\nTrace ID: " in body["error_description"]
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= body.keys()


@pytest.mark.documented(FLOW)
def test_secret_gives_a_token(graph: GraphHttp) -> None:
    """A client secret in the form gives a bearer token of 3599 s and no refresh token."""
    body = graph.ask_token().json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == body["ext_expires_in"] == 3599
    assert "refresh_token" not in body


@pytest.mark.documented(FLOW)
def test_basic_gives_a_token(graph: GraphHttp) -> None:
    """Client id and secret may come as HTTP Basic."""
    pair = f"{graph.tenant.client_id}:{graph.tenant.client_secret}".encode()
    basic = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    assert graph.ask_token(headers=basic, client_id="", client_secret="").status_code == 200


@pytest.mark.documented(FLOW)
def test_tenant_by_domain(graph: GraphHttp) -> None:
    """The path takes the tenant's domain as well as its id."""
    form = graph.token_form()
    assert graph.http.post(f"/{graph.tenant.domain}/oauth2/v2.0/token", data=form).status_code == 200


@pytest.mark.documented("https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference")
def test_token_is_a_jwt(emulator: Emulator, graph: GraphHttp) -> None:
    """The token is a JWT with appid, tid, roles and exp, signed by a key of the discovery document."""
    token = graph.ask_token().json()["access_token"]
    keys = graph.http.get(f"/{graph.tenant.tenant_id}/discovery/v2.0/keys").json()
    claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"]).claims
    assert claims["appid"] == graph.tenant.client_id
    assert claims["tid"] == graph.tenant.tenant_id
    assert "User.ReadWrite.All" in claims["roles"]
    assert claims["exp"] - claims["iat"] == 3599


@pytest.mark.reported("keycloak/keycloak#31294")
def test_wrong_secret(graph: GraphHttp) -> None:
    """A wrong client secret is 401 invalid_client, AADSTS7000215."""
    token_refusal(graph.ask_token(client_secret="wrong"), 401, "invalid_client", 7000215)


@pytest.mark.reported("microsoft/botframework-sdk#6221")
def test_expired_secret(emulator: Emulator, graph: GraphHttp) -> None:
    """An expired client secret is 401 invalid_client, AADSTS7000222."""
    emulator.application(graph.tenant, client_id=graph.tenant.client_id, secret_expired=True)
    token_refusal(graph.ask_token(), 401, "invalid_client", 7000222)


@pytest.mark.documented(FLOW)
def test_scope_of_another_resource(graph: GraphHttp) -> None:
    """A scope of an unknown resource is 400 invalid_scope, AADSTS70011."""
    token_refusal(graph.ask_token(scope="https://other.example/.default"), 400, "invalid_scope", 70011)


@pytest.mark.assumed("common knowledge: no page lists the AADSTS number of each refusal")
@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"client_id": str(uuid.UUID(int=1))}, 400, "unauthorized_client", 700016),
        ({"client_id": ""}, 400, "invalid_request", 900144),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"scope": "User.Read"}, 400, "invalid_scope", 1002012),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
)
def test_refused_requests(
    graph: GraphHttp, changes: dict[str, str], status: int, error: str, number: int
) -> None:
    """An unknown application, a missing parameter, a bare scope: each has its AADSTS number."""
    token_refusal(graph.ask_token(**changes), status, error, number)


@pytest.mark.assumed("common knowledge: AADSTS90002 for a tenant that does not exist")
def test_unknown_tenant(graph: GraphHttp) -> None:
    """A tenant that does not exist is 400 invalid_request, AADSTS90002."""
    answer = graph.http.post("/nobody.onmicrosoft.com/oauth2/v2.0/token", data=graph.token_form())
    token_refusal(answer, 400, "invalid_request", 90002)


@pytest.fixture(scope="module")
def certificate() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an application")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + dt.timedelta(3650))
    return key, builder.sign(key, hashes.SHA256())


def system_time() -> float:
    return time.time()  # noqa: TID251  a client that makes an assertion has a clock of its own


def assertion(
    graph: GraphHttp,
    certificate: tuple[rsa.RSAPrivateKey, x509.Certificate],
    *,
    algorithm: str,
    **changes: Any,
) -> str:
    key, cert = certificate
    digest: Any = ("x5t", hashes.SHA1()) if algorithm == "RS256" else ("x5t#S256", hashes.SHA256())  # noqa: S303  the form that msal sends
    thumbprint = base64.urlsafe_b64encode(cert.fingerprint(digest[1])).decode().rstrip("=")
    now = system_time()
    claims = {
        "aud": f"{graph.tenant.graph_http}{graph.tenant.token_path}",
        "iss": graph.tenant.client_id,
        "sub": graph.tenant.client_id,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 600.5,
        **changes,
    }
    header = {"alg": algorithm, "typ": "JWT", digest[0]: thumbprint}
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return jwt.encode(header, claims, RSAKey.import_key(pem), algorithms=[algorithm])


def ask_with_assertion(graph: GraphHttp, signed: str) -> httpx2.Response:
    return graph.ask_token(client_secret="", client_assertion=signed, client_assertion_type=ASSERTION)


def register(emulator: Emulator, graph: GraphHttp, cert: x509.Certificate) -> None:
    pem = cert.public_bytes(serialization.Encoding.PEM).decode()
    emulator.application(graph.tenant, client_id=graph.tenant.client_id, certificates=[pem])


@pytest.mark.documented("https://learn.microsoft.com/entra/identity-platform/certificate-credentials")
@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_certificate_gives_a_token(
    emulator: Emulator, b2c: GraphHttp, certificate: tuple[Any, x509.Certificate], algorithm: str
) -> None:
    """A client assertion signed with a registered certificate gives a token; times may be fractions."""
    register(emulator, b2c, certificate[1])
    assert ask_with_assertion(b2c, assertion(b2c, certificate, algorithm=algorithm)).status_code == 200


@pytest.mark.assumed("common knowledge: AADSTS700027 for a signature, AADSTS700024 for a time range")
def test_bad_assertions(
    emulator: Emulator, b2c: GraphHttp, certificate: tuple[Any, x509.Certificate]
) -> None:
    """An assertion of an unknown certificate, for another audience, or out of date is 401 invalid_client."""
    good = assertion(b2c, certificate, algorithm="RS256")
    token_refusal(ask_with_assertion(b2c, good), 401, "invalid_client", 700027)
    register(emulator, b2c, certificate[1])
    foreign = assertion(b2c, certificate, algorithm="RS256", aud="https://other.example/token")
    token_refusal(ask_with_assertion(b2c, foreign), 401, "invalid_client", 700027)
    late = assertion(b2c, certificate, algorithm="RS256", exp=system_time() - 900)
    token_refusal(ask_with_assertion(b2c, late), 401, "invalid_client", 700024)


@pytest.mark.documented("https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc")
def test_discovery_documents(graph: GraphHttp) -> None:
    """Both discovery addresses name the token endpoint on the scheme they were asked over, over HTTPS as well."""
    for middle in ("/v2.0", ""):
        document = graph.http.get(
            f"/{graph.tenant.tenant_id}{middle}/.well-known/openid-configuration"
        ).json()
        assert document["token_endpoint"] == f"{graph.tenant.graph_http}{graph.tenant.token_path}"
    with httpx2.Client(verify=_context(graph.tenant.ca_file), trust_env=False) as https:
        address = f"{graph.tenant.authority}/{graph.tenant.domain}/v2.0/.well-known/openid-configuration"
        document = https.get(address).json()
        assert document["token_endpoint"].startswith("https://localhost:")
        assert https.post(document["token_endpoint"], data=graph.token_form()).status_code == 200
        loopback = graph.tenant.authority.replace("localhost", "127.0.0.1")
        assert https.get(f"{loopback}/common/discovery/instance").status_code == 400


def _context(ca_file: str) -> Any:
    assert Path(ca_file).is_file()
    return ssl.create_default_context(cafile=ca_file)


@pytest.mark.assumed("seen in the requests of the official libraries; no page describes it")
def test_instance_discovery(graph: GraphHttp) -> None:
    """Instance discovery leads to the tenant's discovery document, and refuses an unknown authority."""
    for name, status in ((graph.tenant.tenant_id, 200), ("nobody.example", 400)):
        authority = f"{graph.tenant.graph_http}/{name}/oauth2/v2.0/authorize"
        query = {"authorization_endpoint": authority, "api-version": "1.1"}
        answer = graph.http.get("/common/discovery/instance", params=query)
        assert answer.status_code == status
    assert answer.json()["error"] == "invalid_instance"


@pytest.mark.assumed("common knowledge: the texts of 401 answers")
@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("", "Access token is empty."),
        ("Basic eDp5", "Access token is empty."),
        ("Bearer x.y.z", "CompactToken parsing failed"),
    ],
)
def test_no_good_token(graph: GraphHttp, authorization: str, message: str) -> None:
    """A missing or unreadable token is 401 InvalidAuthenticationToken."""
    answer = graph.http.get("/v1.0/users", headers={"Authorization": authorization})
    refused(answer, 401, "InvalidAuthenticationToken", message)


@pytest.mark.documented(FLOW)
def test_tokens_expire(emulator: Emulator, graph: GraphHttp) -> None:
    """A token is refused once its lifetime has passed."""
    emulator.advance(3598)
    assert graph.get("/users").status_code == 200
    emulator.advance(2)
    refused(graph.get("/users"), 401, "InvalidAuthenticationToken", "Access token has expired")
    graph.sign_in()
    assert graph.get("/users").status_code == 200


@pytest.mark.assumed("Graph's address names no tenant, so the token must")
def test_tokens_belong_to_one_tenant(emulator: Emulator, clients: dict[str, GraphHttp]) -> None:
    """The token, not the address, decides which tenant answers."""
    for kind, client in clients.items():
        client.sign_in()
        client.create(f"ann@{kind}.example")
    found = [row["displayName"] for row in clients["b2c"].get("/users").json()["value"]]
    assert found == ["ann"]
    assert len(emulator.dump(emulator.tenant("external"))) == 1


@pytest.mark.assumed("an emulator must not answer what it does not imitate")
def test_uncovered_addresses(graph: GraphHttp) -> None:
    """An address outside Graph that is not covered answers 501 and names the gap."""
    answer = graph.http.get(f"/{graph.tenant.tenant_id}/oauth2/v2.0/logout", params={"scope": SCOPE})
    assert answer.status_code == 501
    assert "oauth2/v2.0/logout" in answer.text
