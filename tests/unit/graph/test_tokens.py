"""Tokens: fetched once, renewed in time, refused with the likely cause, never with a secret in a message."""

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.support.hand_clock import HandClock
from tests.support.mock_graph import CLIENT_ID, SECRET, TENANT_ID, jwt_with, token_answer

from idferry.errors import SettingsError, TokenRefused, Unreachable
from idferry.graph.address import Address
from idferry.graph.credentials import ClientCertificate, ClientSecret, managed_identity
from idferry.graph.machine import Machine
from idferry.graph.tokens import ClientCredentials, roles_of, scope_of

TRACE_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
URL = f"https://login.test/{TENANT_ID}/oauth2/v2.0/token"


class Endpoint:
    """A token endpoint that answers from a list, then with numbered tokens."""

    def __init__(self, *answers: httpx2.Response | Exception, expires_in: int = 3599) -> None:
        self.answers = list(answers)
        self.expires_in = expires_in
        self.forms: list[dict[str, list[str]]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        assert str(request.url) == URL
        self.forms.append(parse_qs(request.content.decode()))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return token_answer(f"token-{len(self.forms)}", self.expires_in)


def tokens_from(
    endpoint: Endpoint, clock: HandClock | None = None, credential: Any = None
) -> ClientCredentials:
    return ClientCredentials(
        http=httpx2.Client(transport=httpx2.MockTransport(endpoint)),
        address=Address(TENANT_ID, "contoso.onmicrosoft.com", "https://login.test/"),
        client_id=CLIENT_ID,
        credential=credential or ClientSecret(SECRET),
        timeout=timedelta(seconds=60),
        machine=Machine(clock or HandClock(), lambda: 1.0, lambda: "an-id"),
    )


def refusal(number: int, *, status: int = 401) -> httpx2.Response:
    return httpx2.Response(
        status,
        json={
            "error": "invalid_client",
            "error_description": f"AADSTS{number}: Provided value '{SECRET}' is wrong.\r\nTrace ID: {TRACE_ID}",
            "error_codes": [number],
            "trace_id": TRACE_ID,
        },
    )


def test_the_request_is_the_documented_one() -> None:
    endpoint = Endpoint()
    assert tokens_from(endpoint).token() == "token-1"
    assert endpoint.forms == [
        {
            "client_id": [CLIENT_ID],
            "grant_type": ["client_credentials"],
            "scope": ["https://graph.microsoft.com/.default"],
            "client_secret": [SECRET],
        }
    ]


def test_a_token_is_used_until_five_minutes_before_it_expires() -> None:
    endpoint, clock = Endpoint(), HandClock()
    tokens = tokens_from(endpoint, clock)
    tokens.token()
    clock.advance(3599 - 301)
    assert tokens.token() == "token-1"
    clock.advance(2)
    assert tokens.token() == "token-2"


def test_a_token_that_lives_shorter_than_that_is_used_for_half_its_life() -> None:
    endpoint, clock = Endpoint(expires_in=60), HandClock()
    tokens = tokens_from(endpoint, clock)
    tokens.token()
    clock.advance(29)
    assert tokens.token() == "token-1"
    clock.advance(2)
    assert tokens.token() == "token-2"


@pytest.mark.parametrize(
    ("expires_in", "good_for_s"), [(0, 30), (-5, 30), (10**30, 86_100), (1e300, 86_100), (True, 30)]
)
def test_a_life_that_no_token_has_is_not_believed(expires_in: int, good_for_s: float) -> None:
    endpoint, clock = Endpoint(expires_in=expires_in), HandClock()
    tokens = tokens_from(endpoint, clock)
    tokens.token()
    clock.advance(good_for_s - 1)
    assert tokens.token() == "token-1"
    clock.advance(2)
    assert tokens.token() == "token-2"


def test_an_answer_that_trickles_in_is_given_up() -> None:
    clock = HandClock()

    def trickle() -> Iterator[bytes]:
        for _ in range(100):
            clock.advance(59)
            yield b" "

    endpoint = Endpoint(*(httpx2.Response(200, content=trickle()) for _ in range(4)))
    with pytest.raises(Unreachable, match="AnswerTooSlow"):
        tokens_from(endpoint, clock).token()
    assert clock.elapsed() < 4 * 4 * 60 + 60


@pytest.mark.parametrize("token", [f"{SECRET}\nx", f"{SECRET} ", f"{SECRET}\u00e9", f"{SECRET}\0"])
def test_a_token_that_cannot_stand_in_a_header_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused) as caught:
        tokens_from(Endpoint(token_answer(token))).token()
    assert SECRET not in f"{caught.value!r} {caught.value.remedy}"


