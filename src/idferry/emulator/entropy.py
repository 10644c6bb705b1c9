"""The emulator's only source of chance, so that one seed makes every id and secret of a run reproducible.

Without a seed it draws from the operating system. With one it must never be used outside a test: whoever knows
the seed knows the secrets. Faults, lag and throttling have seeds of their own and do not draw from here.
"""

import random
import string
from typing import Any

SECRET_CHARACTERS = string.ascii_letters + string.digits + "-_~."


class Entropy:
    """Draws ids, secrets and salts."""

    def __init__(self, *, seed: int | None = None) -> None:
        self._draw: random.Random = (
            random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311  reproducible on request, for tests only
        )

    def guid(self) -> str:
        """A random GUID in lower case with hyphens."""
        digits = f"{self._draw.getrandbits(128):032x}"
        # Version 4 and its variant, as uuid.UUID would write them: it takes five times as long.
        variant = "89ab"[int(digits[16], 16) & 3]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def secret(self, *, length: int = 40) -> str:
        """A client secret of `length` printable ASCII characters."""
        return "".join(self._draw.choices(SECRET_CHARACTERS, k=length))

    def salt(self) -> bytes:
        """Eight bytes that keep equal passwords from having equal digests."""
        return self._draw.getrandbits(64).to_bytes(8, "big")

    def shuffle(self, rows: list[Any]) -> None:
        """Puts `rows` into a random order, in place."""
        self._draw.shuffle(rows)


def seeded(seed: int | str) -> random.Random:
    """A generator for faults, lag or window phases: the same seed gives the same story."""
    return random.Random(seed)  # noqa: S311  chance here decides about imitation, not about secrets
