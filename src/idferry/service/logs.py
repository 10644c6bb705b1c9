"""The service's log: one JSON object on each line, with no body, no secret and no name that a person typed.

People appear as an id under a key of this process or as a masked address. Control characters, changes of writing
direction and everything beyond ASCII are escaped, so that no value can begin a line of its own or steer a terminal.
"""

import hmac
import json
import logging
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, BinaryIO, Protocol

import msgspec
import structlog

from idferry.ports import Clock

PERSON_ID_DIGITS = 16
_DELETE = b"\x7f"
_encode = msgspec.json.Encoder().encode


class Log(Protocol):
    """Where the service writes what happens. `alert` is for what an operator should look at."""

    def info(self, event: str, **fields: Any) -> Any:
        """Something ordinary."""
        ...

    def warning(self, event: str, **fields: Any) -> Any:
        """Something an operator should look at."""
        ...

    def error(self, event: str, **fields: Any) -> Any:
        """Something that is broken."""
        ...


def open_log(stream: BinaryIO, *, clock: Clock) -> Log:
    """The log on this stream, each line written and flushed at once."""

    def stamp(_logger: object, level: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        fields["at"] = clock.now().isoformat(timespec="milliseconds")
        fields["level"] = level
        return fields

    log: Log = structlog.wrap_logger(
        structlog.BytesLogger(_Unfailing(stream)),  # type: ignore[arg-type]  # it is written to and flushed
        processors=[stamp, _render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    ).bind()
    return log


def _render(_logger: object, _level: str, fields: Mapping[str, Any]) -> bytes:
    line = _encode(fields)
    if line.isascii():
        return line.replace(_DELETE, b"\\u007f") if _DELETE in line else line
    return json.dumps(msgspec.json.decode(line)).replace("\x7f", "\\u007f").encode()


class _Unfailing:
    """A stream whose end, or full disk, stops no sign-in: the line is lost."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class PersonIds:
    """Ids for people in the log: the same person has the same one as long as the process lives. It prints nothing."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, name: str) -> str:
        """The id of a compared sign-in name or an object id; "" for nobody."""
        if not name:
            return ""
        digest = hmac.digest(self._key, name.encode("utf-8", "surrogatepass"), "sha256")
        return digest.hex()[:PERSON_ID_DIGITS]


def masked(name: str) -> str:
    """A sign-in name as a help desk may read it: the first letter, and the domain of an address."""
    local, at, domain = name.rpartition("@")
    shown = local if at else name
    return f"{shown[:1]}***{at}{domain if at else ''}"
