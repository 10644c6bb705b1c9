"""Passwords: how strong they must be, and how the emulator keeps them.

Kept as salt and one round of SHA-256: emulated accounts guard nothing, and a real scheme would make a million of them
take 16 hours. A password is never returned, logged or written anywhere in clear.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from functools import lru_cache

from idferry.emulator.entropy import Entropy
from idferry.emulator.graph.errors import invalid_property, weak_password
from idferry.emulator.tenants import TenantOptions

SHORTEST = 8
SHORTEST_WITHOUT_STRONG_RULE = 4
LONGEST = 256
CLASSES_MIN = 3
SALT_BYTES = 8
OWN_NAME_MIN = 4  # shorter names occur in any text

# https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy: no Unicode.
_ALLOWED = re.compile(r"""[A-Za-z0-9 @#$%^&*\-_!+=\[\]{}|\\:',.?/`~"();<>]*""")
_CLASSES = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"), re.compile("[^A-Za-z0-9]"))
_POLICIES = frozenset({"None", "DisablePasswordExpiration", "DisableStrongPassword"})


@lru_cache(maxsize=64)  # every account of a migration has the same ones
def policies(text: str | None) -> frozenset[str]:
    """The names in a `passwordPolicies` value; GraphError for a name that does not exist."""
    names = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    if not names <= _POLICIES:
        raise invalid_property("passwordPolicies")
    return names


def rule_broken(
    password: str, *, strong: bool, banned_words: Iterable[str], own_names: Iterable[str]
) -> str | None:
    """The name of the rule that this password breaks, as `validatePassword` names it, or None."""
    if len(password) < (SHORTEST if strong else SHORTEST_WITHOUT_STRONG_RULE):
        return "password_too_short"
    if len(password) > LONGEST or _ALLOWED.fullmatch(password) is None:
        return "password_not_meet_complexity"
    if not strong:
        return None
    if sum(1 for kind in _CLASSES if kind.search(password)) < CLASSES_MIN:
        return "password_not_meet_complexity"
    lower = password.lower()
    if any(len(name) >= OWN_NAME_MIN and name.lower() in lower for name in own_names):
        return "password_not_meet_complexity"
    if any(word.lower() in lower for word in banned_words):
        return "password_banned"
    return None


def check_password(
    password: str, *, policy_names: frozenset[str], options: TenantOptions, own_names: Iterable[str]
) -> None:
    """GraphError when the tenant does not take this password under these policies."""
    relaxed = "DisableStrongPassword" in policy_names and options.honour_disable_strong_password
    if rule_broken(password, strong=not relaxed, banned_words=options.banned_words, own_names=own_names):
        raise weak_password()


def check_migrated(password: str, *, relaxed: bool, options: TenantOptions, own_names: Iterable[str]) -> None:
    """GraphError when a tenant does not take this legacy password at sign-in; relaxed: any of eight characters."""
    broken = rule_broken(password, strong=not relaxed, banned_words=options.banned_words, own_names=own_names)
    if broken or len(password) < SHORTEST:
        raise weak_password()


def digest(password: str, *, entropy: Entropy) -> bytes:
    """Salt and digest, as the store keeps them."""
    salt = entropy.salt()
    return salt + hashlib.sha256(salt + password.encode()).digest()


def opens(password: str, *, kept: bytes | None) -> bool:
    """Whether this is the password behind the kept digest."""
    if kept is None:
        return False
    salt = kept[:SALT_BYTES]
    return hmac.compare_digest(kept[SALT_BYTES:], hashlib.sha256(salt + password.encode()).digest())
