"""Bearer tokens by the hundred: whoever shows a wrong one, or shows it in the wrong place, learns nothing, and no body is read.

Vectors of other people come from RFC 7520 (the JOSE cookbook); ours stand in `tests.support.bearer_vectors`.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.support.bearer_vectors import NEGATIVES, OURS, RIGHT, THEIRS, flipped_everywhere
from tests.support.hand_clock import HandClock
from tests.support.outside_data import outside_data
from tests.support.service_stage import Answered
from tests.support.sign_in_stage import ExternalStage
from tests.support.signed_tokens import APPLICATION, AUDIENCE, ISSUER, TENANT

from idferry.service import bearer_tokens
from idferry.service.bearer_tokens import SigningKeys, TokenCheck, TokenTerms
from idferry.service.external_id import PATH
from idferry.service.workers import Workers

NAMED_MIN = 40
"""S6: so many wrong tokens, each by its name."""
FLIPPED_MIN = 401
"""As many as the published suite of others has for signatures."""
CANARY = "CNRY-5f0c4b1de2a94d7c"
COOKBOOK = "jose/cookbook"
TERMS = TokenTerms(issuers=[ISSUER], audiences=[AUDIENCE], applications=[APPLICATION], tenant_id=TENANT)


@pytest.fixture
def stage() -> Iterator[ExternalStage]:
    """The endpoint that Entra calls, for tokens of the vectors' own provider."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.sign_in_stage.PROVIDER", OURS)
        one = ExternalStage()
        yield one
        one.close()


def knock(stage: ExternalStage, headers: Sequence[tuple[str, str]]) -> Answered:
    """A call with a canary for a body: a whole event, so that whoever parsed it would find something to do."""
    body = json.dumps(stage.event("ana@example.com", CANARY, object_id=CANARY)).encode()
    return stage.service.call("POST", PATH, body, headers=headers, may_read=False)


def test_the_right_one_gets_in(stage: ExternalStage) -> None:
    account = stage.world.person("right@example.com")
    answer = stage.send(stage.event("right@example.com", "Old-Password-1", object_id=account), token=RIGHT)
    assert answer.status == 200
    with pytest.raises(AssertionError, match="before the caller"):
        knock(stage, [("Authorization", f"Bearer {RIGHT}")])


def test_every_wrong_token_is_answered_alike_and_its_body_is_not_read(stage: ExternalStage) -> None:
    assert len(NEGATIVES) >= NAMED_MIN
    answers = {}
    for name, token in NEGATIVES.items():
        answer = knock(stage, [("Authorization", f"Bearer {token}")])
        told = {one: value for one, value in answer.headers.items() if one != "x-correlation-id"}
        answers[name] = (answer.status, answer.body, json.dumps(told))
    first = next(iter(answers.values()))
    assert first[:2] == (401, b"")
    assert {name: one for name, one in answers.items() if one != first} == {}
    log = stage.service.log.getvalue().decode()
    assert CANARY not in log
    assert not any(part in log for token in NEGATIVES.values() for part in token.split(".") if len(part) > 40)


WRONG_PLACES: dict[str, Sequence[tuple[str, str]]] = {
    "nowhere": (),
    "twice": (("Authorization", f"Bearer {RIGHT}"), ("Authorization", f"Bearer {RIGHT}")),
    "before a wrong one": (("Authorization", f"Bearer {RIGHT}"), ("Authorization", "Bearer x")),
    "behind a wrong one": (("Authorization", "Bearer x"), ("Authorization", f"Bearer {RIGHT}")),
    "beside an empty one": (("Authorization", ""), ("Authorization", f"Bearer {RIGHT}")),
    "of a proxy": (("Proxy-Authorization", f"Bearer {RIGHT}"),),
    "of somebody in front": (("X-Forwarded-Authorization", f"Bearer {RIGHT}"),),
    "original": (("X-Original-Authorization", f"Bearer {RIGHT}"),),
    "as a cookie": (("Cookie", f"Authorization=Bearer {RIGHT}; access_token={RIGHT}"),),
    "as a key": (("X-Api-Key", RIGHT),),
    "with an underscore": (("Http_Authorization", f"Bearer {RIGHT}"),),
    "as Basic": (("Authorization", f"Basic {RIGHT}"),),
    "as a token": (("Authorization", f"Token {RIGHT}"),),
    "as DPoP": (("Authorization", f"DPoP {RIGHT}"),),
    "without a word": (("Authorization", RIGHT),),
    "glued to the word": (("Authorization", f"Bearer{RIGHT}"),),
    "behind a tab": (("Authorization", f"Bearer\t{RIGHT}"),),
    "behind a blank": (("Authorization", f" Bearer {RIGHT}"),),
    "behind a sign": (("Authorization", f"Bearer={RIGHT}"),),
    "behind a comma": (("Authorization", f"Bearer x, Bearer {RIGHT}"),),
    "before a comma": (("Authorization", f"Bearer {RIGHT}, Bearer x"),),
    "before a semicolon": (("Authorization", f"Bearer {RIGHT};"),),
    "before a NUL": (("Authorization", f"Bearer {RIGHT}\0"),),
    "behind a hard blank": (("Authorization", f"Bearer \u00a0{RIGHT}"),),
}


