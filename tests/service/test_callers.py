"""Who may call: every way of proving it, both slots of a rotation, and everything else refused before a body is read."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.support.service_stage import BASIC, POLICY, SECRET, STATUS, Answered, ServiceStage
from tests.support.sign_in_stage import ExternalStage
from tests.support.tls_files import Authority

from idferry.errors import SettingsError
from idferry.service.app import HEALTH_PATH
from idferry.service.caller_auth import Callers
from idferry.service.client_certificates import CertificateCaller
from idferry.service.credentials import SecretCaller, SecretKind
from idferry.service.external_id import PATH as EXTERNAL_PATH

NEXT = "The-next-secret-of-at-least-32-bytes-!"
BODY = b'{"email":"ana@example.com"}'


def basic(user: str, secret: str) -> tuple[str, str]:
    return ("Authorization", "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode())


CALLERS = Callers(
    secrets=[
        SecretCaller(name="policy", kind=SecretKind.BASIC, secrets=[SECRET, NEXT], user="policy"),
        SecretCaller(
            name="other", kind=SecretKind.BASIC, secrets=["Another-secret-of-a-second-caller!"], user="policy"
        ),
        SecretCaller(name="key", kind=SecretKind.API_KEY, secrets=[SECRET, NEXT], header="X-Api-Key"),
        SecretCaller(name="bearer", kind=SecretKind.BEARER, secrets=[SECRET, NEXT]),
    ]
)


@pytest.fixture
def stage() -> Iterator[ServiceStage]:
    one = ServiceStage(callers=CALLERS)
    yield one
    one.close()


class Canary(list[bytes]):
    """A body that must not be read."""

    def pop(self, *_: object) -> bytes:  # type: ignore[override]
        raise AssertionError("the body was read before the caller was known")


def refused(stage: ServiceStage, *headers: tuple[str, str], **how: object) -> Answered:
    answer = stage.call("POST", STATUS, headers=headers, parts=Canary([b"{"]), **how)  # type: ignore[arg-type]
    assert (answer.status, answer.body) == (401, b"")
    assert answer.headers["connection"] == "close"
    return answer


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        (basic("policy", SECRET), ("policy", 0)),
        (basic("policy", NEXT), ("policy", 1)),
        (("authorization", basic("policy", NEXT)[1].replace("Basic", "bASIC")), ("policy", 1)),
        (basic("policy", "Another-secret-of-a-second-caller!"), ("other", 0)),
        (("x-api-key", SECRET), ("key", 0)),
        (("X-API-KEY", NEXT), ("key", 1)),
        (("authorization", f"Bearer {SECRET}"), ("bearer", 0)),
        (("authorization", f"bearer {NEXT}"), ("bearer", 1)),
    ],
)
def test_each_credential_lets_its_caller_in_and_is_counted(
    stage: ServiceStage, header: tuple[str, str], caller: tuple[str, int]
) -> None:
    assert stage.call("POST", STATUS, BODY, headers=[header]).status == 200
    assert [line["caller"] for line in stage.lines()] == [caller[0]]
    seen = f'idferry_credential_last_used_seconds{{caller="{caller[0]}",credential="{caller[1]}"}}'
    assert seen.encode() in stage.metrics.text()


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", "Basic")],
        [("authorization", "Basic !!!")],
        [("authorization", "Basic cG9saWN5")],
        [basic("policy", "")],
        [basic("policy", SECRET + "x")],
        [basic("policy", SECRET[:-1])],
        [basic("Policy", SECRET)],
        [basic("", SECRET)],
        [basic("policy:", SECRET)],
        [("authorization", SECRET)],
        [("authorization", f"Basic {SECRET}")],
        [("authorization", f"Digest {SECRET}")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", f"Bearer policy:{SECRET}")],
        [("x-api-key", "")],
        [("x-api-key", f"{SECRET} ")],
        [("x-other-key", SECRET)],
        [("cookie", f"x-api-key={SECRET}")],
        [basic("policy", SECRET), basic("policy", SECRET)],
        [basic("policy", "wrong"), basic("policy", SECRET)],
        [("x-api-key", SECRET), ("x-api-key", NEXT)],
        [("authorization", "Bearer " + "x" * 100_000)],
        [("authorization", "Basic " + "\xff" * 40)],
    ],
)
def test_nobody_else_gets_in(stage: ServiceStage, headers: list[tuple[str, str]]) -> None:
    refused(stage, *headers)


@pytest.mark.parametrize("path", [STATUS, "/api/PrePasswordReset/PasswordUpdated"])
def test_every_endpoint_asks_who_calls(stage: ServiceStage, path: str) -> None:
    assert stage.call("POST", path, BODY, headers=()).status == 401


def test_a_refusal_says_nothing_of_what_was_shown(stage: ServiceStage) -> None:
    answer = refused(stage, basic("policy", "Wrong-secret-that-nobody-should-see"))
    assert answer.headers["www-authenticate"] == 'Basic realm="idferry"'
    log = stage.log.getvalue()
    assert b"Wrong" not in log
    assert stage.lines()[0]["outcome"] == "unauthorized"


def test_secrets_are_in_no_repr() -> None:
    assert SECRET not in repr(CALLERS)
    assert SECRET not in repr(POLICY)


@pytest.mark.parametrize(
    "caller",
    [
        SecretCaller(name="x", kind=SecretKind.BEARER, secrets=["x" * 31]),
        SecretCaller(name="x", kind=SecretKind.BASIC, secrets=["x" * 15], user="x"),
        SecretCaller(name="x", kind=SecretKind.API_KEY, secrets=["ü" * 40], header="x-key"),
        SecretCaller(name="x", kind=SecretKind.BASIC, secrets=["x" * 20 + "\n"], user="x"),
        SecretCaller(name="x", kind=SecretKind.BASIC, secrets=[" " + "x" * 20], user="x"),
    ],
)
def test_a_secret_that_is_too_short_or_can_be_read_in_two_ways_is_refused(caller: SecretCaller) -> None:
    with pytest.raises(SettingsError) as error:
        ServiceStage(callers=Callers(secrets=[caller]))
    assert caller.secrets[0].strip() not in str(error.value)


def test_two_callers_cannot_have_the_same_credential() -> None:
    twice = [SecretCaller(name=name, kind=SecretKind.BEARER, secrets=[SECRET]) for name in ("one", "two")]
    with pytest.raises(SettingsError):
        ServiceStage(callers=Callers(secrets=twice))


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def certificate_stage(*thumbprints: str) -> ServiceStage:
    callers = Callers(
        certificates=[CertificateCaller("front", thumbprints)], certificate_header="X-Arr-ClientCert"
    )
    return ServiceStage(callers=callers, trusted=["10.0.0.0/24"])


def test_a_certificate_of_the_list_lets_its_caller_in_on_the_mutual_tls_listener(
    authority: Authority,
) -> None:
    now, later, other = authority.client("now"), authority.client("later"), authority.client("other")
    stage = certificate_stage(now.thumbprint, later.thumbprint)
    for der, expected in ((now.der, 200), (later.der, 200), (other.der, 401), (None, 401), (b"junk", 401)):
        answer = stage.call("POST", STATUS, BODY, headers=(), app=stage.certificates, certificate=der)
        assert answer.status == expected
    # What another proof would open elsewhere opens nothing here.
    assert stage.call("POST", STATUS, BODY, headers=[BASIC], app=stage.certificates).status == 401
    assert (
        stage.call("GET", "/healthz", headers=(), app=stage.certificates, certificate=now.der).status == 404
    )
    stage.close()


def test_a_certificate_for_servers_without_purpose_or_out_of_date_lets_nobody_in(
    authority: Authority,
) -> None:
    signed = [
        authority.client("server-purpose", usage=ExtendedKeyUsageOID.SERVER_AUTH),
        authority.client("no-purpose", usage=None),
        authority.client("expired", expired=True),
    ]
    stage = certificate_stage(*(one.thumbprint for one in signed))
    for one in signed:
        answer = stage.call("POST", STATUS, BODY, headers=(), app=stage.certificates, certificate=one.der)
        assert answer.status == 401, one.certificate
    stage.close()


def header_forms(der: bytes, pem: Path) -> list[str]:
    return [base64.b64encode(der).decode(), quote(pem.read_text(encoding="ascii"), safe="")]


def test_a_certificate_in_a_header_counts_from_a_trusted_front_only(authority: Authority) -> None:
    one = authority.client("forwarded")
    stage = certificate_stage(one.thumbprint)
    for value in header_forms(one.der, one.certificate):
        header = ("X-ARR-ClientCert", value)
        assert stage.call("POST", STATUS, BODY, headers=[header], peer="10.0.0.9").status == 200
        assert stage.call("POST", STATUS, BODY, headers=[header], peer="::ffff:10.0.0.9").status == 200
        for peer in ("10.0.1.9", "198.51.100.1", "::1", ""):
            assert stage.call("POST", STATUS, BODY, headers=[header], peer=peer).status == 401
    stage.close()


def test_the_header_from_any_other_peer_is_401_even_beside_a_right_secret(authority: Authority) -> None:
    one = authority.client("beside")
    callers = Callers(
        secrets=[POLICY],
        certificates=[CertificateCaller("front", [one.thumbprint])],
        certificate_header="x-cert",
    )
    stage = ServiceStage(callers=callers, trusted=["10.0.0.9"])
    shown = [BASIC, ("x-cert", base64.b64encode(one.der).decode())]
    assert stage.call("POST", STATUS, BODY, headers=[BASIC]).status == 200
    refused(stage, *shown, peer="198.51.100.1")
    assert stage.call("POST", STATUS, BODY, headers=shown, peer="10.0.0.9").status == 200
    stage.close()


@pytest.mark.parametrize("value", ["", "%", "-----BEGIN CERTIFICATE-----", "AAAA", "x" * 20_000, "%FF%FE"])
def test_a_header_that_holds_no_certificate_lets_nobody_in(value: str) -> None:
    stage = certificate_stage("0" * 64)
    refused(stage, ("X-ARR-ClientCert", value), peer="10.0.0.9")
    stage.close()


# --- behind a front that ends TLS ------------------------------------------------------------------------------------


def test_without_tls_of_ours_only_the_front_may_call() -> None:
    stage = ServiceStage(trusted=["10.0.0.9"], front_only=True)
    assert stage.call("POST", STATUS, BODY, peer="10.0.0.9").status == 200
    refused(stage, BASIC, peer="10.0.0.8")
    assert stage.call("GET", "/healthz", headers=(), peer="10.0.0.8").status == 200
    stage.close()


def test_a_forwarded_address_is_believed_from_a_trusted_front_only() -> None:
    stage = ServiceStage(trusted=["10.0.0.0/24"])
    told = [BASIC, ("X-Forwarded-For", "1.1.1.1, 203.0.113.5:4711, 10.0.0.8")]
    for peer, expected in (("10.0.0.9", "203.0.113.5"), ("198.51.100.7", "198.51.100.7")):
        stage.call("POST", STATUS, BODY, headers=told, peer=peer)
        assert stage.lines()[-1]["peer"] == expected
    stage.call("POST", STATUS, BODY, headers=[BASIC, ("X-Forwarded-For", "nonsense\x1b[2J")], peer="10.0.0.9")
    assert stage.lines()[-1]["peer"] == "10.0.0.9"
    stage.close()


def test_every_error_body_has_the_one_shape(stage: ServiceStage) -> None:
    header = [basic("policy", SECRET)]
    answers = [
        stage.call("POST", "/nothing", BODY, headers=header),
        stage.call("GET", STATUS, headers=header),
        stage.call("OPTIONS", STATUS, headers=header),
        stage.call("TRACE", STATUS, headers=header),
        stage.call("HEAD", STATUS, headers=header),
        stage.call("POST", STATUS, b"x" * 40_000, headers=header),
        stage.call("POST", STATUS, headers=header, parts=[b"x" * 20_000, b"x" * 20_000]),
        stage.call("POST", STATUS, b"{", headers=header),
        stage.call("POST", f"{STATUS}/", BODY, headers=header),
    ]
    assert [one.status for one in answers] == [404, 405, 405, 405, 405, 413, 413, 409, 404]
    for one in answers:
        assert list(json.loads(one.body)) == ["version", "status", "userMessage"]
        assert (one.document["version"], one.document["status"]) == ("1.0.0.0", one.status)
    assert answers[1].headers["allow"] == "POST"


@pytest.mark.parametrize("path", [HEALTH_PATH, EXTERNAL_PATH])
def test_what_everybody_may_ask_reads_nothing_of_what_is_sent_with_it(path: str) -> None:
    """Bodies that never come to their end would keep every place of the listener taken."""
    external = ExternalStage()
    sent: list[Any] = []

    async def receive() -> Any:
        pytest.fail("something of the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [(b"content-length", b"9")],
        "client": None,
    }
    asyncio.run(external.service.tenant(scope, receive, send))
    assert sent[0]["status"] == 200
    external.close()
