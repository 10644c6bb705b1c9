"""The web service verifier, against a server on this machine: what arrives there, and what its answers mean."""

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from tests.support.nasty_strings import EVERY_NASTY
from tests.support.scripted_server import Piece, Script, ScriptedServer, answer, scripted_server

from idferry.connectors.web_service import CONTRACTS, Answer, Contract, Endpoint, WebServiceVerifier
from idferry.outbound import Outbound, named_host, tls_context
from idferry.ports import Deadline, LegacyRef
from idferry.rules.happenings import Happening, LegacyAnswered
from idferry.rules.password import Password
from idferry.rules.verdict import (
    VERDICT_NAMES,
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
FORM = replace(
    CONTRACTS["kratos"], encoding="form", body={"identifier": "{sign_in_name}", "password": "{password}"}
)


class Asker:
    def __init__(self, server: ScriptedServer, contract: Contract, path: str = "/check") -> None:
        self.told: list[Happening] = []
        self.outbound = Outbound(hosts=[named_host(server.url)], clock=CLOCK, tls=TLS)
        self.verifier = WebServiceVerifier(
            name="old-shop",
            endpoint=Endpoint(server.url + path, [("X-Tenant", "1")]),
            contract=contract,
            outbound=self.outbound,
            tell=self.told.append,
        )

    def ask(self, who: LegacyRef = WHO, password: Password = PASSWORD, seconds: float = 5.0) -> Verdict:
        return self.verifier.verify(who, password, Deadline(CLOCK.elapsed() + seconds))

    @property
    def codes(self) -> list[str]:
        return [one.code for one in self.told if isinstance(one, LegacyAnswered)]


@contextmanager
def asking(
    script: Script, contract: Contract = CONTRACTS["kratos"], path: str = "/check"
) -> Iterator[tuple[Asker, ScriptedServer]]:
    with scripted_server(script) as server:
        asker = Asker(server, contract, path)
        try:
            yield asker, server
        finally:
            asker.outbound.close()


def right(_seen: Any) -> Sequence[Piece]:
    return answer(200, {"status": "password_match"})


def test_the_default_is_the_contract_of_kratos() -> None:
    with asking(right) as (asker, server):
        assert asker.ask() == Match()
    [seen] = server.seen
    assert (seen.method, seen.target, seen.headers["x-tenant"]) == ("POST", "/check", "1")
    assert seen.headers["content-type"] == "application/json"
    assert seen.json == {"identifier": "anna@example.com", "password": "Right-1-password"}
    assert asker.codes == ['HTTP 200 status = "password_match"']


# --- every table, walked -----------------------------------------------------------------------------------------------


def document_for(row: Answer) -> object:
    value: object = "something" if row.equals is None else row.equals
    for step in reversed(row.path.split(".")):
        value = [value] if step.isdigit() else {step: value}
    return value


ROWS = [(name, row) for name, contract in CONTRACTS.items() for row in contract.answers]


@pytest.mark.parametrize(("name", "row"), ROWS, ids=lambda one: one.code if isinstance(one, Answer) else one)
def test_every_answer_of_every_contract_means_what_its_table_says(name: str, row: Answer) -> None:
    reply = answer(row.status, document_for(row)) if row.path else answer(row.status)  # type: ignore[arg-type]  # a list too
    with asking(lambda _: reply, CONTRACTS[name]) as (asker, _):
        assert verdict_name(asker.ask()) == verdict_name(row.verdict)
    assert asker.codes == [row.code]
    assert row.meaning


@pytest.mark.parametrize(("name", "row"), ROWS, ids=lambda one: one.code if isinstance(one, Answer) else one)
def test_no_answer_of_a_table_is_one_when_it_comes_as_a_page(name: str, row: Answer) -> None:
    page = answer(row.status, "<html><body>Sign in</body></html>", content_type="text/html; charset=utf-8")
    with asking(lambda _: page, CONTRACTS[name]) as (asker, _):
        assert asker.ask() == NoAnswer(Silence.UNEXPECTED, reached=True)


# --- F12: what a legacy system does on a bad day --------------------------------------------------------------------------

MATCHING = '{"status": "password_match"}'
NO_ANSWER: dict[str, tuple[Sequence[Piece], Silence]] = {
    "hangs": ([30.0], Silence.TIMED_OUT),
    "500": (answer(500, {"status": "password_match"}), Silence.UNREACHABLE),
    "502 page": (answer(502, "<html>", content_type="text/html"), Silence.UNREACHABLE),
    "503": (answer(503), Silence.UNREACHABLE),
    "429": (answer(429, {"status": "password_match"}), Silence.THROTTLED),
    "another content type": (answer(200, MATCHING, content_type="text/plain"), Silence.UNEXPECTED),
    "no content type": (answer(200, MATCHING), Silence.UNEXPECTED),
    "page with 200": (
        answer(200, "<html>Please sign in</html>", content_type="text/html"),
        Silence.UNEXPECTED,
    ),
    "page that says JSON": (answer(200, "<html>", content_type="application/json"), Silence.UNEXPECTED),
    "redirect": (
        answer(302, {"status": "password_match"}, location="http://localhost:9/"),
        Silence.UNEXPECTED,
    ),
    "too long": (
        answer(200, {"status": "password_match", "more": "x" * 70_000}),
        Silence.UNEXPECTED,
    ),
    "another word": (answer(200, {"status": "password_mismatch"}), Silence.UNEXPECTED),
    "another type": (answer(200, {"status": ["password_match"]}), Silence.UNEXPECTED),
    "empty": (answer(200), Silence.UNEXPECTED),
    "half": (answer(200, '{"status": "passw', content_type="application/json"), Silence.UNEXPECTED),
    "deep": (answer(200, "[" * 30_000, content_type="application/json"), Silence.UNEXPECTED),
    "list": (answer(200, "[]", content_type="application/json"), Silence.UNEXPECTED),
    "401": (answer(401), Silence.UNEXPECTED),
    "404": (answer(404), Silence.UNEXPECTED),
    "201": (answer(201, {"status": "password_match"}), Silence.UNEXPECTED),
    "not HTTP": ([b"hello\r\n\r\n"], Silence.UNREACHABLE),
}


@pytest.mark.parametrize(("reply", "silence"), NO_ANSWER.values(), ids=NO_ANSWER)
def test_a_bad_day_is_no_answer_and_never_a_wrong_password(reply: Sequence[Piece], silence: Silence) -> None:
    def script(_: object) -> Sequence[Piece]:
        return reply

    with asking(script) as (asker, server):
        assert asker.ask(seconds=0.3 if silence is Silence.TIMED_OUT else 5.0) == NoAnswer(
            silence, reached=True
        )
        assert server.connections == 1


def test_nobody_there_has_seen_nothing() -> None:
    with scripted_server(right) as server:
        pass
    asker = Asker(server, CONTRACTS["kratos"])
    assert asker.ask() == NoAnswer(Silence.UNREACHABLE, reached=False)
    assert asker.codes == ["Connection refused"]


def test_one_is_not_true_and_neither_is_a_text() -> None:
    contract = replace(CONTRACTS["kratos"], answers=(Answer(200, Match(), path="ok", equals=True),))
    for value in (1, "true", "True", None, [True]):
        with asking(lambda _, value=value: answer(200, {"ok": value}), contract) as (asker, _):  # type: ignore[misc]  # bound now
            assert asker.ask() == NoAnswer(Silence.UNEXPECTED, reached=True)


NOTHING: tuple[Any, ...] = (False, 0, 0.0, "", None, [], {})


@pytest.mark.parametrize("document", [*NOTHING, *({"user": one} for one in NOTHING)], ids=repr)
def test_a_service_that_says_no_with_status_200_does_not_say_yes(document: Any) -> None:
    row = Answer(200, Match(), path="user" if isinstance(document, dict) and document else "")
    reply = answer(200, json.dumps(document), content_type="application/json")
    with asking(lambda _: reply, replace(CONTRACTS["kratos"], answers=(row,))) as (asker, _):
        assert asker.ask() == NoAnswer(Silence.UNEXPECTED, reached=True)


# --- S9: exactly what was typed arrives --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "contract", [CONTRACTS["kratos"], CONTRACTS["okta"], FORM], ids=["kratos", "okta", "form"]
)
def test_whatever_is_typed_arrives_as_it_is_and_as_nothing_else(contract: Contract) -> None:
    with asking(lambda _: answer(403), contract) as (asker, server):
        for nasty in EVERY_NASTY:
            asker.ask(replace(WHO, typed_sign_in_name=nasty), Password(nasty))
            seen = server.seen[-1]
            if contract is FORM:
                found = parse_qsl(
                    seen.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding="utf-8"
                )
                assert found == [("identifier", nasty), ("password", nasty)]
            elif contract is CONTRACTS["okta"]:
                assert seen.json["data"]["context"]["credential"] == {"username": nasty, "password": nasty}
            else:
                assert seen.json == {"identifier": nasty, "password": nasty}
            assert "x-injected" not in seen.headers
        assert len(server.seen) == len(EVERY_NASTY)