@pytest.mark.parametrize("place", WRONG_PLACES)
def test_the_right_token_in_a_wrong_place_is_nobodys(stage: ExternalStage, place: str) -> None:
    answer = knock(stage, WRONG_PLACES[place])
    assert (answer.status, answer.body) == (401, b"")


def test_no_bit_of_a_token_can_be_changed() -> None:
    workers = Workers(threads=1, waiting_max=4, name="keys")
    clock = HandClock()

    async def story() -> tuple[int, list[int]]:
        keys = SigningKeys(lambda: OURS.key_set(THEIRS.jwk()), clock=clock, workers=workers)
        check = TokenCheck(TERMS, keys, clock.now)
        assert await check.accepts(RIGHT.encode())
        accepted, number = [], 0
        for number, token in enumerate(flipped_everywhere(), start=1):
            if await check.accepts(token.encode()):
                accepted.append(number)
        return number, accepted

    flipped, accepted = asyncio.run(story())
    workers.close()
    assert flipped >= FLIPPED_MIN
    assert accepted == []


# --- the cookbook --------------------------------------------------------------------------------------------------------


def documents(folder: str) -> dict[str, Any]:
    """File name -> vector, of one folder of the cookbook."""
    found: Path = outside_data(f"{COOKBOOK}/{folder}", criterion=f"the vectors of RFC 7520, {folder}")
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(found.glob("*.json"))}


def key_of(vector: Any) -> dict[str, Any]:
    keys = vector["input"]["key"]
    return dict(keys[0] if isinstance(keys, list) else keys)


def test_of_the_cookbooks_signatures_only_the_one_of_our_kind_is_looked_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever publishes the key of each vector, an octet string or a curve among them, gains nothing by it."""
    opened: list[str] = []
    original = bearer_tokens._object

    def seen(document: bytes) -> dict[str, Any]:
        if not document.lstrip().startswith(b"{"):
            opened.append(document.decode())
        return original(document)

    monkeypatch.setattr(bearer_tokens, "_object", seen)
    workers, vectors = Workers(threads=1, waiting_max=4, name="keys"), documents("jws")
    assert len(vectors) >= 8
    looked_into = {}
    for name, vector in vectors.items():
        key_set = json.dumps({"keys": [key_of(vector)]}).encode()
        clock = HandClock()

        async def story(key_set: bytes, clock: HandClock, forms: list[str]) -> list[bool]:
            keys = SigningKeys(lambda: key_set, clock=clock, workers=workers)
            return [await TokenCheck(TERMS, keys, clock.now).accepts(one.encode()) for one in forms]

        told = vector["output"]
        forms = [one if isinstance(one, str) else json.dumps(one) for one in told.values()]
        assert not any(asyncio.run(story(key_set, clock, forms))), name
        looked_into[name], opened[:] = list(opened), []
    workers.close()
    rsa = "4_1.rsa_v15_signature.json"
    assert looked_into.pop(rsa) == [vectors[rsa]["input"]["payload"]], "RS256 with the right key is read"
    assert not any(looked_into.values()), looked_into
