"""`--trace`: each call and its answer in the log, for development, for an hour.

Values are shown by name where they can hold no secret and no person; every other value is only said to be there. What
is not listed here is therefore masked, also a field that somebody adds later.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from idferry.ports import Clock
from idferry.rules.capture import CaptureEvent
from idferry.service.answers import Answer
from idferry.service.logs import Log, masked

TRACE_FOR = timedelta(hours=1)
MASK = "***"
_OF_ANSWERS = frozenset(
    {
        "migrationRequired", "@odata.type", "status", "title", "message", "tokenSuccess", "userMessage", "version",
    }
)  # fmt: skip
"""These are ours, whatever stands in them."""
_AN_ID, _A_TYPE = re.compile(r"[A-Za-z0-9_-]{8,64}\Z"), re.compile(r"#?microsoft\.graph\.[A-Za-z.]{1,80}\Z")
_OF_REQUESTS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "correlationId": _AN_ID,
        "objectId": _AN_ID,
        "event": re.compile(f"({'|'.join(CaptureEvent)})\\Z"),
        "type": _A_TYPE,
        "@odata.type": _A_TYPE,
    }
)
"""What a caller sends is shown where it has the form that it should have: anything could stand in the wrong place."""
_CONTAINERS = frozenset({"actions", "authenticationContext", "client", "data"})
_NAMES_OF_PEOPLE = frozenset({"email", "signInName"})
_KNOWN = _OF_ANSWERS | _OF_REQUESTS.keys() | _CONTAINERS | _NAMES_OF_PEOPLE
_HEADERS_SHOWN = frozenset({b"content-type", b"content-length", b"user-agent", b"x-correlation-id"})
_ID_HEADER = b"x-correlation-id"
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
            name.decode("latin-1"): value.decode("latin-1") if _is_shown(name, value) else MASK
            for name, value in headers
        }
        self._log.info(
            "trace",
            endpoint=endpoint,
            headers=shown,
            request=masked_document(body, shown=_fits),
            status=answer.status,
            outcome=answer.outcome,
            answer=masked_document(answer.body, shown=_is_ours),
        )


def _is_shown(name: bytes, value: bytes) -> bool:
    return name in _HEADERS_SHOWN and (name != _ID_HEADER or bool(_AN_ID.match(value.decode("latin-1"))))


def _fits(name: str, value: object) -> bool:
    """Whether a value of a request has the form of its name."""
    form = _OF_REQUESTS.get(name)
    return form is not None and isinstance(value, str) and bool(form.match(value))


def _is_ours(name: str, _value: object) -> bool:
    return name in _OF_ANSWERS


Shown = Callable[[str, object], bool]
"""Whether the value of this name may be seen."""


def masked_document(body: bytes, *, shown: Shown = _fits) -> Any:
    """A JSON body with everything masked that is not known to be harmless; of anything else only its size."""
    if not body:
        return ""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return f"{len(body)} bytes that are no JSON"
    return _masked(document, name="", depth=0, shown=shown)


def _masked(value: object, *, name: str, depth: int, shown: Shown) -> Any:
    if depth > _DEPTH_MAX:
        return MASK
    if isinstance(value, Mapping):
        # Names come from the caller too: one that is not ours could be a password in the wrong place.
        return {
            key if key in _KNOWN else f"{MASK}{number}": _masked(one, name=key, depth=depth + 1, shown=shown)
            for number, (key, one) in enumerate(value.items())
        }
    if isinstance(value, list):
        return [_masked(one, name=name, depth=depth + 1, shown=shown) for one in value]
    if name in _NAMES_OF_PEOPLE and isinstance(value, str):
        return masked(value)
    return value if shown(name, value) else MASK
