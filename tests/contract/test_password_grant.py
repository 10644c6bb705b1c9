"""The password grant verifier: against an independent identity server, and against every code of every table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from tests.support.identity_server import IdentityServer, running_identity_server
from tests.support.nasty_strings import EVERY_NASTY
from tests.support.scripted_server import Piece, Script, ScriptedServer, answer, scripted_server

from idferry.connectors.password_grant import SERVERS, Client, PasswordGrantVerifier
from idferry.outbound import Outbound, named_host, tls_context
from idferry.ports import Deadline, LegacyRef
from idferry.rules.happenings import Happening, LegacyAnswered
from idferry.rules.password import Password
from idferry.rules.verdict import (
    Barred,
    Match,
    Mismatch,
    NoAnswer,
    NoSuchUser,
    Silence,
    Verdict,
    verdict_name,
)
from idferry.wiring import SystemClock

CLOCK = SystemClock()
TLS = tls_context()  # once: reading the system's authorities takes a while
WHO = LegacyRef("shop", "17", "anna@example.com", client_address="198.51.100.7")
PASSWORD = Password("Right-1-password")
SECRET = "a secret: with+signs &%"


class Asker:
    def __init__(self, client: Client, server: str = "standard") -> None:
        self.told: list[Happening] = []
        self.outbound = Outbound(hosts=[named_host(client.url)], clock=CLOCK, tls=TLS)
        self.verifier = PasswordGrantVerifier(
            name="old", client=client, server=SERVERS[server], outbound=self.outbound, tell=self.told.append
        )

    def ask(self, who: LegacyRef = WHO, password: Password = PASSWORD, seconds: float = 5.0) -> Verdict:
        return self.verifier.verify(who, password, Deadline(CLOCK.elapsed() + seconds))

    @property
    def code(self) -> str:
        last = self.told[-1]
        assert isinstance(last, LegacyAnswered)
        return last.code


# --- an identity server of somebody else's ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def identity_server() -> Iterator[IdentityServer]:
    with running_identity_server() as running:
        yield running


@pytest.fixture
def asker(identity_server: IdentityServer) -> Iterator[Asker]:
    made = Asker(Client(identity_server.token_url, "idferry", SECRET))
    yield made
    made.outbound.close()


def test_a_real_server_says_right_and_wrong(asker: Asker, identity_server: IdentityServer) -> None:
    assert asker.ask() == Match()
    assert asker.code == "HTTP 200 with a token"
    assert asker.ask(password=Password("wrong")) == Mismatch()
    assert asker.code == "invalid_grant"
    assert asker.ask(replace(WHO, typed_sign_in_name="nobody@example.com")) == Mismatch()
    assert identity_server.seen()[-1]["scope"] == "openid"


def test_a_client_that_is_not_known_proves_nothing(identity_server: IdentityServer) -> None:
    for client in (
        Client(identity_server.token_url, "idferry", "another secret"),
        Client(identity_server.token_url, "nobody", SECRET),
        Client(identity_server.token_url, "by basic", "another secret", by_basic=True),
    ):
        asker = Asker(client)
        with asker.outbound:
            assert asker.ask() == NoAnswer(Silence.UNEXPECTED, reached=True)
        assert asker.code.endswith("invalid_client")


def test_a_client_may_prove_itself_by_basic(identity_server: IdentityServer) -> None:
    asker = Asker(Client(identity_server.token_url, "by basic", SECRET, by_basic=True))
    with asker.outbound:
        assert asker.ask() == Match()


def test_another_address_of_the_server_proves_nothing(identity_server: IdentityServer) -> None:
    asker = Asker(Client(f"{identity_server.root}/nowhere", "idferry", SECRET))
    with asker.outbound:
        assert asker.ask() == NoAnswer(Silence.UNEXPECTED, reached=True)


def test_whatever_is_typed_arrives_as_it_is(asker: Asker, identity_server: IdentityServer) -> None:
    before = len(identity_server.seen())
    for nasty in EVERY_NASTY:
        assert asker.ask(replace(WHO, typed_sign_in_name=nasty), Password(nasty)) == Mismatch()
    seen = identity_server.seen()[before:]
    assert [(one["username"], one["password"]) for one in seen] == [(nasty, nasty) for nasty in EVERY_NASTY]
    assert {tuple(one["names"]) for one in seen} == {
        ("client_id", "client_secret", "grant_type", "password", "scope", "username")
    }


def test_right_passwords_beside_an_injected_parameter_stay_wrong(asker: Asker) -> None:
    who = replace(WHO, typed_sign_in_name="anna@example.com&password=Right-1-password&x=")
    assert asker.ask(who, Password("x")) == Mismatch()


# --- every table, walked ---------------------------------------------------------------------------------------------------


@contextmanager
def scripted(script: Script, server: str, **more: object) -> Iterator[tuple[Asker, ScriptedServer]]:
    with scripted_server(script) as running:
        asker = Asker(replace(Client(f"{running.url}/token", "idferry"), **more), server)  # type: ignore[arg-type]  # named by tests
        try:
            yield asker, running
        finally:
            asker.outbound.close()


KEYCLOAK = {
    "invalid_grant: credentials": "Invalid user credentials",
    "invalid_grant: disabled": "Account disabled",
    "invalid_grant: setup": "Account is not fully set up",
}


def error_for(code: str) -> dict[str, str]:
    if code.startswith("AAD"):
        said = f"{code}: Something about this sign-in.\r\nCorrelation ID: 0"
        return {"error": "access_denied" if "B2C" in code else "invalid_grant", "error_description": said}
    if code in KEYCLOAK:
        return {"error": "invalid_grant", "error_description": KEYCLOAK[code]}
    return {"error": code, "error_description": "AADSTS50076 and Invalid user credentials are quoted here"}


CODES = [(name, code) for name, server in SERVERS.items() for code in server.codes]


@pytest.mark.parametrize(("name", "code"), CODES)
def test_every_code_proves_what_its_table_says(name: str, code: str) -> None:
    meaning = SERVERS[name].codes[code]
    for status in (400, 401, 403, 429):
        with scripted(lambda _, status=status: answer(status, error_for(code)), name) as (asker, _):  # type: ignore[misc]  # bound now
            assert verdict_name(asker.ask()) == verdict_name(meaning.verdict)
        assert asker.code == code
    assert meaning.meaning
    with scripted(lambda _: answer(500, error_for(code)), name) as (asker, _):
        assert asker.ask() == NoAnswer(Silence.UNREACHABLE, reached=True)


BAD_DAYS: dict[str, tuple[Sequence[Piece], Silence]] = {
    "429": (answer(429), Silence.THROTTLED),
    "429 with an error of no table": (answer(429, {"error": "slow_down"}), Silence.THROTTLED),
    "503 page": (answer(503, "<html>", content_type="text/html"), Silence.UNREACHABLE),
    "an error of no table": (answer(400, {"error": "invalid_client"}), Silence.UNEXPECTED),
    "an error that is no text": (answer(400, {"error": {"code": "invalid_grant"}}), Silence.UNEXPECTED),
    "an error as a page": (
        answer(400, '{"error": "invalid_grant"}', content_type="text/html"),
        Silence.UNEXPECTED,
    ),
    "a page with 200": (answer(200, "<html>Sign in</html>", content_type="text/html"), Silence.UNEXPECTED),
    "a token as a page": (answer(200, '{"access_token": "x"}', content_type="text/html"), Silence.UNEXPECTED),
    "200 without a token": (answer(200, {"token_type": "Bearer"}), Silence.UNEXPECTED),
    "200 with an empty token": (answer(200, {"access_token": ""}), Silence.UNEXPECTED),
    "200 with an error": (answer(200, {"access_token": "x", "error": "invalid_grant"}), Silence.UNEXPECTED),
    "201": (answer(201, {"access_token": "x"}), Silence.UNEXPECTED),
    "a redirect": (answer(302, location="http://localhost:9/"), Silence.UNEXPECTED),
    "too long": (answer(200, {"access_token": "x" * 70_000}), Silence.UNEXPECTED),
    "silence": ([30.0], Silence.TIMED_OUT),
}


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize(("reply", "silence"), BAD_DAYS.values(), ids=BAD_DAYS)
def test_a_bad_day_is_no_answer(name: str, reply: Sequence[Piece], silence: Silence) -> None:
    def script(_: object) -> Sequence[Piece]:
        return reply

    seconds = 0.15 if silence is Silence.TIMED_OUT else 5.0
    with scripted(script, name) as (asker, _):
        assert asker.ask(seconds=seconds) == NoAnswer(silence, reached=True)


def test_what_a_server_says_goes_nowhere() -> None:
    said = {"error": "Right-1-password <b>", "error_description": "Right-1-password is wrong"}
    with scripted(lambda _: answer(400, said), "standard") as (asker, _):
        asker.ask()
        assert asker.code == "HTTP 400 another error"


def test_one_blocked_account_is_barred_and_does_not_look_like_throttling() -> None:
    blocked = {"error": "too_many_attempts", "error_description": "Your account has been blocked"}
    with scripted(lambda _: answer(429, blocked), "auth0") as (asker, _):
        assert asker.ask() == Barred(proven=False)


@pytest.mark.parametrize(
    ("name", "header"),
    [("auth0", "auth0-forwarded-for"), ("okta", "x-forwarded-for"), ("keycloak", "x-forwarded-for")],
)
def test_the_persons_address_is_passed_on_where_the_server_takes_it(name: str, header: str) -> None:
    with scripted(lambda _: answer(400), name) as (asker, server):
        for told in (
            "198.51.100.7",
            "2001:db8::7",
            "",
            "198.51.100.7\r\nX-Injected: 1",
            "unknown",
            "1.2.3.4, 5.6.7.8",
            "198.51.100.7:4711",
            "::ffff:198.51.100.7",
            "fe80::1%\r\nX-Injected: 1",
            "fe80::1%€",
        ):
            asker.ask(replace(WHO, client_address=told))
        assert [one.headers.get(header) for one in server.seen] == [
            "198.51.100.7",
            "2001:db8::7",
            *[None] * 4,
            *["198.51.100.7"] * 2,
            *["fe80::1"] * 2,
        ]
        assert not any("x-injected" in one.headers for one in server.seen)
        assert not any("x-injected" in one.headers for one in server.seen)


@pytest.mark.parametrize("name", ["standard", "b2c", "entra"])
def test_no_address_is_passed_on_to_the_others(name: str) -> None:
    with scripted(lambda _: answer(400), name) as (asker, server):
        asker.ask()
        assert "198.51.100.7" not in str(server.seen[0])


def test_each_make_of_server_is_asked_in_its_own_way() -> None:
    forms = {}
    for name in SERVERS:
        with scripted(lambda _: answer(400), name, realm="people" if name == "auth0" else "") as (
            asker,
            server,
        ):
            asker.ask()
            forms[name] = {key: value for key, [value] in parse_qs(server.seen[0].body.decode()).items()}
    person = {"username": "anna@example.com", "password": "Right-1-password", "client_id": "idferry"}
    plain = {**person, "grant_type": "password", "scope": "openid"}
    assert forms == {
        "standard": plain,
        "entra": plain,
        "keycloak": plain,
        "okta": plain,
        "b2c": {**plain, "scope": "openid idferry", "response_type": "token id_token"},
        "auth0": {
            **plain,
            "grant_type": "http://auth0.com/oauth/grant-type/password-realm",
            "realm": "people",
        },
    }


def test_parameters_of_the_settings_are_sent_and_cannot_replace_name_and_password() -> None:
    more = {"audience": "https://api.example.com", "username": "admin", "password": "x"}
    with scripted(lambda _: answer(400), "standard", parameters=more) as (asker, server):
        asker.ask()
    form = parse_qs(server.seen[0].body.decode(), strict_parsing=True)
    assert (form["audience"], form["username"]) == (["https://api.example.com"], ["anna@example.com"])
    assert form["password"] == ["Right-1-password"]


def test_an_empty_or_broken_password_and_a_broken_name_reach_nobody() -> None:
    with scripted(lambda _: answer(200, {"access_token": "x"}), "standard") as (asker, server):
        assert asker.ask(password=Password("")) == Mismatch()
        assert asker.ask(password=Password("half \ud800")) == Mismatch()
        assert asker.ask(replace(WHO, typed_sign_in_name="half \ud800")) == NoSuchUser()
        assert asker.ask(replace(WHO, typed_sign_in_name="")) == NoSuchUser()
        assert server.connections == 0


def test_the_secret_is_in_no_representation() -> None:
    assert SECRET not in repr(Client("https://legacy.example.com", "idferry", SECRET))
