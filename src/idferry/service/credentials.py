"""Secrets of callers as the service compares them: digests under a key of this process, never the secrets themselves.

It must not decide who may call what; `caller_auth` does.
"""

import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from idferry.errors import SettingsError

BEARER_BYTES_MIN = 32
SECRET_BYTES_MIN = 16
_AUTHORIZATION = b"authorization"


class SecretKind(StrEnum):
    """In which header a secret comes."""

    BASIC = "basic"
    API_KEY = "api_key"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretCaller:
    """One caller that sends a secret. `user` belongs to Basic, `header` to an API key."""

    name: str
    kind: SecretKind
    secrets: Sequence[str]
    user: str = ""
    header: str = ""

    def __repr__(self) -> str:
        return f"SecretCaller(name={self.name!r}, kind={self.kind.value!r})"

    def header_name(self) -> bytes:
        """The header that carries the secret, in lower case."""
        return self.header.lower().encode() if self.kind is SecretKind.API_KEY else _AUTHORIZATION

    def presented(self) -> Sequence[bytes]:
        """What `what_is_presented` finds in a request of this caller, one for each secret.

        Raises:
            SettingsError: a secret is not ASCII, or too short to withstand guessing.
        """
        for secret in self.secrets:
            _check(self, secret)
        prefix = {
            SecretKind.BASIC: f"basic {self.user}:",
            SecretKind.BEARER: "bearer ",
            SecretKind.API_KEY: "",
        }[self.kind]
        return [(prefix + secret).encode() for secret in self.secrets]


def what_is_presented(name: bytes, value: bytes) -> bytes:
    """A header's credential in its one comparable form; nothing where it cannot be one."""
    if name != _AUTHORIZATION:
        return value
    scheme, _, rest = value.partition(b" ")
    rest = rest.strip(b" ")
    match scheme.lower():
        case b"basic":
            try:
                return b"basic " + binascii.a2b_base64(rest, strict_mode=True)
            except (binascii.Error, ValueError):
                return b""
        case b"bearer":
            return b"bearer " + rest
        case _:
            return b""


class SecretDigests:
    """Digests of what callers present, compared in a time that says nothing. It prints nothing."""

    __slots__ = ("_digests", "_key")

    def __init__(self, *, key: bytes, presented: Sequence[bytes]) -> None:
        self._key = key
        self._digests = [self._digest(one) for one in presented]

    def find(self, presented: bytes) -> int:
        """Which one it is, -1 for none. All are looked at, whichever it is."""
        digest, found = self._digest(presented), -1
        for number, known in enumerate(self._digests):
            if hmac.compare_digest(digest, known):
                found = number
        return found

    def _digest(self, presented: bytes) -> bytes:
        return hmac.digest(self._key, presented, "sha256")


def _check(caller: SecretCaller, secret: str) -> None:
    least = BEARER_BYTES_MIN if caller.kind is SecretKind.BEARER else SECRET_BYTES_MIN
    if not secret.isascii() or not secret.isprintable() or secret != secret.strip():
        raise SettingsError(
            f"the secret of caller {caller.name} is not printable ASCII without blanks around it",
            remedy="Other characters reach us in more than one encoding. Make one with: openssl rand -base64 33",
        )
    if len(secret) < least:
        raise SettingsError(
            f"the secret of caller {caller.name} is shorter than {least} bytes",
            remedy="It stands between the internet and the legacy passwords. Make one with: openssl rand -base64 33",
        )