def test_what_an_endpoint_echoes_is_not_told() -> None:
    echo = {"error_codes": [int("9" * 18)], "trace_id": SECRET, "error_description": SECRET}
    for answer in (httpx2.Response(400, json=echo), *[httpx2.RemoteProtocolError(SECRET)] * 4):
        with pytest.raises((TokenRefused, Unreachable)) as caught:
            tokens_from(Endpoint(*[answer] * 4)).token()
        assert SECRET not in f"{caught.value!r} {caught.value.remedy}"
        assert "9" * 18 not in str(caught.value)


def test_a_refused_token_is_renewed_once_for_all_threads() -> None:
    endpoint = Endpoint()
    tokens = tokens_from(endpoint)
    old = tokens.token()
    barrier = threading.Barrier(4)

    def renew(_: int) -> str:
        barrier.wait()
        return tokens.renew(old)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(renew, range(4))) == {"token-2"}
    assert len(endpoint.forms) == 2


@pytest.mark.parametrize(
    ("number", "status", "words", "remedy"),
    [
        (7000215, 401, "secret is wrong", "not its id"),
        (7000222, 401, "secret has expired", "new client secret"),
        (700016, 400, "does not know this client_id", "client_id"),
        (90002, 400, "no such tenant", "[tenant] id"),
        (700027, 401, "certificate is not registered", "Upload"),
        (700024, 401, "not valid at this time", "clock"),
        (1234567, 400, "AADSTS1234567", "client_id"),
    ],
)
def test_a_refusal_names_its_likely_cause_and_no_secret(
    number: int, status: int, words: str, remedy: str
) -> None:
    with pytest.raises(TokenRefused) as caught:
        tokens_from(Endpoint(refusal(number, status=status))).token()
    told = f"{caught.value} {caught.value.remedy}"
    assert words in told
    assert remedy in caught.value.remedy
    assert f"AADSTS{number}" in str(caught.value)
    assert TRACE_ID in str(caught.value)
    assert SECRET not in told
    assert caught.value.__cause__ is None


def test_an_old_error_body_without_codes_is_understood() -> None:
    answer = httpx2.Response(400, json={"error": "x", "error_description": "AADSTS90002: Tenant not found."})
    with pytest.raises(TokenRefused, match="no such tenant"):
        tokens_from(Endpoint(answer)).token()


def test_an_address_without_a_token_endpoint_says_so() -> None:
    with pytest.raises(TokenRefused) as caught:
        tokens_from(Endpoint(httpx2.Response(404, text="<html>"))).token()
    assert "authority" in caught.value.remedy


@pytest.mark.parametrize("body", [{"token_type": "Bearer"}, {"access_token": ""}, {"access_token": 7}, []])
def test_an_answer_without_a_token_is_a_refusal(body: object) -> None:
    with pytest.raises(TokenRefused):
        tokens_from(Endpoint(httpx2.Response(200, json=body))).token()


