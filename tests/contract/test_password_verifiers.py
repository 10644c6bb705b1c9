"""What every verifier promises, whatever it asks: bare, and behind its protection."""

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from urllib.parse import parse_qs

import pytest
from tests.support.fake_directory import bind_answer, fake_directory
from tests.support.legacy_system import LegacySystem
from tests.support.nasty_strings import EVERY_NASTY
from tests.support.scripted_server import Piece, Seen, answer, scripted_server

from idferry.connectors.cognito import CognitoVerifier, UserPool, signer
from idferry.connectors.ldap_directory import DirectoryAddress, LdapVerifier
from idferry.connectors.password_grant import SERVERS, Client, PasswordGrantVerifier
from idferry.connectors.web_service import CONTRACTS, Endpoint, WebServiceVerifier
from idferry.outbound import Outbound, named_host, tls_context
from idferry.ports import Deadline, LegacyRef, PasswordVerifier
from idferry.rules.password import Password
from idferry.rules.verdict import Match, Mismatch, NoAnswer, NoSuchUser
from idferry.wiring import SystemClock
from idferry.wiring.protected_verifiers import CallLimits, Protected

CLOCK = SystemClock()
TLS = tls_context()
RIGHT = "Not-Real-Walrus-77"
WHO = LegacyRef("shop", "17", "anna@example.com")
AWS_JSON = "application/x-amz-json-1.1"


def service(seen: Seen) -> Sequence[Piece]:
    right = seen.json["password"] == RIGHT
    return answer(200, {"status": "password_match"}) if right else answer(403)


def token_endpoint(seen: Seen) -> Sequence[Piece]:
    right = parse_qs(seen.body.decode(), keep_blank_values=True)["password"] == [RIGHT]
    return answer(200, {"access_token": "x"}) if right else answer(400, {"error": "invalid_grant"})


def user_pool(seen: Seen) -> Sequence[Piece]:
    if seen.json["AuthParameters"]["PASSWORD"] == RIGHT:
        return answer(200, {"AuthenticationResult": {"AccessToken": "x"}}, content_type=AWS_JSON)
    return answer(400, {"__type": "NotAuthorizedException"}, content_type=AWS_JSON)


def made(kind: str, stack: ExitStack) -> PasswordVerifier:
    if kind == "memory":
        return LegacySystem()
    if kind == "ldap":
        if importlib.util.find_spec("ldap") is None:
            pytest.skip("NOT CHECKED HERE: the LDAP verifier needs python-ldap (make peers)")

        def bound(sent: bytes) -> bytes:
            return bind_answer(0 if RIGHT.encode() in sent else 49)

        url, _ = stack.enter_context(fake_directory(bound))
        address = DirectoryAddress(url, "dc=corp", "(mail={sign_in_name})")
        return LdapVerifier(name="legacy", address=address, tls=TLS, clock=CLOCK, tell=lambda _: None)
    script = {"web_service": service, "password_grant": token_endpoint, "cognito": user_pool}[kind]
    server = stack.enter_context(scripted_server(script))
    outbound = stack.enter_context(Outbound(hosts=[named_host(server.url)], clock=CLOCK, tls=TLS))
    if kind == "web_service":
        return WebServiceVerifier(
            name="legacy",
            endpoint=Endpoint(f"{server.url}/check"),
            contract=CONTRACTS["kratos"],
            outbound=outbound,
            tell=lambda _: None,
        )
    if kind == "password_grant":
        client, make = Client(f"{server.url}/token", "idferry"), SERVERS["standard"]
        return PasswordGrantVerifier(
            name="legacy", client=client, server=make, outbound=outbound, tell=lambda _: None
        )
    pool = UserPool(f"{server.url}/", "pool", "client")
    sign = signer(region="eu-central-1", access_key_id="not", secret_access_key="real")
    return CognitoVerifier(name="legacy", pool=pool, sign=sign, outbound=outbound, tell=lambda _: None)


@pytest.fixture(params=["memory", "web_service", "password_grant", "ldap", "cognito"])
def bare(request: pytest.FixtureRequest) -> Iterator[PasswordVerifier]:
    with ExitStack() as stack:
        yield made(request.param, stack)


@pytest.fixture(params=["bare", "protected"])
def verifier(request: pytest.FixtureRequest, bare: PasswordVerifier) -> PasswordVerifier:
    if request.param == "bare":
        return bare
    return Protected(bare, limits=CallLimits(), clock=CLOCK, tell=lambda _: None)


def in_seconds(seconds: float) -> Deadline:
    return Deadline(CLOCK.elapsed() + seconds)


def test_it_has_the_name_of_its_table(verifier: PasswordVerifier) -> None:
    assert verifier.name == "legacy"


def test_right_is_right_and_wrong_is_wrong(verifier: PasswordVerifier, bare: PasswordVerifier) -> None:
    assert verifier.verify(WHO, Password(RIGHT), in_seconds(5)) == Match()
    if not isinstance(bare, LegacySystem):
        assert verifier.verify(WHO, Password("wrong"), in_seconds(5)) == Mismatch()


def test_a_deadline_that_has_passed_is_no_answer_and_reaches_nobody(
    verifier: PasswordVerifier, bare: PasswordVerifier
) -> None:
    if verifier is bare and isinstance(bare, LegacySystem):
        return  # the one in memory answers at once, and looks at no deadline
    verdict = verifier.verify(WHO, Password(RIGHT), in_seconds(0))
    assert isinstance(verdict, NoAnswer)
    assert not verdict.reached


def test_nothing_that_is_typed_is_more_than_wrong(verifier: PasswordVerifier, bare: PasswordVerifier) -> None:
    if isinstance(bare, LegacySystem):
        bare.answer = Mismatch
    for nasty in [*EVERY_NASTY, "half \ud800", ""]:
        verdict = verifier.verify(WHO, Password(nasty), in_seconds(5))
        assert verdict in (Mismatch(), NoSuchUser()), repr(nasty)
