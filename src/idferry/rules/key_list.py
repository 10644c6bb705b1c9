"""Keys of records in a file, one to a line: how a key is written there, and a pilot that takes the people of such a list.

A key is anything that a source calls a person, so a line that could be misread holds it as a JSON text.
"""

import hashlib
import json
from collections.abc import Collection

from idferry.rules.legacy_user import LegacyUser
from idferry.rules.pilot import InPilot

SUFFIX = ".keys"
"""How the name of such a file ends: by it, `--only` tells a file from an expression."""
KEYS_MAX = 200_000
NAMED_MAX = 5
NAMED_CHARACTERS_MAX = 60
DIGEST_BYTES = 8
COMMENT = "#"
_QUOTE = '"'


def key_line(key: str) -> str:
    """The line for this key, without its end."""
    plain = key and key.isprintable() and key == key.strip() and not key.startswith((COMMENT, _QUOTE))
    return key if plain else json.dumps(key)


def key_of_line(line: str) -> str | None:
    """The key in this line; None for a comment or a blank line.

    Raises:
        ValueError: it begins like a JSON text and is none. The message quotes nothing.
    """
    text = line.strip()
    if not text or text.startswith(COMMENT):
        return None
    if not text.startswith(_QUOTE):
        return text
    try:
        key = json.loads(text)
    except json.JSONDecodeError:
        key = None
    if not isinstance(key, str):
        raise ValueError("begins with a quote and is no JSON text")  # noqa: TRY004  the line is wrong, not the program
    return key


def few(keys: Collection[str]) -> str:
    """The first few keys for a message, quoted, each cut short where it is long, and how many more there are."""
    shown = [
        repr(key if len(key) <= NAMED_CHARACTERS_MAX else f"{key[:NAMED_CHARACTERS_MAX]}...")
        for key in sorted(keys)[:NAMED_MAX]
    ]
    more = len(keys) - NAMED_MAX
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


class KeyList:
    """The people whose keys somebody listed; remembers which of them were met."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.keys = keys
        self._met: set[str] = set()

    def takes(self, user: LegacyUser) -> bool:
        """Whether this legacy user is listed."""
        if user.key not in self.keys:
            return False
        self._met.add(user.key)
        return True

    @property
    def digest(self) -> str:
        """Hex; it changes with the keys, not with their order or how the file writes them."""
        written = "\n".join(sorted(map(json.dumps, self.keys)))
        return hashlib.blake2b(written.encode(), digest_size=DIGEST_BYTES).hexdigest()

    @property
    def missing(self) -> list[str]:
        """The listed keys that nobody was met under, sorted."""
        return sorted(self.keys - self._met)


def pilot_of(keys: KeyList | None, in_pilot: InPilot) -> InPilot:
    """A pilot that takes the listed people of another pilot; all of them without a list."""
    if keys is None:
        return in_pilot
    # Listed first: whoever the pilot does not take was met all the same.
    return lambda user: keys.takes(user) and in_pilot(user)