def test_an_endpoint_that_fails_is_asked_again_as_it_asks_to() -> None:
    clock = HandClock()
    endpoint = Endpoint(
        httpx2.Response(503), httpx2.Response(429, headers={"Retry-After": "20"}), httpx2.ConnectError("no")
    )
    assert tokens_from(endpoint, clock).token() == "token-4"
    assert clock.elapsed() == pytest.approx(1 + 20 + 4)


def test_an_endpoint_that_stays_away_is_unreachable() -> None:
    endpoint = Endpoint(*[httpx2.ReadTimeout("slow")] * 4)
    with pytest.raises(Unreachable, match="ReadTimeout"):
        tokens_from(endpoint).token()
    assert len(endpoint.forms) == 4


def test_permissions_are_the_roles_of_a_readable_token() -> None:
    assert roles_of(jwt_with(roles=["User.Read.All", "X"])) == {"User.Read.All", "X"}
    assert roles_of(jwt_with(aud="x")) == frozenset()
    for odd in ("opaque", "a.b.c", "..", jwt_with(roles="all"), f"a.{'é'}.c", "a.W10.c"):
        assert roles_of(odd) is None


def test_other_clouds_have_scopes_of_their_own() -> None:
    assert scope_of("https://graph.microsoft.us") == "https://graph.microsoft.us/.default"
    assert scope_of("https://127.0.0.1:8443") == "https://graph.microsoft.com/.default"


@pytest.fixture(scope="module")
def certificate_and_key() -> tuple[bytes, bytes, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idferry")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=900))
        .sign(key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key_pem, key


def test_a_certificate_signs_an_assertion_for_this_very_endpoint(
    certificate_and_key: tuple[bytes, bytes, rsa.RSAPrivateKey],
) -> None:
    certificate, key_pem, key = certificate_and_key
    endpoint, clock = Endpoint(), HandClock()
    tokens_from(endpoint, clock, ClientCertificate.parse(key_pem + certificate)).token()
    form = endpoint.forms[0]
    assert "client_secret" not in form
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    read = jwt.decode(form["client_assertion"][0], RSAKey.import_key(public), algorithms=["PS256"])
    now_s = int(clock.now().timestamp())
    assert read.claims == {
        "aud": URL,
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "jti": "an-id",
        "nbf": now_s,
        "iat": now_s,
        "exp": now_s + 600,
    }
    assert set(read.header) == {"alg", "typ", "x5t", "x5t#S256"}


def test_a_certificate_file_without_its_parts_is_a_settings_error(
    certificate_and_key: tuple[bytes, bytes, rsa.RSAPrivateKey],
) -> None:
    certificate, key_pem, key = certificate_and_key
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"phrase"),
    )
    for pem in (certificate, key_pem, b"", b"\xff", certificate + encrypted):
        with pytest.raises(SettingsError) as caught:
            ClientCertificate.parse(pem)
        assert "PRIVATE" not in f"{caught.value!r} {caught.value.remedy}"


def test_credentials_do_not_print_what_they_hold(
    certificate_and_key: tuple[bytes, bytes, rsa.RSAPrivateKey],
) -> None:
    certificate, key_pem, _ = certificate_and_key
    assert SECRET not in repr(ClientSecret(SECRET))
    shown = repr(ClientCertificate.parse(certificate + key_pem))
    assert not any(line in shown for line in key_pem.decode().splitlines())
    assert "private" not in shown.lower()
    assert json.dumps(SECRET) not in repr(ClientSecret(SECRET))


def test_the_machines_own_identity_comes_from_the_optional_package(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = pytest.importorskip("azure.identity")
    for name in ("AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    with managed_identity(CLIENT_ID) as credential:
        assert isinstance(credential, identity.ManagedIdentityCredential)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT_ID)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", "token-file")
    with managed_identity(CLIENT_ID) as credential:
        assert isinstance(credential, identity.ChainedTokenCredential)


def test_without_the_optional_package_the_remedy_is_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(SettingsError) as caught:
        managed_identity(CLIENT_ID)
    assert "pip install" in caught.value.remedy
