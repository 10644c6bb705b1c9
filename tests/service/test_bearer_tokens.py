"""Tokens as a proof of who calls: one that is right, and every way in which one can be wrong."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.hand_clock import HandClock
from tests.support.service_stage import STATUS, ServiceStage
from tests.support.signed_tokens import APPLICATION, AUDIENCE, ISSUER, TENANT, Provider, claims, encoded

from idferry.service.bearer_tokens import REFRESH_EVERY, SigningKeys, TokenCheck, TokenTerms, keys_of
from idferry.service.caller_auth import Callers
from idferry.service.workers import Workers

OURS, THEIRS = Provider(), Provider(kid="key-of-others")
NOW = int(HandClock().now().timestamp())
TERMS = TokenTerms(issuers=[ISSUER], audiences=[AUDIENCE], applications=[APPLICATION], tenant_id=TENANT)
REFUSE_SECONDS_MAX = 0.005


class Published:
    """The address of the key set. `fails` makes it unreachable; `asked` counts."""

    def __init__(self, *providers: Provider) -> None:
        self.document = json.dumps({"keys": [one.jwk() for one in providers]}).encode()
        self.fails = False
        self.asked = 0

    def __call__(self) -> bytes:
        self.asked += 1
        if self.fails:
            raise ConnectionError("the test says so")
        return self.document


class TokenStage(ServiceStage):
    """A service whose only caller shows tokens."""

    def __init__(self, published: Published) -> None:
        clock = HandClock()
        self.key_workers = Workers(threads=1, waiting_max=1, name="keys")
        keys = SigningKeys(published, clock=clock, workers=self.key_workers)
        self.keys = keys
        super().__init__(callers=Callers(tokens={"entra": TokenCheck(TERMS, keys, clock.now)}), clock=clock)
        self.published = published

    def status_of(self, token: str) -> int:
        """What a call with this token is answered; the body must not be read before."""
        parts = NeverRead() if token != RIGHT else [b'{"email":"ana"}']
        return self.call("POST", STATUS, headers=[("Authorization", f"Bearer {token}")], parts=parts).status

    def close(self) -> None:
        super().close()
        self.key_workers.close()


class NeverRead(list[bytes]):
    def __init__(self) -> None:
        super().__init__([b"{"])

    def pop(self, *_: object) -> bytes:  # type: ignore[override]
        raise AssertionError("the body was read before the caller was known")


RIGHT = OURS.sign(claims())


@pytest.fixture
def stage() -> Iterator[TokenStage]:
    one = TokenStage(Published(OURS))
    yield one
    one.close()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ver": "1.0", "azp": None, "appid": APPLICATION},
        {"ver": None},
        {"exp": NOW - 59},
        {"nbf": NOW + 59, "iat": NOW + 59},
        {"nbf": None, "iat": None},
        {"exp": NOW + 0.5},
    ],
)
def test_a_right_token_lets_its_caller_in(changes: dict[str, Any]) -> None:
    one = TokenStage(Published(OURS))
    token = OURS.sign(claims(**changes))
    answer = one.call("POST", STATUS, b'{"email":"ana"}', headers=[("Authorization", f"bearer {token}")])
    assert answer.status == 200
    one.close()


def tampered(token: str, part: int, change: Callable[[str], str]) -> str:
    parts = token.split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


def flipped(text: str) -> str:
    return text[:10] + ("A" if text[10] != "A" else "B") + text[11:]


NONE_HEADER = encoded(b'{"alg":"none","typ":"JWT","kid":"key-1"}')
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 61},
    "expired long ago": {"exp": 1},
    "not yet": {"nbf": NOW + 61},
    "issued in the future": {"iat": NOW + 61},
    "no exp": {"exp": None},
    "exp as a text": {"exp": str(NOW + 3600)},
    "exp is true": {"exp": True},
    "exp is a list": {"exp": [NOW + 3600]},
    "nbf as a text": {"nbf": str(NOW)},
    "wrong issuer": {"iss": ISSUER.replace("1111", "9999")},
    "issuer with a slash more": {"iss": ISSUER + "/"},
    "issuer in capitals": {"iss": ISSUER.upper()},
    "no issuer": {"iss": None},
    "issuer is a list": {"iss": [ISSUER]},
    "wrong audience": {"aud": "api://another"},
    "our audience among others": {"aud": ["another", AUDIENCE]},
    "no audience": {"aud": None},
    "audience is an object": {"aud": {AUDIENCE: AUDIENCE}},
    "wrong application": {"azp": "00000000-0000-0000-0000-000000000000"},
    "no application, as in an ID token": {"azp": None, "nonce": "n", "sub": "s"},
    "version 2 with the claim of version 1": {"azp": None, "appid": APPLICATION},
    "version 1 with the claim of version 2": {"ver": "1.0"},
    "both claims, one of them wrong": {"appid": "another"},
    "an unknown version": {"ver": "3.0"},
    "version is a number": {"ver": 2.0},
    "wrong tenant": {"tid": "99999999-2222-3333-4444-555555555555"},
    "no tenant": {"tid": None},
}
WRONG_HEADERS: dict[str, dict[str, Any]] = {
    "unknown key": {"kid": "another"},
    "no key id": {"kid": None},
    "key id is a number": {"kid": 1},
    "key id is a path": {"kid": "../../key-1"},
    "jku": {"jku": "https://attacker.example/keys"},
    "x5u": {"x5u": "https://attacker.example/cert"},
    "jwk": {"jwk": OURS.jwk()},
    "x5c": {"x5c": ["AAAA"]},
    "crit": {"crit": ["b64"], "b64": False},
    "b64": {"b64": False},
    "zip": {"zip": "DEF"},
    "an encrypted type": {"typ": "JWE"},
    "RS512": {"alg": "RS512"},
    "PS256": {"alg": "PS256"},
    "RS256 in small letters": {"alg": "rs256"},
    "none": {"alg": "none"},
    "no algorithm": {"alg": None},
    "algorithms as a list": {"alg": ["RS256"]},
    "a header of 20 KiB": {"kid": "k" * 20_000},
}
WRONG_TOKENS = {
    "nothing": "",
    "one part": "abc",
    "two parts": RIGHT.rpartition(".")[0],
    "four parts": RIGHT + ".x",
    "five parts": "a.b.c.d.e",
    "alg none and no signature": f"{NONE_HEADER}.{RIGHT.split('.')[1]}.",
    "alg none with our signature": tampered(RIGHT, 0, lambda _: NONE_HEADER),
    "HS256 with the public key": OURS.hs256(claims(), OURS.public_pem()),
    "HS256 with nothing": OURS.hs256(claims(), b""),
    "signed by somebody else under our key id": Provider(key=THEIRS.key).sign(claims()),
    "signed by somebody else": THEIRS.sign(claims()),
    "claims changed": tampered(RIGHT, 1, flipped),
    "signature changed": tampered(RIGHT, 2, flipped),
    "no signature": tampered(RIGHT, 2, lambda _: ""),
    "half a signature": tampered(RIGHT, 2, lambda text: text[:100]),
    "signature of zeros": tampered(RIGHT, 2, lambda text: "A" * len(text)),
    "header is no JSON": f"{encoded(b'{')}.{RIGHT.split('.')[1]}.x",
    "header is a list": f"{encoded(b'[]')}.{RIGHT.split('.')[1]}.x",
    "header is deeply nested": f"{encoded(b'[' * 1500)}.{RIGHT.split('.')[1]}.x",
    "no base64": f"!!!.{RIGHT.split('.')[1]}.x",
    "claims are a list": OURS.sign("[1]"),
    "claims are no JSON": OURS.sign("{"),
    "issuer twice": OURS.sign(json.dumps(claims())[:-1] + f',"iss":"{ISSUER}"}}'),
    "exp is NaN": OURS.sign(json.dumps(claims()).replace(str(NOW + 3600), "NaN")),
    "exp is infinite": OURS.sign(json.dumps(claims()).replace(str(NOW + 3600), "Infinity")),
    "algorithm twice": OURS.sign(claims(), raw_header='{"alg":"none","alg":"RS256","kid":"key-1"}'),
    "blanks inside": RIGHT.replace(".", ". "),
    "a line break behind": RIGHT + "\n",
    "too long": OURS.sign(claims(padding="x" * 20_000)),
    "beyond ASCII": RIGHT[:-1] + "é",
}


def without_nothing(header: dict[str, Any]) -> str:
    told = {"alg": "RS256", "typ": "JWT", "kid": "key-1", **header}
    return json.dumps({name: value for name, value in told.items() if value is not None})


NEGATIVES = {
    **{name: OURS.sign(claims(**changes)) for name, changes in WRONG_CLAIMS.items()},
    **{name: OURS.sign(claims(), raw_header=without_nothing(one)) for name, one in WRONG_HEADERS.items()},
    **WRONG_TOKENS,
}


@pytest.mark.parametrize("name", NEGATIVES)
def test_a_token_that_is_wrong_is_401_and_the_body_stays_unread(stage: TokenStage, name: str) -> None:
    assert stage.status_of(NEGATIVES[name]) == 401


def test_there_are_enough_of_them_and_each_is_refused_quickly(stage: TokenStage) -> None:
    assert len(NEGATIVES) >= 40
    assert (
        stage.call("POST", STATUS, b'{"email":"ana"}', headers=[("Authorization", f"Bearer {RIGHT}")]).status
        == 200
    )
    for name, token in NEGATIVES.items():
        times = []
        for _ in range(3):
            begun = time.process_time()
            stage.status_of(token)
            times.append(time.process_time() - begun)
        # A call in this stage makes an event loop of its own, which costs more than the refusal.
        assert min(times) < REFUSE_SECONDS_MAX, name


def test_no_wrong_token_becomes_right_because_another_caller_shows_secrets(stage: TokenStage) -> None:
    """The log says who was let in, and never what was shown."""
    for token in NEGATIVES.values():
        stage.status_of(token)
    log = stage.log.getvalue().decode()
    assert not any(token and token in log for token in NEGATIVES.values())


# --- the keys ----------------------------------------------------------------------------------------------------------


def test_an_unknown_key_asks_for_the_keys_again_but_not_more_than_every_five_minutes(
    stage: TokenStage,
) -> None:
    for _ in range(5):
        assert stage.status_of(THEIRS.sign(claims())) == 401
    assert stage.published.asked == 1
    stage.published.document = json.dumps({"keys": [OURS.jwk(), THEIRS.jwk()]}).encode()
    stage.clock.advance(REFRESH_EVERY.total_seconds() + 1)
    answer = stage.call(
        "POST", STATUS, b'{"email":"ana"}', headers=[("Authorization", f"Bearer {THEIRS.sign(claims())}")]
    )
    assert (answer.status, stage.published.asked) == (200, 2)


def test_known_keys_serve_on_while_their_address_is_down(stage: TokenStage) -> None:
    def right() -> int:
        token = OURS.sign(claims(exp=NOW + 10**9))
        header = [("Authorization", f"Bearer {token}")]
        return stage.call("POST", STATUS, b'{"email":"ana"}', headers=header).status

    stage.published.fails = True
    assert right() == 401
    stage.published.fails = False
    stage.clock.advance(11)
    assert right() == 200
    stage.published.fails = True
    stage.clock.advance(25 * 3600)
    assert right() == 200

    async def story() -> int:
        """A known key is given at once, and new ones are looked for beside it."""
        stage.clock.advance(REFRESH_EVERY.total_seconds() + 1)
        before = stage.published.asked
        assert await stage.keys.of("key-1") is not None
        assert stage.published.asked == before
        assert stage.keys._renewal
        await stage.keys._renewal
        return stage.published.asked - before

    assert asyncio.run(story()) == 1
    assert right() == 200


def test_only_rsa_signing_keys_of_some_length_are_taken() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    short_key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  to be refused
    short = Provider(kid="short", key=short_key)
    listed: list[Any] = [
        OURS.jwk(),
        short.jwk(),
        OURS.jwk(kid="for-encryption", use="enc"),
        OURS.jwk(kid="other-algorithm", alg="RS512"),
        OURS.jwk(kid=5),
        {"kty": "oct", "kid": "shared", "k": "AAAA"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        "junk",
    ]
    assert list(keys_of(json.dumps({"keys": listed}).encode())) == ["key-1"]
    for document in (b"{}", b"[]", b'{"keys":5}', b"x" * 300_000, json.dumps({"keys": [1] * 65}).encode()):
        with pytest.raises((ValueError, KeyError)):
            keys_of(document)
