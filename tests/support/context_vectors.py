"""Encrypted passwords that nobody may open, each by the name of what is wrong with it: `FORGED`.

Made for these tests; what is right is made by `tests.support.password_tokens`.
"""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization
from tests.support.hand_clock import HandClock
from tests.support.password_tokens import (
    AUDIENCE,
    ISSUER,
    Encryptor,
    claims,
    deflate,
    encoded,
    nested,
    tampered,
)

from idferry.service.password_context import HEADER_BYTES_MAX, TOKEN_BYTES_MAX

OURS, FOREIGN = Encryptor(), Encryptor()
NOW = int(HandClock().now().timestamp())
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def decoded(part: str) -> bytes:
    """The bytes of one part."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def changed(place: int, change: Callable[[str], str], **header: Any) -> str:
    """A right token with one of its five parts changed."""
    parts = OURS.token(**header).split(".")
    parts[place] = change(parts[place])
    return ".".join(parts)


def sloppy(part: str) -> str:
    """The same bytes, with bits behind the last one that mean nothing and must be zero."""
    assert len(part) % 4, "it has no such bits"
    changed = part[:-1] + ALPHABET[ALPHABET.index(part[-1]) ^ 1]
    assert decoded(changed) == decoded(part)
    return changed


def sloppy_inside() -> bytes:
    """Claims inside that are written in another way than the one there is."""
    for filler in ("", "x", "xx"):
        head, body, _ = nested(claims(more=filler)).decode().split(".")
        if len(body) % 4:
            return f"{head}.{sloppy(body)}.".encode()
    raise AssertionError("every length has bits behind its end")


def in_other_alphabet(place: int) -> str:
    """A right token with a part that is written with + and /."""
    while True:
        token = OURS.token()
        if set("-_") & set(token.split(".")[place]):
            parts = token.split(".")
            parts[place] = parts[place].replace("-", "+").replace("_", "/")
            return ".".join(parts)


def with_modulus(wrapped: bytes) -> bytes:
    """The same number to whoever does not look at its size."""
    modulus = OURS.key.public_key().public_numbers().n
    return (int.from_bytes(wrapped) + modulus).to_bytes(257, "big")


def otherwise(*, said: str, done: str) -> Callable[[], str]:
    """A header that names another way of encrypting than the one that was used."""
    return lambda: OURS.token(raw_header=json.dumps(OURS.header(enc=said)), enc=done)


def nested_raw(header: str, content: str) -> bytes:
    """A token without a signature over a header as it is written."""
    return f"{encoded(header.encode())}.{encoded(content.encode())}.".encode()


def hs256_with_public_key() -> bytes:
    """A token inside that is signed with what everybody knows."""
    pem = OURS.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = nested(claims(), header={"alg": "HS256"}).rstrip(b".")
    return signed + b"." + encoded(hmac.digest(pem, signed, hashlib.sha256)).encode()


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
    # A request of this size is read; the token in it is longer than it may be.
    "token too long": lambda: OURS.token(claims(padding="x" * (TOKEN_BYTES_MAX * 5 // 8)), zip=None),
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
    "RSA-OAEP-384": header(alg="RSA-OAEP-384"),
    "RSA-OAEP said, RSA-OAEP-256 done": header(key_padding="RSA-OAEP-256"),
    "RSA-OAEP-256 said, RSA-OAEP done": header(alg="RSA-OAEP-256", key_padding="RSA-OAEP"),
    "A256KW": header(alg="A256KW"),
    "A128GCMKW": header(alg="A128GCMKW", iv="AAAA", tag="AAAA"),
    "ECDH-ES+A128KW": header(alg="ECDH-ES+A128KW", epk={"kty": "EC", "crv": "P-256"}),
    "PBES2 without a count": header(alg="PBES2-HS512+A256KW"),
    "p2c beside a right algorithm": header(p2c=2_000_000_000),
    "p2s beside a right algorithm": header(p2s="AAAA"),
    "HS256 as the key's algorithm": header(alg="HS256"),
    "RS256 as the key's algorithm": header(alg="RS256"),
    "alg with a blank": header(alg="RSA-OAEP "),
    "alg with a NUL": header(alg="RSA-OAEP\0"),
    "alg true": header(alg=True),
    "enc a list": lambda: OURS.token(raw_header=json.dumps({**OURS.header(), "enc": ["A128CBC-HS256"]})),
    "enc in lower case": header(enc="a128cbc-hs256"),
    "A192CBC-HS384": header(enc="A192CBC-HS384"),
    "A128CBC, with nothing that proves it": header(enc="A128CBC"),
    "XC20P": header(enc="XC20P"),
    "said CBC, done GCM": otherwise(said="A128CBC-HS256", done="A256GCM"),
    "said GCM of 256, done GCM of 128": otherwise(said="A256GCM", done="A128GCM"),
    "said GCM of 128, done GCM of 256": otherwise(said="A128GCM", done="A256GCM"),
    "said CBC of 256, done 512": otherwise(said="A128CBC-HS256", done="A256CBC-HS512"),
    "zip zlib": header(zip="zlib"),
    "zip null": lambda: OURS.token(raw_header=json.dumps({**OURS.header(), "zip": None})),
    "zip a list": header(zip=["DEF"]),
    "zip with a head of gzip": lambda: OURS.token(deflated=gzip.compress(nested(claims()))),
    "zip twice": lambda: OURS.token(deflated=deflate(deflate(nested(claims())))),
    "zip of nothing": lambda: OURS.token(deflated=b""),
    "zip that never ends": lambda: OURS.token(deflated=b"\x00\x00\x00\xff\xff" * 200),
    "a bomb of zeros": lambda: OURS.token(b"\0" * 10_000_000),
    "a bomb in a bomb": lambda: OURS.token(deflated=deflate(deflate(b"{" * 3_000_000))),
    "crit of a name that is there": header(crit=["alg"]),
    "crit of zip": header(crit=["zip"]),
    "b64 alone": header(b64=False),
    "b64 true": header(b64=True, crit=["b64"]),
    "apu": header(apu="AAAA"),
    "iv and tag in the header": header(iv="AAAA", tag="AAAA"),
    "url": header(url="https://attacker.example.com"),
    "nonce in the header": header(nonce="n"),
    "kid of another key": header(x5t=None, kid=FOREIGN.thumbprint),
    "kid a list": header(kid=[OURS.thumbprint]),
    "kid an object": header(kid={}),
    "kid that is a path": header(x5t=None, kid="../entra.pem"),
    "x5t empty": header(x5t=""),
    "x5t with padding": lambda: OURS.token(x5t=OURS.thumbprint + "="),
    "x5t in capitals": lambda: OURS.token(x5t=OURS.thumbprint.swapcase()),
    "a header that says enc twice": lambda: OURS.token(
        raw_header='{"alg":"RSA-OAEP","enc":"A256GCM","enc":"A128CBC-HS256","zip":"DEF"}'
    ),
    "a header that says zip twice": lambda: OURS.token(
        raw_header='{"alg":"RSA-OAEP","enc":"A128CBC-HS256","zip":"GZIP","zip":"DEF"}'
    ),
    "a header that says alg twice, spelt in two ways": lambda: OURS.token(
        raw_header='{"alg":"RSA1_5","\\u0061lg":"RSA-OAEP","enc":"A128CBC-HS256","zip":"DEF"}'
    ),
    "a header that says x5t twice": lambda: OURS.token(
        raw_header=json.dumps(OURS.header())[:-1] + f',"x5t":"{FOREIGN.thumbprint}"}}'
    ),
    "header with a byte order mark": lambda: OURS.token(raw_header="\ufeff" + json.dumps(OURS.header())),
    "something behind the header": lambda: OURS.token(raw_header=json.dumps(OURS.header()) + "x"),
    "header that is null": lambda: OURS.token(raw_header="null"),
    "header that is a text": lambda: OURS.token(raw_header=json.dumps(json.dumps(OURS.header()))),
    "header that is empty": lambda: OURS.token(raw_header="{}"),
    "header of one byte too many": lambda: OURS.token(typ="x" * HEADER_BYTES_MAX, x5t=None),
    "a header of 3 KiB of blanks": lambda: OURS.token(raw_header=json.dumps(OURS.header()) + " " * 3_000),
    "header with padding": lambda: changed(0, lambda part: part + "=" * (-len(part) % 4 or 4)),
    "header not canonical": lambda: changed(
        0, sloppy, typ="JWT" + "x" * (-len(json.dumps(OURS.header(typ="JWT"))) % 3 + 1)
    ),
    "key not canonical": lambda: changed(1, sloppy),
    "vector not canonical": lambda: changed(2, sloppy),
    "tag not canonical": lambda: changed(4, sloppy),
    "key with padding": lambda: changed(1, lambda part: part + "=="),
    "tag with padding": lambda: changed(4, lambda part: part + "=="),
    "key in the other alphabet": lambda: in_other_alphabet(1),
    "text in the other alphabet": lambda: in_other_alphabet(3),
    "a line break in the text": lambda: changed(3, lambda part: f"{part[:8]}\n{part[8:]}"),
    "a blank behind": lambda: OURS.token() + " ",
    "a NUL behind": lambda: OURS.token() + "\0",
    "a character that base64 does not have": lambda: changed(3, lambda part: f"{part[:8]}!{part[8:]}"),
    "key empty": lambda: changed(1, lambda _: ""),
    "vector empty": lambda: changed(2, lambda _: ""),
    "text empty": lambda: changed(3, lambda _: ""),
    "text empty, GCM": lambda: changed(3, lambda _: "", enc="A128GCM"),
    "vector of zeros": lambda: changed(2, lambda part: "A" * len(part)),
    "vector of GCM, a byte short": lambda: changed(
        2, lambda part: encoded(decoded(part)[:-1]), enc="A256GCM"
    ),
    "vector of GCM, a byte long": lambda: changed(
        2, lambda part: encoded(decoded(part) + b"x"), enc="A256GCM"
    ),
    "vector of CBC, half": lambda: changed(2, lambda part: encoded(decoded(part)[:8])),
    "key of zeros": lambda: changed(1, lambda part: encoded(bytes(256))),
    "key that is the number one": lambda: changed(1, lambda part: encoded(bytes(255) + b"\x01")),
    "key with a zero before": lambda: changed(1, lambda part: encoded(b"\0" + decoded(part))),
    "key and the modulus": lambda: changed(1, lambda part: encoded(with_modulus(decoded(part)))),
    "key a byte short": lambda: changed(1, lambda part: encoded(decoded(part)[:-1])),
    "key twice": lambda: changed(1, lambda part: encoded(decoded(part) * 2)),
    "tag of CBC cut to four bytes": lambda: changed(4, lambda part: encoded(decoded(part)[:4])),
    "tag of CBC, a byte long": lambda: changed(4, lambda part: encoded(decoded(part) + b"x")),
    "tag of GCM cut to twelve bytes": lambda: changed(
        4, lambda part: encoded(decoded(part)[:12]), enc="A128GCM"
    ),
    "tag of GCM, a byte long": lambda: changed(4, lambda part: encoded(decoded(part) + b"x"), enc="A128GCM"),
    "tag empty, GCM": lambda: changed(4, lambda _: "", enc="A128GCM"),
    "tag of zeros": lambda: changed(4, lambda part: "A" * len(part)),
    "text a byte short": lambda: changed(3, lambda part: encoded(decoded(part)[:-1])),
    "text a block short": lambda: changed(3, lambda part: encoded(decoded(part)[:-16])),
    "text a block long": lambda: changed(3, lambda part: encoded(decoded(part) + bytes(16))),
    "blocks of text changed about": lambda: changed(
        3, lambda part: encoded(decoded(part)[16:32] + decoded(part)[:16] + decoded(part)[32:])
    ),
    "another token's key": lambda: changed(1, lambda _: OURS.token().split(".")[1]),
    "another token's text and tag": lambda: ".".join(
        OURS.token().split(".")[:3] + OURS.token().split(".")[3:]
    ),
    "another token's header of the same meaning": lambda: changed(
        0, lambda _: encoded(json.dumps(OURS.header(), indent=1).encode())
    ),
    "the JSON form": lambda: json.dumps(
        dict(
            zip(
                ("protected", "encrypted_key", "iv", "ciphertext", "tag"),
                OURS.token().split("."),
                strict=True,
            )
        )
    ),
    "a signed token": lambda: nested(claims(), header={"alg": "RS256"}, signature="AAAA").decode(),
    "a token that is not encrypted": lambda: nested(claims()).decode() + "..",
    "inside: HS256 with the public key": inside(hs256_with_public_key()),
    "inside: alg NONE": inside(nested(claims(), header={"alg": "NONE"})),
    "inside: alg a list": inside(nested(claims(), header={"alg": ["none"]})),
    "inside: alg twice": inside(nested_raw('{"alg":"HS256","alg":"none"}', json.dumps(claims()))),
    "inside: none, and a signature of nothing": inside(nested(claims()) + b"="),
    "inside: two parts": inside(nested(claims()).rstrip(b".")),
    "inside: four parts": inside(nested(claims()) + b"."),
    "inside: another encrypted token": lambda: OURS.token(OURS.token().encode()),
    "inside: claims with padding": inside(nested(claims(), header={"alg": "none"})[:-1] + b"==."),
    "inside: claims not canonical": inside(sloppy_inside()),
    "inside: a byte order mark": inside(b"\xef\xbb\xbf" + json.dumps(claims()).encode()),
    "inside: broken UTF-8": inside(json.dumps(claims(username="x")).encode().replace(b'"x"', b'"\xff"')),
    "inside: something behind": inside(json.dumps(claims()).encode() + b"x"),
    "inside: claims twice": inside(json.dumps(claims()).encode() * 2),
    "inside: null": inside(nested("null")),
    "inside: a number of 5,000 digits": inside(
        json.dumps(claims())[:-1].encode() + b',"a":' + b"1" * 5_000 + b"}"
    ),
    "inside: exp twice": inside(nested(json.dumps(claims(exp=1))[:-1] + f',"exp":{NOW + 600}}}')),
    "inside: audience twice": inside(nested(json.dumps(claims(aud="x"))[:-1] + f',"aud":"{AUDIENCE}"}}')),
    "an audience in capitals": content(aud=AUDIENCE.upper()),
    "an audience with api": content(aud=f"api://{AUDIENCE}"),
    "an issuer with a slash more": content(iss=f"{ISSUER}/"),
    "a list of issuers": content(iss=[ISSUER]),
    "expires at the very edge": content(exp=NOW - 60),
    "expires beyond every number": content(exp=10**400),
    "expires: NaN": inside(nested(json.dumps(claims()).replace(str(NOW + 600), "NaN"))),
    "expires: a list": content(exp=[NOW + 600]),
    "begins beyond every number": content(nbf=10**400),
    "begins: a text": content(nbf=str(NOW)),
    "a password that is a list": content(**{"user-password": ["Old-Password-1"]}),
    "a password that is true": content(**{"user-password": True}),
    "a name that is a list": content(username=["ana@example.com"]),
    "a nonce with a blank": content(nonce="a b"),
    "a nonce beyond ASCII": content(nonce="\u00e9"),
    "a nonce with a NUL": content(nonce="a\0"),
    "a nonce that is a list": content(nonce=["n"]),
}
