"""The Cognito verifier: against moto's user pool, and against every code of its table."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.support.moto_server import REGION, MotoPool, running_moto
from tests.support.nasty_strings import NASTY
from tests.support.scripted_server import Piece, answer, scripted_server

from idferry.connectors.cognito import CODES, CognitoVerifier, UserPool, signer
from idferry.outbound import Outbound, named_host, tls_context
from idferry.ports import Deadline, LegacyRef
from idferry.rules.happenings import Happening, LegacyAnswered
from idferry.rules.password import Password
from idferry.rules.verdict import (
    Barred,
    Condition,
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
TLS = tls_context()
WHO = LegacyRef("shop", "17", "anna@example.com", client_address="198.51.100.7")
PASSWORD = "Right-1-password"
SIGN = signer(region=REGION, access_key_id="not", secret_access_key="real")


class Asker:
    def __init__(self, pool: UserPool) -> None:
        self.told: list[Happening] = []
        self.outbound = Outbound(hosts=[named_host(pool.url)], clock=CLOCK, tls=TLS)
        self.verifier = CognitoVerifier(
            name="old", pool=pool, sign=SIGN, outbound=self.outbound, tell=self.told.append
        )

    def ask(self, name: str = "anna@example.com", password: str = PASSWORD, seconds: float = 5.0) -> Verdict:
        with self.outbound:
            return self.verifier.verify(
                replace(WHO, typed_sign_in_name=name), Password(password), Deadline(CLOCK.elapsed() + seconds)
            )

    @property
    def code(self) -> str:
        last = self.told[-1]
        assert isinstance(last, LegacyAnswered)
        return last.code


# --- moto's pool -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoPool]:
    with running_moto({"anna@example.com": PASSWORD, "closed@example.com": PASSWORD}) as running:
        yield running


def pool_of(moto: MotoPool) -> UserPool:
    return UserPool(f"{moto.url}/", moto.user_pool_id, moto.client_id)


def test_right_wrong_and_nobody(moto: MotoPool) -> None:
    for pool in (
        pool_of(moto),
        replace(pool_of(moto), client_id=moto.client_with_secret, client_secret=moto.client_secret),
    ):
        asker = Asker(pool)
        assert asker.ask() == Match()
        assert asker.ask(password="wrong") == Mismatch()
        assert asker.code == "NotAuthorizedException"  # AWS itself says it in words of its own
        assert asker.ask("nobody@example.com") == NoSuchUser()


def test_a_temporary_password_is_right_and_must_be_changed(moto: MotoPool) -> None:
    moto.api.admin_create_user(
        UserPoolId=moto.user_pool_id, Username="new@example.com", TemporaryPassword="Temporary-1"
    )
    asker = Asker(pool_of(moto))
    assert asker.ask("new@example.com", "Temporary-1") == Match(Condition.MUST_CHANGE)
    assert asker.ask("new@example.com", "wrong") == Mismatch()


def test_a_disabled_account_is_barred_and_nothing_is_proven(moto: MotoPool) -> None:
    moto.api.admin_disable_user(UserPoolId=moto.user_pool_id, Username="closed@example.com")
    asker = Asker(pool_of(moto))
    for password in (PASSWORD, "wrong"):
        assert asker.ask("closed@example.com", password) in (Barred(proven=False), Mismatch())


def test_a_pool_or_client_that_is_not_there_proves_nothing(moto: MotoPool) -> None:
    for pool in (
        replace(pool_of(moto), user_pool_id=f"{REGION}_nowhere"),
        replace(pool_of(moto), client_id="nobody"),
    ):
        asker = Asker(pool)
        assert isinstance(asker.ask(), NoAnswer), asker.code


# --- every code, walked ---------------------------------------------------------------------------------------------------

MESSAGES = {
    "wrong": "Incorrect username or password.",
    "disabled": "User is disabled.",
    "attempts": "Password attempts exceeded",
    "secret": "Unable to verify secret hash for client 7",
    "expired": "Temporary password has expired and must be reset by an administrator.",
}


def reply_for(code: str) -> Sequence[Piece]:
    kind, _, text = code.partition(": ")
    document: dict[str, Any] = {"ChallengeName": code, "Session": "x"}
    if kind.endswith("Exception"):
        document = {"__type": f"com.amazonaws#{kind}", "message": MESSAGES.get(text, "Something else")}
    status = 400 if kind.endswith("Exception") else 200
    return answer(status, document, content_type="application/x-amz-json-1.1")


def ask_scripted(reply: Sequence[Piece], seconds: float = 5.0) -> tuple[Verdict, str]:
    with scripted_server(lambda _: reply) as server:
        asker = Asker(UserPool(f"{server.url}/", "pool", "client"))
        return asker.ask(seconds=seconds), asker.code


@pytest.mark.parametrize("code", CODES)
def test_every_code_proves_what_its_table_says(code: str) -> None:
    verdict, told = ask_scripted(reply_for(code))
    assert (verdict_name(verdict), told) == (verdict_name(CODES[code].verdict), code)
    assert CODES[code].meaning


TOKENS = {"AuthenticationResult": {"AccessToken": "x"}}
JSON = "application/x-amz-json-1.1"
BAD_DAYS: dict[str, tuple[Sequence[Piece], Silence]] = {
    "another challenge": (answer(200, {"ChallengeName": "PASSWORD_VERIFIER"}, content_type=JSON), Silence.UNEXPECTED),
    "an exception with 200": (answer(200, {"ChallengeName": "UserNotFoundException"}, content_type=JSON), Silence.UNEXPECTED),
    "a challenge with 400": (answer(400, {"__type": "SMS_MFA"}, content_type=JSON), Silence.UNEXPECTED),
    "another error": (answer(400, {"__type": "InvalidLambdaResponseException"}, content_type=JSON), Silence.UNEXPECTED),
    "tokens as a page": (answer(200, '{"AuthenticationResult": {"AccessToken": "x"}}', content_type="text/html"), Silence.UNEXPECTED),
    "tokens with 400": (answer(400, TOKENS, content_type=JSON), Silence.UNEXPECTED),
    "tokens and a challenge": (answer(200, {**TOKENS, "ChallengeName": "CUSTOM_CHALLENGE"}, content_type=JSON), Silence.UNEXPECTED),
    "no tokens": (answer(200, {"AuthenticationResult": {}}, content_type=JSON), Silence.UNEXPECTED),
    "a list": (answer(200, "[]", content_type=JSON), Silence.UNEXPECTED),
    "a redirect": (answer(307, location="http://localhost:9/"), Silence.UNEXPECTED),
    "429": (answer(429), Silence.THROTTLED),
    "503": (answer(503), Silence.UNREACHABLE),
    "silence": ([30.0], Silence.TIMED_OUT),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "silence"), BAD_DAYS.values(), ids=BAD_DAYS)
def test_a_bad_day_is_no_answer(reply: Sequence[Piece], silence: Silence) -> None:
    verdict, _ = ask_scripted(reply, 0.2 if silence is Silence.TIMED_OUT else 5.0)
    assert verdict == NoAnswer(silence, reached=True)


def test_what_is_sent_is_signed_and_carries_exactly_what_was_typed() -> None:
    with scripted_server(lambda _: answer(400)) as server:
        pool = UserPool(f"{server.url}/", "pool", "client")
        typed = [one for one in NASTY if len(one) <= 128]
        for nasty in typed:
            Asker(pool).ask(nasty, nasty)
    assert len(server.seen) == len(typed)
    for nasty, seen in zip(typed, server.seen, strict=True):
        assert seen.json["AuthParameters"] == {"USERNAME": nasty, "PASSWORD": nasty}
        assert seen.json["ContextData"]["IpAddress"] == "198.51.100.7"
        assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=not/")
        assert "content-type;host;x-amz-date;x-amz-target" in seen.headers["authorization"]


def test_what_nobody_can_have_reaches_nobody() -> None:
    with scripted_server(lambda _: answer(200, TOKENS, content_type=JSON)) as server:
        pool = UserPool(f"{server.url}/", "pool", "client")
        for password in ("", "x" * 257, "half \ud800"):
            assert Asker(pool).ask(password=password) == Mismatch()
        for name in ("", "x" * 129, "half \ud800"):
            assert Asker(pool).ask(name) == NoSuchUser()
        assert server.connections == 0