def test_whatever_is_typed_arrives_in_the_header_of_basic() -> None:
    with asking(lambda _: answer(401), CONTRACTS["auth0_database"]) as (asker, server):
        for nasty in EVERY_NASTY:
            before = len(server.seen)
            verdict = asker.ask(replace(WHO, typed_sign_in_name=nasty), Password(nasty))
            if ":" in nasty:
                assert (verdict, len(server.seen)) == (NoSuchUser(), before)
                continue
            sent = base64.b64decode(server.seen[-1].headers["authorization"].removeprefix("Basic "))
            assert sent == f"{nasty}:{nasty}".encode()


def test_whatever_is_typed_is_one_segment_of_the_path() -> None:
    with asking(lambda _: answer(403), CONTRACTS["keycloak_plugin"], "/users/{sign_in_name}/check") as (
        asker,
        server,
    ):
        for nasty in EVERY_NASTY:
            before = len(server.seen)
            verdict = asker.ask(replace(WHO, typed_sign_in_name=nasty))
            if nasty in (".", ".."):
                assert (verdict, len(server.seen)) == (NoSuchUser(), before)
                continue
            segments = server.seen[-1].target.split("/")
            assert [unquote(one, errors="strict") for one in segments] == ["", "users", nasty, "check"]


def test_an_empty_or_broken_password_and_a_broken_name_reach_nobody() -> None:
    with asking(right) as (asker, server):
        assert asker.ask(password=Password("")) == Mismatch()
        assert asker.ask(password=Password("half \ud800")) == Mismatch()
        assert asker.ask(replace(WHO, typed_sign_in_name="half \ud800")) == NoSuchUser()
        assert server.connections == 0


def test_the_name_that_is_asked_is_the_records_own() -> None:
    who = replace(WHO, typed_sign_in_name=" ANNA@example.com", sign_in_names=["anna", "Anna@Example.com"])
    with asking(right) as (asker, server):
        asker.ask(who)
        asker.ask(replace(who, typed_sign_in_name="somebody@else.example"))
    assert [one.json["identifier"] for one in server.seen] == ["Anna@Example.com", "anna"]


def test_values_beside_name_and_password_are_told_where_the_template_asks_for_them() -> None:
    body = {
        "key": "{key}",
        "from": "{source}",
        "address": "{client_address}",
        "n": 1,
        "in": {"a": "{password}"},
    }
    with asking(right, replace(CONTRACTS["kratos"], body=body)) as (asker, server):
        asker.ask()
    assert server.seen[0].json == {
        "key": "17", "from": "shop", "address": "198.51.100.7", "n": 1, "in": {"a": "Right-1-password"}
    }  # fmt: skip


def test_names_of_verdicts_cover_what_tables_may_say() -> None:
    assert {verdict_name(row.verdict) for _, row in ROWS} <= set(VERDICT_NAMES)
