"""Encrypted passwords by the hundred, through the endpoint itself: whoever sends a wrong one learns nothing of what was wrong.

Vectors of other people come from RFC 7520 (the JOSE cookbook); ours stand in `tests.support.context_vectors`.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from tests.support.context_vectors import FORGED, OURS, decoded, encoded
from tests.support.hand_clock import HandClock
from tests.support.outside_data import outside_data
from tests.support.password_tokens import AUDIENCE, ISSUER, KEY_BYTES, Encryptor
from tests.support.sign_in_stage import ExternalStage

from idferry.service import password_context
from idferry.service.password_context import ContextTerms, PasswordContexts, decryption_key

DAMAGED_MIN = 139
"""As many as the published suite of others has for encryption."""
NAMED_MIN = 60
TERMS = ContextTerms(audience=AUDIENCE, issuers=(ISSUER,))
COOKBOOK, NESTING = "jose/cookbook", "6.nesting_signatures_and_encryption.json"


def reader(*keys: Encryptor) -> PasswordContexts:
    opened = [decryption_key(one.pem(), what="a key") for one in keys or (OURS,)]
    return PasswordContexts(opened, terms=TERMS, now=HandClock().now)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExternalStage]:
    """The endpoint, with the key of the vectors."""
    monkeypatch.setattr("tests.support.sign_in_stage.OURS", OURS)
    one = ExternalStage()
    yield one
    one.close()


def test_every_forgery_is_answered_alike_and_reaches_nobody(stage: ExternalStage) -> None:
    """Same status, same bytes, same headers, same line of the log: no oracle about the key, the tag or what is inside."""
    assert len(FORGED) >= NAMED_MIN
    account = stage.world.person("ana@example.com")
    event = stage.event("ana@example.com", "Old-Password-1", object_id=account)
    answers: Counter[str] = Counter()
    for name, forge in FORGED.items():
        event["data"]["encryptedPasswordContext"] = forge()
        answer = stage.send(event)
        headers = {one: value for one, value in answer.headers.items() if one != "x-correlation-id"}
        answers[f"{answer.status} {answer.body!r} {json.dumps(headers)}"] += 1
        assert len(answers) == 1, name
    [(said, times)] = answers.items()
    assert (said.partition(" ")[0], times) == ("400", len(FORGED))
    assert stage.world.legacy.asked == []
    assert stage.world.guard.booked == 0
    lines = Counter(json.dumps({**line, "correlation_id": ""}) for line in stage.service.lines())
    assert list(lines.values()) == [len(FORGED)], "and the log tells as little"
    told = f'idferry_alerts_total{{alert="context_refused"}} {len(FORGED)}.0'
    assert told in stage.books.metrics.text().decode()
    assert stage.send(stage.event("ana@example.com", "Old-Password-1", object_id=account)).status == 200


def test_no_damage_to_any_part_is_overlooked() -> None:
    read, accepted, damaged = reader().read, [], 0
    for alg, enc, packed in _kinds():
        assert read(OURS.token(alg=alg, enc=enc, zip=packed)), "undamaged it is read"
    for name, token in damaged_everywhere():
        damaged += 1
        if read(token) is not None:
            accepted.append(name)
    assert damaged >= DAMAGED_MIN
    assert accepted == []


def _kinds() -> list[tuple[str, str, str | None]]:
    return [
        (alg, enc, packed)
        for alg in ("RSA-OAEP", "RSA-OAEP-256")
        for enc in sorted(KEY_BYTES)
        for packed in ("DEF", None)
    ]


def damaged_everywhere() -> Iterator[tuple[str, str]]:
    """What was done, and the token: every part of a token of every allowed kind damaged in every way."""
    for alg, enc, packed in _kinds():
        token, other = (OURS.token(alg=alg, enc=enc, zip=packed) for _ in range(2))
        for place, (part, theirs) in enumerate(zip(token.split("."), other.split("."), strict=True)):
            damages = [(name, encoded(damaged)) for name, damaged in _damages(decoded(part))]
            # Both headers are the same.
            damages += [("of another", theirs)] if place else []
            for name, damaged_part in damages:
                yield f"{alg} {enc} {packed} {place} {name}", _with(token, place, damaged_part)


def _damages(raw: bytes) -> Iterator[tuple[str, bytes]]:
    for name, place in (("first", 0), ("middle", len(raw) // 2), ("last", len(raw) - 1)):
        yield f"{name} bit", raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
    yield "a byte short", raw[:-1]
    yield "without its first byte", raw[1:]
    yield "a byte long", raw + b"\0"
    yield "nothing", b""


def _with(token: str, place: int, part: str) -> str:
    parts = token.split(".")
    parts[place] = part
    return ".".join(parts)


def test_a_token_that_names_two_keys_is_opened_with_none() -> None:
    """Whichever of the two names is believed, the other one says that the sender meant something else."""
    other = Encryptor()
    for names in (
        {"x5t": OURS.thumbprint, "kid": other.thumbprint},
        {"x5t": other.thumbprint, "kid": OURS.thumbprint},
    ):
        for sender in (OURS, other):
            assert reader(OURS, other).read(sender.token(**names)) is None
    # A name that is nobody's says nothing: Entra may send the id of the key beside its thumbprint.
    assert reader(OURS, other).read(OURS.token(kid="11111111-1111-4111-8111-111111111111")) is not None


# --- the cookbook --------------------------------------------------------------------------------------------------------


def documents() -> dict[str, Any]:
    """File name -> vector of the cookbook."""
    found: Path = outside_data(f"{COOKBOOK}/jwe", criterion="the vectors of RFC 7520, jwe")
    vectors = {
        path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(found.glob("*.json"))
    }
    return {**vectors, NESTING: json.loads((found.parent / NESTING).read_text(encoding="utf-8"))}


def rsa_keys(vectors: dict[str, Any]) -> list[dict[str, Any]]:
    """Every private RSA key that encrypts something in the cookbook."""
    found = []
    for vector in vectors.values():
        key = (vector.get("input") or vector["encrypt"]["input"]).get("key", [])
        found += [one for one in (key if isinstance(key, list) else [key]) if one]
    return [one for one in found if one["kty"] == "RSA" and "d" in one]


def test_of_the_cookbooks_tokens_only_the_one_of_our_kind_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the very keys of the vectors: what is opened is known to the byte, and no token of another kind is."""
    vectors = documents()
    opened: list[str] = []
    claims_of = password_context._claims_of
    assert len(vectors) >= 13

    def seen(content: bytes) -> Mapping[str, Any]:
        opened.append(content.decode())
        return {}

    monkeypatch.setattr(password_context, "_claims_of", seen)
    looked_into: dict[str, list[str]] = {}
    for jwk in rsa_keys(vectors):
        pem = RSAKey.import_key(jwk).as_pem(private=True).decode()
        read = PasswordContexts([decryption_key(pem, what="a key")], terms=TERMS, now=HandClock().now).read
        for name, vector in vectors.items():
            told = vector.get("output") or vector["encrypt"]["output"]
            for form in told.values():
                assert read(form if isinstance(form, str) else json.dumps(form)) is None, name
            looked_into.setdefault(name, []).extend(opened)
            opened.clear()
    of_our_kind = "5_2.key_encryption_using_rsa-oaep_with_aes-gcm.json"
    assert set(looked_into.pop(of_our_kind)) == {vectors[of_our_kind]["input"]["plaintext"]}
    [signed] = set(looked_into.pop(NESTING))
    assert signed == vectors[NESTING]["sign"]["output"]["compact"]
    with pytest.raises(ValueError, match="signature"):
        claims_of(signed.encode())
    assert not any(looked_into.values()), looked_into
