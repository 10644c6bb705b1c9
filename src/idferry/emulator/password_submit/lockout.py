"""Smart lockout: after so many wrong passwords an account takes none for a while.

https://learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout: ten wrong ones, one minute at first
and longer later; the last three wrong passwords are remembered, and the same one again is not counted. In memory only.
"""

import hashlib
from collections import deque
from dataclasses import dataclass, field

from idferry.emulator.entropy import Entropy

REMEMBERED_PASSWORDS = 3
LONGER_EACH_TIME = 2.0


@dataclass
class _Failures:
    count: int = 0
    locks: int = 0
    until_s: float = 0.0
    last: deque[bytes] = field(default_factory=lambda: deque(maxlen=REMEMBERED_PASSWORDS))


class Lockout:
    """The wrong passwords of every account, by object id."""

    def __init__(self, *, entropy: Entropy) -> None:
        self._salt = entropy.salt()
        self._failures: dict[str, _Failures] = {}

    def is_locked(self, object_id: str, *, now_s: float) -> bool:
        """Whether no password is taken for this account now."""
        failures = self._failures.get(object_id)
        return failures is not None and now_s < failures.until_s

    def count(self, object_id: str, password: str, *, threshold: int, lock_s: float, now_s: float) -> None:
        """A wrong password was submitted."""
        failures = self._failures.setdefault(object_id, _Failures())
        digest = hashlib.sha256(self._salt + password.encode("utf-8", "surrogatepass")).digest()
        if digest in failures.last:
            return
        failures.last.append(digest)
        failures.count += 1
        # Behind the first lock every further wrong password locks again.
        if failures.count >= threshold:
            failures.until_s = now_s + lock_s * LONGER_EACH_TIME**failures.locks
            failures.locks += 1

    def forget(self, object_id: str) -> None:
        """The account was opened, or its password was reset."""
        self._failures.pop(object_id, None)

    def clear(self) -> None:
        """Nobody has failed."""
        self._failures.clear()
