"""Keycloak's credentials: JSON whose parts are JSON again, with PBKDF2 or Argon2 in it.

https://github.com/keycloak/keycloak/blob/main/server-spi/src/main/java/org/keycloak/models/credential/PasswordCredentialModel.java
"""

from typing import Any

import msgspec

from idferry.hashes.argon2_family import TYPES, Argon2
from idferry.hashes.bounds import Bounds
from idferry.hashes.descriptor import Descriptor
from idferry.hashes.encodings import base64_bytes, number
from idferry.hashes.parsed import Checker, malformed
from idferry.hashes.pbkdf2_family import Pbkdf2
from idferry.hashes.scheme import Proof, Scheme, pattern, refused

_DIGESTS = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_VERSIONS = {"1.0": 16, "1.3": 19}


def _read(value: str, descriptor: Descriptor, bounds: Bounds) -> Checker:
    """A credential as an export has it: an object with `secretData` and `credentialData`."""
    del descriptor
    credential = _table(value)
    secret, data = _table(credential.get("secretData")), _table(credential.get("credentialData"))
    expected, salt = base64_bytes(_text(secret, "value")), base64_bytes(_text(secret, "salt"))
    iterations, algorithm = data.get("hashIterations"), data.get("algorithm")
    if type(iterations) is not int:
        raise malformed("hashIterations is not a number")
    if algorithm == "argon2":
        more = _table(data.get("additionalParameters"))
        numbers = _argon2(more, iterations).checked(bounds)
        if number(_first(more, "hashLength")) != len(expected):
            raise malformed("the hash is not as long as it says")
        return numbers.checker(salt, expected)
    if algorithm not in _DIGESTS:
        raise malformed("an algorithm that Keycloak does not bring with it")
    found = Pbkdf2(algorithm=_DIGESTS[algorithm], iterations=iterations, salt=salt, expected=expected)
    return found.checker(bounds)


def _argon2(more: dict[str, Any], iterations: int) -> Argon2:
    kind, version = _first(more, "type"), _first(more, "version")
    if kind not in TYPES or version not in _VERSIONS:
        raise malformed("a type or version that Argon2 has not")
    return Argon2(
        kind=TYPES[kind],
        version=_VERSIONS[version],
        memory=number(_first(more, "memory")),
        iterations=iterations,
        parallelism=number(_first(more, "parallelism")),
    )


def _table(value: object) -> dict[str, Any]:
    """An object, or the text of one."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
            raise malformed("not JSON") from error
    if not isinstance(value, dict):
        raise malformed("not an object with secretData and credentialData")
    return value


def _text(table: dict[str, Any], name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str):
        raise malformed(f"{name} is no text")
    return value


def _first(table: dict[str, Any], name: str) -> str:
    """Keycloak keeps each of them as a list of texts."""
    value = table.get(name)
    one = value[0] if isinstance(value, list) and value else value
    if not isinstance(one, str):
        raise malformed(f"{name} is no text")
    return one


SCHEMES = (
    Scheme(
        name="keycloak",
        family="keycloak",
        layout='{"secretData": ..., "credentialData": ...}, each JSON or the text of it',
        systems="Keycloak: pbkdf2, pbkdf2-sha256, pbkdf2-sha512, argon2",
        proof=Proof.SELF_MADE,
        read=_read,
        marks=pattern(r"\s*\{.*\"(?:secretData|credentialData)\".*"),
    ),
    Scheme(
        name="logto-legacy",
        family="keycloak",
        layout='["ALGORITHM", [ARGUMENTS], "HEX"]',
        systems="Logto",
        proof=Proof.UNSUPPORTED,
        read=refused("Logto's legacy form names functions of a program: describe the digest instead"),
        marks=pattern(r"\s*\[.*"),
        note="describe it as `digest`",
    ),
)
