"""Access tokens of an identity provider as a proof of who calls: signature, issuer, audience, application, tenant, time.

Keys come from one configured address, never from what a token says about itself. Nothing of a token reaches a log.
"""

import asyncio
import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from idferry.ports import Clock
from idferry.service.workers import Overloaded, Workers

TOKEN_BYTES_MAX = 16 * 1024
HEADER_BYTES_MAX = 2 * 1024
KEYS_MAX = 64
KEYS_BYTES_MAX = 256 * 1024
KEY_BITS_MIN = 2048
LEEWAY = timedelta(seconds=60)
REFRESH_EVERY = timedelta(minutes=5)
"""A token with an unknown key makes us ask for the keys again, at most so often: anybody can invent a key id."""
RETRY_EVERY = timedelta(seconds=10)
"""As long as no keys were ever read, they are asked for so often."""
KEYS_AGE_MAX = timedelta(hours=24)
FETCH_SECONDS_MAX = 5.0
_ALGORITHM = "RS256"
_HEADER_NAMES = frozenset({"alg", "kid", "typ", "x5t"})
"""Other header parameters could name another key (jku, jwk, x5u, x5c) or another way to read the token (crit, b64)."""
_TYPES = frozenset({None, "JWT", "jwt", "at+jwt", "application/at+jwt"})


class NoKeys(Exception):
    """The address of the keys gives none; the code says why, in words of ours."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


FetchKeys = Callable[[], bytes]
"""Reads the key set (JSON) from its configured address, or raises; runs in a worker's thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """What a token must say. Each is a list of exact values, so that one can be replaced without a gap."""

    issuers: Sequence[str]
    audiences: Sequence[str]
    applications: Sequence[str]
    tenant_id: str


