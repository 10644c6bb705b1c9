"""One-time codes by e-mail: whoever knows the code has read the letter. Letters lie in a mailbox that the control API shows.

No letter leaves this process. What a proven address may do stands in `resets` and `sign_ups`.
"""

import hmac
from collections import deque
from dataclasses import dataclass

from idferry.emulator.clock import Clock, stamp
from idferry.emulator.entropy import Entropy
from idferry.emulator.tenants import Tenant

CODE_LIFETIME_S = 600.0
CODE_TRIES_MAX = 5
CODE_DIGITS = 8
LETTERS_MAX = 1_000
UNDER_WAY_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One e-mail in the emulator's mailbox."""

    tenant_id: str
    to: str
    code: str
    sent: str


class Mailbox:
    """Every letter that one emulator has sent, up to a number."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque(maxlen=LETTERS_MAX)

    def put(self, letter: Letter) -> None:
        """A letter arrives."""
        self._letters.append(letter)

    def letters(self, tenant_id: str) -> list[Letter]:
        """What was sent in this tenant, newest first."""
        return [letter for letter in reversed(self._letters) if letter.tenant_id == tenant_id]

    def clear(self) -> None:
        """Nothing was sent."""
        self._letters.clear()


@dataclass
class _Waiting:
    tenant: Tenant
    about: str | None  # None: nobody to prove; then no code is right
    code: str
    until_s: float
    tries_left: int = CODE_TRIES_MAX
    proven: bool = False


class Codes:
    """The codes of one purpose that somebody may still type."""

    def __init__(self, *, clock: Clock, entropy: Entropy, mailbox: Mailbox) -> None:
        self._clock = clock
        self._entropy = entropy
        self._mailbox = mailbox
        self._under_way: dict[str, _Waiting] = {}

    def begin(self, tenant: Tenant, *, to: str | None, about: str | None) -> str:
        """Sends a code, if there is an address; gives an unguessable name, which says nothing about that."""
        now_s = self._clock.now_s()
        digits = self._entropy.guid().replace("-", "")[:CODE_DIGITS]
        code = "".join(str(int(digit, 16) % 10) for digit in digits)
        while len(self._under_way) >= UNDER_WAY_MAX:
            self._under_way.pop(next(iter(self._under_way)))
        name = self._entropy.secret(length=32)
        known = about if to is not None else None
        self._under_way[name] = _Waiting(tenant, known, code, now_s + CODE_LIFETIME_S)
        if to is not None:
            self._mailbox.put(Letter(tenant.tenant_id, to, code, stamp(now_s)))
        return name

    def prove(self, name: str, code: str) -> bool:
        """Whether this is the code that was sent; a few wrong ones end it."""
        waiting = self._live(name)
        if waiting is None or waiting.tries_left <= 0:
            return False
        waiting.tries_left -= 1
        right = hmac.compare_digest(waiting.code.encode(), code.strip().encode("utf-8", "replace"))
        waiting.proven = right and waiting.about is not None
        return waiting.proven

    def proven(self, name: str) -> tuple[Tenant, str] | None:
        """In which tenant this name's code was proven, and what it was about; None when it was not, or is too old."""
        waiting = self._live(name)
        if waiting is None or not waiting.proven or waiting.about is None:
            return None
        return waiting.tenant, waiting.about

    def end(self, name: str) -> None:
        """It was used."""
        self._under_way.pop(name, None)

    def clear(self) -> None:
        """Nobody has a code."""
        self._under_way.clear()

    def _live(self, name: str) -> _Waiting | None:
        waiting = self._under_way.get(name)
        return waiting if waiting is not None and self._clock.now_s() < waiting.until_s else None
