"""Bearer tokens that must not let anybody in, each by the name of what is wrong with it: `NEGATIVES`, beside one that is `RIGHT`.

Made for these tests, at the hand clock's start. `flipped_everywhere` adds one for each bit that could have been changed
on the way.
"""

import base64
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from tests.support.hand_clock import HandClock
from tests.support.signed_tokens import APPLICATION, AUDIENCE, ISSUER, TENANT, Provider, claims, encoded

OURS, THEIRS = Provider(), Provider(kid="key-of-others")
NOW = int(HandClock().now().timestamp())
RIGHT = OURS.sign(claims())
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def tampered(token: str, part: int, change: Callable[[str], str]) -> str:
    """The token with one of its parts changed."""
    parts = token.split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


def decoded(part: str) -> bytes:
    """The bytes of one part."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def flipped(text: str) -> str:
    """Another character in the middle."""
    return text[:10] + ("A" if text[10] != "A" else "B") + text[11:]


def sloppy(part: str) -> str:
    """The same bytes, with bits behind the last one that mean nothing and must be zero."""
    assert len(part) % 4, "it has no such bits"
    last = ALPHABET.index(part[-1]) ^ 1
    changed = part[:-1] + ALPHABET[last]
    assert decoded(changed) == decoded(part)
    return changed


def in_other_alphabet() -> str:
    """A right token whose signature is written with + and /."""
    for number in range(50):
        token = OURS.sign(claims(number=number))
        if set("-_") & set(token.rpartition(".")[2]):
            return tampered(token, 2, lambda text: text.replace("-", "+").replace("_", "/"))
    raise AssertionError("no signature has one of these characters")


def without_nothing(header: dict[str, Any]) -> str:
    """A header with these changes; a change to None takes a parameter away."""
    told = {"alg": "RS256", "typ": "JWT", "kid": "key-1", **header}
    return json.dumps({name: value for name, value in told.items() if value is not None})


def flipped_everywhere() -> Iterator[str]:
    """The right token with the lowest bit of each single byte changed: of the header, of the claims, of the signature."""
    for part, text in enumerate(RIGHT.split(".")):
        raw = decoded(text)
        for place in range(len(raw)):
            changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
            yield tampered(RIGHT, part, lambda _, changed=changed: encoded(changed))  # type: ignore[misc]  # bound now


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
    "expires at the very edge": {"exp": NOW - 60},
    "exp beyond every number": {"exp": 10**400},
    "exp beyond every date": {"exp": -(10**30)},
    "exp is an object": {"exp": {"seconds": NOW + 3600}},
    "nbf beyond every number": {"nbf": 10**400},
    "nbf is false": {"nbf": False},
    "nbf is a list": {"nbf": [NOW]},
    "iat as a text": {"iat": str(NOW)},
    "iat is an object": {"iat": {}},
    "issuer with a blank": {"iss": f" {ISSUER}"},
    "issuer that only begins so": {"iss": f"{ISSUER}.attacker.example"},
    "issuer that only ends so": {"iss": f"https://attacker.example/{ISSUER}"},
    "issuer of version 1": {"iss": f"https://sts.windows.net/{TENANT}/"},
    "issuer without TLS": {"iss": ISSUER.replace("https", "http")},
    "issuer with a look-alike": {"iss": ISSUER.replace("o", "\u043e", 1)},
    "issuer with a NUL": {"iss": f"{ISSUER}\0"},
    "issuer is an object": {"iss": {ISSUER: True}},
    "issuer is true": {"iss": True},
    "issuer of everybody": {"iss": "https://login.microsoftonline.com/common/v2.0"},
    "audience in capitals": {"aud": AUDIENCE.upper()},
    "audience with api": {"aud": f"api://{AUDIENCE}"},
    "our audience alone in a list": {"aud": [AUDIENCE]},
    "audience is empty": {"aud": ""},
    "audience is Graph's": {"aud": "https://graph.microsoft.com"},
    "application in capitals": {"azp": APPLICATION.upper()},
    "application is a list": {"azp": [APPLICATION]},
    "application is our own": {"azp": AUDIENCE},
    "application is empty": {"azp": ""},
    "version 1 and both claims, one of them wrong": {"ver": "1.0", "azp": "another", "appid": APPLICATION},
    "version is a list": {"ver": ["2.0"]},
    "version is null in words": {"ver": "null"},
    "tenant in capitals": {"tid": TENANT.upper().replace("1111", "AAAA")},
    "tenant is a list": {"tid": [TENANT]},
    "tenant of consumers": {"tid": "9188040d-6c67-4c5b-b112-36a304b66dad"},
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
    "x5t and another key": {"kid": "another", "x5t": "key-1"},
    "key id in capitals": {"kid": "KEY-1"},
    "key id with a blank": {"kid": " key-1"},
    "key id with a NUL": {"kid": "key-1\0"},
    "key id is empty": {"kid": ""},
    "key id is a list": {"kid": ["key-1"]},
    "key id is an object": {"kid": {"key-1": 1}},
    "key id that asks a database": {"kid": "' OR '1'='1"},
    "key id that is an address": {"kid": "https://attacker.example/keys#key-1"},
    "crit that is empty": {"crit": []},
    "crit of a name that is there": {"crit": ["kid"]},
    "x5t#S256": {"x5t#S256": "AAAA"},
    "p2c": {"p2c": 2_000_000_000},
    "epk": {"epk": {"kty": "EC"}},
    "enc": {"enc": "A128GCM"},
    "nonce, as Graph's tokens have it": {"nonce": "n"},
    "a type of another token": {"typ": "secevent+jwt"},
    "a type in other letters": {"typ": "Jwt"},
    "type is a list": {"typ": ["JWT"]},
    "a content that is another token": {"cty": "JWT"},
    "RS384": {"alg": "RS384"},
    "ES256": {"alg": "ES256"},
    "EdDSA": {"alg": "EdDSA"},
    "HS256": {"alg": "HS256"},
    "None": {"alg": "None"},
    "nOnE": {"alg": "nOnE"},
    "algorithm is empty": {"alg": ""},
    "algorithm with a blank": {"alg": "RS256 "},
    "algorithm with a NUL": {"alg": "RS256\0"},
    "algorithm is true": {"alg": True},
    "algorithm is a number": {"alg": 256},
    "RSA-OAEP": {"alg": "RSA-OAEP"},
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
    "HS256 with the modulus": OURS.hs256(claims(), OURS.modulus()),
    "HS256 with the published key": OURS.hs256(claims(), json.dumps(OURS.jwk()).encode()),
    "HS256 with the key in DER": OURS.hs256(claims(), OURS.public_der()),
    "HS256 with the key id": OURS.hs256(claims(), b"key-1"),
    "a code of HS256 under RS256": tampered(
        RIGHT, 2, lambda _: OURS.hs256(claims(), OURS.public_pem()).split(".")[2]
    ),
    "PS256 done, RS256 said": OURS.signed_otherwise(claims(), "RS256", OURS.pss),
    "PS256 done and said": OURS.signed_otherwise(claims(), "PS256", OURS.pss),
    "RS512 done, RS256 said": OURS.signed_otherwise(claims(), "RS256", OURS.rs512),
    "RS512 done and said": OURS.signed_otherwise(claims(), "RS512", OURS.rs512),
    "the claims alone are signed": OURS.signed_otherwise(
        claims(), "RS256", lambda text: OURS.rs256(text.split(b".")[1])
    ),
    "the decoded claims are signed": OURS.signed_otherwise(
        claims(), "RS256", lambda _: OURS.rs256(json.dumps(claims()).encode())
    ),
    "the digest is signed once more": OURS.signed_otherwise(
        claims(), "RS256", lambda text: OURS.rs256(sha256(text).digest())
    ),
    "nothing is signed": OURS.signed_otherwise(claims(), "RS256", lambda _: OURS.rs256(b"")),
    "another token's signature": tampered(RIGHT, 2, lambda _: OURS.sign(claims(padding="x")).split(".")[2]),
    "another token's claims": tampered(RIGHT, 1, lambda _: OURS.sign(claims(padding="x")).split(".")[1]),
    "signature and the modulus": OURS.signed_otherwise(claims(), "RS256", OURS.with_modulus),
    "signature with a zero before": OURS.signed_otherwise(
        claims(), "RS256", lambda text: b"\0" + OURS.rs256(text)
    ),
    "signature with a zero behind": OURS.signed_otherwise(
        claims(), "RS256", lambda text: OURS.rs256(text) + b"\0"
    ),
    "signature backwards": OURS.signed_otherwise(claims(), "RS256", lambda text: OURS.rs256(text)[::-1]),
    "signature of ones": OURS.signed_otherwise(claims(), "RS256", lambda _: b"\xff" * 256),
    "signature is the number one": OURS.signed_otherwise(claims(), "RS256", lambda _: b"\0" * 255 + b"\x01"),
    "signature in hex": tampered(RIGHT, 2, lambda text: decoded(text).hex()),
    "signature not canonical": tampered(RIGHT, 2, sloppy),
    "claims not canonical": tampered(
        OURS.sign(json.dumps(claims()) + " " * (-len(json.dumps(claims())) % 3 + 1)), 1, sloppy
    ),
    "signature with padding": RIGHT + "==",
    "signature in the other alphabet": in_other_alphabet(),
    "claims with padding": tampered(RIGHT, 1, lambda text: text + "=" * (-len(text) % 4 or 4)),
    "header with padding": tampered(RIGHT, 0, lambda text: text + "=" * (-len(text) % 4 or 4)),
    "a line break in the claims": tampered(RIGHT, 1, lambda text: f"{text[:20]}\n{text[20:]}"),
    "a NUL behind": RIGHT + "\0",
    "a dot before": f".{RIGHT}",
    "a dot behind": f"{RIGHT}.",
    "only dots": "..",
    "no header": tampered(RIGHT, 0, lambda _: ""),
    "no claims": tampered(RIGHT, 1, lambda _: ""),
    "claims signed as nothing": OURS.sign(""),
    "claims are null": OURS.sign("null"),
    "claims are a text": OURS.sign(json.dumps(json.dumps(claims()))),
    "claims twice": OURS.sign(json.dumps(claims()) * 2),
    "something behind the claims": OURS.sign(json.dumps(claims()) + "x"),
    "a right token inside": OURS.sign(RIGHT),
    "a right token inside a stranger's": THEIRS.sign(RIGHT),
    "claims in UTF-16": OURS.sign_bytes(json.dumps(claims()).encode("utf-16")),
    "claims with a byte order mark": OURS.sign_bytes(b"\xef\xbb\xbf" + json.dumps(claims()).encode()),
    "claims in broken UTF-8": OURS.sign_bytes(
        json.dumps(claims(name="x")).encode().replace(b'"x"', b'"\xff"')
    ),
    "claims deeply nested": OURS.sign(json.dumps(claims())[:-1] + ',"a":' + "[" * 5000 + "]" * 5000 + "}"),
    "a number of 5,000 digits": OURS.sign(json.dumps(claims())[:-1] + ',"a":' + "1" * 5000 + "}"),
    "exp twice": OURS.sign(json.dumps(claims(exp=1))[:-1] + f',"exp":{NOW + 3600}}}'),
    "audience twice": OURS.sign(json.dumps(claims(aud="another"))[:-1] + f',"aud":"{AUDIENCE}"}}'),
    "application twice": OURS.sign(json.dumps(claims(azp="another"))[:-1] + f',"azp":"{APPLICATION}"}}'),
    "tenant twice": OURS.sign(json.dumps(claims(tid="another"))[:-1] + f',"tid":"{TENANT}"}}'),
    "a name twice, spelt in two ways": OURS.sign(
        json.dumps(claims(aud="another"))[:-1] + f',"\\u0061ud":"{AUDIENCE}"}}'
    ),
    "exp is 1e400": OURS.sign(json.dumps(claims()).replace(str(NOW + 3600), "1e400")),
    "key id twice": OURS.sign(claims(), raw_header='{"alg":"RS256","kid":"another","kid":"key-1"}'),
    "header with a byte order mark": OURS.sign(claims(), raw_header='\ufeff{"alg":"RS256","kid":"key-1"}'),
    "something behind the header": OURS.sign(claims(), raw_header='{"alg":"RS256","kid":"key-1"}x'),
    "a header of 3 KiB of blanks": OURS.sign(
        claims(), raw_header='{"alg":"RS256","kid":"key-1"}' + " " * 3_000
    ),
    "header is nothing": OURS.sign(claims(), raw_header="{}"),
    "header with a comment": OURS.sign(claims(), raw_header='{"alg":"RS256",/**/"kid":"key-1"}'),
    "header in single quotes": OURS.sign(claims(), raw_header="{'alg':'RS256','kid':'key-1'}"),
    "the JSON form": json.dumps(
        {
            "payload": RIGHT.split(".")[1],
            "signatures": [{"protected": RIGHT.split(".")[0], "signature": RIGHT.split(".")[2]}],
        }
    ),
    "the flat JSON form": json.dumps(
        dict(zip(("protected", "payload", "signature"), RIGHT.split("."), strict=True))
    ),
    "claims beside the token": f"{RIGHT.split('.')[0]}..{RIGHT.split('.')[2]}",
    "two tokens": f"{RIGHT},{RIGHT}",
    "the word again": f"Bearer {RIGHT}",
    "in quotes": f'"{RIGHT}"',
    "percent-encoded": RIGHT.replace(".", "%2e"),
}

NEGATIVES: dict[str, str] = {
    **{name: OURS.sign(claims(**changes)) for name, changes in WRONG_CLAIMS.items()},
    **{name: OURS.sign(claims(), raw_header=without_nothing(one)) for name, one in WRONG_HEADERS.items()},
    **WRONG_TOKENS,
}
