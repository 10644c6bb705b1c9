"""Hashes as other products' import formats describe them, turned into a value and a descriptor of ours.

Auth0: https://auth0.com/docs/manage-users/user-migration/bulk-user-imports · Okta:
https://developer.okta.com/docs/reference/api/users/#hashed-password-object
"""

from collections.abc import Mapping
from typing import Any

from idferry.hashes.descriptor import Descriptor
from idferry.hashes.parsed import Malformed, Unsupported

_NATIVE = frozenset({"argon2", "bcrypt", "pbkdf2", "ldap"})
_DIGESTS = frozenset({"md4", "md5", "sha1", "sha256", "sha512"})
_OKTA_DIGESTS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-512": "sha512"}
_AUTH0_SCRYPT = {
    "cost": ("cost", 16_384),
    "blockSize": ("block_size", 8),
    "parallelization": ("parallelism", 1),
}


def described_hash(row: Mapping[str, Any]) -> tuple[str, Descriptor] | Malformed | Unsupported:
    """The value and the descriptor of an object in Auth0's or Okta's form."""
    algorithm = row.get("algorithm")
    if not isinstance(algorithm, str):
        return Malformed("an object without an algorithm")
    found = _auth0(row, algorithm) if isinstance(row.get("hash"), dict) else _okta(row, algorithm)
    if not isinstance(found, tuple):
        return found
    value, table = found
    said = {name: one for name, one in table.items() if one not in (None, "")}
    descriptor = Descriptor.of(said)
    if not isinstance(value, str):
        return Malformed("a value that is no text")
    return descriptor if isinstance(descriptor, Malformed) else (value, descriptor)


_Found = tuple[Any, dict[str, Any]] | Malformed | Unsupported


def _auth0(row: Mapping[str, Any], algorithm: str) -> _Found:
    stored, salt, password = row["hash"], row.get("salt") or {}, row.get("password") or {}
    if not isinstance(salt, dict) or not isinstance(password, dict):
        return Malformed("salt and password are objects")
    if algorithm in _NATIVE:
        if salt:
            return Unsupported("a salt beside a value that holds its own")
        return stored.get("value"), {"password_encoding": password.get("encoding")}
    table = {
        "encoding": stored.get("encoding"),
        "salt": salt.get("value"),
        "salt_encoding": salt.get("encoding"),
        "password_encoding": password.get("encoding"),
    }
    if algorithm == "scrypt":
        numbers = {ours: row.get(theirs, default) for theirs, (ours, default) in _AUTH0_SCRYPT.items()}
        return stored.get("value"), table | numbers | {"scheme": "scrypt", "length": row.get("keylen")}
    if salt:
        table["salt_position"] = salt.get("position")
    if algorithm == "hmac":
        key = stored.get("key") or {}
        if not isinstance(key, dict):
            return Malformed("the key is an object")
        more = {
            "algorithm": stored.get("digest"),
            "key": key.get("value"),
            "key_encoding": key.get("encoding"),
        }
        return stored.get("value"), table | more | {"scheme": "hmac"}
    if algorithm not in _DIGESTS:
        return Unsupported("an algorithm that Auth0 does not name")
    return stored.get("value"), table | {"scheme": "digest", "algorithm": algorithm}


def _okta(row: Mapping[str, Any], algorithm: str) -> _Found:
    value, salt = row.get("value"), row.get("salt")
    if algorithm == "BCRYPT":
        return value, {"scheme": "bcrypt-split", "salt": salt, "cost": row.get("workFactor")}
    if algorithm == "PBKDF2":
        digest = str(row.get("digestAlgorithm", "")).removesuffix("_HMAC").lower()
        return value, {
            "scheme": "pbkdf2",
            "algorithm": digest,
            "encoding": "base64",
            "salt": salt,
            "salt_encoding": "base64",
            "iterations": row.get("iterationCount"),
            "length": row.get("keySize"),
        }
    if algorithm not in _OKTA_DIGESTS:
        return Unsupported("an algorithm that Okta does not name")
    order = {"PREFIX": "prefix", "POSTFIX": "suffix"}.get(str(row.get("saltOrder")), "" if not salt else "-")
    return value, {
        "scheme": "digest",
        "algorithm": _OKTA_DIGESTS[algorithm],
        "encoding": "base64",
        "salt": salt,
        "salt_encoding": "base64",
        "salt_position": order,
    }