class SigningKeys:
    """The public keys of one identity provider, by key id: cached, and read again when an unknown one comes up."""

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        clock: Clock,
        workers: Workers,
        unread: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`unread` hears why the keys could not be read, by a code."""
        self._fetch = fetch
        self._unread = unread
        self._clock = clock
        self._workers = workers
        self._keys: Mapping[str, RSAKey] = {}
        self._read_at_s = -math.inf
        self._asked_at_s = -math.inf
        self._asking = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None  # a task that nobody holds may be collected

    @property
    def are_known(self) -> bool:
        """Whether the keys were read at least once: part of readiness."""
        return bool(self._keys)

    async def of(self, key_id: str) -> RSAKey | None:
        """The key of this id; None where the provider has none, or cannot be asked.

        A key that is known is good at once, also when it is time to look for new ones: nobody waits for that.
        """
        if key_id not in self._keys:
            await self.refresh()
        elif self._is_older_than(self._read_at_s, KEYS_AGE_MAX) and not self._asking.locked():
            self._renewal = asyncio.create_task(self.refresh())
        return self._keys.get(key_id)

    async def refresh(self) -> None:
        """Ask for the keys again, unless that was done a short while ago. Never raises: the old keys stay."""
        async with self._asking:
            if not self._is_older_than(self._asked_at_s, REFRESH_EVERY if self._keys else RETRY_EVERY):
                return
            self._asked_at_s = self._clock.elapsed()
            try:
                keys = keys_of(await self._workers.run(self._fetch, within_s=FETCH_SECONDS_MAX))
            except Exception as error:  # noqa: BLE001  whatever the network and its libraries raise: no new keys
                self._unread(_cause_of(error))
                return
            if not keys:
                self._unread("no key that we use is among them")
                return
            self._keys, self._read_at_s = keys, self._clock.elapsed()

    def _is_older_than(self, since_s: float, age: timedelta) -> bool:
        return self._clock.elapsed() - since_s > age.total_seconds()


def _cause_of(error: Exception) -> str:
    """A code of ours or the kind of the exception: its text may quote what was read."""
    match error:
        case NoKeys():
            return error.code
        case Overloaded():
            return "overloaded"
        case TimeoutError():
            return "timed_out"
        case ValueError() | KeyError() | TypeError():
            return "no key set"
        case _:
            return type(error).__name__


def keys_of(document: bytes) -> Mapping[str, RSAKey]:
    """The RSA signing keys of a key set by their id; what is something else is left out. Raises ValueError."""
    if len(document) > KEYS_BYTES_MAX:
        raise ValueError("the key set is too large")
    listed = _object(document)["keys"]
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise ValueError("no list of keys")
    keys = {}
    for one in listed:
        if not isinstance(one, dict) or one.get("kty") != "RSA" or one.get("use", "sig") != "sig":
            continue
        if one.get("alg", _ALGORITHM) != _ALGORITHM or not isinstance(one.get("kid"), str):
            continue
        try:
            modulus = int.from_bytes(_decoded(one["n"].encode()))
            if modulus.bit_length() >= KEY_BITS_MIN:
                keys[one["kid"]] = RSAKey.import_key({"kty": "RSA", "n": one["n"], "e": one["e"]})
        except (AttributeError, JoseError, KeyError, TypeError, ValueError):
            continue
    return keys


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """Whether a bearer token is one of our caller's. `now` tells the time of day."""

    terms: TokenTerms
    keys: SigningKeys
    now: Callable[[], datetime]
    _registry: jws.JWSRegistry = field(
        default_factory=lambda: jws.JWSRegistry(algorithms=[_ALGORITHM]), init=False, repr=False
    )

    async def accepts(self, token: bytes) -> bool:
        """Whether everything about it holds. Cheap checks come first; the signature is checked before any claim counts."""
        if not token or len(token) > TOKEN_BYTES_MAX or token.count(b".") != 2 or not token.isascii():
            return False
        try:
            key_id = _key_id_of(token.partition(b".")[0])
            key = await self.keys.of(key_id) if key_id else None
            if key is None:
                return False
            claims = _object(jws.deserialize_compact(token, key, registry=self._registry).payload)
        except (JoseError, KeyError, TypeError, ValueError, RecursionError):
            return False
        return self._holds(claims)

    def _holds(self, claims: Mapping[str, Any]) -> bool:
        terms = self.terms
        audience = claims.get("aud")
        return (
            claims.get("iss") in terms.issuers
            and isinstance(audience, str)
            and audience in terms.audiences
            and claims.get("tid") == terms.tenant_id
            and _application(claims) in terms.applications
            and self._is_timely(claims)
        )

    def _is_timely(self, claims: Mapping[str, Any]) -> bool:
        now, leeway = self.now().timestamp(), LEEWAY.total_seconds()
        expires, begins = _number(claims.get("exp")), _number(claims.get("nbf", 0))
        issued = _number(claims.get("iat", 0))
        if expires is None or begins is None or issued is None:
            return False
        return expires + leeway > now >= max(begins, issued) - leeway


def _key_id_of(encoded: bytes) -> str:
    """The key id of a token's header; "" where anything in the header is not as it must be."""
    if len(encoded) > HEADER_BYTES_MAX:
        return ""
    header = _object(_decoded(encoded))
    if (
        header.get("alg") != _ALGORITHM
        or header.get("typ") not in _TYPES
        or not header.keys() <= _HEADER_NAMES
    ):
        return ""
    key_id = header.get("kid")
    return key_id if isinstance(key_id, str) else ""


def _application(claims: Mapping[str, Any]) -> str:
    """The application that the token was issued to: `azp` of version 2, `appid` of version 1, never a mixture.

    Source: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    version, azp, appid = claims.get("ver", ""), claims.get("azp"), claims.get("appid")
    if azp is not None and appid is not None and azp != appid:
        return ""
    named = {"1.0": appid, "2.0": azp, "": azp if azp is not None else appid}
    found = named.get(version) if isinstance(version, str) else None
    return found if isinstance(found, str) else ""


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer that is longer than any float is no time either
        return None


def _decoded(part: bytes) -> bytes:
    """Raises ValueError: it is no base64url, or not the one way to write these bytes."""
    try:
        raw = base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part:
        raise ValueError("another way to write it")
    return raw


def _object(document: bytes) -> dict[str, Any]:
    """A JSON object in which no name comes twice: two readers could believe different ones. Raises ValueError.

    It is UTF-8 without a mark: a reader that guesses the encoding could read something else than another one.
    """
    found = json.loads(document.decode(), object_pairs_hook=_unique)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004  its callers ask whether the document can be used
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found
