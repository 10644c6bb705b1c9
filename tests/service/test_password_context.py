"""What Entra encrypts for us is opened, and nothing else is: every forgery ends in the same silence."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.hand_clock import HandClock
from tests.support.password_tokens import (
    AUDIENCE,
    ISSUER,
    KEY_BYTES,
    Encryptor,
    claims,
    deflate,
    encoded,
    nested,
    tampered,
)

from idferry.errors import SettingsError
from idferry.service.password_context import (
    HEADER_BYTES_MAX,
    TOKEN_BYTES_MAX,
    ContextTerms,
    PasswordContexts,
    decryption_key,
)

OURS, NEXT, FOREIGN = Encryptor(), Encryptor(), Encryptor()
TERMS = ContextTerms(audience=AUDIENCE, issuers=(ISSUER,))
NOW = int(HandClock().now().timestamp())


def contexts(*keys: Encryptor, certificate: bool = True) -> PasswordContexts:
    opened = [decryption_key(one.pem(certificate=certificate), what="a key") for one in keys or (OURS,)]
    return PasswordContexts(opened, terms=TERMS, now=HandClock().now)


READER = contexts()


def test_a_captured_shape_is_opened() -> None:
    found = READER.read(OURS.token())
    assert found is not None
    assert (found.user_name, found.nonce) == ("ana@example.com", "8a4b8d4e-1111-4222-8333-444455556666")
    assert found.password.reveal_to(str) == "Old-Password-1"
    assert found.expires_at == datetime.fromtimestamp(NOW + 600, UTC)
    assert "Old-Password-1" not in repr(found)


@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize("enc", sorted(KEY_BYTES))
@pytest.mark.parametrize("packed", ["DEF", None])
def test_every_allowed_algorithm_is_read(alg: str, enc: str, packed: str | None) -> None:
    assert READER.read(OURS.token(alg=alg, enc=enc, zip=packed)) is not None


def test_bare_claims_are_read_and_passwords_stay_as_they_are() -> None:
    for password in (" blanks around ", "Пароль", "\u00e9 and e\u0301", "x" * 256, '"quoted"\\'):
        content = json.dumps(claims(**{"user-password": password})).encode()
        found = READER.read(OURS.token(content))
        assert found is not None
        assert found.password.reveal_to(str) == password


def test_of_two_keys_the_named_one_opens() -> None:
    both = contexts(OURS, NEXT)
    assert both.read(OURS.token()) is not None
    assert both.read(NEXT.token()) is not None
    assert both.read(NEXT.token(x5t=None, kid=NEXT.thumbprint)) is not None
    assert both.read(FOREIGN.token()) is None
    assert both.read(OURS.token(x5t=None)) is None, "nobody can tell which"
    assert contexts(OURS, certificate=False).read(OURS.token()) is not None


def header(**changes: Any) -> Callable[[], str]:
    return lambda: OURS.token(**changes)


def content(**changes: Any) -> Callable[[], str]:
    return lambda: OURS.token(claims(**changes))


def inside(plain: bytes) -> Callable[[], str]:
    return lambda: OURS.token(plain)


def bomb(size: int) -> str:
    text = json.dumps(claims(padding=" " * size)).encode()
    return OURS.token(text)


FORGED: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "one part": lambda: "x",
    "four parts": lambda: OURS.token().rpartition(".")[0],
    "six parts": lambda: f"{OURS.token()}.x",
    "not ASCII": lambda: f"ä{OURS.token()}",
    "RSA1_5": header(alg="RSA1_5"),
    "RSA1_5 said, OAEP done": header(alg="RSA1_5", key_padding="RSA-OAEP"),
    "OAEP said, RSA1_5 done": header(key_padding="RSA1_5"),
    "dir": header(alg="dir"),
    "A128KW": header(alg="A128KW"),
    "PBES2 with a monstrous count": header(alg="PBES2-HS256+A128KW", p2c=2_000_000_000, p2s="AAAA"),
    "ECDH-ES": header(alg="ECDH-ES"),
    "RSA-OAEP-512": header(alg="RSA-OAEP-512"),
    "alg none": header(alg="none"),
    "alg missing": header(alg=None),
    "alg a list": header(alg=["RSA-OAEP"]),
    "alg in lower case": header(alg="rsa-oaep"),
    "A192GCM": header(enc="A192GCM"),
    "enc none": header(enc="none"),
    "enc missing": header(enc=None),
    "said GCM, done CBC": lambda: OURS.token(raw_header=json.dumps(OURS.header(enc="A128GCM"))),
    "said CBC of 512, done 256": lambda: OURS.token(raw_header=json.dumps(OURS.header(enc="A256CBC-HS512"))),
    "zip GZIP": header(zip="GZIP"),
    "zip in lower case": header(zip="def"),
    "zip empty": header(zip=""),
    "zip said, not done": lambda: OURS.token(zip="DEF", deflated=nested(claims())),
    "zip done, not said": lambda: OURS.token(deflate(nested(claims())), zip=None),
    "zip cut off": lambda: OURS.token(deflated=deflate(nested(claims()))[:-40]),
    "zip that is not deflate": lambda: OURS.token(deflated=b"\xff" * 64),
    "crit": header(crit=["exp"], exp=NOW + 600),
    "crit empty": header(crit=[]),
    "b64": header(b64=False, crit=["b64"]),
    "jku": header(jku="https://attacker.example.com/keys"),
    "jwk": header(jwk={"kty": "oct", "k": "AAAA"}),
    "x5u": header(x5u="https://attacker.example.com/cert"),
    "x5c": header(x5c=["AAAA"]),
    "epk": header(epk={"kty": "EC"}),
    "another key's thumbprint": header(x5t=FOREIGN.thumbprint),
    "x5t a number": header(x5t=7),
    "another key": lambda: FOREIGN.token(x5t=OURS.thumbprint),
    "header that says alg twice": lambda: OURS.token(
        raw_header='{"alg":"RSA1_5","alg":"RSA-OAEP","enc":"A128CBC-HS256","zip":"DEF"}'
    ),
    "header that is a list": lambda: OURS.token(raw_header="[]"),
    "header that is no JSON": lambda: OURS.token(raw_header="{"),
    "header of NaN": lambda: OURS.token(raw_header='{"alg":NaN,"enc":"A128CBC-HS256"}'),
    "header too long": header(typ="x" * HEADER_BYTES_MAX),
    "header deeply nested": lambda: OURS.token(raw_header='{"typ":' + "[" * 700 + "]" * 700 + "}"),
    "token too long": lambda: OURS.token(claims(padding=encoded(bytes(TOKEN_BYTES_MAX))), zip=None),
    "tampered header": lambda: tampered(OURS.token(), 0),
    "tampered key": lambda: tampered(OURS.token(), 1),
    "tampered vector": lambda: tampered(OURS.token(), 2),
    "tampered text": lambda: tampered(OURS.token(), 3),
    "tampered tag": lambda: tampered(OURS.token(), 4),
    "tampered tag of GCM": lambda: tampered(OURS.token(enc="A256GCM"), 4),
    "tag cut": lambda: OURS.token()[:-8],
    "tag of GCM cut to four bytes": lambda: OURS.token(enc="A128GCM")[:-16],
    "no tag": lambda: OURS.token().rpartition(".")[0] + ".",
    "no key": lambda: ".".join([*OURS.token().split(".")[:1], "", *OURS.token().split(".")[2:]]),
    "a blank in the text": lambda: OURS.token().replace(".", " .", 1),
    "a bomb of 30 KiB": lambda: bomb(30_000),
    "a bomb of 10 MiB": lambda: bomb(10_000_000),
    "inside: empty": inside(b""),
    "inside: no token": inside(b"hello"),
    "inside: a signature": inside(nested(claims(), signature="AAAA")),
    "inside: HS256": inside(nested(claims(), header={"alg": "HS256"})),
    "inside: no algorithm": inside(nested(claims(), header={})),
    "inside: alg None": inside(nested(claims(), header={"alg": "None"})),
    "inside: a list": inside(nested("[]")),
    "inside: two passwords": inside(nested(json.dumps(claims())[:-1] + ',"user-password":"other"}')),
    "inside: UTF-16": inside(json.dumps(claims()).encode("utf-16")),
    "inside: deeply nested": inside(b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
    "another audience": content(aud="aaaaaaaa-0000-0000-0000-000000000002"),
    "a list of audiences": content(aud=[AUDIENCE]),
    "no audience": content(aud=None),
    "another issuer": content(iss="api://elsewhere.example.com/x"),
    "no issuer": content(iss=None),
    "expired": content(exp=NOW - 61),
    "expires in a day": content(exp=NOW + 86_400),
    "expires never": content(exp=None),
    "expires: a text": content(exp=str(NOW + 600)),
    "expires: true": content(exp=True),
    "expires: infinity": inside(nested(json.dumps(claims()).replace(str(NOW + 600), "Infinity"))),
    "not yet": content(nbf=NOW + 120),
    "no nonce": content(nonce=None),
    "an empty nonce": content(nonce=""),
    "a nonce with a line break": content(nonce="a\nb"),
    "a nonce that is too long": content(nonce="n" * 129),
    "a nonce that is a number": content(nonce=7),
    "no password": content(**{"user-password": None}),
    "a password that is a number": content(**{"user-password": 12345678}),
    "no name": content(username=None),
    "a name of blanks": content(username="  "),
    "a name that is too long": content(username="n" * 600),
    "half a character in the name": inside(nested(json.dumps(claims(username="a\ud800")))),
}


@pytest.mark.parametrize("name", list(FORGED))
def test_whatever_is_wrong_ends_in_the_same_silence(name: str) -> None:
    token = FORGED[name]()
    began = time.process_time()
    assert READER.read(token) is None
    assert time.process_time() - began < 0.25


def test_there_are_enough_of_them() -> None:
    assert len(FORGED) >= 30


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "not a key",
        OURS.certificate_pem().decode(),
        FOREIGN.pem(certificate=False) + OURS.certificate_pem().decode(),
    ],
    ids=["empty", "nonsense", "only a certificate", "another key's certificate"],
)
def test_a_key_that_cannot_work_is_refused_at_the_start(pem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        decryption_key(pem, what="external_id.keys")
    assert "PRIVATE" not in str(refused.value)


def test_a_key_prints_nothing() -> None:
    assert "RSAKey" not in repr(decryption_key(OURS.pem(), what="a key"))
