"""`--trace`: each call and its answer in the log, for development, for an hour.

Values are shown by name where they can hold no secret and no person; every other value is only said to be there. What
is not listed here is therefore masked, also a field that somebody adds later.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from idferry.ports import Clock
from idferry.service.answers import Answer
from idferry.service.logs import Log, masked

TRACE_FOR = timedelta(hours=1)
MASK = "***"
_SHOWN = frozenset(
    {
        "correlationId", "event", "migrationRequired", "objectId", "@odata.type", "status",
        "title", "message", "tokenSuccess", "type", "userMessage", "version",
    }
)  # fmt: skip
_CONTAINERS = frozenset({"actions", "authenticationContext", "client", "data"})
_NAMES_OF_PEOPLE = frozenset({"email", "signInName"})
_KNOWN = _SHOWN | _CONTAINERS | _NAMES_OF_PEOPLE
_HEADERS_SHOWN = frozenset({b"content-type", b"content-length", b"user-agent", b"x-correlation-id"})
_DEPTH_MAX = 8


class Trace:
    """Writes calls and answers into the log until its hour is over."""

    def __init__(self, log: Log, *, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._until_s = clock.elapsed() + TRACE_FOR.total_seconds()
        self._ended = False

    def call(
        self, endpoint: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, answer: Answer
    ) -> None:
        """One call that was answered."""
        if self._clock.elapsed() >= self._until_s:
            if not self._ended:
                self._ended = True
                self._log.info("trace_ended")
            return
        shown = {
            name.decode("latin-1"): value.decode("latin-1") if name in _HEADERS_SHOWN else MASK
            for name, value in headers
        }
        self._log.info(
            "trace",
            endpoint=endpoint,
            headers=shown,
            request=masked_document(body),
            status=answer.status,
            outcome=answer.outcome,
            answer=masked_document(answer.body),
        )


def masked_document(body: bytes) -> Any:
    """A JSON body with everything masked that is not known to be harmless; of anything else only its size."""
    if not body:
        return ""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return f"{len(body)} bytes that are no JSON"
    return _masked(document, name="", depth=0)


def _masked(value: object, *, name: str, depth: int) -> Any:
    if depth > _DEPTH_MAX:
        return MASK
    if isinstance(value, Mapping):
        # Names come from the caller too: one that is not ours could be a password in the wrong place.
        return {
            key if key in _KNOWN else f"{MASK}{number}": _masked(one, name=key, depth=depth + 1)
            for number, (key, one) in enumerate(value.items())
        }
    if isinstance(value, list):
        return [_masked(one, name=name, depth=depth + 1) for one in value]
    if name in _NAMES_OF_PEOPLE and isinstance(value, str):
        return masked(value)
    return value if name in _SHOWN else MASK
