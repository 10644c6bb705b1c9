"""Tokens as a proof of who calls: one that is right, and every way in which one can be wrong."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.bearer_vectors import NEGATIVES, NOW, OURS, RIGHT, THEIRS
from tests.support.hand_clock import HandClock
from tests.support.service_stage import STATUS, ServiceStage
from tests.support.signed_tokens import APPLICATION, AUDIENCE, ISSUER, TENANT, Provider, claims

from idferry.service.bearer_tokens import REFRESH_EVERY, SigningKeys, TokenCheck, TokenTerms, keys_of
from idferry.service.caller_auth import Callers
from idferry.service.workers import Workers

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
        header = ("Authorization", f"Bearer {token}")
        return self.call("POST", STATUS, b'{"email":"ana"}', headers=[header], may_read=token == RIGHT).status

    def close(self) -> None:
        super().close()
        self.key_workers.close()


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
