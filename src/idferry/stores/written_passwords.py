"""Which passwords this process wrote a moment ago, so that a retry hears what the first try heard. In memory only.

It must not know passwords: the mark is 32 bits of a keyed digest.
"""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

REMEMBERED_FOR = timedelta(seconds=120)
"""As long as B2C may repeat a request."""
REMEMBERED_MAX = 10_000


class RecentlyWritten:
    """The port WrittenPasswords; any number of threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: OrderedDict[tuple[str, int], datetime] = OrderedDict()

    def remember(self, person: str, mark: int, *, at: datetime) -> None:
        """It was written at this moment."""
        with self._lock:
            self._written[person, mark] = at
            self._written.move_to_end((person, mark))
            if len(self._written) > REMEMBERED_MAX:
                self._written.popitem(last=False)

    def written_at(self, person: str, mark: int, *, at: datetime) -> datetime | None:
        """When it was written, if that is not long ago."""
        with self._lock:
            written = self._written.get((person, mark))
            if written is not None and at - written > REMEMBERED_FOR:
                del self._written[person, mark]
                return None
            return written
